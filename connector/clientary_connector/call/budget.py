"""Holds calls to their budgets: a hard stop before the call, and no counter that could be lowered.

1. The log is the meter. What a call costs stands in its intent, and what is given back, as
   nothing was done, in its outcome. Both commit with what they are about.
2. What was spent is added up from the log, row by row, each checked, inside the transaction of
   the intent: processes on one vault see each other's calls, and none slips between. Rows that
   this process appends right behind its sum are counted as it appends them.
3. The sum is kept in memory with the place in the log up to which it goes. If a transaction is
   undone, so is what was added from it.
4. A sum of yesterday is kept as a record, with its place. An older one that was put back only
   means that more rows are read again.
5. A call that was refused or never reached the service costs nothing; an unknown one costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import Any, Final, TypeAlias

from clientary_connector import connections
from clientary_connector.call.ending import Ending
from clientary_connector.call.failure import NOTHING_DONE, RefusedError, refused
from clientary_connector.call.policy import Permit
from clientary_connector.call.result import ErrorKind, Outcome
from clientary_connector.settings import Settings
from connector_vault import (
    LogDraft,
    OperationClaimedError,
    Record,
    Transaction,
    Vault,
    VaultError,
    View,
)
from connector_vault.tail import Passed, Place

LIMITS: Final = ("budget", "limits")
SUM: Final = ("meter", "spent")
ACCOUNT: Final = "account"
USER: Final = "user"
PERSONA: Final = "persona"
CONNECTION: Final = "connection"
GRANT: Final = "grant"
#: What an admin can set a budget for.
SCOPES: Final = (ACCOUNT, USER, PERSONA, CONNECTION)
#: So many rows are read in one go; more than that is read before the transaction, not in it.
PIECE: Final = 1_000
#: More batches than a group commit has rows of calls: what is older is not undone any more.
BATCHES: Final = 512
#: An hour in microseconds; months begin with one.
HOUR: Final = 3_600_000_000
#: Months that are kept: a call may end in the month after it began.
MONTHS: Final = 2

#: What a budget is for: its kind, and a name.
Scope: TypeAlias = tuple[str, str]


class BehindError(Exception):
    """The sum is too far behind the log to be brought up to it inside a transaction."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many credits a month each budget has; the settings, and what admins have set."""

    usual: Mapping[str, int]
    special: Mapping[Scope, int]

    @property
    def none(self) -> bool:
        """Whether nothing has a limit, as long as nobody has set one."""
        return not self.special and not any(self.usual.values())

    def of(self, scope: Scope) -> int | None:
        """Returns the credits of a budget; None where there is no limit."""
        return self.special.get(scope, self.usual.get(scope[0]) or None)


@dataclass(slots=True)
class Sum:
    """What was spent by month and scope, up to a place in the log."""

    place: Place
    spent: dict[str, dict[Scope, int]] = field(default_factory=dict[str, dict[Scope, int]])
    #: The place before each batch, and what the batch has added: month, scope, credits.
    batches: deque[tuple[Place, list[tuple[str, Scope, int]]]] = field(
        default_factory=lambda: deque(maxlen=BATCHES)
    )

    def add(self, rows: Iterable[Passed], place: Place) -> None:
        """Takes in the rows up to a place."""
        added = [change for row in rows for change in _changes(row)]
        for month, scope, credits_ in added:
            of_month = self.spent.setdefault(month, {})
            of_month[scope] = of_month.get(scope, 0) + credits_
        self.batches.append((self.place, added))
        self.place = place
        for month in sorted(self.spent)[:-MONTHS]:
            del self.spent[month]

    def undo(self) -> bool:
        """Takes the last batch back; False where there is none."""
        if not self.batches:
            return False
        self.place, added = self.batches.pop()
        for month, scope, credits_ in added:
            if scope in self.spent.get(month, {}):
                self.spent[month][scope] -= credits_
        return True


