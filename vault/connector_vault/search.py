"""Finds rows of the log, newest first, at a cost that hardly grows with the log.

Only heads are found: rows that refer to no other, which are intents, refusals and what admins
did. The outcome of an intent counts as the outcome of its head; "open" means that it has none.
Blocks of rows that are full are searched along their postings, the rows since then one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from connector_vault.claims import span_of
from connector_vault.columns import LogColumns
from connector_vault.errors import IntegrityError
from connector_vault.postings import BLOCK, COLUMNS, CONTEXT, HEADS, context_of
from connector_vault.rows import Rows
from connector_vault.spans import SPAN_ROWS
from connector_vault.sqlite import SqlValue

#: Every row of the log stands before this one.
_END: Final = 1 << 62

OPEN: Final = "open"
#: The heads of one operation: its intents, and what else was written under it.
_OF_OPERATION: Final = (
    "l.operation = ? AND "
    "l.seq IN (SELECT c.seq FROM log_claims c WHERE c.claim >= ? AND c.claim < ? UNION ALL "
    "SELECT seq FROM log WHERE operation = ? AND ref IS NULL AND kind <> 'intent')"
)


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
    kind: str | None = None
    #: Ids that the host gave with the call; a trace by its 32 digits.
    run: str | None = None
    flow: str | None = None
    session: str | None = None
    trace: str | None = None
    since: int | None = None
    until: int | None = None


def search(
    rows: Rows, where: LogQuery, *, after: int, before: int | None, limit: int
) -> list[LogColumns]:
    """Gives the newest heads that fit, older than `before` and newer than `after`."""
    low, high = _range(rows, where.since, where.until)
    span = (max(low, after + 1), min(high, _END if before is None else before))
    found: list[LogColumns] = []
    for seq in _candidates(rows, where, span, limit):
        row = rows.log_row(seq) if _in_time(rows, where, seq) else None
        if row is not None:
            found.append(row)
            if len(found) == limit:
                break
    return found


def as_asked(where: LogQuery, row: LogColumns) -> LogColumns:
    """Gives a row as what was asked for, so that its check fails if it is another.

    What led to it is not authenticated.

    Raises:
        IntegrityError: It is of another context than what was asked for.
    """
    columns = ("operation", "connection", "persona", "user", "action", "effect", "kind")
    asked = {name: getattr(where, name) for name in columns if getattr(where, name) is not None}
    if not _of_context(where) <= set(context_of(row.facts)):
        raise IntegrityError(f"log {row.seq}")
    return row._replace(ref=None, **asked)


def _candidates(rows: Rows, where: LogQuery, span: tuple[int, int], limit: int) -> Iterator[int]:
    """Gives the numbers of heads that fit, save for their time, newest first."""
    if where.operation is not None or where.outcome == OPEN:
        # There are few of them, whatever else is asked.
        return iter(_looked_through(rows, where, span, limit))
    asked = [
        (name, value)
        for name in (*CONTEXT, *COLUMNS)
        if (value := getattr(where, name)) is not None
    ]
    if not asked:
        return iter(_looked_through(rows, where, span, limit))
    (low, high), edge = span, rows.postings.done() * BLOCK
    recent = _looked_through(rows, where, (max(low, edge), high), limit)
    if len(recent) == limit:
        return iter(recent)
    return chain(recent, rows.postings.walk(asked, low, min(high, edge)))


def _looked_through(rows: Rows, where: LogQuery, span: tuple[int, int], limit: int) -> list[int]:
    """Gives the newest heads of a span that fit, by looking at each."""
    heads = HEADS if where.outcome not in {None, OPEN} else "log l WHERE l.ref IS NULL"
    conditions = ["l.seq >= ?", "l.seq < ?"]
    values: list[SqlValue] = [*span]
    for name, column in COLUMNS.items():
        value = getattr(where, name)
        if value is not None and (name, value) != ("outcome", OPEN):
            conditions.append(f"{column} = ?")
            values.append(value)
    for condition, bound in (("l.at >= ?", where.since), ("l.at < ?", where.until)):
        if bound is not None:
            conditions.append(condition)
            values.append(bound)
    if where.operation is not None:
        conditions.append(_OF_OPERATION)
        values += [where.operation, *span_of(where.operation), where.operation]
    if where.outcome == OPEN:
        conditions.append("l.seq IN (SELECT seq FROM log_open)")
    context = _of_context(where)
    statement = (
        f"SELECT l.seq, l.facts FROM {heads} AND {' AND '.join(conditions)} "  # noqa: S608 - constants only
        "ORDER BY l.seq DESC"
    )
    if context:
        found = rows.select(statement, values)
        return [seq for seq, facts in found if context <= set(context_of(facts))][:limit]
    return [seq for seq, _ in rows.select(f"{statement} LIMIT ?", [*values, limit])]


def _of_context(where: LogQuery) -> set[tuple[str, str]]:
    """Gives what is asked of the context that the host gave."""
    return {(name, value) for name in CONTEXT if (value := getattr(where, name)) is not None}


def _in_time(rows: Rows, where: LogQuery, seq: int) -> bool:
    """Says whether a row was written in the time that is asked for, without reading all of it."""
    if where.since is None and where.until is None:
        return True
    statement = "SELECT 1 FROM log WHERE seq = ? AND at >= ? AND at < ?"
    bounds = (where.since or 0, _END if where.until is None else where.until)
    return bool(rows.select(statement, (seq, *bounds)))


def _range(rows: Rows, since: int | None, until: int | None) -> tuple[int, int]:
    """Gives the rows between which all rows of a time stand; the second is not included."""
    low, high = 0, _END
    if since is not None:
        ((first,),) = rows.select("SELECT min(span) FROM log_spans WHERE last >= ?", (since,))
        low = _END if first is None else first * SPAN_ROWS
    if until is not None:
        ((last,),) = rows.select("SELECT max(span) FROM log_spans WHERE first < ?", (until,))
        high = 0 if last is None else (last + 1) * SPAN_ROWS
    return low, high
