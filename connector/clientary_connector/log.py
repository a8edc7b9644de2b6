"""Reads the log: who called what, why, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from clientary_connector.connections import find_record
from clientary_connector.errors import UnknownEntryError
from clientary_connector.state import state_faults
from connector_vault import LogQuery, LogReport, LogRow, NotFoundError, Vault, View

#: An intent is called what it is to a reader.
KINDS: Final[Mapping[str, str]] = {"intent": "call"}
INTENT: Final = "intent"
OPEN: Final = "open"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Says which entries are wanted; None leaves a side open."""

    user: str | None = None
    persona: str | None = None
    #: Id of the connection, or its name.
    connection: str | None = None
    action: str | None = None
    effect: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    operation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One call, refusal or change, with its outcome joined to it."""

    id: int
    at: datetime
    #: `call`, `refusal`, `replay`, `connect`, `grant` or `revoke`.
    kind: str
    user: str
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    #: An `Outcome`, or `open` where none was written yet.
    outcome: str
    status: int | None
    attempts: int | None
    duration_ms: float | None
    #: An `ErrorKind`.
    error: str | None
    cost: int | None
    warnings: int
    #: The sealed part; None where it was not asked for or cannot be opened any more.
    prompt: str | None
    arguments: Any
    #: Method, path, query and body as sent.
    request: Any
    #: The result document as given to the host.
    response: Any
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Returns the entry as a JSON object."""
        return {
            "id": self.id,
            "at": self.at.isoformat(timespec="milliseconds"),
            "kind": self.kind,
            "user": self.user,
            "persona": self.persona,
            "connection": self.connection,
            "action": self.action,
            "effect": self.effect,
            "operation": self.operation,
            "outcome": self.outcome,
            "status": self.status,
            "attempts": self.attempts,
            "duration_ms": self.duration_ms,
            "error": self.error,
            "cost": self.cost,
            "warnings": self.warnings,
            "prompt": self.prompt,
            "arguments": self.arguments,
            "request": self.request,
            "response": self.response,
            "facts": dict(self.facts),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Holds some entries, newest first."""

    entries: tuple[LogEntry, ...]
    #: Give it as `before` to go on; None where there is nothing older.
    next_before: int | None


class Log:
    """Reads the log of a vault and opens what is sealed in it.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault

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
        end = row if row.kind != INTENT else outcome
        facts = {**row.facts, **(end.facts if end is not None else {})}
        head = self._opened(row)
        response = head.get("response") if outcome is None else self._opened(outcome) or None
        return LogEntry(
            id=row.seq,
            at=EPOCH + row.at * MICROSECOND,
            kind=KINDS.get(row.kind, row.kind),
            user=row.user or "",
            persona=row.persona,
            connection=row.connection,
            action=row.action,
            effect=row.effect,
            operation=row.operation,
            outcome=OPEN if end is None else end.outcome or OPEN,
            status=facts.get("status"),
            attempts=facts.get("attempts"),
            duration_ms=facts.get("duration_ms"),
            error=facts.get("error"),
            cost=facts.get("cost"),
            warnings=facts.get("warnings", 0),
            prompt=head.get("prompt"),
            arguments=head.get("arguments"),
            request=head.get("request"),
            response=response,
            facts=facts,
        )

    def _opened(self, row: LogRow) -> dict[str, Any]:
        """Opens what a row holds sealed; nothing where its key was destroyed."""
        try:
            payload = self._vault.open_payload(row)
        except NotFoundError:
            payload = None
        return {} if payload is None else msgspec.json.decode(payload, type=dict[str, Any])


def microseconds(moment: datetime | None) -> int | None:
    """Returns a moment as the log counts time; without a zone it is taken as local."""
    return None if moment is None else (moment.astimezone(UTC) - EPOCH) // MICROSECOND
