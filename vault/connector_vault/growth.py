"""Says how the log grows, month by month, at a cost that does not grow with it.

The rows of a month are counted between two places in the log, found by the times of its runs of
rows. Their size is that of a few of them, times their number: text, facts and proof, without
indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector_vault.rows import Rows
from connector_vault.spans import SPAN_ROWS
from connector_vault.texts import bounds_of, month_of

#: So many months are told, the newest of them.
MONTHS: Final = 12
#: So many rows of a month are looked at for their size.
_SAMPLED: Final = 64
#: What every row holds beside its text: numbers, name, hashes and MAC.
_FIXED_BYTES: Final = 200

_EDGES: Final = "SELECT min(first), max(last) FROM log_spans"
_FIRST_RUN: Final = "SELECT min(span) FROM log_spans WHERE last >= ?"
_FIRST_ROW: Final = "SELECT min(seq) FROM log WHERE seq >= ? AND seq < ? AND at >= ?"
_SIZE: Final = (
    "SELECT avg(length(facts) + coalesce(length(payload), 0) + coalesce(length(user), 0) "
    "+ coalesce(length(persona), 0) + coalesce(length(connection), 0) "
    "+ coalesce(length(action), 0) + coalesce(length(operation), 0)) FROM log WHERE seq IN "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthGrowth:
    """What one month has added to the log."""

    month: str
    rows: int
    #: About so many, without indexes.
    size: int


def growth(rows: Rows) -> tuple[MonthGrowth, ...]:
    """Gives the last months in which the log has grown, the newest first."""
    ((first, last),) = rows.select(_EDGES, ())
    if first is None:
        return ()
    month, found = month_of(last), list[MonthGrowth]()
    end = rows.last_seq() + 1
    while len(found) < MONTHS:
        start = bounds_of(month)[0]
        begin = min(_place(rows, start, end), end)
        if begin < end:
            found.append(MonthGrowth(month=month, rows=end - begin, size=_size(rows, begin, end)))
        if start <= first:
            break
        month, end = month_of(start - 1), begin
    return tuple(found)


def _place(rows: Rows, at: int, end: int) -> int:
    """Gives the first row that was written at a time or after it."""
    ((run,),) = rows.select(_FIRST_RUN, (at,))
    if run is None:
        return end
    low = run * SPAN_ROWS
    ((seq,),) = rows.select(_FIRST_ROW, (low, low + SPAN_ROWS, at))
    return low + SPAN_ROWS if seq is None else int(seq)


def _size(rows: Rows, begin: int, end: int) -> int:
    """Gives about how many bytes the rows between two places take."""
    count = end - begin
    sampled = sorted({begin + count * number // _SAMPLED for number in range(_SAMPLED)})
    marks = ", ".join("?" * len(sampled))
    ((mean,),) = rows.select(f"{_SIZE}({marks})", sampled)
    return round(count * (_FIXED_BYTES + float(mean or 0)))
