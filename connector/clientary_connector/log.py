"""Reads the log: who called what, why, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from clientary_connector.connections import find_record
from clientary_connector.erasing import Erasing
from clientary_connector.errors import UnknownEntryError
from clientary_connector.logentry import (
    INTENT,
    LogEntry,
    LogFilter,
    LogPage,
    entry_of,
    microseconds,
)
from clientary_connector.mending import OpenCall, open_calls
from clientary_connector.reads import Reads
from clientary_connector.state import state_faults
from connector_vault import ErasedError, LogQuery, LogReport, LogRow, Vault, View


class Log:
    """Reads the log of a vault and opens what is sealed in it.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault
        self.reads = Reads(vault)
        self.erasing = Erasing(vault)

    def page(
        self, where: LogFilter | None = None, *, before: int | None = None, limit: int = 50
    ) -> LogPage:
        """Returns entries that fit a filter, newest first, each call joined with its outcome."""
        with state_faults():
            return self._page(where or LogFilter(), before=before, limit=limit)

    def entry(self, log_id: int) -> LogEntry:
        """Returns one entry; the id of an outcome leads to its call.

        Raises:
            UnknownEntryError: There is none of that id.
        """
        with state_faults():
            return self._found(log_id)

    def open(self) -> tuple[OpenCall, ...]:
        """Returns the calls that have no outcome, oldest first."""
        with state_faults():
            return open_calls(self._vault)

    def verify(self, progress: Callable[[int, int], None] | None = None) -> LogReport:
        """Checks every row of the log; `progress` is told rows done and rows in all."""
        with state_faults():
            return self._vault.verify_log(progress)

    def _page(self, where: LogFilter, *, before: int | None, limit: int) -> LogPage:
        query = self._query(where)

        def read(view: View) -> tuple[list[LogRow], dict[int, LogRow]]:
            rows = view.log_rows(query, before=before, limit=limit)
            return rows, view.outcomes_of(row.seq for row in rows if row.kind == INTENT)

        rows, outcomes = self._vault.read(read)
        entries = tuple(self._entry(row, outcomes.get(row.seq)) for row in rows)
        more = len(rows) == limit
        return LogPage(entries=entries, next_before=rows[-1].seq if more and rows else None)

    def _found(self, log_id: int) -> LogEntry:
        def read(view: View) -> tuple[LogRow | None, LogRow | None]:
            row = view.log_row(log_id)
            if row is not None and row.ref is not None:
                row = view.log_row(row.ref)
            return row, None if row is None else view.outcome_of(row.seq)

        row, outcome = self._vault.read(read)
        if row is None:
            raise UnknownEntryError(f"The log has no entry {log_id}.")
        return self._entry(row, outcome)

    def _query(self, where: LogFilter) -> LogQuery:
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
            since=microseconds(where.since),
            until=microseconds(where.until),
        )

    def _entry(self, row: LogRow, outcome: LogRow | None) -> LogEntry:
        head, end = self._opened(row), {} if outcome is None else self._opened(outcome)
        erased = head is None or end is None
        return entry_of(row.seq, row, outcome, opened=head or {}, answer=end, erased=erased)

    def _opened(self, row: LogRow) -> dict[str, Any] | None:
        """Opens what a row holds sealed; None where it was erased."""
        try:
            payload = self._vault.open_payload(row)
        except ErasedError:
            return None
        return {} if payload is None else msgspec.json.decode(payload, type=dict[str, Any])
