"""Finds the sealed text of the log's rows, and drops it; the rows stay, and so does their proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from connector_vault.ages import condition
from connector_vault.cipher import BEGIN_BYTES
from connector_vault.columns import KeyRow
from connector_vault.places import AUDIT, UNMASKED
from connector_vault.rows import Rows
from connector_vault.spans import SPAN_ROWS
from connector_vault.sqlite import SqlValue

_KEYS: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE purpose = ? AND state = ? AND owner = ?"
)
_MONTHS: Final = "SELECT DISTINCT period FROM keys WHERE purpose = ? AND state = ? AND period < ?"
_OF_MONTH: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE purpose = ? AND state = ? AND period = ?"
)
#: A call is as old as the younger of its two rows.
_TOGETHER: Final = (
    " AND NOT (kind = 'intent' AND EXISTS (SELECT 1 FROM log o "
    "WHERE o.ref = log.seq AND o.kind = 'outcome' AND o.at >= ?)) "
    "AND NOT (kind = 'outcome' AND EXISTS (SELECT 1 FROM log i "
    "WHERE i.seq = log.ref AND i.at >= ?))"
)
_OF_USER: Final = (
    "seq > ? AND seq <= ? AND user = ? AND at >= ? AND at < ? AND payload IS NOT NULL" + _TOGETHER
)
_OF_AGE: Final = "seq >= ? AND seq < ? AND at < ? AND payload IS NOT NULL" + _TOGETHER + " AND "
#: Intents from before a run of rows, whose outcomes in it have become old only now.
_BEGUN_BEFORE: Final = (
    "kind = 'intent' AND at < ? AND payload IS NOT NULL AND seq IN (SELECT ref FROM log "
    "WHERE seq >= ? AND seq < ? AND ref < ? AND kind = 'outcome' AND at < ? AND "
)
_SEALING: Final = (
    "SELECT DISTINCT key_id FROM log WHERE seq >= ? AND seq < ? AND payload IS NOT NULL"
)
_NEXT_SPAN: Final = "SELECT min(span) FROM log_spans WHERE span >= ? AND first < ?"
_IS_BEFORE: Final = "SELECT 1 FROM log_spans WHERE span = ? AND last < ?"
_BETWEEN: Final = "SELECT span FROM log_spans WHERE first < ? AND last >= ? ORDER BY span"
_SEALED_UNDER: Final = (
    f"SELECT uid, substr(payload, 1, {BEGIN_BYTES}) FROM log "  # noqa: S608 - constants only
    "WHERE seq >= ? AND seq < ? AND key_id = ? AND payload IS NOT NULL"
)
_FOR_EVER: Final = 1 << 62
#: A key seals new text, or none any more since a part of it was erased.
_STATES: Final = ("current", "retired")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose text is meant: a user's rows up to one number, written before a time."""

    user: str
    until: int
    #: Microseconds; None is the end of time.
    before: int | None = None

    @property
    def at(self) -> int:
        """The time before which a row was written."""
        return _FOR_EVER if self.before is None else self.before


