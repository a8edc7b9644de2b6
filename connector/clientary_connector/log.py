"""Reads the log: who called what, why, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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
    #: `call`, `refusal`, `connect`, `grant` or `revoke`.
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
