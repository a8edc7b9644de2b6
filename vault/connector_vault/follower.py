"""Keeps the anchor up to date with the database, after each commit that decided something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, NamedTuple, TypeVar

from connector_vault.ended import Standing
from connector_vault.errors import VaultError
from connector_vault.latch import Latch
from connector_vault.rows import Rows
from connector_vault.store import Store
from connector_vault.view import Tools, Transaction

T = TypeVar("T")

#: The anchor follows the log after so many rows, and at once where something was decided.
_ROWS: Final = 4_096


class Done(NamedTuple, Generic[T]):
    """What came of work: its value, the end of the log, and whether the anchor has to follow."""

    value: T
    tip: tuple[int, bytes] | None
    decisive: bool


def transact(
    rows: Rows, tools: Tools, work: Callable[[Transaction], T], *, at: int, refusing: Latch
) -> Done[T]:
    """Runs work inside the transaction of a group."""
    if rows.tip is None:
        # Once a group: while it holds the database, nobody commits what the anchor would tell.
        tools.anchor.refresh()
        refusing.look()
    transaction = Transaction(rows, tools, at=at, refusing=refusing)
    try:
        value = work(transaction)
        transaction.finish()
    finally:
        transaction.end()
    return Done(value, rows.tip, transaction.decisive)


class Follower:
    """Brings what an open vault commits to its anchor.

    The database has committed by then, so an anchor that cannot be written undoes nothing: it is
    `stale`, the next decisive commit tries again, and so does the next opening of the vault.
    """

    def __init__(self, store: Store, tools: Tools, noted: Callable[[int], None]) -> None:
        """Takes what is followed, the anchor with its keys, and who is told of new rows."""
        #: Why the anchor is behind the database, if it is.
        self.stale: str | None = None
        self._store = store
        self._anchor = tools.anchor
        self._seal = tools.seal
        self._standing = Standing(tools.keyring.vault, tools.record_mac, tools.seal)
        self._anchored = 0
        self._noted = noted

    def meet(self) -> None:
        """Compares database and anchor, and heals an anchor that a crash has left behind.

        Raises:
            VaultRolledBackError: The database is older than the anchor.
            AnchorError: The anchor is missing or was altered.
        """
        head = self._anchor.head()
        self._anchor.refresh()
        if self._store.read(lambda rows: self._standing.compare(rows, head)):
            self.advance()
        self._anchored = max(self._anchored, head.seq)

    def is_due(self, done: Done[Any]) -> bool:
        """Takes in that a transaction was committed; says whether the anchor has to follow."""
        tip = done.tip
        if tip is not None and tip > self._seal.seen:
            self._seal.seen = tip
            self._noted(tip[0])
        return done.decisive or self._seal.seen[0] - self._anchored >= _ROWS

    def advance(self) -> None:
        """Brings the anchor up to date."""
        self._anchored = self._seal.seen[0]
        try:
            self._store.settle()
            self._anchor.advance(
                lambda held: self._store.read(lambda rows: self._standing.now(rows, held))
            )
            self._anchor.refresh()
        except VaultError as error:
            self.stale = str(error)
        else:
            self.stale = None

    def close(self) -> None:
        """Brings the anchor up to date with what was committed since the last time."""
        if self._anchored < self._seal.seen[0]:
            self.advance()
