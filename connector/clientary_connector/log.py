"""Reads the log: who called what, why, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeAlias

from clientary_connector.background import Background
from clientary_connector.erasing import Erasing
from clientary_connector.following import Following
from clientary_connector.ground import Ground
from clientary_connector.logentry import (
    CALL,
    OPEN,
    LogEntry,
    LogFilter,
    LogFound,
    LogNews,
    LogPage,
    microseconds,
)
from clientary_connector.logproofs import LogProofs
from clientary_connector.logreader import Line, LogReader
from clientary_connector.mending import OpenCall, open_calls
from clientary_connector.reads import Reads
from clientary_connector.state import state_faults
from clientary_connector.texts import Needle
from clientary_connector.verifying import Verifying
from connector_vault import LogQuery, LogReport

#: Is told rows done and rows in all.
Told: TypeAlias = Callable[[int, int], None]
#: So many rows are looked at in one go by what reads the whole log: a bound of its memory.
WINDOW: Final = 1024
#: So many entries are opened between two looks at the database, and two words of progress.
OPENED: Final = 64
#: So long is a call waited for that has not ended; then it is passed as it is.
ENDING: Final = timedelta(minutes=1)


class Log:
    """Reads the log of a vault, and opens what is sealed in it for a user who is named.

    Without a `user`, entries come without prompt, arguments, request and response. With one, the
    host may refuse it, and it stands in the log; `reads` says how. Every method raises an
    `OperatorError` where the vault cannot be used.
    """

    def __init__(self, ground: Ground, background: Background) -> None:
        """Takes what most parts stand on, and what goes on beside them."""
        self._vault = vault = ground.vault
        self.proofs = LogProofs(vault, ground.settings)
        self.verifying = Verifying(vault, self.proofs, background, clock=ground.clock)
        self._reader = LogReader(vault)
        self._clock = ground.clock
        self.reads = Reads(vault, ground.hosting)
        self.erasing = Erasing(vault)

    def page(
        self,
        where: LogFilter | None = None,
        *,
        before: int | None = None,
        limit: int = 50,
        user: str | None = None,
    ) -> LogPage:
        """Returns entries that fit a filter, newest first, each call joined with its outcome.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        where = where or LogFilter()
        with state_faults():
            lines = self._reader.lines(self._reader.query(where), before=before, limit=limit)
            if user is not None and lines:
                span = {"first": lines[-1].head.seq, "last": lines[0].head.seq}
                facts = {"what": "page", "entries": len(lines), **span, "where": where.to_json()}
                self.reads.note(user, facts)
            entries = tuple(self._shown(line, user) for line in lines)
        more = len(lines) == limit
        return LogPage(entries=entries, next_before=lines[-1].head.seq if more and lines else None)

    def news(self, after: int, where: LogFilter | None = None, *, limit: int = 50) -> LogNews:
        """Returns entries that came after one, newest first, without what is sealed in them.

        Ask again with what `after` says then. An entry that may still change is given again.
        """
        where = where or LogFilter()
        with state_faults():
            last = self._reader.last()
            # First those that have not ended: what ends between the two looks is given as ended.
            waited = self._waited(where, after) if where.kind in {None, CALL} else []
            lines = self._reader.lines(
                self._reader.query(where), after=after, before=last + 1, limit=limit
            )
        return LogNews(
            entries=tuple(self._reader.shut(line) for line in lines),
            after=min([last + 1, *waited]) - 1,
            more=len(lines) == limit,
        )

    def entry(self, log_id: int, *, user: str | None = None) -> LogEntry:
        """Returns one entry; the id of an outcome leads to its call.

        Raises:
            UnknownEntryError: There is none of that id.
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        with state_faults():
            line = self._reader.line(log_id)
            if user is not None:
                self.reads.note(user, {"what": "entry", "entry": line.head.seq})
            return self._shown(line, user)

    def rows(self, log_id: int) -> tuple[int, ...]:
        """Returns the ids of the rows that an entry is made of: of a call, its end is another.

        Raises:
            UnknownEntryError: There is none of that id.
        """
        with state_faults():
            line = self._reader.line(log_id)
        return tuple(row.seq for row in (line.head, line.outcome) if row is not None)

    def search(
        self, text: str, where: LogFilter | None = None, *, user: str, told: Told | None = None
    ) -> Iterator[LogEntry]:
        """Gives the entries in which a text is sealed, newest first, as they are found.

        Upper and lower case are the same. It opens all entries that fit the filter, in memory
        that does not grow with them; whoever stops asking stops it. `told` is told rows looked
        at, and rows in all.

        Raises:
            InvalidValueError: The user or the text cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        return _told_one_by_one(self.search_in_steps(text, where, user=user), told)

    def search_in_steps(
        self, text: str, where: LogFilter | None = None, *, user: str
    ) -> Iterator[LogFound]:
        """Does the same, and says after every few rows what was found and how far it is.

        Raises:
            InvalidValueError: The user or the text cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        needle = Needle(text)
        where = where or LogFilter()
        with state_faults():
            last = self._reader.last()
            facts = {"what": "search", "last": last, "where": where.to_json()}
            self.reads.note(user, facts, text=text)
            query = self._reader.query(where)
        return self._searched(needle, query, last)

    def export(
        self, where: LogFilter | None = None, *, user: str | None = None, told: Told | None = None
    ) -> Iterator[LogEntry]:
        """Gives all entries that fit a filter, oldest first, in memory that does not grow.

        It ends with what stood in the log when it began. `told` is told rows done and in all.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        where = where or LogFilter()
        with state_faults():
            last = self._reader.last()
            if user is not None:
                facts = {"what": "export", "last": last, "where": where.to_json()}
                self.reads.note(user, facts)
            query = self._reader.query(where)
        return self._exported(query, last, user, told)

    def follow(
        self,
        where: LogFilter | None = None,
        *,
        user: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Iterator[LogEntry]:
        """Gives entries as they come, from any process, until nobody asks any more.

        A call is given once it has ended; one that takes long is given as open before that too.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read what is sealed.
        """
        where = where or LogFilter()
        with state_faults():
            after = self._reader.last()
            if user is not None:
                facts = {"what": "follow", "after": after, "where": where.to_json()}
                after = self.reads.note(user, facts)
            following = Following(self._reader, where, after=after, sleep=sleep)
        return (self._shown(line, user) for line in following.lines())

    def open(self) -> tuple[OpenCall, ...]:
        """Returns the calls that have no outcome, oldest first."""
        with state_faults():
            return open_calls(self._vault)

    def verify(self, progress: Callable[[int, int], None] | None = None) -> LogReport:
        """Checks every row of the log; `progress` is told rows done and rows in all."""
        return self.proofs.verify(progress)

    def _waited(self, where: LogFilter, after: int) -> list[int]:
        """Returns the calls after an entry that may well end in a moment."""
        query = self._reader.query(replace(where, kind=CALL, outcome=OPEN))
        begun = microseconds(self._clock() - ENDING) or 0
        lines = self._reader.lines(query, after=after, limit=OPENED)
        return [line.head.seq for line in lines if line.head.at >= begun]

    def _searched(self, needle: Needle, query: LogQuery, last: int) -> Iterator[LogFound]:
        before = last + 1
        while before > 1:
            with state_faults():
                lines = self._reader.lines(query, before=before, limit=OPENED)
            opened = (self._shown(line, "") for line in lines)
            found = tuple(entry for entry in opened if needle.is_in(entry))
            before = lines[-1].head.seq if len(lines) == OPENED else 1
            yield LogFound(entries=found, done=last + 1 - before, total=last)

    def _exported(
        self, query: LogQuery, last: int, user: str | None, told: Told | None
    ) -> Iterator[LogEntry]:
        for start in range(0, last, WINDOW):
            with state_faults():
                end = min(start + WINDOW, last)
                lines = self._reader.lines(query, after=start, before=end + 1, limit=WINDOW)
            for line in reversed(lines):
                yield self._shown(line, user)
            if told is not None:
                told(end, last)

    def _shown(self, line: Line, user: str | None) -> LogEntry:
        """Returns the entry of a line; what is sealed in it only for a user."""
        if user is None:
            return self._reader.shut(line)
        with state_faults():
            return self._reader.opened(line)


def _told_one_by_one(steps: Iterator[LogFound], told: Told | None) -> Iterator[LogEntry]:
    for step in steps:
        yield from step.entries
        if told is not None:
            told(step.done, step.total)
