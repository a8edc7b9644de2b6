"""Keeps which intents have claimed which operations, so that none is claimed twice.

An operation is claimed once in each round, by one persona over one connection. The claim is kept
as a short number: 40 bits of a hash of the operation, then 23 of a hash of the rest. Where that
number is another claim's, the next one is taken. A table of such numbers stays small: whatever ids
hosts mint, few pages of it are touched, and the log's own order stands in no index of long texts.
The table is derived from the log, and compared with it by verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from connector_vault.columns import LogColumns
from connector_vault.encoding import encode
from connector_vault.errors import OperationClaimedError
from connector_vault.sqlite import Connection, ConstraintError

#: Bits of a number that tell the claims of one operation apart.
_REST: Final = 23
_MASK: Final = (1 << _REST) - 1
_AT_ONCE: Final = 1_000
#: So many claims are read at once where all are.
_PIECE: Final = 4_096
#: A prime above twice the highest number that a claim with its intent makes.
_PRIME: Final = (1 << 130) - 5
_INSERT: Final = "INSERT INTO log_claims VALUES (?, ?)"
_OF_ONE: Final = "SELECT claim, seq FROM log_claims WHERE claim >= ? AND claim < ?"
_HOLDER: Final = (
    "SELECT l.operation, l.connection, l.persona, coalesce(l.revision, 1) FROM log_claims c "
    "JOIN log l ON l.seq = c.seq WHERE c.claim = ? AND l.kind = 'intent'"
)
_EVERY: Final = (
    "SELECT operation, connection, persona, coalesce(revision, 1), seq FROM log "
    "WHERE kind = 'intent' AND operation IS NOT NULL"
)
_SOME: Final = f"{_EVERY} AND seq > ? AND seq <= ?"
_KEPT: Final = "SELECT claim, seq FROM log_claims WHERE seq <= ?"


#: Connection, persona and round of an intent, which may say none of them.
Whose: TypeAlias = tuple[str | None, str | None, int | None]


class Claim(NamedTuple):
    """What an intent claims: an operation, for whom, and in which round."""

    operation: str
    connection: str | None
    persona: str | None
    round: int
    #: The intent; claims that say not for whom are told apart by it alone.
    seq: int

    @property
    def number(self) -> int:
        """The number that the claim is kept under, unless another one has it."""
        return number_of(*self)


class Tally:
    """Counts claims in any order, so that two collections can be compared without keeping either.

    Each claim with its intent is one number n. The product of all (r + n) in a prime field is
    equal for other numbers with a chance of about one in 2^100, as long as who has chosen them
    does not know r (J. T. Schwartz, https://doi.org/10.1145/322217.322225).
    """

    __slots__ = ("_point", "_product")

    def __init__(self, point: int) -> None:
        """Takes r, which nobody may know before the claims are fixed."""
        self._point = point % _PRIME
        self._product = 1

    def add(self, claims: Iterable[tuple[int, int]]) -> None:
        """Takes in some claims, as the number of each and its intent."""
        point, product = self._point, self._product
        for number, seq in claims:
            product = product * (point + (number << 64) + seq) % _PRIME
        self._product = product

    def fresh(self) -> Tally:
        """Gives one without any claim that can be compared with this one."""
        return Tally(self._point)

    def agrees(self, other: Tally) -> bool:
        """Says whether both have the same claims, with the same r."""
        return self._product == other._product


class Claims:
    """The claims, as one transaction sees them."""

    def __init__(self, connection: Connection, store: Callable[[], None] = lambda: None) -> None:
        """Takes the connection of the transaction, and what stores the intents appended so far."""
        self._connection = connection
        self._store = store

    def take(self, claim: Claim) -> None:
        """Keeps a claim; where it raises, nothing was written.

        Raises:
            OperationClaimedError: The operation has an intent already, in this round.
        """
        number = claim.number
        while True:
            try:
                self._connection.execute(_INSERT, (number, claim.seq))
            except ConstraintError:
                self._store()
                holder = self._connection.execute(_HOLDER, (number,)).fetchone()
            else:
                return
            if holder == claim[:4] and None not in holder:
                raise OperationClaimedError("The operation has an intent already.")
            number = _next(number)

    def fill(self) -> None:
        """Makes the claims of a database that was written before there were any."""
        if self._connection.execute("SELECT 1 FROM log_claims LIMIT 1").fetchone() is None:
            every = [Claim._make(row) for row in self._connection.execute(_EVERY).fetchall()]
            for claim in sorted(every, key=lambda claim: claim.number):
                self.take(claim)

    def lost(self, tally: Tally, last: int) -> list[int]:
        """Gives the intents up to a row whose claims are not kept; a tally says which there were.

        One pass over the table tells whether it holds these claims and no others. Only where it
        does not, each intent's is looked for.
        """
        kept = tally.fresh()
        rows = iter(self._connection.execute(_KEPT, (last,)))
        while piece := list(islice(rows, _PIECE)):
            kept.add(piece)
        return [] if kept.agrees(tally) else self._search(last)

    def _search(self, last: int) -> list[int]:
        """Looks for the claim of every intent up to a row; gives those that have none."""
        found: list[int] = []
        for first in range(0, last, _PIECE):
            rows = self._connection.execute(_SOME, (first, min(first + _PIECE, last))).fetchall()
            found += self._missing([(number_of(*row), row[-1]) for row in rows])
        return found

    def _missing(self, claims: Sequence[tuple[int, int]]) -> list[int]:
        """Gives the intents whose claims are not kept, of some numbers each with its intent.

        It is quick where they are many, as they are looked up in the order of the table.
        """
        ordered, found = sorted(claims), list[int]()
        for at in range(0, len(ordered), _AT_ONCE):
            some = ordered[at : at + _AT_ONCE]
            numbers = [number for number, _ in some]
            statement = f"SELECT claim, seq FROM log_claims WHERE claim IN ({_marks(len(some))})"  # noqa: S608 - question marks only
            kept = dict(self._connection.execute(statement, numbers).fetchall())
            # The few whose number was another's are looked for one by one.
            found += [one[1] for one in some if kept.get(one[0]) != one[1] and not self._keeps(one)]
        return found

    def _keeps(self, claim: tuple[int, int]) -> bool:
        """Says whether `take` would come upon a claim: no number before it is free."""
        number, seq = claim
        first = number & ~_MASK
        held = dict(self._connection.execute(_OF_ONE, (first, first + _MASK + 1)).fetchall())
        while number in held:
            if held[number] == seq:
                return True
            number = _next(number)
        return False


def number_of(
    operation: str, connection: str | None, persona: str | None, turn: int | None, seq: int
) -> int:
    """Computes the number that the claim of an intent is kept under; no round is the first."""
    first = _first_of(operation)
    if connection is None or persona is None:
        return first | _rest_of(seq)
    return first | _rest_of(connection, persona, turn or 1)


def claim_of(row: LogColumns) -> Claim:
    """Gives what an intent claims that names an operation."""
    return Claim(str(row.operation), row.connection, row.persona, row.revision or 1, row.seq)


def numbers_of(
    operations: Iterable[str], whose: Iterable[Whose], seqs: Iterable[int]
) -> list[tuple[int, int]]:
    """Computes what `number_of` does for many intents; gives each number with its intent."""
    rests = _Rests()
    return [
        (
            _first_of(operation) | (_rest_of(seq) if (rest := rests[who]) is None else rest),
            seq,
        )
        for operation, who, seq in zip(operations, whose, seqs, strict=True)
    ]


def span_of(operation: str) -> tuple[int, int]:
    """Gives the numbers from which on, and before which, an operation's claims stand."""
    first = _first_of(operation)
    return first, first + _MASK + 1


def _next(number: int) -> int:
    """Gives the number to try where one is another claim's."""
    return number & ~_MASK | (number + 1) & _MASK


def _first_of(operation: object) -> int:
    """Gives the first number of an operation; a damaged file may give anything."""
    return int.from_bytes(sha256(str(operation).encode()).digest()[:5]) << _REST


def _marks(count: int) -> str:
    return ", ".join("?" * count)


@lru_cache(maxsize=4096)
def _rest_of(*whose: str | int) -> int:
    """Gives what follows the operation in a number; most calls are by the same few."""
    return int.from_bytes(sha256(encode(*whose)).digest()[:3]) & _MASK


class _Rests(dict[Whose, int | None]):
    """What follows the operation in the numbers of some intents; None where the row decides."""

    def __missing__(self, who: Whose) -> int | None:
        connection, persona, turn = who
        nobody = connection is None or persona is None
        rest = self[who] = None if nobody else _rest_of(connection, persona, turn or 1)
        return rest
