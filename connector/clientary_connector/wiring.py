"""Joins the parts: the one place that knows which piece goes into which.

Each part is loaded and made when it is first asked for, and once: a list of tools needs none of
them, and a call with an API key nothing that belongs to admins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from clientary_connector.anchors import plan_of
from clientary_connector.background import Background
from clientary_connector.call.clock import Clock, utc_now
from clientary_connector.connector import Connector
from clientary_connector.ground import Ground, unheard
from clientary_connector.hosting import Hosting
from clientary_connector.later import Later
from clientary_connector.manifest import Manifest, load_manifest
from clientary_connector.mending import mend
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.statefolder import opened, state_folder
from connector_vault import Vault

if TYPE_CHECKING:
    from clientary_connector.accounts import Accounts
    from clientary_connector.approver import Approvals
    from clientary_connector.authorizing import Authorizing
    from clientary_connector.billing import Billing
    from clientary_connector.budgets import Budgets
    from clientary_connector.call.executor import Executor
    from clientary_connector.call.preview import Previews
    from clientary_connector.call.transport import Transport
    from clientary_connector.granting import Grants
    from clientary_connector.issuing import Tokens
    from clientary_connector.log import Log
    from clientary_connector.oauth.asking import Asking
    from clientary_connector.oauth.bearer import Bearer
    from clientary_connector.oauth.refreshing import Refresher
    from clientary_connector.probe import Probe
    from clientary_connector.rotating import Rotating
    from clientary_connector.settlements import Settlements
    from clientary_connector.tending import Tending
    from clientary_connector.users import Users
    from clientary_connector.vaultcare import VaultCare
    from connector_vault.hookcalls import HookCalls

#: A question to the service ends before the hook that asks it is given up.
PATIENCE: Final = 0.9


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
    return Connector(Parts(ground))


class Parts:
    """The parts of one connector, by what they are for; whoever calls one gets it."""

    def __init__(self, ground: Ground) -> None:
        """Takes what they stand on; none is made yet."""
        self.ground = ground
        self.background = Background()
        # The way of a call.
        self.transport = Later(self._transport)
        self.executor = Later(self._executor)
        self.billing = Later(self._billing)
        # What admins do.
        self.accounts = Later(self._accounts)
        self.grants = Later(self._grants)
        self.approvals = Later(self._approvals)
        self.budgets = Later(self._budgets)
        self.previews = Later(self._previews)
        self.settlements = Later(self._settlements)
        self.log = Later(self._log)
        self.care = Later(self._care)
        self.tokens = Later(self._tokens)
        self.users = Later(self._users)
        # Keys and tokens of accounts, and what is due.
        self.oauth = Later(self._oauth)
        self.refresher = Later(self._refresher)
        self.rotating = Later(self._rotating)
        self.tending = Later(self._tending)
        self._asking = Later(self._made_asking)
        self._probe = Later(self._made_probe)

    def _transport(self) -> Transport:
        from clientary_connector.call.transport import Transport

        manifest = self.ground.manifest
        headers = {
            **manifest.headers,
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"{manifest.name}-connector/{manifest.version}",
        }
        return Transport(auth=manifest.auth, headers=headers, settings=self.ground.settings)

    def _executor(self) -> Executor:
        from clientary_connector.call.approving import Approving
        from clientary_connector.call.executor import Executor
        from clientary_connector.call.listening import Several
        from clientary_connector.call.sending import Sender
        from clientary_connector.finishing import Finishing
        from clientary_connector.hostapproval import HostApproval

        ground = self.ground
        sender = Sender(
            vault=ground.vault,
            transport=self.transport(),
            settings=ground.settings,
            clock=ground.clock,
            sleep=ground.sleep,
            bearer=self._bearer,
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
            listener=Several(Finishing(ground.hosting), self.billing()),
        )

    def _bearer(self, connection: str) -> Bearer:
        """Opens the token of a connection that has one, for one call."""
        from clientary_connector.oauth.bearer import Bearer

        return Bearer(self.refresher(), connection)

    def _billing(self) -> Billing:
        from clientary_connector.billing import Billing

        return Billing(self.ground.vault, self.ground.hosting, self.ground.settings)

    def _made_probe(self) -> Probe:
        from clientary_connector.probe import Probe

        return Probe(manifest=self.ground.manifest, executor=self.executor())

    def _accounts(self) -> Accounts:
        from clientary_connector.accounts import Accounts

        return Accounts(
            manifest=self.ground.manifest,
            vault=self.ground.vault,
            stop=self._stop,
            clock=self.ground.clock,
            probe=self._probe(),
            settings=self.ground.settings,
        )

    def _stop(self) -> bool:
        """Waits until nothing more leaves under what was taken away; stops what is under way."""
        settings, executor = self.ground.settings, self.executor.made
        confirmed = self.ground.vault.fence.clear(limit_s=settings.revoke_wait_s)
        if executor is not None:
            executor.underway.look()
        return confirmed

    def _grants(self) -> Grants:
        from clientary_connector.granting import Grants

        return Grants(
            manifest=self.ground.manifest,
            vault=self.ground.vault,
            clock=self.ground.clock,
            meter=lambda: self.executor().meter,
            stop=self._stop,
        )

    def _approvals(self) -> Approvals:
        from clientary_connector.approver import Approvals

        return Approvals(
            self.ground.vault,
            self.executor().approving,
            previews=self.previews(),
            clock=self.ground.clock,
            reads=self.log().reads,
        )

    def _budgets(self) -> Budgets:
        from clientary_connector.budgets import Budgets

        return Budgets(self.ground, self.executor().meter)

    def _previews(self) -> Previews:
        from clientary_connector.call.preview import Previews

        return Previews(self.executor(), self.transport())

    def _settlements(self) -> Settlements:
        from clientary_connector.settlements import Settlements

        return Settlements(self.ground, self.executor())

    def _log(self) -> Log:
        from clientary_connector.log import Log

        return Log(self.ground, self.background)

    def _care(self) -> VaultCare:
        from clientary_connector.vaultcare import VaultCare

        return VaultCare(self.ground.vault, self.ground.settings)

    def _tokens(self) -> Tokens:
        from clientary_connector.issuing import Tokens

        return Tokens(self.ground.vault, self.ground.settings, self.ground.clock)

    def _users(self) -> Users:
        from clientary_connector.users import Users

        return Users(self.ground.vault, self.ground.clock)

    def _made_asking(self) -> Asking:
        from clientary_connector.oauth.asking import Asking

        return Asking(self.transport(), self.ground.settings)

    def _refresher(self) -> Refresher:
        from clientary_connector.oauth.refreshing import Refresher

        ground = self.ground
        return Refresher(
            vault=ground.vault,
            asking=self._asking(),
            settings=ground.settings,
            clock=ground.clock,
            on_step=ground.on_step,
        )

    def _oauth(self) -> Authorizing:
        from clientary_connector.authorizing import Authorizing

        ground = self.ground
        return Authorizing(
            vault=ground.vault,
            accounts=self.accounts(),
            asking=self._asking(),
            refresher=self.refresher(),
            settings=ground.settings,
            clock=ground.clock,
        )

    def _rotating(self) -> Rotating:
        from clientary_connector.rotating import Rotating, RotatingParts

        ground = self.ground
        parts = RotatingParts(
            vault=ground.vault,
            hooks=self._hooks(),
            accounts=self.accounts(),
            manifest=ground.manifest,
            settings=ground.settings,
            clock=ground.clock,
            on_step=ground.on_step,
        )
        return Rotating(parts)

    def _hooks(self) -> HookCalls:
        """Returns the hooks of rotations; those of the host come on top."""
        from clientary_connector.account_hooks import AccountHooks
        from connector_vault.hookcalls import HookCalls

        ground = self.ground
        hooks = HookCalls(limit_s=ground.settings.rotation_hook_s)
        own = AccountHooks(
            vault=ground.vault,
            probe=self._probe(),
            background=self.background,
            host_pattern=ground.manifest.host_pattern,
            limit_s=ground.settings.rotation_hook_s * PATIENCE,
        )
        hooks.register(own, serves=own.serves)
        return hooks

    def _tending(self) -> Tending:
        """Returns what is done when it is due."""
        from clientary_connector import keeping, tending
        from clientary_connector.approver import ApprovalChore
        from clientary_connector.tidying import TurnsChore
        from connector_vault.keyrotator import KeyRotator

        ground = self.ground
        vault, clock = ground.vault, ground.clock

        def seconds() -> float:
            return clock().timestamp()

        return tending.Tending(
            (
                tending.LeaseChore(vault, seconds),
                tending.KeyChore(self.rotating()),
                tending.TokenChore(self.oauth()),
                keeping.ErasureChore(vault),
                keeping.RetentionChore(vault, ground.settings, seconds),
                keeping.AnchorChore(vault),
                tending.VaultKeysChore(
                    KeyRotator(vault, clock=seconds),
                    every=timedelta(days=ground.settings.key_rotation_days),
                    now=clock,
                ),
                tending.SettleChore(self.settlements()),
                ApprovalChore(self.approvals()),
                tending.UsageChore(self.billing()),
                TurnsChore(vault),
            ),
            told=lambda report: ground.hosting.tell("connector_due", report=report),
        )