class Texts:
    """The sealed text of a vault's log, as one transaction sees it."""

    def __init__(self, rows: Rows) -> None:
        """Takes the rows."""
        self._rows = rows

    def keys(self, user: str) -> list[KeyRow]:
        """Gives the audit keys of a user that are not destroyed, oldest month first."""
        found = [
            KeyRow._make(row)
            for purpose in (AUDIT, UNMASKED)
            for state in _STATES
            for row in self._rows.select(_KEYS, (purpose, state, user))
        ]
        return sorted(found, key=lambda row: row.period)

    def months(self, before: str) -> list[str]:
        """Gives the months before one of which there is an audit key."""
        found = [self._rows.select(_MONTHS, (AUDIT, state, before)) for state in _STATES]
        return sorted({str(month) for months in found for (month,) in months})

    def keys_of_month(self, month: str) -> list[KeyRow]:
        """Gives the audit keys of a month that are not destroyed."""
        found = [self._rows.select(_OF_MONTH, (AUDIT, state, month)) for state in _STATES]
        return [KeyRow._make(row) for rows in found for row in rows]

    def undestroyed(self, key_ids: Sequence[str]) -> list[KeyRow]:
        """Gives those of some keys that are not destroyed."""
        found = (row for key_id in key_ids for row in self._rows.keys(key_id))
        return [row for row in found if row.sealed is not None]

    def retire_keys(self, keys: Sequence[KeyRow]) -> None:
        """Lets keys seal nothing new any more; what they have sealed they open."""
        for row in keys:
            self._rows.move_key(row._replace(state="retired"), row.wrapper)

    def sealed_under(self, key_id: str, span: tuple[int, int]) -> list[tuple[bytes, bytes]]:
        """Gives the names of rows that hold text under a key, and how that text begins."""
        return list(self._rows.select(_SEALED_UNDER, (*span, key_id)))

    def destroy_keys(self, keys: Sequence[KeyRow]) -> None:
        """Overwrites wrapped keys; their rows stay."""
        for row in keys:
            self._rows.move_key(row._replace(state="destroyed", sealed=None), row.wrapper)

    def count(self, of: Subject, *, since: int = 0) -> int:
        """Counts the rows of a user that have a text, written at some time or after it."""
        statement = f"SELECT count(*) FROM log WHERE {_OF_USER}"  # noqa: S608 - constants only
        values = (0, of.until, of.user, since, of.at, of.at, of.at)
        return int(self._rows.select(statement, values)[0][0])

    def drop(self, of: Subject, after: int, limit: int) -> int:
        """Drops the text of those among the next rows; gives the last row that was looked at."""
        last = min(after + limit, of.until)
        statement = f"UPDATE log SET payload = NULL WHERE {_OF_USER}"  # noqa: S608 - constants only
        self._rows.write(statement, (after, last, of.user, 0, of.at, of.at, of.at))
        return last

    def count_aged(
        self, age: str, until: Mapping[str, int], span: tuple[int, int], *, floor: int
    ) -> int:
        """Counts the rows with a text in a run of rows that have reached one age of some.

        `until` says of each age before which time a row was written that has reached it.

        With an outcome counts its intent from before the floor, up to which none is counted.
        """
        return sum(
            int(self._rows.select(f"SELECT count(*) FROM log WHERE {where}", values)[0][0])  # noqa: S608 - names of columns only
            for where, values in _aged(age, until, span, min(floor, span[0]))
        )

    def drop_aged(self, age: str, until: Mapping[str, int], span: tuple[int, int]) -> None:
        """Drops the text of those; with an outcome goes its intent, in whatever run that stands."""
        for where, values in _aged(age, until, span, span[0]):
            self._rows.write(f"UPDATE log SET payload = NULL WHERE {where}", values)  # noqa: S608 - names of columns only

    def sealing(self, span: tuple[int, int]) -> list[str]:
        """Names the keys under which a run of rows holds text."""
        return [str(key_id) for (key_id,) in self._rows.select(_SEALING, span)]

    def next_span(self, at: int, *, before: int) -> tuple[int, int] | None:
        """Gives the next run of rows of which some may be older than a time."""
        ((span,),) = self._rows.select(_NEXT_SPAN, (at // SPAN_ROWS, before))
        return None if span is None else (span * SPAN_ROWS, (span + 1) * SPAN_ROWS)

    def is_before(self, span: tuple[int, int], before: int) -> bool:
        """Says whether all of a run of rows is older than a time."""
        return bool(self._rows.select(_IS_BEFORE, (span[0] // SPAN_ROWS, before)))

    def spans(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Gives the runs of rows of which some may have been written between two times."""
        found = self._rows.select(_BETWEEN, (end, begin))
        return [(span * SPAN_ROWS, (span + 1) * SPAN_ROWS) for (span,) in found]


def _aged(
    age: str, until: Mapping[str, int], span: tuple[int, int], floor: int
) -> Iterator[tuple[str, tuple[SqlValue, ...]]]:
    """Gives the conditions of rows that have reached an age, and the values in them."""
    before, (text, values) = until[age], condition(age, until)
    yield _BEGUN_BEFORE + text + ")", (before, *span, floor, before, *values)
    yield _OF_AGE + text, (*span, before, before, before, *values)


def month_of(at: int) -> str:
    """Names the month of a time, as audit keys are named."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m")


def bounds_of(month: str) -> tuple[int, int]:
    """Gives the first moment of a month, and that of the next one."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return int(first.timestamp() * 1_000_000), int(after.timestamp() * 1_000_000)
