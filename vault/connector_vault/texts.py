"""Finds the sealed text of the log's rows, and drops it; the rows stay, and so does their proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connector_vault.erased import CHANGES, READS, REFUSALS
from connector_vault.places import AUDIT, UNMASKED
from connector_vault.rows import KeyRow, Rows

_KEYS: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE purpose = ? AND state = 'current' AND owner = ? ORDER BY period"
)
_OLDER_KEYS: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE purpose = ? AND state = 'current' AND period < ? AND (owner, period) > (?, ?) "
    "ORDER BY owner, period LIMIT ?"
)
_OF_USER: Final = "seq > ? AND seq <= ? AND user = ? AND at >= ? AND at < ? AND payload IS NOT NULL"
_OF_CLASS: Final = {
    REFUSALS: "kind = 'refusal'",
    READS: "kind <> 'refusal' AND effect = 'read'",
    CHANGES: "kind <> 'refusal' AND coalesce(effect, '') <> 'read' AND action IS NOT NULL",
}
_SPAN: Final = "seq >= ? AND seq < ? AND at < ? AND payload IS NOT NULL AND "
_SEALED_UNDER: Final = (
    "SELECT 1 FROM log WHERE key_id = ? AND payload IS NOT NULL AND seq >= ? AND seq < ? LIMIT 1"
)
_FOR_EVER: Final = 1 << 62


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
        found = [row for purpose in (AUDIT, UNMASKED) for row in self._keys(purpose, user)]
        return sorted(found, key=lambda row: row.period)

    def older_keys(self, before: str, after: tuple[str, str], limit: int) -> list[KeyRow]:
        """Gives the next audit keys of months before one, by user and month."""
        found = self._rows.select(_OLDER_KEYS, (AUDIT, before, *after, limit))
        return [KeyRow._make(row) for row in found]

    def destroy_keys(self, keys: list[KeyRow]) -> None:
        """Overwrites wrapped keys; their rows stay."""
        for row in keys:
            self._rows.move_key(row._replace(state="destroyed", sealed=None), row.wrapper)

    def count(self, of: Subject, *, since: int = 0) -> int:
        """Counts the rows of a user that have a text, written at some time or after it."""
        statement = f"SELECT count(*) FROM log WHERE {_OF_USER}"  # noqa: S608 - constants only
        values = (0, of.until, of.user, since, of.at)
        return int(self._rows.select(statement, values)[0][0])

    def drop(self, of: Subject, after: int, limit: int) -> int:
        """Drops the text of those among the next rows; gives the last row that was looked at."""
        last = min(after + limit, of.until)
        statement = f"UPDATE log SET payload = NULL WHERE {_OF_USER}"  # noqa: S608 - constants only
        self._rows.write(statement, (after, last, of.user, 0, of.at))
        return last

    def count_class(self, name: str, span: tuple[int, int], before: int) -> int:
        """Counts the rows of a class that have a text, in a run of rows."""
        statement = f"SELECT count(*) FROM log WHERE {_SPAN}{_OF_CLASS[name]}"  # noqa: S608 - constants only
        return int(self._rows.select(statement, (*span, before))[0][0])

    def drop_class(self, name: str, span: tuple[int, int], before: int) -> None:
        """Drops the text of those."""
        statement = f"UPDATE log SET payload = NULL WHERE {_SPAN}{_OF_CLASS[name]}"  # noqa: S608 - constants only
        self._rows.write(statement, (*span, before))

    def seals(self, key_id: str, span: tuple[int, int]) -> bool:
        """Says whether a run of rows holds a text that is sealed under a key."""
        return bool(self._rows.select(_SEALED_UNDER, (key_id, *span)))

    def _keys(self, purpose: str, user: str) -> list[KeyRow]:
        return [KeyRow._make(row) for row in self._rows.select(_KEYS, (purpose, user))]
