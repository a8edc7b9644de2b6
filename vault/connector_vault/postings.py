"""Keeps which heads of each block of rows have which value, so that filters can be put together.

For every field and value, and every block of rows in which it occurs, one posting says which heads
of the block have it: bit n stands for the n-th row of the block. Two filters together are two such
numbers and their conjunction, whatever is frequent and whatever is rare. A block gets its postings
when the first row after it is written; the rows since then are few, and are looked through.
Postings are derived from the log, and compared with it by verify.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import compress
from typing import Any, Final, NamedTuple, TypeAlias, cast

from connector_vault.columns import LogColumns
from connector_vault.encoding import json_facts
from connector_vault.sqlite import Connection, SqlValue

#: So many rows of the log share the postings of one block. With more, those since the last block
#: take longer to look through; with fewer, there are more blocks to go along.
BLOCK: Final = 4096
#: So many rows are read together: they fit into the cache next to the processor.
RUN: Final = 256

#: What a search may ask of a head that stands in a column, and how that is read.
COLUMNS: Final[Mapping[str, str]] = {
    "user": "l.user",
    "persona": "l.persona",
    "connection": "l.connection",
    "action": "l.action",
    "kind": "l.kind",
    "effect": "l.effect",
    "outcome": "coalesce(o.outcome, l.outcome)",
}
#: What it may ask that stands in the facts, as the context that the host gave.
CONTEXT: Final = ("trace", "run", "session", "flow")
#: Where the id of the trace stands in a `traceparent`.
_TRACE_ID: Final = slice(3, 35)
#: Heads, each with its outcome.
HEADS: Final = "log l LEFT JOIN log o ON o.ref = l.seq AND o.kind = 'outcome' WHERE l.ref IS NULL"
#: Stands for every head of a block, and says that the block has its postings.
_EVERY: Final = ("", "")
#: The fields that stand in a column of the head itself.
_NAMES: Final = ("user", "persona", "connection", "action", "kind", "effect")

#: All rows of a block, in their order.
_READ: Final = (
    "SELECT seq, ref, facts, outcome, user, persona, connection, action, kind, effect FROM log "
    "WHERE seq >= ? AND seq < ? ORDER BY seq"
)
#: The outcomes of the heads of a block that were settled after it was full.
_LATE: Final = (
    "SELECT ref, outcome FROM log WHERE ref >= ? AND ref < ? AND seq >= ? AND kind = 'outcome'"
)
_STORE: Final = "INSERT OR REPLACE INTO log_postings VALUES (?, ?, ?, ?)"
_OF_BLOCK: Final = (
    "SELECT field, value, heads FROM log_postings INDEXED BY log_postings_block WHERE block = ?"
)
_LAST: Final = "SELECT max(block) FROM log_postings WHERE field = '' AND value = ''"
#: How bits are stored, which the first byte says: as they are, or the place of each.
_BITS, _PLACES = b"\0", b"\1"
_FEW: Final = 48
#: The length of bits as they are stored.
_LONG: Final = 1 + BLOCK // 8
_ALL: Final = (1 << BLOCK) - 1
#: The bits of a block as a binary number, last row first.
_NO_HEAD: Final = b"0" * BLOCK
_ONE: Final = ord("1")
#: So many blocks are read at first, and so many each further time: most searches end early.
_FIRST_BLOCKS: Final = 16
_MORE_BLOCKS: Final = 128


class Postings:
    """The postings, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Takes the connection of the transaction."""
        self._connection = connection

    def done(self) -> int:
        """Gives the first block that has no postings yet."""
        found = self._connection.execute(_LAST).fetchone()[0]
        return 0 if found is None else int(found) + 1

    def catch_up(self, last: int) -> None:
        """Makes the postings of the blocks before a row that have none yet."""
        for block in range(self.done(), last // BLOCK):
            self.make(block)

    def make(self, block: int) -> None:
        """Makes the postings of one block."""
        gathered = Gathered(block)
        for first in range(block * BLOCK, (block + 1) * BLOCK, RUN):
            if rows := self._connection.execute(_READ, (first, first + RUN)).fetchall():
                gathered.add(Searched(*zip(*rows, strict=True)))
        for posting, heads in gathered.packed(self._late(block)).items():
            self._connection.execute(_STORE, (*posting, block, heads))

    def settle(self, row: LogColumns) -> None:
        """Adds an outcome whose head stands in a block that had its postings before."""
        block, place = divmod(row.ref or 0, BLOCK)
        outcome = row.outcome
        if block < row.seq // BLOCK and outcome is not None:
            statement = "SELECT heads FROM log_postings WHERE field = ? AND value = ? AND block = ?"
            posting = ("outcome", outcome, block)
            stored = self._connection.execute(statement, posting).fetchone()
            heads = (0 if stored is None else _unpacked(stored[0])) | 1 << place
            self._connection.execute(_STORE, (*posting, _packed_bits(heads)))

    def walk(self, wanted: Iterable[tuple[str, str]], low: int, high: int) -> Iterator[int]:
        """Gives the heads that have all values, newest first, from `low` up to before `high`."""
        asked = list(wanted) or [_EVERY]
        heads = ", ".join(f"p{number}.heads" for number in range(len(asked)))
        joins = "".join(
            f" CROSS JOIN log_postings p{number} ON p{number}.field = ? "
            f"AND p{number}.value = ? AND p{number}.block = p0.block"
            for number in range(1, len(asked))
        )
        statement = (
            f"SELECT p0.block, {heads} FROM log_postings p0{joins} WHERE p0.field = ? "  # noqa: S608 - constants only
            "AND p0.value = ? AND p0.block >= ? AND p0.block <= ? ORDER BY p0.block DESC LIMIT ?"
        )
        values: list[SqlValue] = [part for pair in (*asked[1:], asked[0]) for part in pair]
        last, many = (high - 1) // BLOCK, _FIRST_BLOCKS
        while True:
            limits = (low // BLOCK, last, many)
            found = self._connection.execute(statement, [*values, *limits]).fetchall()
            for block, common in _common(found):
                yield from _between(block * BLOCK, common, low, high)
            if len(found) < many:
                return
            last, many = found[-1][0] - 1, _MORE_BLOCKS

    def fit(self, gathered: Gathered) -> bool:
        """Says whether the postings of a block, if it has any yet, are what its rows say."""
        if gathered.block >= self.done():
            return True
        stored = self._connection.execute(_OF_BLOCK, (gathered.block,)).fetchall()
        late = self._late(gathered.block)
        return {(field, value): heads for field, value, heads in stored} == gathered.packed(late)

    def _late(self, block: int) -> dict[int, str | None]:
        """Gives the outcomes of a block's heads that stand after it."""
        after = (block + 1) * BLOCK
        return dict(self._connection.execute(_LATE, (block * BLOCK, after, after)).fetchall())


