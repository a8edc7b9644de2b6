"""Joins the parts: the one place that knows which piece goes into which."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import platformdirs

from clientary_connector.account_hooks import AccountHooks
from clientary_connector.accounts import Accounts
from clientary_connector.background import Background
from clientary_connector.call.executor import Executor
from clientary_connector.call.preview import Previews
from clientary_connector.call.sending import Clock, Sender, utc_now
from clientary_connector.call.transport import Transport
from clientary_connector.connector import Connector, Parts
from clientary_connector.errors import StateIntegrityError, StateUnavailableError
from clientary_connector.log import Log
from clientary_connector.manifest import Manifest, load_manifest
from clientary_connector.probe import Probe
from clientary_connector.rotating import Rotating, RotatingParts
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.tending import KeyChore, LeaseChore, Tending, VaultKeysChore
from connector_vault import RestoreReport, Vault, restore
from connector_vault.hookcalls import HookCalls
from connector_vault.keyrotator import KeyRotator
from connector_vault.rotation_run import OnStep, nothing

APP: Final = "clientary-connector"
DATABASE: Final = Path("vault") / "vault.db"
KEY: Final = Path("keys") / "vault.key"
NOTES: Final = "state.json"
#: A question to the service ends before the hook that asks it is given up.
PATIENCE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """Says what was set up, and where."""

    state: Path
    database: Path
    #: URI of the vault's key; the key itself is never shown.
    key: str
    fingerprint: str
    vault_id: str

    def to_json(self) -> dict[str, Any]:
        """Returns the report as a JSON object."""
        return {
            "state": str(self.state),
            "database": str(self.database),
            "key": self.key,
            "fingerprint": self.fingerprint,
            "vault_id": self.vault_id,
        }


def open_connector(
    state: Path | str | None = None,
    *,
    settings: Settings | None = None,
    manifest: Manifest | None = None,
) -> Connector:
    """Opens the connector of a state directory that `create_state` has set up.

    Raises:
        StateMissingError: Nothing was set up there.
        StateLockedError: The vault's key is missing, wrong or open to others.
        OperatorError: The state, the settings or the manifest cannot be used.
    """
    settings = settings or Settings.from_environment()
    manifest = manifest or load_manifest()
    folder = state_folder(state, settings)
    with state_faults():
        vault = Vault.open(folder / DATABASE, key=key_of(folder, settings))
    return joined(vault, manifest=manifest, settings=settings)


def joined(  # noqa: PLR0913 - what may be replaced, all by name
    vault: Vault,
    *,
    manifest: Manifest,
    settings: Settings,
    clock: Clock = utc_now,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_step: OnStep = nothing,
) -> Connector:
    """Joins an open vault, a manifest and settings to a connector.

    Tests bring their own time, and stop a rotation at any of its steps.
    """
    headers = {
        **manifest.headers,
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": f"{manifest.name}-connector/{manifest.version}",
    }
    transport = Transport(auth=manifest.auth, headers=headers, settings=settings)
    sender = Sender(vault=vault, transport=transport, settings=settings, clock=clock, sleep=sleep)
    executor = Executor(manifest=manifest, vault=vault, sender=sender, settings=settings)
    probe = Probe(manifest=manifest, executor=executor)
    accounts = Accounts(
        manifest=manifest,
        vault=vault,
        executor=executor,
        clock=clock,
        probe=probe,
        settings=settings,
    )
    background = Background()
    rotating = Rotating(
        RotatingParts(
            vault=vault,
            hooks=_hooks(vault, probe, background, manifest=manifest, settings=settings),
            accounts=accounts,
            manifest=manifest,
            settings=settings,
            clock=clock,
            on_step=on_step,
        )
    )
    parts = Parts(
        manifest=manifest,
        settings=settings,
        vault=vault,
        transport=transport,
        executor=executor,
        accounts=accounts,
        rotating=rotating,
        tending=_tending(vault, rotating, settings=settings, clock=clock),
        background=background,
        previews=Previews(executor, transport),
        log=Log(vault),
    )
    return Connector(parts)


def _hooks(
    vault: Vault, probe: Probe, background: Background, *, manifest: Manifest, settings: Settings
) -> HookCalls:
    """Returns the hooks of rotations; those of the host come on top."""
    hooks = HookCalls(limit_s=settings.rotation_hook_s)
    own = AccountHooks(
        vault=vault,
        probe=probe,
        background=background,
        host_pattern=manifest.host_pattern,
        limit_s=settings.rotation_hook_s * PATIENCE,
    )
    hooks.register(own, serves=own.serves)
    return hooks


def _tending(vault: Vault, rotating: Rotating, *, settings: Settings, clock: Clock) -> Tending:
    """Returns what is done when it is due."""

    def seconds() -> float:
        return clock().timestamp()

    return Tending(
        (
            LeaseChore(vault, seconds),
            KeyChore(rotating),
            VaultKeysChore(
                KeyRotator(vault, clock=seconds),
                every=timedelta(days=settings.key_rotation_days),
                now=clock,
            ),
        )
    )


def create_state(
    state: Path | str | None = None, *, key: str | None = None, settings: Settings | None = None
) -> StateReport:
    """Sets up a state directory: a vault, and its key unless there is one at the URI.

    Raises:
        StateExistsError: It was set up before.
        OperatorError: It cannot be made there, or the key cannot be used.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)
    chosen = key or settings.key
    uri = chosen or f"file:{folder / KEY}"
    _make_folder(folder)
    with state_faults(), Vault.create(folder / DATABASE, key=uri) as vault:
        _note(folder / NOTES, {"version": 1, "key": chosen})
        return StateReport(
            state=folder,
            database=folder / DATABASE,
            key=uri,
            fingerprint=vault.fingerprint,
            vault_id=vault.id,
        )


def state_folder(state: Path | str | None, settings: Settings) -> Path:
    """Returns the state directory: as given, as set, or the platform's data folder."""
    chosen = state or settings.state or platformdirs.user_data_path(APP, appauthor=False)
    return Path(chosen).expanduser().absolute()


def key_of(folder: Path, settings: Settings) -> str:
    """Returns the URI of the vault's key: as set, as noted when it was made, or the usual one.

    Raises:
        StateIntegrityError: The note cannot be read.
    """
    if settings.key is not None:
        return settings.key
    try:
        noted = json.loads((folder / NOTES).read_text(encoding="utf-8"))["key"]
    except FileNotFoundError:
        noted = None
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise StateIntegrityError(
            f"{folder / NOTES} cannot be read ({type(error).__name__}).",
            hint="Set CLIENTARY_KEY to the URI of the vault's key.",
        ) from error
    return f"file:{folder / KEY}" if noted is None else str(noted)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateUnavailableError(
            f"{folder} cannot be made ({error.strerror}).", hint="Choose another folder."
        ) from error


def _note(path: Path, facts: dict[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(facts, file)
