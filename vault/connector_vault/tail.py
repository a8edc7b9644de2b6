"""Follows the log from a place on, for whoever adds it up: each row once, checked, and no payload.

1. The rows follow the place and one another: leaf and chain of each are computed anew.
2. The last of them bears the vault's MAC, so all before it do.
3. A place that does not stand any more, as its transaction was undone, is told from one that does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple, TypeAlias

from connector_vault.encoding import json_object
from connector_vault.errors import IntegrityError
from connector_vault.log import HASHED, LogDraft, LogSeal, chain_hash, leaf_hash
from connector_vault.rows import Rows

_AFTER: Final = (
    "SELECT seq, uid, at, kind, ref, user, persona, connection, action, effect, operation, "
    "outcome, subject, revision, facts, key_id, payload_hash, leaf, chain, mac FROM log "
    "WHERE seq > ? ORDER BY seq LIMIT ?"
)
#: What calls can be told apart by; each of them that is not asked for makes the sum cheaper.
SIDES: Final = ("user", "persona", "connection", "action")
_USED: Final = (
    "SELECT at / 86400000000, {sides}, outcome, count(*), "
    "sum(CASE kind WHEN 'outcome' THEN facts ->> '$.cost' END) "
    "FROM log WHERE kind IN ('outcome', 'refusal') AND seq >= ? AND seq < ? "
    "AND at >= ? AND at < ? GROUP BY {groups} ORDER BY 1"
)
_PIECE: Final = 200_000
#: So long are runs of rows whose sums are kept, and so many are kept.
_KNOWN_PIECE: Final = 8_192
_KEPT: Final = 512


class Place(NamedTuple):
    """A row of the log, by its number and its chain; number 0 stands before the first."""

    seq: int
    chain: bytes


class Passed(NamedTuple):
    """What a row of the log says openly."""

    seq: int
    at: int
    kind: str
    ref: int | None
    user: str | None
    persona: str | None
    connection: str | None
    action: str | None
    outcome: str | None
    facts: dict[str, Any]
    uid: bytes
    operation: str | None

    @classmethod
    def of(cls, seq: int, draft: LogDraft) -> Passed:
        """Gives what a row says that was appended just now."""
        return cls(
            seq,
            draft.at,
            draft.kind,
            draft.ref,
            draft.user,
            draft.persona,
            draft.connection,
            draft.action,
            draft.outcome,
            json_object(draft.facts),
            draft.uid,
            draft.operation,
        )


class Used(NamedTuple):
    """How many calls ended on one day, and what they cost, of those that are alike."""

    #: Days since 1970, in UTC.
    day: int
    user: str | None
    persona: str | None
    connection: str | None
    action: str | None
    outcome: str | None
    calls: int
    credits: int


#: Of a run of rows: what they are told apart by, first row, end and the two moments.
Run: TypeAlias = tuple[tuple[str, ...], int, int, int, int]
#: Sums of runs of rows.
Sums: TypeAlias = dict[Run, list[Used]]


class Tail:
    """The log as one transaction sees it, from any place on."""

    def __init__(self, rows: Rows, seal: LogSeal) -> None:
        """Takes the rows, and what they are bound by."""
        self._rows = rows
        self._seal = seal

    @property
    def start(self) -> Place:
        """The place before the first row."""
        return Place(*self._seal.start)

    @property
    def end(self) -> Place:
        """The place of the newest row."""
        return self.at(self._rows.last_seq())

    def at(self, seq: int) -> Place:
        """Gives the place of a row that is there, or with 0 the start."""
        return Place(seq, self._rows.chain_at(seq) or b"") if seq else self.start

    def stands(self, place: Place) -> bool:
        """Says whether the log has come to a place and holds it still."""
        return place == self.start or self._rows.chain_at(place.seq) == place.chain

    def follow(self, place: Place, limit: int) -> tuple[list[Passed], Place]:
        """Gives the next rows after a place that stands, and the place of the last of them.

        Raises:
            IntegrityError: One of them was altered or removed without the key.
        """
        found = self._rows.select(_AFTER, (place.seq, limit))
        for row in found:
            place = self._next(row, place)
        if found and not self._seal.wrote(place.seq, place.chain, found[-1][HASHED + 2]):
            raise IntegrityError(f"log {place.seq}")
        return [_passed(row) for row in found], place

    def before(self, at: int) -> Place:
        """Gives a place after which every row from a moment on stands; `at` is microseconds.

        The log is in the order of its numbers: where a clock was set back, the place is near.

        Raises:
            IntegrityError: A row on the way was altered without the key.
        """
        low, high = 0, self._rows.last_seq()
        while low < high:
            middle = (low + high + 1) // 2
            if self._at(middle) < at:
                low = middle
            else:
                high = middle - 1
        chain = self._rows.chain_at(low) if low else self._seal.start[1]
        return Place(low, chain or b"")

    def used(
        self,
        since: int,
        until: int,
        *,
        by: Collection[str] = SIDES,
        known: Sums | None = None,
    ) -> list[Used]:
        """Adds up the calls that ended between two moments, in microseconds, by day and outcome.

        They are told apart by the sides of `by`; the others are None.
        What is added up is what the rows say; whether they say the truth, `verify` finds. With
        `known`, sums are kept there: rows do not change, so that a run of them is added up once.
        """
        low, end = self.before(since).seq + 1, self.before(until).seq + 1
        sides = tuple(side for side in SIDES if side in by)
        found: list[Used] = []
        length = _PIECE if known is None else _KNOWN_PIECE
        for first in range(low, end, length):
            piece = (first, min(first + length, end), since, until)
            sums = None if known is None else known.get((sides, *piece))
            if sums is None:
                sums = [Used._make(row) for row in self._rows.select(_used(sides), piece)]
                _keep(known, (sides, *piece), sums)
            found += sums
        return found

    def _next(self, row: tuple[Any, ...], place: Place) -> Place:
        leaf, chain = row[HASHED], row[HASHED + 1]
        follows = row[0] == place.seq + 1 and leaf_hash(row[:HASHED]) == leaf
        if not follows or chain_hash(place.chain, leaf) != chain:
            raise IntegrityError(f"log {place.seq + 1}")
        return Place(row[0], chain)

    def _at(self, seq: int) -> int:
        place = Place(seq - 1, self._rows.chain_at(seq - 1) or self._seal.start[1])
        passed, _ = self.follow(place, 1)
        if not passed:
            raise IntegrityError(f"log {seq}", "is gone")
        return passed[0].at


def _used(sides: tuple[str, ...]) -> str:
    """Returns the question for sums by these sides alone."""
    shown = ", ".join(side if side in sides else "NULL" for side in SIDES)
    groups = ", ".join(("1", *sides, "outcome"))
    return _USED.format(sides=shown, groups=groups)


def _keep(known: Sums | None, piece: Run, sums: list[Used]) -> None:
    if known is not None:
        if len(known) >= _KEPT:
            known.clear()
        known[piece] = sums


def _passed(row: tuple[Any, ...]) -> Passed:
    return Passed(
        row[0],
        row[2],
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        row[8],
        row[11],
        json_object(row[14]),
        row[1],
        row[10],
    )
