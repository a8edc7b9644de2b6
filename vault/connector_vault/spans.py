"""Keeps the times between which each run of log rows was written, for searches by time.

The times may reach further than the rows do: a search that looks at too many rows finds no others.
So they are stored with some slack, and rows that follow each other within moments need one
statement together; what was stored once is never taken back, only widened.
"""

from __future__ import annotations

from typing import Final

from connector_vault.sqlite import Connection

#: So many log rows share one entry of `log_spans`.
SPAN_ROWS: Final = 1024
_SLACK_US: Final = 1_000_000
_COVER: Final = (
    "INSERT INTO log_spans VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
    "SET first = min(first, excluded.first), last = max(last, excluded.last) "
    "WHERE excluded.first < first OR excluded.last > last"
)
_NOTHING: Final = (-1, 0, 0)


class Spans:
    """The times of the runs, as one connection writes them."""

    def __init__(self, connection: Connection) -> None:
        """Takes the connection."""
        self._connection = connection
        #: The run, and the times, that were stored last.
        self._covered = _NOTHING

    def cover(self, span: int, at: int) -> None:
        """Sees to it that a search by time looks at a row of this run and time."""
        covered, first, last = self._covered
        if span != covered or not first <= at <= last:
            stored = (span, at - _SLACK_US, at + _SLACK_US)
            self._connection.execute(_COVER, stored)
            self._covered = stored

    def renew(self) -> None:
        """Takes nothing for stored any more, as some of it may have been undone."""
        self._covered = _NOTHING
