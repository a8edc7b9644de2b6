"""Finds rows of the log, newest first, at a cost that does not grow with the log.

Only heads are found: rows that refer to no other, which are intents, refusals and what admins
did. The outcome of an intent counts as the outcome of its head; "open" means that it has none.
Of the filters given, the one with the fewest rows leads, along its index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connector_vault.rows import LOG_CHECKED, SPAN_ROWS, LogColumns, Rows

#: Every row of the log stands before this one.
_END: Final = 1 << 62

OPEN: Final = "open"

#: Counting stops here: a filter with more rows than this is a frequent one.
_COUNTED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """What to find; `since` and `until` are microseconds, the second not included."""

    connection: str | None = None
    persona: str | None = None
    user: str | None = None
    action: str | None = None
    effect: str | None = None
    outcome: str | None = None
    operation: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class _Filter:
    """One condition on the number of a head, and how to walk along the heads that fit it.

    `walk` selects from an index alone, `number` is what it calls a head's number, and `probe` asks
    an index about one number; so a row of the log is read only once it is known to fit.
    """

    probe: str
    walk: str
    number: str
    values: tuple[str | int, ...]


_ALL: Final = _Filter("", "log l WHERE l.ref IS NULL", "l.seq", ())
_OPEN: Final = _Filter(
    "EXISTS (SELECT 1 FROM log_open o WHERE o.seq = {number})",
    "log_open l WHERE TRUE",
    "l.seq",
    (),
)


def search(rows: Rows, where: LogQuery, *, before: int | None, limit: int) -> list[LogColumns]:
    """Gives the newest heads that fit, older than `before`."""
    low, high = _range(rows, where.since, where.until)
    span = (low, min(high, _END if before is None else before))
    filters = list(_filters(where))
    leader = _leader(rows, filters, span)
    others = [one for one in (*filters, *_times(where)) if one is not leader]
    probes = [f" AND {one.probe.format(number=leader.number)}" for one in others]
    walk = (
        f"SELECT {leader.number} AS head FROM {leader.walk} "  # noqa: S608 - constants only
        f"AND {leader.number} >= ? AND {leader.number} < ?{''.join(probes)} "
        f"ORDER BY {leader.number} DESC LIMIT ?"
    )
    statement = (
        f"SELECT {LOG_CHECKED} FROM ({walk}) w CROSS JOIN log l ON l.seq = w.head "  # noqa: S608 - the same
        "ORDER BY w.head DESC"
    )
    probed = [value for one in others for value in one.values]
    found = rows.select(statement, [*leader.values, *span, *probed, limit])
    return [LogColumns._make(row) for row in found]


def as_asked(where: LogQuery, row: LogColumns) -> LogColumns:
    """Gives a row as what was asked for, so that its check fails if it is another.

    The indexes that led to it are not authenticated.
    """
    columns = ("operation", "connection", "persona", "user", "action", "effect")
    asked = {name: getattr(where, name) for name in columns if getattr(where, name) is not None}
    return row._replace(ref=None, **asked)


def change_row(rows: Rows, subject: str) -> LogColumns | None:
    """Gives the row that tells of a subject's newest revision."""
    found = rows.select(
        f"SELECT {LOG_CHECKED} FROM log l WHERE l.subject = ? AND l.revision IS NOT NULL "  # noqa: S608 - constants only
        "ORDER BY l.revision DESC LIMIT 1",
        (subject,),
    )
    return LogColumns._make(found[0]) if found else None


def _range(rows: Rows, since: int | None, until: int | None) -> tuple[int, int]:
    """Gives the rows between which all rows of a time stand; the second is not included."""
    ((first,),) = rows.select("SELECT min(span) FROM log_spans WHERE last >= ?", (since,))
    ((last,),) = rows.select("SELECT max(span) FROM log_spans WHERE first < ?", (until,))
    low = 0 if since is None else _END if first is None else first * SPAN_ROWS
    high = _END if until is None else 0 if last is None else (last + 1) * SPAN_ROWS
    return low, high


def _leader(rows: Rows, filters: list[_Filter], span: tuple[int, int]) -> _Filter:
    """Chooses the filter with the fewest rows to walk along."""
    if not filters:
        return _ALL
    if len(filters) == 1:
        return filters[0]
    return min(filters, key=lambda one: _count(rows, one, span))


def _count(rows: Rows, one: _Filter, span: tuple[int, int]) -> int:
    """Counts the rows that a filter leads along, up to a limit."""
    statement = (
        f"SELECT count(*) FROM (SELECT 1 FROM {one.walk} "  # noqa: S608 - constants only
        f"AND {one.number} >= ? AND {one.number} < ? LIMIT {_COUNTED})"
    )
    return int(rows.select(statement, [*one.values, *span])[0][0])


def _filters(where: LogQuery) -> Iterator[_Filter]:
    """Gives a filter for everything that is asked for, the most telling first."""
    if where.operation is not None:
        yield _of_operation(where.operation)
    if where.outcome == OPEN:
        yield _OPEN
    elif where.outcome is not None:
        yield _settled_as(where.outcome)
    for column in ("connection", "persona", "user", "action", "effect"):
        value: str | None = getattr(where, column)
        if value is not None:
            walk = f"log l INDEXED BY log_{column} WHERE l.ref IS NULL AND l.{column} = ?"
            probe = f"EXISTS (SELECT 1 FROM {walk} AND l.seq = {{number}})"  # noqa: S608 - constants only
            yield _Filter(_renamed(probe), walk, "l.seq", (value,))


def _of_operation(operation: str) -> _Filter:
    """Finds the few heads of one operation."""
    among = (
        "IN (SELECT seq FROM log WHERE kind = 'intent' AND operation = ? "
        "UNION ALL SELECT seq FROM log WHERE kind = 'refusal' AND operation = ?)"
    )
    walk = f"log l WHERE l.ref IS NULL AND l.seq {among}"
    return _Filter(f"{{number}} {among}", walk, "l.seq", (operation, operation))


def _settled_as(outcome: str) -> _Filter:
    """Finds heads by their own outcome, or by that of the row that settles them."""
    walk = "log l INDEXED BY log_outcome WHERE l.outcome = ?"
    probe = f"EXISTS (SELECT 1 FROM {walk} AND l.head = {{number}})"  # noqa: S608 - constants only
    return _Filter(_renamed(probe), walk, "l.head", (outcome,))


def _times(where: LogQuery) -> Iterator[_Filter]:
    """Gives the two bounds of time; they never lead, since no order of the log is by time."""
    for bound, compared in ((where.since, ">="), (where.until, "<")):
        if bound is not None:
            probe = f"(SELECT t.at FROM log t WHERE t.seq = {{number}}) {compared} ?"  # noqa: S608 - constants only
            yield _Filter(probe, "", "", (bound,))


def _renamed(probe: str) -> str:
    """Gives a walk another name for the log, for use inside the walk of another filter."""
    return probe.replace("log l ", "log p ").replace(" l.", " p.")
