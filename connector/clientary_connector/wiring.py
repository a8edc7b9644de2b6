"""Joins the parts: the one place that knows which piece goes into which."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clientary_connector.anchors import plan_of
from clientary_connector.background import Background
from clientary_connector.billing import Billing
from clientary_connector.call.approving import Approving
from clientary_connector.call.executor import Executor
from clientary_connector.call.listening import Several
from clientary_connector.call.sending import Clock, Sender, utc_now
from clientary_connector.call.transport import Transport
from clientary_connector.connector import Connector, Parts
from clientary_connector.finishing import Finishing
from clientary_connector.ground import Ground, unheard
from clientary_connector.hostapproval import HostApproval
from clientary_connector.hosting import Hosting
from clientary_connector.later import Later
from clientary_connector.manifest import Manifest, load_manifest
from clientary_connector.mending import mend
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.statefolder import opened, state_folder
from connector_vault import Vault

if TYPE_CHECKING:
    from clientary_connector.admin import Admin


def open_connector(
    state: Path | str | None = None,
    *,
    settings: Settings | None = None,
    manifest: Manifest | None = None,
    mends: bool = True,
) -> Connector:
    """Opens the connector of a state directory that `create_state` has set up.

    What a process that died has left behind is mended; without `mends` it is left for a look.

    Raises:
        StateMissingError: Nothing was set up there.
        StateLockedError: The vault's key is missing, wrong or open to others.
        OperatorError: The state, the settings or the manifest cannot be used.
    """
    settings = settings or Settings.from_environment()
    manifest = manifest or load_manifest()
    folder = state_folder(state, settings)
    with state_faults():
        vault = opened(folder, settings, checkpoints=plan_of(settings))
    if mends:
        mend(vault, settings)
    return joined(vault, manifest=manifest, settings=settings)


def joined(  # noqa: PLR0913 - what may be replaced, all by name
    vault: Vault,
    *,
    manifest: Manifest,
    settings: Settings,
    clock: Clock = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_step: Callable[[str], None] = unheard,
) -> Connector:
    """Joins an open vault, a manifest and settings to a connector.

    Tests bring their own time, and stop a rotation at any of its steps.
    """
    ground = Ground(
        vault=vault,
        manifest=manifest,
        settings=settings,
        clock=clock,
        sleep=sleep,
        on_step=on_step,
        hosting=Hosting(settings),
    )
    background = Background()
    transport = _transport(ground)
    billing = Billing(vault, ground.hosting, settings)
    admin = Later(lambda: _admin(ground, transport, executor, background, billing))
    executor = _executor(ground, transport, admin, Several(Finishing(ground.hosting), billing))
    parts = Parts(
        manifest=manifest,
        settings=settings,
        vault=vault,
        transport=transport,
        executor=executor,
        background=background,
        hosting=ground.hosting,
        billing=billing,
        admin=admin,
    )
    return Connector(parts)


def _admin(
    ground: Ground,
    transport: Transport,
    executor: Executor,
    background: Background,
    billing: Billing,
) -> Admin:
    """Loads and joins the parts that admins use; a plain call would pay for them in vain."""
    from clientary_connector.admin import admin_of  # noqa: PLC0415 - loaded when it is needed

    return admin_of(ground, transport, executor, background, billing)


def _transport(ground: Ground) -> Transport:
    manifest = ground.manifest
    headers = {
        **manifest.headers,
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": f"{manifest.name}-connector/{manifest.version}",
    }
    return Transport(auth=manifest.auth, headers=headers, settings=ground.settings)


def _executor(
    ground: Ground, transport: Transport, admin: Later[Admin], listener: Several
) -> Executor:
    sender = Sender(
        vault=ground.vault,
        transport=transport,
        settings=ground.settings,
        clock=ground.clock,
        sleep=ground.sleep,
        bearer=lambda connection: admin().bearer(connection),
    )
    approving = Approving(
        ground.vault,
        version=ground.manifest.version,
        settings=ground.settings,
        clock=ground.clock,
        host=HostApproval(ground.hosting),
    )
    return Executor(
        manifest=ground.manifest,
        vault=ground.vault,
        sender=sender,
        settings=ground.settings,
        approving=approving,
        clock=ground.clock,
        sleep=ground.sleep,
        listener=listener,
    )
