"""Finds entries of the log in the vault, and opens what is sealed in them where that is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from clientary_connector.call import settling
from clientary_connector.call.result import Outcome
from clientary_connector.call.rowkinds import INTENT
from clientary_connector.call.settling import Settled
from clientary_connector.connections import find_record
from clientary_connector.errors import UnknownEntryError
from clientary_connector.logentry import (
    CALL,
    LogEntry,
    LogFilter,
    entry_of,
    microseconds,
)
from connector_vault import ErasedError, LogQuery, LogRow, Vault, View


@dataclass(frozen=True, slots=True)
class Line:
    """A head of the log, its outcome where it has one, and what was found out later."""

    head: LogRow
    outcome: LogRow | None
    #: What was found out later, where the outcome is unknown.
    settled: Settled | None = None


class LogReader:
    """Reads one vault's log; every method may raise what the vault raises."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault

    def query(self, where: LogFilter) -> LogQuery:
        """Returns what the vault looks for; a connection is named by its name or its id."""
        connection = where.connection
        if connection is not None:
            found = self._vault.read(lambda view: find_record(view, str(connection)))
            connection = connection if found is None else found.id
        return LogQuery(
            connection=connection,
            persona=where.persona,
            user=where.user,
            action=where.action,
            effect=where.effect,
            outcome=where.outcome,
            operation=where.operation,
            kind=INTENT if where.kind == CALL else where.kind,
            run=where.run,
            flow=where.flow,
            session=where.session,
            trace=where.trace,
            since=microseconds(where.since),
            until=microseconds(where.until),
        )

    def lines(
        self, query: LogQuery, *, after: int = 0, before: int | None = None, limit: int
    ) -> list[Line]:
        """Returns lines that fit, newest first."""

        def read(view: View) -> list[Line]:
            rows = view.log_rows(query, after=after, before=before, limit=limit)
            outcomes = view.outcomes_of(row.seq for row in rows if row.kind == INTENT)
            return [_line(view, row, outcomes.get(row.seq)) for row in rows]

        return self._vault.read(read)

    def line(self, log_id: int) -> Line:
        """Returns one line; the id of an outcome leads to its call.

        Raises:
            UnknownEntryError: There is none of that id.
        """

        def read(view: View) -> Line | None:
            row = view.log_row(log_id)
            if row is not None and row.ref is not None:
                row = view.log_row(row.ref)
            return None if row is None else _line(view, row, view.outcome_of(row.seq))

        found = self._vault.read(read)
        if found is None:
            raise UnknownEntryError(f"The log has no entry {log_id}.")
        return found

    def last(self) -> int:
        """Returns the id of the newest row."""
        return self._vault.read(lambda view: view.last_seq())

    def shut(self, line: Line) -> LogEntry:
        """Returns the entry of a line without what is sealed in it."""
        erased = _is_erased(line.head) or (line.outcome is not None and _is_erased(line.outcome))
        entry = entry_of(
            line.head.seq, line.head, line.outcome, opened={}, answer=None, erased=erased
        )
        return _with_settled(entry, line)

    def opened(self, line: Line) -> LogEntry:
        """Returns the entry of a line with what is sealed in it."""
        head = self._payload(line.head)
        end = {} if line.outcome is None else self._payload(line.outcome)
        entry = entry_of(
            line.head.seq,
            line.head,
            line.outcome,
            opened=head or {},
            answer=end,
            erased=head is None or end is None,
        )
        return _with_settled(entry, line)

    def _payload(self, row: LogRow) -> dict[str, Any] | None:
        """Opens what a row holds sealed; None where it was erased."""
        try:
            payload = self._vault.open_payload(row)
        except ErasedError:
            return None
        return {} if payload is None else msgspec.json.decode(payload, type=dict[str, Any])


def _line(view: View, head: LogRow, outcome: LogRow | None) -> Line:
    unknown = outcome is not None and outcome.outcome == Outcome.UNKNOWN
    return Line(head, outcome, settling.settled(view, head.seq) if unknown else None)


def _with_settled(entry: LogEntry, line: Line) -> LogEntry:
    said = line.settled
    if said is None:
        return entry
    return replace(entry, settled=said.verdict.value, settled_by=said.user)


def _is_erased(row: LogRow) -> bool:
    """Tells whether a row held something sealed once, and holds it no more."""
    return row.payload_hash is not None and row.payload is None
