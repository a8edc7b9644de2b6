"""Does all that is due now: for a timer, for a host's scheduler, for a process that runs long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final, Protocol

from clientary_connector.authorizing import Authorizing, TokenStatus
from clientary_connector.billing import Billing, BusyError
from clientary_connector.call.clock import Clock
from clientary_connector.call.sending import SECRET_FIELD
from clientary_connector.call.settling import Verdict
from clientary_connector.checks import check_user
from clientary_connector.errors import ConnectorError, RotationError
from clientary_connector.hosting import HookFailedError
from clientary_connector.rotating import MOVING, Rotating
from clientary_connector.rotations import Due, KeyStatus, RotationReport
from clientary_connector.settlements import Settlement, Settlements, Unsettled
from clientary_connector.state import meaning_of
from connector_vault import (
    LeaseHeldError,
    LeaseLostError,
    RotationOpenError,
    Vault,
    VaultError,
    lease,
)
from connector_vault.keyrotator import KeyRotator
from connector_vault.rotation import Rotation, State

#: What became of an item: done, waits for a person, or could not be done.
DONE: Final = "done"
WAITING: Final = "waiting"
FAILED: Final = "failed"
TOKEN: Final = "token"  # noqa: S105 - the word for it
SETTLE: Final = "settle"
USAGE: Final = "usage"
#: The vault's own keys.
KEYS: Final = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class TendItem:
    """One thing that was due."""

    #: `rotation`, `key`, `keys`, `token`, `settle`, `approval`, `usage`, `erasure`,
    #: `retention` or `anchor`.
    what: str
    #: Name of the connection; None for what concerns the vault.
    connection: str | None
    #: `done`, `waiting` or `failed`.
    outcome: str
    detail: str
    #: Days until a key is overdue; below zero it is.
    days_left: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the item as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class TendReport:
    """All that was due."""

    items: tuple[TendItem, ...]

    @property
    def failed(self) -> bool:
        """Whether something could not be done."""
        return any(item.outcome == FAILED for item in self.items)

    def to_json(self) -> dict[str, Any]:
        """Returns the report as a JSON object."""
        return {"items": [item.to_json() for item in self.items], "failed": self.failed}


class Chore(Protocol):
    """Does one kind of thing that comes due.

    It does what is due now and no more, says what it did and what a person has to do, and can be
    run again at any time, also by two processes at once. It may raise ConnectorError or
    VaultError; other chores go on.
    """

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Does what is due."""
        ...


class Tending:
    """Does the chores of one connector, one after the other."""

    def __init__(self, chores: Sequence[Chore], *, told: Callable[[TendReport], None]) -> None:
        """Takes the chores in their order, and who is told of what was due."""
        self._chores = tuple(chores)
        self._told = told

    async def tend(self, user: str) -> TendReport:
        """Does all that is due now.

        Raises:
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        items: list[TendItem] = []
        for chore in self._chores:
            try:
                items += await chore(user)
            except (ConnectorError, VaultError) as error:
                items.append(_failed("vault", None, error))
        report = TendReport(items=tuple(items))
        if items:
            self._told(report)
        return report


class KeyChore:
    """Goes on with rotations, begins those that hooks can do, and says which keys are due."""

    def __init__(self, rotating: Rotating) -> None:
        """Takes what rotates."""
        self._rotating = rotating

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks at the key of every connection."""
        return await asyncio.to_thread(self._tend, user)

    def _tend(self, user: str) -> list[TendItem]:
        found = (self._tended(status, user) for status in self._rotating.statuses())
        return [item for item in found if item is not None]

    def _tended(self, status: KeyStatus, user: str) -> TendItem | None:
        """Does what is due for one key."""
        try:
            return self._due(status, user)
        except RotationError:
            return None  # another process is at work on it, and will report
        except (ConnectorError, VaultError) as error:
            return _failed("rotation", status, error)

    def _due(self, status: KeyStatus, user: str) -> TendItem | None:
        rotating = self._rotating
        rotation = rotating.rotator.rotation(status.id, SECRET_FIELD)
        if rotation is not None and rotation.state in MOVING:
            if _rests(rotation, rotating.now().timestamp()):
                return None
            return _item(status, rotating.resume(status.id, user=user))
        if status.days_left < 0 and rotating.hooks.implements("rotation_create", status.id):
            return _item(status, rotating.rotate(status.id, secret=None, user=user, on_state=None))
        return None if status.due is Due.FRESH else self._bring(status)

    def _bring(self, status: KeyStatus) -> TendItem:
        """Says that a person has to bring a key, and tells the host."""
        facts = {"owner": status.id, "field": SECRET_FIELD, "days_left": status.days_left}
        self._rotating.hooks.notice("rotation_due", status.id, **facts)
        return TendItem(
            what="key",
            connection=status.connection,
            outcome=WAITING,
            detail=f"The key is {status.age_days} days old. Make a new one, and bring it with "
            f"`clientary rotate {status.connection}`.",
            days_left=status.days_left,
        )