class Searched(NamedTuple):
    """What a search may ask of some rows, column by column."""

    seqs: Sequence[int]
    refs: Sequence[int | None]
    facts: Sequence[object]
    outcomes: Sequence[str | None]
    users: Sequence[str | None]
    personas: Sequence[str | None]
    connections: Sequence[str | None]
    actions: Sequence[str | None]
    kinds: Sequence[str]
    effects: Sequence[str | None]


_Places: TypeAlias = defaultdict[str | None, list[int]]


class Gathered:
    """The postings that a block must have, gathered from its rows in their order."""

    def __init__(self, block: int) -> None:
        """Starts without any row."""
        self.block = block
        self._first = block * BLOCK
        self._heads: list[int] = []
        self._outcomes: list[str | None] = []
        self._settled: dict[int, str | None] = {}
        #: By field and value.
        self._groups = defaultdict[str, _Places](_no_places)

    def add(self, rows: Searched) -> None:
        """Takes in the next rows of the block."""
        is_head = [ref is None for ref in rows.refs]
        heads = [seq - self._first for seq in compress(rows.seqs, is_head)]
        columns = (
            *(rows.users, rows.personas, rows.connections, rows.actions),
            *(rows.kinds, rows.effects),
        )
        for name, values in zip(_NAMES, columns, strict=True):
            _group(self._groups[name], heads, [*compress(values, is_head)])
        for place, facts in zip(heads, compress(rows.facts, is_head), strict=True):
            for name, value in context_of(facts):
                self._groups[name][value].append(place)
        self._heads += heads
        self._outcomes += compress(rows.outcomes, is_head)
        if len(heads) < len(is_head):
            settling = [kind == "outcome" for kind in rows.kinds]
            found = zip(rows.refs, rows.outcomes, strict=True)
            self._settled.update(
                (ref, outcome) for ref, outcome in compress(found, settling) if ref is not None
            )

    def packed(self, late: Mapping[int, str | None]) -> dict[tuple[str, str], bytes]:
        """Gives the postings as they are stored; `late` are outcomes that stand after the block."""
        settled = {**self._settled, **late}
        seqs, outcomes = map(self._first.__add__, self._heads), _no_places()
        _group(outcomes, self._heads, [*map(settled.get, seqs, self._outcomes)])
        every = _packed(self._heads)
        found = dict[tuple[str, str], bytes]([(_EVERY, every)])
        for name, groups in (*self._groups.items(), ("outcome", outcomes)):
            for value, places in groups.items():
                if value is not None:
                    same = len(places) == len(self._heads)
                    found[name, value] = every if same else _packed(places)
        return found