class Meter:
    """The budgets of one vault."""

    def __init__(self, vault: Vault, settings: Settings) -> None:
        """Takes the vault whose log is the meter, and the usual budgets."""
        self._vault = vault
        self._usual = {
            ACCOUNT: settings.budget_account,
            USER: settings.budget_user,
            PERSONA: settings.budget_persona,
            CONNECTION: settings.budget_connection,
        }
        self._lock = Lock()
        self._sum: Sum | None = None
        #: The limits, and the revision of the record that holds them.
        self._known: tuple[int | None, Limits] | None = None
        self._kept = 0

    def check(self, log: Transaction, draft: LogDraft, permit: Permit) -> None:
        """Refuses an intent for which a budget is too small, in the intent's own transaction.

        Raises:
            RefusedError: One is.
            OperationClaimedError: The same, but it is a repeat, which costs nothing.
            BehindError: `catch_up` has to be called first.
            IntegrityError: The log or the record of the limits was altered without the key.
        """
        if not permit.cost:
            return
        cost, limits = permit.cost, self.limits(log)
        if permit.budget is None and limits.none:
            return
        scopes = scopes_of(str(draft.user), str(draft.persona), permit.connection)
        due = [(one, most) for one in scopes if (most := limits.of(one)) is not None]
        if permit.budget is not None:
            due.append(((GRANT, f"{permit.connection}/{draft.persona}"), permit.budget))
        if not due:
            return
        month = month_of(draft.at)
        with self._lock:
            spent = self._followed(log).spent.get(month, {})
            over = next((one for one in due if spent.get(one[0], 0) + cost > one[1]), None)
            used = 0 if over is None else spent.get(over[0], 0)
        if over is not None:
            self._check_new(log, draft)
            scope = _named(log, over[0], permit.connection)
            raise _over(scope, most=over[1], used=used, cost=cost, at=draft.at)

    def append(self, log: Transaction, draft: LogDraft) -> int:
        """Appends a row of a call, and counts it where the sum goes up to the row before it.

        Raises:
            VaultError: As `Transaction.append` does.
        """
        found = self._sum
        if found is None:
            return log.append(draft)
        before = log.newest
        seq = log.append(draft)
        with self._lock:
            if self._sum is found and found.place == before:
                found.add([Passed.of(seq, draft)], Place._make(log.newest))
        return seq

    def catch_up(self, at: int) -> None:
        """Brings the sum up to the log, piece by piece; for a thread that may wait.

        Raises:
            VaultError: The log cannot be read, or was altered without the key.
        """
        while self._vault.read(lambda view: self._piece(view, at)) == PIECE:
            pass
        self._keep()

    def spent(self, at: int) -> Mapping[Scope, int]:
        """Returns what was spent in the month of a moment.

        Raises:
            VaultError: The log cannot be read, or was altered without the key.
        """
        self.catch_up(at)
        with self._lock:
            return {} if self._sum is None else dict(self._sum.spent.get(month_of(at), {}))

    def limits(self, view: View) -> Limits:
        """Returns the budgets that are set; read anew when an admin has changed them.

        Raises:
            IntegrityError: Their record was altered, put back or removed without the key.
        """
        revision = view.revision_of(*LIMITS)
        known = self._known
        if known is None or known[0] != revision:
            known = (revision, limits_of(view.record(*LIMITS), self._usual))
            self._known = known
        return known[1]

    def _followed(self, log: Transaction) -> Sum:
        """Gives the sum up to the end of the log, as this transaction sees it."""
        found, tail = self._sum, log.tail
        if found is not None and found.place == log.newest:
            return found
        while found is not None and not tail.stands(found.place):
            found = found if found.undo() else None
        behind = 0 if found is None else log.last_seq() - found.place.seq
        if found is None or behind > PIECE:
            raise BehindError
        if behind:
            found.add(*tail.follow(found.place, PIECE))
        return found

    def _piece(self, view: View, at: int) -> int:
        with self._lock:
            while self._sum is not None and not view.tail.stands(self._sum.place):
                self._sum = self._sum if self._sum.undo() else None
            if self._sum is None:
                self._sum = _kept(view) or Sum(view.tail.before(month_start(at)))
                self._kept = self._sum.place.seq
            rows, place = view.tail.follow(self._sum.place, PIECE)
            if rows:
                self._sum.add(rows, place)
        return len(rows)

    def _keep(self) -> None:
        """Keeps the sum for the next process, once it took long to make."""
        with self._lock:
            if self._sum is None or self._sum.place.seq - self._kept < PIECE:
                return
            body = _body(self._sum)
            self._kept = self._sum.place.seq
        # It is for speed alone: whoever comes next adds up what this one could not keep.
        with suppress(VaultError):
            self._vault.write(lambda log: _stored(log, body))

    def _check_new(self, log: Transaction, draft: LogDraft) -> None:
        claim = (str(draft.connection), str(draft.persona), str(draft.operation))
        row = log.intent_of_operation(*claim)
        if row is not None and (row.revision or 1) >= (draft.revision or 1):
            raise OperationClaimedError("The operation has an intent already.")


def scopes_of(user: str, persona: str, connection: str) -> tuple[Scope, ...]:
    """Returns what a call counts for, beside its grant."""
    return ((ACCOUNT, ""), (USER, user), (PERSONA, persona), (CONNECTION, connection))


