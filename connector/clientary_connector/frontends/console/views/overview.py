"""Shapes what is seen at a glance: connections, calls, budgets, what waits, how the log is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from clientary_connector.approvals import Approval
from clientary_connector.budgets import Budget, Usage
from clientary_connector.connections import OAUTH2, Connection
from clientary_connector.connector import Connector
from clientary_connector.frontends.console.charts import Chart
from clientary_connector.frontends.console.views.usage import calls_chart
from clientary_connector.logentry import CALL, LogEntry, LogFilter
from clientary_connector.rotations import Due, KeyStatus
from clientary_connector.settlements import Unsettled
from clientary_connector.verifying import Verification

#: How far the chart goes back.
DAYS: Final = 14
#: Of each connection the last call is looked up; beyond so many nobody reads them at a glance.
SHOWN: Final = 50
#: A budget of which more is used than this is nearly over.
NEARLY: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One connection."""

    connection: Connection
    #: None where it was revoked.
    key: KeyStatus | None
    #: When the key is due, in words, and how that is shown.
    due: str
    tone: str
    last: LogEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What is used of one budget."""

    budget: Budget
    #: Whose it is, in words.
    of: str
    #: Of a hundred, at most.
    share: int
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Whether the log was checked, and with what end."""

    said: str
    tone: str
    #: When; None where it never was.
    at: datetime | None
    by: str
    #: Up to which row it is signed.
    signed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the page shows."""

    joined: tuple[Joined, ...]
    #: How many more connections there are.
    more: int
    revoked: int
    chart: Chart
    spent: tuple[Spent, ...]
    pending: tuple[Approval, ...]
    unsettled: tuple[Unsettled, ...]
    check: Check
    #: Whether a persona holds a grant over any connection.
    granted: bool


def overview(connector: Connector, *, today: date) -> Overview:
    """Reads it all; what is read is small, however long the log is."""
    found = connector.connections(revoked=True)
    active = [one for one in found if one.active]
    keys = {one.id: one for one in connector.rotations()}
    return Overview(
        joined=tuple(_joined(connector, one, keys) for one in active[:SHOWN]),
        more=max(len(active) - SHOWN, 0),
        revoked=len(found) - len(active),
        chart=calls_chart(_usage(connector, today), last=today, days=DAYS),
        spent=spent(connector.budgets.all()),
        pending=connector.approvals.pending(),
        unsettled=connector.settlements.unsettled(),
        check=check(connector.log.verifying.newest(), signed=connector.log.proofs.signed()),
        granted=any(one.active for one in connector.grants.all()),
    )


def spent(budgets: Sequence[Budget]) -> tuple[Spent, ...]:
    """Returns the budgets, those that are nearest to their end first."""
    shown = [_spent(one) for one in budgets]
    return tuple(sorted(shown, key=lambda one: (-one.share, one.of)))


def check(newest: Verification | None, *, signed: int) -> Check:
    """Says in words how the last check of the log ended."""
    if newest is None:
        return Check(said="never checked", tone="warn", at=None, by="", signed=signed)
    said, tone = _verdict(newest)
    return Check(said=said, tone=tone, at=newest.seen, by=newest.by, signed=signed)


def due_in_words(key: KeyStatus) -> tuple[str, str]:
    """Says when a key is due for rotation, and how that is shown."""
    days = "1 day" if abs(key.days_left) == 1 else f"{abs(key.days_left)} days"
    if key.due is Due.OVERDUE:
        return f"overdue by {days}", "bad"
    return f"due in {days}", "warn" if key.due is Due.DUE else "quiet"


def _joined(connector: Connector, one: Connection, keys: Mapping[str, KeyStatus]) -> Joined:
    key = None if one.kind == OAUTH2 else keys.get(one.id)
    due, tone = ("", "quiet") if key is None else due_in_words(key)
    where = LogFilter(connection=one.id, kind=CALL)
    last = connector.log.page(where, limit=1).entries
    return Joined(connection=one, key=key, due=due, tone=tone, last=last[0] if last else None)


def _usage(connector: Connector, today: date) -> Sequence[Usage]:
    first = today - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    # Up to an end that stays the same all day, so that what was added up before is kept.
    return connector.budgets.usage(by=("day",), since=since, until=since + timedelta(days=DAYS))


def _spent(one: Budget) -> Spent:
    share = 1.0 if one.credits == 0 else min(one.spent / one.credits, 1.0)
    tone = "bad" if share >= 1 else "warn" if share >= NEARLY else "quiet"
    of = one.scope if not one.name else f"{one.scope} {one.name}"
    return Spent(budget=one, of=of, share=int(share * 100), tone=tone)


def _verdict(newest: Verification) -> tuple[str, str]:
    if newest.state == "running":
        return "being checked", "quiet"
    if newest.state == "cut_short":
        return "the last check was cut short", "warn"
    if newest.verdicts is None:
        return "could not be checked", "bad"
    if not newest.verdicts["ok"]:
        return f"{newest.faults:,} faults", "bad"
    return "whole", "good"