def _no_places() -> _Places:
    return defaultdict(list)


def _group(groups: _Places, places: list[int], values: Sequence[str | None]) -> None:
    """Adds, for each value, the places of the heads that have it."""
    if values and values.count(values[0]) == len(values):
        groups[values[0]] += places
        return
    for place, value in zip(places, values, strict=True):
        groups[value].append(place)


def context_of(facts: object) -> list[tuple[str, str]]:
    """Reads off the facts of a row what the host said of its call; altered facts say nothing."""
    if not isinstance(facts, str) or '"context":' not in facts:
        return []
    context = (json_facts(facts) or {}).get("context")
    found = dict(cast("dict[str, object]", context)) if isinstance(context, dict) else {}
    found["trace"] = str(found.pop("traceparent", ""))[_TRACE_ID]
    return [(name, str(found[name])) for name in CONTEXT if found.get(name)]


def _common(found: Sequence[Sequence[Any]]) -> Iterator[tuple[int, int]]:
    """Gives each block that has bits which stand in all of its postings, and these bits.

    Where filters are common apart and rare together, nearly all blocks are passed over here: so
    no function is called for any of them.
    """
    if found:
        blocks, *columns = zip(*found, strict=True)
        common: Iterable[int] = reduce(_both, map(_turned, columns))
        for block, bits in zip(blocks, common, strict=True):
            if bits:
                yield block, _turn(bits)


def _turned(column: Sequence[Any]) -> Iterable[int]:
    """Gives the bits of many postings with their bytes in the order that is read fastest."""
    if {*map(type, column)} == {bytes} and {*map(len, column)} == {_LONG}:
        return map(int.from_bytes, column)
    return [_turn(_unpacked(part)) for part in column]


def _both(some: Iterable[int], others: Iterable[int]) -> Iterable[int]:
    """Gives the bits that stand in both, block by block."""
    return map(int.__and__, some, others)


def _turn(bits: int) -> int:
    """Gives bits with their bytes in the other order."""
    return int.from_bytes((bits & _ALL).to_bytes(BLOCK // 8, "little"))


def _between(first: int, heads: int, low: int, high: int) -> Iterator[int]:
    """Gives the heads that bits stand for, newest first."""
    for place in _places(heads):
        if low <= first + place < high:
            yield first + place


def _places(heads: int) -> Iterator[int]:
    """Gives the places of bits, the last one first."""
    while heads:
        place = heads.bit_length() - 1
        yield place
        heads ^= 1 << place


def _packed(places: Sequence[int]) -> bytes:
    """Gives the places of heads, in their order, as they are stored."""
    if len(places) <= _FEW:
        return _PLACES + b"".join(place.to_bytes(2, "little") for place in places)
    digits = bytearray(_NO_HEAD)
    for place in places:
        digits[~place] = _ONE
    return _BITS + int(digits, 2).to_bytes(BLOCK // 8, "little")


def _packed_bits(heads: int) -> bytes:
    """Gives bits as they are stored: what `_packed` gives for their places."""
    if heads.bit_count() <= _FEW:
        return _packed(sorted(_places(heads)))
    return _BITS + heads.to_bytes(BLOCK // 8, "little")


def _unpacked(stored: object) -> int:
    """Gives stored bits; a damaged file may give anything."""
    if not isinstance(stored, bytes):
        return 0
    if stored[:1] == _BITS:
        return int.from_bytes(stored[1:], "little")
    places = (stored[at : at + 2] for at in range(1, len(stored), 2))
    return sum(1 << int.from_bytes(place, "little") for place in set(places))
