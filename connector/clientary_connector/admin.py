"""Joins the parts that admins use: a plain call needs none of them, and does not load them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from clientary_connector.account_hooks import AccountHooks
from clientary_connector.accounts import Accounts
from clientary_connector.approver import ApprovalChore, Approvals
from clientary_connector.authorizing import Authorizing
from clientary_connector.background import Background
from clientary_connector.billing import Billing
from clientary_connector.budgets import Budgets
from clientary_connector.call.executor import Executor
from clientary_connector.call.preview import Previews
from clientary_connector.call.transport import Transport
from clientary_connector.granting import Grants
from clientary_connector.ground import Ground
from clientary_connector.issuing import Tokens
from clientary_connector.keeping import AnchorChore, ErasureChore, RetentionChore
from clientary_connector.log import Log
from clientary_connector.manifest import Manifest
from clientary_connector.oauth.asking import Asking
from clientary_connector.oauth.bearer import Bearer
from clientary_connector.oauth.refreshing import Refresher
from clientary_connector.probe import Probe
from clientary_connector.rotating import Rotating, RotatingParts
from clientary_connector.settings import Settings
from clientary_connector.settlements import Settlements
from clientary_connector.tending import (
    Chore,
    KeyChore,
    LeaseChore,
    SettleChore,
    Tending,
    TokenChore,
    UsageChore,
    VaultKeysChore,
)
from clientary_connector.users import Users
from clientary_connector.vaultcare import VaultCare
from connector_vault import Vault
from connector_vault.hookcalls import HookCalls
from connector_vault.keyrotator import KeyRotator

#: A question to the service ends before the hook that asks it is given up.
PATIENCE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """What admins work with: connections, grants, approvals, keys, the log, what is due."""

    accounts: Accounts
    grants: Grants
    approvals: Approvals
    settlements: Settlements
    budgets: Budgets
    previews: Previews
    oauth: Authorizing
    rotating: Rotating
    tending: Tending
    log: Log
    care: VaultCare
    tokens: Tokens
    users: Users
    #: Opens the token of a connection that has one, for one call.
    bearer: Callable[[str], Bearer]


def admin_of(
    ground: Ground,
    transport: Transport,
    executor: Executor,
    background: Background,
    billing: Billing,
) -> Admin:
    """Joins them; `executor`, `transport` and `billing` are those that calls use."""
    vault, settings, clock = ground.vault, ground.settings, ground.clock
    asking = Asking(transport, settings)
    refresher = Refresher(
        vault=vault, asking=asking, settings=settings, clock=clock, on_step=ground.on_step
    )
    probe = Probe(manifest=ground.manifest, executor=executor)
    accounts = _accounts(ground, executor, probe)
    oauth = _oauth(ground, accounts, asking, refresher)
    rotating = _rotating(ground, accounts, probe, background)
    settlements = Settlements(ground, executor)
    previews = Previews(executor, transport)
    log = Log(ground, background)
    approvals = Approvals(
        vault, executor.approving, previews=previews, clock=clock, reads=log.reads
    )
    chores = (SettleChore(settlements), ApprovalChore(approvals), UsageChore(billing))
    return Admin(
        accounts=accounts,
        grants=Grants(
            manifest=ground.manifest,
            vault=vault,
            clock=clock,
            meter=executor.meter,
            stopped=accounts.stopped,
        ),
        approvals=approvals,
        settlements=settlements,
        budgets=Budgets(ground, executor.meter),
        previews=previews,
        oauth=oauth,
        rotating=rotating,
        tending=_tending(ground, rotating, oauth, *chores),
        log=log,
        care=VaultCare(vault, settings),
        tokens=Tokens(vault, settings, clock),
        users=Users(vault, clock),
        bearer=lambda connection: Bearer(refresher, connection),
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
            RetentionChore(vault, ground.settings, seconds),
            AnchorChore(vault),
            VaultKeysChore(
                KeyRotator(vault, clock=seconds),
                every=timedelta(days=ground.settings.key_rotation_days),
                now=clock,
            ),
            *more,
        ),
        told=lambda report: ground.hosting.tell("connector_due", report=report),
    )
