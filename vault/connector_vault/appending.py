"""Gathers the rows of the log that a transaction appends, and stores them together.

They are in the database before anything else is read or changed there, and before the commit.
Their MACs are made together too: the chain, which the next row needs, has none in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from connector_vault.columns import LOG_COLUMNS, LogColumns
from connector_vault.postings import BLOCK, Postings
from connector_vault.spans import SPAN_ROWS, Spans
from connector_vault.sqlite import Connection, SqlValue

#: Makes the MACs of rows.
Sign: TypeAlias = Callable[[Sequence[LogColumns]], list[bytes]]

_STORED: Final = len(LOG_COLUMNS.split(", "))
_INSERT: Final = f"INSERT INTO log ({LOG_COLUMNS}) VALUES ({', '.join('?' * _STORED)})"  # noqa: S608 - constants only
_OPEN: Final = "INSERT INTO log_open VALUES (?)"
_SETTLE: Final = "DELETE FROM log_open WHERE seq = ?"
#: Where the MAC stands among the columns.
_MAC: Final = LogColumns._fields.index("mac")


class Appending:
    """The rows that one transaction appends."""

    __slots__ = ("_connection", "_postings", "_rows", "_sign", "_spans", "spoiled")

    def __init__(self, connection: Connection, postings: Postings, spans: Spans) -> None:
        """Takes the connection of the transaction, and the helps for searching."""
        self._connection = connection
        self._postings = postings
        self._spans = spans
        #: Whether some of what was gathered could not be stored, whoever has appended it.
        self.spoiled = False
        self._rows: list[LogColumns] = []
        self._sign: Sign | None = None

    def add(self, row: LogColumns, sign: Sign) -> None:
        """Takes in a row, which has no MAC yet, and brings the helps for searching up to date."""
        self._rows.append(row)
        self._sign = sign
        self._spans.cover(row.seq // SPAN_ROWS, row.at)
        if row.seq % BLOCK == 0:
            self.store()
            self._postings.catch_up(row.seq)

    def store(self) -> None:
        """Stores what was gathered.

        Raises:
            ConstraintError: One is the outcome of an intent that has one.
        """
        rows, sign = self._rows, self._sign
        if not rows or sign is None:
            return
        self._rows, self.spoiled = [], True
        many = self._connection.executemany
        many(_INSERT, [_signed(row, mac) for row, mac in zip(rows, sign(rows), strict=True)])
        if opened := [(row.seq,) for row in rows if row.kind == "intent"]:
            many(_OPEN, opened)
        if settled := [row for row in rows if row.kind == "outcome"]:
            many(_SETTLE, [(row.ref,) for row in settled])
            for row in settled:
                self._postings.settle(row)
        self.spoiled = False

    def drop(self) -> None:
        """Forgets what was gathered, as it is being undone."""
        self._rows, self.spoiled = [], False


def _signed(row: LogColumns, mac: bytes) -> tuple[SqlValue, ...]:
    """Gives the columns of a row as they are stored."""
    return (*row[:_MAC], mac, *row[_MAC + 1 : _STORED])
