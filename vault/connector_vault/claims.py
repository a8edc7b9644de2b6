"""Keeps which intents have claimed which operations, so that none is claimed twice.

An operation is claimed once in each round, by one persona over one connection. The claim is kept
as a short number: 40 bits of a hash of the operation, then 23 of a hash of the rest. Where that
number is another claim's, the next one is taken. A table of such numbers stays small: whatever ids
hosts mint, few pages of it are touched, and the log's own order stands in no index of long texts.
The table is derived from the log, and compared with it by verify.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from connector_vault.encoding import encode
from connector_vault.errors import OperationClaimedError
from connector_vault.sqlite import Connection, ConstraintError

#: Bits of a number that tell the claims of one operation apart.
_REST: Final = 23
_MASK: Final = (1 << _REST) - 1
_INSERT: Final = "INSERT INTO log_claims VALUES (?, ?)"
_BESIDE: Final = "SELECT 1 FROM log_claims WHERE claim >= ? AND claim < ? AND seq = ?"
_HOLDER: Final = (
    "SELECT l.operation, l.connection, l.persona, coalesce(l.revision, 1) FROM log_claims c "
    "JOIN log l ON l.seq = c.seq WHERE c.claim = ? AND l.kind = 'intent'"
)
_EVERY: Final = (
    "SELECT operation, connection, persona, coalesce(revision, 1), seq FROM log "
    "WHERE kind = 'intent' AND operation IS NOT NULL"
)


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
        if self.connection is None or self.persona is None:
            return span_of(self.operation)[0] | _rest_of(self.seq)
        return span_of(self.operation)[0] | _rest_of(self.connection, self.persona, self.round)


class Claims:
    """The claims, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Takes the connection of the transaction."""
        self._connection = connection

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
                holder = self._connection.execute(_HOLDER, (number,)).fetchone()
            else:
                return
            if holder == claim[:4] and None not in holder:
                raise OperationClaimedError("The operation has an intent already.")
            number = number & ~_MASK | (number + 1) & _MASK

    def fill(self) -> None:
        """Makes the claims of a database that was written before there were any."""
        if self._connection.execute("SELECT 1 FROM log_claims LIMIT 1").fetchone() is None:
            every = [Claim._make(row) for row in self._connection.execute(_EVERY).fetchall()]
            for claim in sorted(every, key=lambda claim: claim.number):
                self.take(claim)

    def missing(self, claims: Sequence[Claim]) -> list[int]:
        """Gives the intents among some whose claims are not kept."""
        numbers = [claim.number for claim in claims]
        statement = f"SELECT seq FROM log_claims WHERE claim IN ({', '.join('?' * len(numbers))})"  # noqa: S608 - question marks only
        kept = {seq for (seq,) in self._connection.execute(statement, numbers).fetchall()}
        # The few whose number was another's are looked for one by one.
        return [one.seq for one in claims if one.seq not in kept and not self._keeps(one)]

    def _keeps(self, claim: Claim) -> bool:
        beside = (*span_of(claim.operation), claim.seq)
        return self._connection.execute(_BESIDE, beside).fetchone() is not None


def span_of(operation: str) -> tuple[int, int]:
    """Gives the numbers from which on, and before which, an operation's claims stand."""
    first = int.from_bytes(sha256(operation.encode()).digest()[:5]) << _REST
    return first, first + _MASK + 1


@lru_cache(maxsize=4096)
def _rest_of(*whose: str | int) -> int:
    """Gives what follows the operation in a number; most calls are by the same few."""
    return int.from_bytes(sha256(encode(*whose)).digest()[:3]) & _MASK
