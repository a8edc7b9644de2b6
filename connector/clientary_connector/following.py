"""Follows the log as it grows, whatever process writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from clientary_connector.call.rowkinds import INTENT
from clientary_connector.errors import UnknownEntryError
from clientary_connector.logentry import OPEN, LogFilter
from clientary_connector.logreader import Line, LogReader
from clientary_connector.state import state_faults

#: How often the log is looked at: sooner than a person notices, and a look costs a tenth of a ms.
EVERY_S: Final = 0.25
#: A call that has not ended by then is shown as open.
PATIENCE_S: Final = 2.0
#: So many new lines are taken in one look; the next one takes the rest.
AT_ONCE: Final = 500
#: So many calls under way are remembered; beyond that the oldest is shown as it is.
MOST_WAITING: Final = 10_000


class Following:
    """What has been seen of the log so far, and which calls are waited for."""

    def __init__(
        self,
        reader: LogReader,
        where: LogFilter,
        *,
        after: int,
        sleep: Callable[[float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts after a row; `sleep` waits between two looks."""
        self._reader = reader
        self._outcome = where.outcome
        self._query = reader.query(replace(where, outcome=None))
        self._after = after
        self._sleep = sleep
        self._clock = clock
        #: When each call that has not ended was seen first; None once it was shown as open.
        self._waiting: dict[int, float | None] = {}

    def lines(self) -> Iterator[Line]:
        """Gives lines for as long as somebody asks."""
        while True:
            with state_faults():
                found = [*self._ended(), *self._new()]
            yield from (line for line in found if self._fits(line))
            self._sleep(EVERY_S)

    def _new(self) -> Iterator[Line]:
        """Takes in the lines that came since the last look, oldest first."""
        last = self._reader.last()
        while self._after < last:
            end = min(self._after + AT_ONCE, last)
            lines = self._reader.lines(
                self._query, after=self._after, before=end + 1, limit=AT_ONCE
            )
            self._after = end
            for line in reversed(lines):
                if line.head.kind == INTENT and line.outcome is None:
                    self._waiting[line.head.seq] = self._clock()
                else:
                    yield line

    def _ended(self) -> Iterator[Line]:
        """Gives the calls that ended since the last look, and those that take long."""
        crowded = len(self._waiting) - MOST_WAITING
        for place, (seq, since) in enumerate(list(self._waiting.items())):
            line = self._line(seq)
            late = since is not None and self._clock() - since >= PATIENCE_S
            if line is None or line.outcome is not None or place < crowded:
                del self._waiting[seq]
            elif late:
                self._waiting[seq] = None
            else:
                continue
            if line is not None:
                yield line

    def _line(self, seq: int) -> Line | None:
        try:
            return self._reader.line(seq)
        except UnknownEntryError:
            return None

    def _fits(self, line: Line) -> bool:
        end = line.outcome if line.head.kind == INTENT else line.head
        return self._outcome in {None, OPEN if end is None else end.outcome}
