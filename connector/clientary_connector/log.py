"""Reads the log: who called what, why, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from clientary_connector.erasing import Erasing
from clientary_connector.following import Following
from clientary_connector.hosting import Hosting
from clientary_connector.logentry import LogEntry, LogFilter, LogPage
from clientary_connector.logproofs import LogProofs
from clientary_connector.logreader import Line, LogReader
from clientary_connector.mending import OpenCall, open_calls
from clientary_connector.reads import Reads
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.texts import Needle
from connector_vault import LogQuery, LogReport, Vault

#: Is told rows done and rows in all.
Told: TypeAlias = Callable[[int, int], None]
#: So many rows are looked at in one go by what reads the whole log: a bound of its memory.
WINDOW: Final = 1024
#: So many entries are opened between two looks at the database, and two words of progress.
OPENED: Final = 64


class Log:
    """Reads the log of a vault, and opens what is sealed in it for a user who is named.

    Without a `user`, entries come without prompt, arguments, request and response. With one, the
    host may refuse it, and it stands in the log; `reads` says how. Every method raises an
    `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault, hosting: Hosting, settings: Settings) -> None:
        """Takes the vault that keeps the log, the plugins that may have a say, and the settings."""
        self._vault = vault
        self.proofs = LogProofs(vault, settings)
        self._reader = LogReader(vault)
        self.reads = Reads(vault, hosting)
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
        needle = Needle(text)
        where = where or LogFilter()
        with state_faults():
            last = self._reader.last()
            facts = {"what": "search", "last": last, "where": where.to_json()}
            self.reads.note(user, facts, text=text)
            query = self._reader.query(where)
        return self._searched(needle, query, last, told)

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

    def _searched(
        self, needle: Needle, query: LogQuery, last: int, told: Told | None
    ) -> Iterator[LogEntry]:
        before = last + 1
        while before > 1:
            with state_faults():
                lines = self._reader.lines(query, before=before, limit=OPENED)
            for line in lines:
                entry = self._shown(line, "")
                if needle.is_in(entry):
                    yield entry
            before = lines[-1].head.seq if len(lines) == OPENED else 1
            if told is not None:
                told(last + 1 - before, last)

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
