"""Joins the parts: the one place that knows which piece goes into which."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from clientary_connector.account_hooks import AccountHooks
from clientary_connector.accounts import Accounts
from clientary_connector.approver import ApprovalChore, Approvals
from clientary_connector.authorizing import Authorizing
from clientary_connector.background import Background
from clientary_connector.call.approving import Approving
from clientary_connector.call.executor import Executor
from clientary_connector.call.preview import Previews
from clientary_connector.call.sending import Clock, Sender, utc_now
from clientary_connector.call.transport import Transport
from clientary_connector.connector import Connector, Parts
from clientary_connector.finishing import Finishing
from clientary_connector.granting import Grants
from clientary_connector.ground import Ground
from clientary_connector.hostapproval import HostApproval
from clientary_connector.hosting import Hosting
from clientary_connector.keeping import ErasureChore
from clientary_connector.log import Log
from clientary_connector.manifest import Manifest, load_manifest
from clientary_connector.mending import mend
from clientary_connector.oauth.asking import Asking
from clientary_connector.oauth.bearer import Bearer
from clientary_connector.oauth.refreshing import Refresher
from clientary_connector.probe import Probe
from clientary_connector.rotating import Rotating, RotatingParts
from clientary_connector.settings import Settings
from clientary_connector.settlements import Settlements
from clientary_connector.state import state_faults
from clientary_connector.statefolder import (
    DATABASE,
    KEY,
    key_of,
    make_folder,
    means_of,
    note_key,
    state_folder,
    trust_of,
)
from clientary_connector.tending import (
    Chore,
    KeyChore,
    LeaseChore,
    SettleChore,
    Tending,
    TokenChore,
    VaultKeysChore,
)
from clientary_connector.vaultcare import VaultCare
from connector_vault import RestoreReport, Vault, restore
from connector_vault.hookcalls import HookCalls
from connector_vault.kekrotator import KekReport, KekRotator
from connector_vault.keyrotator import KeyRotator
from connector_vault.keyrun import Told, untold
from connector_vault.rotation_run import OnStep, nothing

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
        vault = opened(folder, settings)
    if mends:
        mend(vault, settings)
    return joined(vault, manifest=manifest, settings=settings)


def opened(folder: Path, settings: Settings) -> Vault:
    """Opens the vault of a state directory, and follows its key where that is rotated by others.

    Raises:
        VaultError: It cannot be opened.
        StateIntegrityError: The note of its key cannot be read.
    """
    return Vault.open(
        folder / DATABASE,
        key=lambda: key_of(folder, settings),
        means=means_of(settings),
        trust=trust_of(settings),
    )


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
    ground = Ground(
        vault=vault,
        manifest=manifest,
        settings=settings,
        clock=clock,
        sleep=sleep,
        on_step=on_step,
        hosting=Hosting(settings),
    )
    transport = _transport(ground)
    asking = Asking(transport, settings)
    refresher = Refresher(
        vault=vault, asking=asking, settings=settings, clock=clock, on_step=on_step
    )
    executor = _executor(ground, transport, refresher)
    probe = Probe(manifest=manifest, executor=executor)
    accounts = _accounts(ground, executor, probe)
    oauth = _oauth(ground, accounts, asking, refresher)
    background = Background()
    rotating = _rotating(ground, accounts, probe, background)
    settlements = Settlements(ground, executor)
    previews = Previews(executor, transport)
    approvals = Approvals(vault, executor.approving, previews=previews, clock=clock)
    parts = Parts(
        manifest=manifest,
        settings=settings,
        vault=vault,
        transport=transport,
        executor=executor,
        accounts=accounts,
        grants=Grants(manifest=manifest, vault=vault, clock=clock, stopped=accounts.stopped),
        rotating=rotating,
        authorizing=oauth,
        tending=_tending(
            ground, rotating, oauth, SettleChore(settlements), ApprovalChore(approvals)
        ),
        settlements=settlements,
        approvals=approvals,
        background=background,
        previews=previews,
        log=Log(vault),
        care=VaultCare(vault, settings),
        hosting=ground.hosting,
    )
    return Connector(parts)


def _transport(ground: Ground) -> Transport:
    manifest = ground.manifest
    headers = {
        **manifest.headers,
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": f"{manifest.name}-connector/{manifest.version}",
    }
    return Transport(auth=manifest.auth, headers=headers, settings=ground.settings)


def _executor(ground: Ground, transport: Transport, refresher: Refresher) -> Executor:
    sender = Sender(
        vault=ground.vault,
        transport=transport,
        settings=ground.settings,
        clock=ground.clock,
        sleep=ground.sleep,
        bearer=lambda connection: Bearer(refresher, connection),
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
        listener=Finishing(ground.hosting),
    )


def _accounts(ground: Ground, executor: Executor, probe: Probe) -> Accounts:
    return Accounts(
        manifest=ground.manifest,
        vault=ground.vault,
        executor=executor,
        clock=ground.clock,
        probe=probe,
        settings=ground.settings,
    )


def _oauth(ground: Ground, accounts: Accounts, asking: Asking, refresher: Refresher) -> Authorizing:
    return Authorizing(
        vault=ground.vault,
        accounts=accounts,
        asking=asking,
        refresher=refresher,
        settings=ground.settings,
        clock=ground.clock,
    )


def _rotating(ground: Ground, accounts: Accounts, probe: Probe, background: Background) -> Rotating:
    vault, manifest, settings = ground.vault, ground.manifest, ground.settings
    parts = RotatingParts(
        vault=vault,
        hooks=_hooks(vault, probe, background, manifest=manifest, settings=settings),
        accounts=accounts,
        manifest=manifest,
        settings=settings,
        clock=ground.clock,
        on_step=ground.on_step,
    )
    return Rotating(parts)


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


def _tending(ground: Ground, rotating: Rotating, authorizing: Authorizing, *more: Chore) -> Tending:
    """Returns what is done when it is due."""
    vault, clock = ground.vault, ground.clock

    def seconds() -> float:
        return clock().timestamp()

    return Tending(
        (
            LeaseChore(vault, seconds),
            KeyChore(rotating),
            TokenChore(authorizing),
            ErasureChore(vault),
            VaultKeysChore(
                KeyRotator(vault, clock=seconds),
                every=timedelta(days=ground.settings.key_rotation_days),
                now=clock,
            ),
            *more,
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
    make_folder(folder)
    means = means_of(settings)
    with state_faults(), Vault.create(folder / DATABASE, key=uri, means=means) as vault:
        note_key(folder, chosen)
        return StateReport(
            state=folder,
            database=folder / DATABASE,
            key=uri,
            fingerprint=vault.fingerprint,
            vault_id=vault.id,
        )


def restore_state(  # noqa: PLR0913 - what an operator may choose, all by name
    backup: Path,
    state: Path | str | None = None,
    *,
    key: str | None = None,
    accept: bool = False,
    settings: Settings | None = None,
    told: Callable[[int, int], None] | None = None,
) -> RestoreReport:
    """Puts a backup in the place of a state's vault; what was revoked since stays revoked.

    `key` is the URI of the key that the backup was made under, if it is not the vault's own any
    more. `accept` goes on although the vault has had something since. `told` is told rows
    checked and rows in all.

    Raises:
        StateMissingError: There is no backup.
        StateIntegrityError: It is damaged, of another vault, or older and that is not accepted.
        StateLockedError: The key is not the one that the backup was made under.
        OperatorError: The vault is open, or something cannot be read or written.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)
    make_folder(folder)
    with state_faults():
        report = restore(
            backup.absolute(),
            folder / DATABASE,
            key=key or key_of(folder, settings),
            means=means_of(settings),
            accept=accept,
            told=told,
        )
    if key is not None:
        note_key(folder, key)
    return report


def rotate_kek(  # noqa: PLR0913 - what an operator may choose, all by name
    uri: str,
    state: Path | str | None = None,
    *,
    user: str,
    passphrase_file: Path | None = None,
    settings: Settings | None = None,
    told: Told = untold,
) -> KekReport:
    """Goes over to the key that a URI names, or goes on with doing so, while the vault is in use.

    `passphrase_file` holds the new key's passphrase, where it has one. Where CLIENTARY_KEY names
    the key in use, both keys open the vault afterwards, until that was changed and this is run
    once more. `told` is told what is done, how much of it, and of how much.

    Raises:
        StateLockedError: One of the two keys is missing, wrong or out of reach.
        OperatorError: Another rotation is open, or the state cannot be used.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)

    def switch(new: str) -> bool:
        if settings.key not in {None, new}:
            return False
        note_key(folder, new)
        return True

    means = means_of(settings, passphrase_file=passphrase_file)
    with state_faults(), opened(folder, settings) as vault:
        return KekRotator(vault).rotate(uri, switch=switch, means=means, told=told, user=user)