class VaultKeysChore:
    """Rotates what the vault seals with, once its interval is over."""

    def __init__(self, rotator: KeyRotator, *, every: timedelta, now: Clock) -> None:
        """Takes what rotates, how often, and the time."""
        self._rotator = rotator
        self._every = every
        self._now = now

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Rotates the keys of the vault if that is due; calls go on meanwhile."""
        return await asyncio.to_thread(self._tend, user)

    def _tend(self, user: str) -> Sequence[TendItem]:
        if self._now() < self._rotator.due(self._every):
            return ()
        try:
            report = self._rotator.rotate(user=user)
        except (LeaseHeldError, LeaseLostError):
            return ()  # another process is at work on them, and will report
        except RotationOpenError as error:
            return (TendItem(what=KEYS, connection=None, outcome=WAITING, detail=str(error)),)
        outcome = FAILED if report.left else DONE
        detail = f"{report.rewrapped} keys rewrapped, {report.renewed} renewed."
        if report.left:
            detail += " Some do not open: `clientary vault verify` names them."
        return (TendItem(what=KEYS, connection=None, outcome=outcome, detail=detail),)


class TokenChore:
    """Renews the tokens that end soon."""

    def __init__(self, authorizing: Authorizing) -> None:
        """Takes what renews."""
        self._authorizing = authorizing

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks at the tokens of every connection that has them."""
        del user
        return [_token_item(status) for status in await self._authorizing.tend()]


class SettleChore:
    """Looks up what became of changes whose end is unknown, and names those for a person."""

    def __init__(self, settlements: Settlements) -> None:
        """Takes what settles."""
        self._settlements = settlements

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks at every change that has had the time to arrive."""
        due = [one for one in self._settlements.unsettled() if self._settlements.is_due(one)]
        return [await self._settled(one, user) for one in due]

    async def _settled(self, one: Unsettled, user: str) -> TendItem:
        if one.looked_up:
            return _settle_item(one, WAITING, "It could not be told whether it was done.")
        try:
            found = await self._settlements.settle(one.id, user=user)
        except (ConnectorError, VaultError) as error:
            fault = meaning_of(error) if isinstance(error, VaultError) else error
            return _settle_item(one, FAILED, fault.message)
        return _settle_item(one, _became(found), found.reason)


class LeaseChore:
    """Frees what processes that are gone have held."""

    def __init__(self, vault: Vault, now: Callable[[], float]) -> None:
        """Takes the vault and the time."""
        self._vault = vault
        self._now = now

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Frees the leases that have run out; there is nothing to tell of it."""
        del user
        now = self._now()
        if self._vault.read(lambda view: lease.expired(view, now=now)):
            await self._vault.write_async(lambda log: lease.expire(log, now=now))
        return ()


class UsageChore:
    """Tells the billing of the host what it has missed."""

    def __init__(self, billing: Billing) -> None:
        """Takes what tells it."""
        self._billing = billing

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Tells what was not told yet, and says how much that was."""
        del user
        try:
            told = await asyncio.to_thread(self._billing.tell)
        except BusyError:
            return _usage_item(
                WAITING, "A plugin of the host has not returned from what it was told."
            )
        except HookFailedError as error:
            return _usage_item(FAILED, f"{error} It is told the same again.")
        return _usage_item(DONE, f"{told} costs were told to the host.") if told else ()


def _usage_item(outcome: str, detail: str) -> Sequence[TendItem]:
    return (TendItem(what=USAGE, connection=None, outcome=outcome, detail=detail),)


def _token_item(status: TokenStatus) -> TendItem:
    """Says what became of a token that was due."""
    outcome, detail = DONE, "The token was renewed."
    if status.trouble is not None:
        outcome = WAITING if status.trouble.ended else FAILED
        detail = status.trouble.reason
    return TendItem(what=TOKEN, connection=status.connection.name, outcome=outcome, detail=detail)


def _became(found: Settlement) -> str:
    """Says whether a settlement leaves something to a person."""
    return WAITING if found.verdict is Verdict.CANNOT_TELL else DONE


def _settle_item(one: Unsettled, outcome: str, said: str) -> TendItem:
    """Says what became of a change whose end was unknown."""
    detail = f"Entry {one.id} ({one.action}): {said}"
    if outcome == WAITING:
        detail += f" Decide with `clientary settle {one.id} --found` or `--not-found`."
    return TendItem(what=SETTLE, connection=one.connection, outcome=outcome, detail=detail)


def _rests(rotation: Rotation, now: float) -> bool:
    """Tells whether a rotation waits for nothing but time."""
    return rotation.state is State.OVERLAPPING and now < (rotation.retire_at or 0)


def _item(status: KeyStatus, report: RotationReport) -> TendItem:
    """Says what became of a rotation."""
    if report.state == State.FINISHED:
        outcome, detail = DONE, "The new key is in use, and the old one no longer works."
    elif report.state == State.OVERLAPPING and not report.reason:
        outcome, detail = DONE, "The new key is in use."
    elif report.state in {State.OVERLAPPING, State.WAITING}:
        outcome, detail = WAITING, f"{report.reason} {report.left}".strip()
    else:
        outcome, detail = FAILED, f"{report.reason} {report.left}".strip()
    return TendItem(what="rotation", connection=status.connection, outcome=outcome, detail=detail)


def _failed(what: str, status: KeyStatus | None, error: ConnectorError | VaultError) -> TendItem:
    """Says that something could not be done."""
    connection = None if status is None else status.connection
    fault = meaning_of(error) if isinstance(error, VaultError) else error
    detail = f"{fault.message} {fault.hint}".strip()
    return TendItem(what=what, connection=connection, outcome=FAILED, detail=detail)
