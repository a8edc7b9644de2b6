"""Finds rows of the log, newest first, at a cost that does not grow with the log.

Only heads are found: rows that refer to no other, which are intents, refusals and what admins
did. The outcome of an intent counts as the outcome of its head; "open" means that it has none.
Of the filters given, the one with the fewest rows leads, along its index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from connector_vault.rows import END, LOG_CHECKED, LogColumns, Rows

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
    """One condition on a head `l`, and how to walk along the heads that fit it."""

    condition: str
    values: tuple[str, ...]
    source: str = "log l"
    head: str = "l.seq"
    lead: str = "l.ref IS NULL"
    lead_values: tuple[str, ...] = ()


_ALL: Final = _Filter("", ())


def search(rows: Rows, where: LogQuery, *, before: int | None, limit: int) -> list[LogColumns]:
    """Gives the newest heads that fit, older than `before`."""
    low, high = rows.span_range(where.since, where.until)
    span = (low, min(high, END if before is None else before))
    filters = list(_filters(where))
    leader = _leader(rows, filters, span)
    others = [one for one in filters if one is not leader]
    conditions = [f"l.ref IS NULL AND {leader.lead} AND {leader.head} >= ? AND {leader.head} < ?"]
    values: list[str | int] = [*leader.lead_values, *span]
    for one in others:
        conditions.append(one.condition)
        values += one.values
    for bound, compared in ((where.since, ">="), (where.until, "<")):
        if bound is not None:
            conditions.append(f"l.at {compared} ?")
            values.append(bound)
    statement = (
        f"SELECT {LOG_CHECKED} FROM {leader.source} WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants only
        f"ORDER BY {leader.head} DESC LIMIT ?"
    )
    return [LogColumns._make(row) for row in rows.select(statement, [*values, limit])]


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
        f"SELECT count(*) FROM (SELECT 1 FROM {one.source} WHERE {one.lead} "  # noqa: S608 - constants only
        f"AND {one.head} >= ? AND {one.head} < ? LIMIT {_COUNTED})"
    )
    return int(rows.select(statement, [*one.lead_values, *span])[0][0])


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
            condition = f"l.{column} = ?"
            yield _Filter(
                condition,
                (value,),
                source=f"log l INDEXED BY log_{column}",
                lead=f"l.ref IS NULL AND {condition}",
                lead_values=(value,),
            )


def _of_operation(operation: str) -> _Filter:
    """Finds the few heads of one operation."""
    condition = (
        "l.seq IN (SELECT seq FROM log WHERE kind = 'intent' AND operation = ? "
        "UNION ALL SELECT seq FROM log WHERE kind = 'refusal' AND operation = ?)"
    )
    values = (operation, operation)
    return _Filter(condition, values, lead=condition, lead_values=values)


def _settled_as(outcome: str) -> _Filter:
    """Finds heads by their own outcome, or by that of the row that settles them."""
    return _Filter(
        "(l.outcome = ? OR EXISTS (SELECT 1 FROM log o "
        "WHERE o.ref = l.seq AND o.kind = 'outcome' AND o.outcome = ?))",
        (outcome, outcome),
        source="log s INDEXED BY log_outcome CROSS JOIN log l ON l.seq = s.head",
        head="s.head",
        lead="s.outcome = ? AND (s.ref IS NULL OR s.kind = 'outcome')",
        lead_values=(outcome,),
    )


_OPEN: Final = _Filter(
    "EXISTS (SELECT 1 FROM log_open o WHERE o.seq = l.seq)",
    (),
    source="log_open s CROSS JOIN log l ON l.seq = s.seq",
    head="s.seq",
    lead="TRUE",
)
