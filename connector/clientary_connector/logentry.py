"""Holds what the log shows of a call or a change, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from clientary_connector.call.clock import EPOCH, MICROSECOND
from clientary_connector.call.rowkinds import INTENT
from connector_vault import LogDraft, LogRow

CALL: Final = "call"
#: An intent is called what it is to a reader.
KINDS: Final[Mapping[str, str]] = {INTENT: CALL}
OPEN: Final = "open"
#: What stands in the log without an outcome of its own was done.
SUCCEEDED: Final = "succeeded"
#: What entries can be chosen by, where there are few.
EFFECTS: Final = ("read", "write", "delete", "send")
OUTCOMES: Final = (SUCCEEDED, "refused", "failed", "unknown", OPEN)


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
    #: `call`, `refusal`, `replay`, `read`, `connect` and so on.
    kind: str | None = None
    #: Ids that the host gave in the context of the call.
    run: str | None = None
    flow: str | None = None
    session: str | None = None
    #: Id of a W3C trace: 32 digits.
    trace: str | None = None

    def to_json(self) -> dict[str, str]:
        """Returns the sides that are closed, as a JSON object."""
        given = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {
            name: value.isoformat() if isinstance(value, datetime) else str(value)
            for name, value in given
            if value is not None
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One call, refusal or change, with its outcome joined to it."""

    id: int
    at: datetime
    #: `call`, `refusal`, `replay`, `approval`, `settle`, `found`, `connect`, `grant` or `revoke`.
    kind: str
    user: str
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    #: An `Outcome`, or `open` where none was written yet; of an approval what became of it:
    #: `asked`, `given`, `denied`, `expired` or `used`.
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
    #: What the host said beside the call; unless it was opened, only its ids.
    context: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: Whether what was sealed was erased, of the call or of its outcome.
    erased: bool = False
    #: What was found out later of a change whose outcome is unknown: `found`, `not_found` or
    #: `cannot_tell`, and who has settled it.
    settled: str | None = None
    settled_by: str | None = None

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
            "settled": self.settled,
            "settled_by": self.settled_by,
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
            "context": dict(self.context),
            "facts": dict(self.facts),
            "erased": self.erased,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Holds some entries, newest first."""

    entries: tuple[LogEntry, ...]
    #: Give it as `before` to go on; None where there is nothing older.
    next_before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNews:
    """Holds what came into the log since somebody looked, newest first."""

    entries: tuple[LogEntry, ...]
    #: After this entry the next look begins.
    after: int
    #: Whether there is more than was asked for; the oldest is left out.
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFound:
    """Holds what a search has found among the rows that it has just looked at."""

    entries: tuple[LogEntry, ...]
    #: Rows looked at so far, and in all.
    done: int
    total: int


def entry_of(  # noqa: PLR0913 - two rows, and what was sealed in them, by name
    log_id: int,
    head: LogDraft | LogRow,
    outcome: LogDraft | LogRow | None,
    *,
    opened: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    erased: bool = False,
) -> LogEntry:
    """Returns the entry of a head and its outcome; `opened` and `answer` is what was sealed."""
    end = head if head.kind != INTENT else outcome
    facts = {**_facts(head), **({} if end is None else _facts(end))}
    return LogEntry(
        id=log_id,
        at=EPOCH + head.at * MICROSECOND,
        kind=KINDS.get(head.kind, head.kind),
        user=head.user or "",
        persona=head.persona,
        connection=head.connection,
        action=head.action,
        effect=head.effect,
        operation=head.operation,
        outcome=OPEN if end is None else end.outcome or SUCCEEDED,
        status=facts.get("status"),
        attempts=facts.get("attempts"),
        duration_ms=facts.get("duration_ms"),
        error=facts.get("error"),
        cost=facts.get("cost"),
        warnings=facts.get("warnings", 0),
        prompt=opened.get("prompt"),
        arguments=opened.get("arguments"),
        request=opened.get("request"),
        response=opened.get("response") if outcome is None else answer or None,
        facts=facts,
        context=_context(opened.get("context"), facts.get("context")),
        erased=erased,
    )


def _context(*parts: object) -> dict[str, Any]:
    """Joins what is said of the context of a call, openly and sealed."""
    found: dict[str, Any] = {}
    for part in parts:
        found |= part if isinstance(part, dict) else {}
    return found


def microseconds(moment: datetime | None) -> int | None:
    """Returns a moment as the log counts time; without a zone it is taken as local."""
    return None if moment is None else (moment.astimezone(UTC) - EPOCH) // MICROSECOND


def _facts(row: LogDraft | LogRow) -> dict[str, Any]:
    """Returns the facts of a row, which a row that has no place yet holds as text."""
    facts = row.facts
    return msgspec.json.decode(facts, type=dict[str, Any]) if isinstance(facts, str) else facts