def limits_of(record: Record | None, usual: Mapping[str, int]) -> Limits:
    """Returns the budgets that the settings and a record hold."""
    held: list[list[Any]] = [] if record is None else record.body["limits"]
    return Limits(usual, {(kind, name): credits_ for kind, name, credits_ in held})


def cost_facts(ending: Ending, cost: int, *, at: int) -> dict[str, Any]:
    """Returns what an outcome says of the cost of its call, whose intent is of a moment."""
    error = None if ending.error is None else ending.error.kind
    done = ending.outcome is not Outcome.REFUSED and error not in NOTHING_DONE
    return {"cost": cost} if done else given_back(cost, at)


def given_back(cost: int, at: int) -> dict[str, Any]:
    """Returns what the outcome of a call says that did nothing."""
    return {"cost": 0, "refund": [cost, month_of(at)]} if cost else {"cost": 0}


def month_of(at: int) -> str:
    """Returns the month of a moment in microseconds, in UTC, as 2026-03."""
    return _month_of_hour(at // HOUR)


@lru_cache(maxsize=1024)
def _month_of_hour(hour: int) -> str:
    """Returns the month of an hour: every row of the log asks, and most are of the same hours."""
    return datetime.fromtimestamp(hour * HOUR / 1_000_000, UTC).strftime("%Y-%m")


def month_start(at: int) -> int:
    """Returns when the month of a moment began, in microseconds."""
    moment = datetime.fromtimestamp(at / 1_000_000, UTC)
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(start.timestamp()) * 1_000_000


def renewal(at: int) -> datetime:
    """Returns when the month after that of a moment begins."""
    moment = datetime.fromtimestamp(at / 1_000_000, UTC)
    year, month = divmod(moment.year * 12 + moment.month, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


def _named(view: View, scope: Scope, connection: str) -> Scope:
    """Returns a scope with the name of the connection for its id, as a person knows it."""
    owner = view.record(connections.KIND, connection)
    if owner is None or scope[0] not in {CONNECTION, GRANT}:
        return scope
    return scope[0], scope[1].replace(connection, owner.body["name"], 1)


def _over(scope: Scope, *, most: int, used: int, cost: int, at: int) -> RefusedError:
    renews = renewal(at)
    whose = " ".join(part for part in scope if part)
    message = f"The budget of the {whose} is used up: {used} of {most} credits"
    message += "." if used >= most else f", and this call costs {cost}."
    return refused(
        ErrorKind.OVER_BUDGET,
        message=message,
        hint=f"Stop here and say so. It renews on {renews:%Y-%m-%d} (UTC), or a person raises it.",
        wait_s=float(renews.timestamp() - at // 1_000_000),
    )


def _changes(row: Passed) -> list[tuple[str, Scope, int]]:
    """Returns what a row adds to the sums, or takes back."""
    if row.kind == "intent":
        credits_, month = row.facts.get("cost", 0), month_of(row.at)
    elif row.kind == "outcome" and "refund" in row.facts:
        given_back, month = row.facts["refund"]
        credits_ = -given_back
    else:
        return []
    if not credits_:
        return []
    user, persona, connection = str(row.user), str(row.persona), str(row.connection)
    grant = (GRANT, f"{connection}/{persona}")
    return [(month, scope, credits_) for scope in (*scopes_of(user, persona, connection), grant)]


def _kept(view: View) -> Sum | None:
    """Gives the sum that was kept, if its place stands."""
    record = view.record(*SUM)
    if record is None:
        return None
    place = Place(record.body["seq"], bytes.fromhex(record.body["chain"]))
    if not view.tail.stands(place):
        return None
    months: dict[str, list[list[Any]]] = record.body["spent"]
    spent = {
        month: {(kind, name): credits_ for kind, name, credits_ in held}
        for month, held in months.items()
    }
    return Sum(place, spent)


def _body(found: Sum) -> dict[str, Any]:
    spent = {
        month: [[*scope, credits_] for scope, credits_ in held.items()]
        for month, held in found.spent.items()
    }
    return {"seq": found.place.seq, "chain": found.place.chain.hex(), "spent": spent}


def _stored(log: Transaction, body: dict[str, Any]) -> None:
    """Keeps a sum, unless another process has kept a newer one."""
    kind, name = SUM
    held = log.record(kind, name)
    if held is None or held.body["seq"] < body["seq"]:
        record = Record(kind=kind, id=name, body=body)
        log.put(record, expect=None if held is None else held.revision)
