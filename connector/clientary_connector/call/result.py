"""Holds what goes into a call and what comes out of it: one document, whatever happened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from connector_vault.salts import Salts

#: What operations are named by; it knows of forks by itself.
_DRAWN: Final = Salts(os.urandom)


class Outcome(StrEnum):
    """Says how a call ended."""

    SUCCEEDED = "succeeded"
    #: Nothing was sent.
    REFUSED = "refused"
    #: The service said no, or was never reached.
    FAILED = "failed"
    #: Sent, and no answer: it may have happened.
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """Names every way in which a call can go wrong; the list is closed."""

    INVALID_ARGUMENTS = "invalid_arguments"
    DENIED = "denied"
    APPROVAL_REQUIRED = "approval_required"
    REVOKED = "revoked"
    OVER_BUDGET = "over_budget"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REJECTED = "rejected"
    PLAN_LIMIT = "plan_limit"
    RATE_LIMITED = "rate_limited"
    UPSTREAM_ERROR = "upstream_error"
    #: Never sent.
    UNREACHABLE = "unreachable"
    #: Sent, no answer.
    UNKNOWN = "unknown"
    BAD_RESPONSE = "bad_response"
    VAULT_LOCKED = "vault_locked"
    INTEGRITY = "integrity"
    INTERNAL = "internal"


def _nothing() -> dict[str, Any]:
    # `dict[str, Any]`, when called, takes as long as all the rest of a call's making.
    return {}


def mint_operation() -> str:
    """Returns a fresh operation id, for hosts that mint none of their own."""
    return f"op_{_DRAWN(12).hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Says who (user, persona) wants what (action, arguments), why (prompt) and through what.

    The host mints `operation`, one per logical step: a repeat gets the first result back.
    `context` carries the host's own ids into the log: a W3C `traceparent`, a `run`, a `flow` and
    a `session`, by which calls are found again; whatever else it holds is sealed with the prompt.
    """

    action: str
    arguments: Mapping[str, Any] = field(default_factory=_nothing)
    connection: str
    user: str
    persona: str
    prompt: str
    operation: str = field(default_factory=mint_operation)
    context: Mapping[str, str] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentFault:
    """Names one argument that cannot be used, without repeating its value."""

    #: JSON path, `$.invoice_items_attributes[0].price`.
    path: str
    expected: str
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Returns the fault as a JSON object."""
        return {"path": self.path, "expected": self.expected, "hint": self.hint}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallError:
    """Says what went wrong, to a person (`message`) and to a model (`hint`)."""

    kind: ErrorKind
    message: str
    hint: str
    #: Whether the same call may be made again without a risk of doing it twice.
    retryable: bool = False
    #: Seconds to wait before it, where the service named them.
    wait_s: float | None = None
    #: HTTP status of the answer, where there was one.
    status: int | None = None
    faults: tuple[ArgumentFault, ...] = ()
    #: The service's own messages by field (422); field "" holds those about the whole record.
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    #: Id of the approval that the call waits for, or was denied by.
    approval: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the error as a JSON object."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.retryable,
            "wait_s": self.wait_s,
            "status": self.status,
            "faults": [fault.to_json() for fault in self.faults],
            "fields": {name: list(messages) for name, messages in self.fields.items()},
            "approval": self.approval,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Says which part of a list the result holds."""

    #: The first page read, from 1; None where the service does not page this list.
    number: int | None
    #: Records on a page, as the service answered.
    size: int | None
    total: int | None
    pages: int | None
    #: Where to go on; None where there is nothing more.
    next_page: int | None
    limit: int | None
    #: Whether the list ends with this result.
    complete: bool
    #: Records that were read and left out: they do not meet a condition of the grant.
    filtered: int = 0

    def to_json(self) -> dict[str, Any]:
        """Returns the page as a JSON object."""
        return {
            "number": self.number,
            "size": self.size,
            "total": self.total,
            "pages": self.pages,
            "next_page": self.next_page,
            "limit": self.limit,
            "complete": self.complete,
            "filtered": self.filtered,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Holds what a call came to; the same shape for every action and every outcome."""

    outcome: Outcome
    operation: str
    data: Any = None
    page: Page | None = None
    warnings: tuple[str, ...] = ()
    error: CallError | None = None
    #: The call's line in the log; None only where the log could not be written.
    log_id: int | None = None
    #: Whether this is the first result of the same operation, given again.
    replayed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns the result as one JSON document."""
        return {
            "outcome": self.outcome.value,
            "data": self.data,
            "page": None if self.page is None else self.page.to_json(),
            "warnings": list(self.warnings),
            "error": None if self.error is None else self.error.to_json(),
            "log_id": self.log_id,
            "operation": self.operation,
            "replayed": self.replayed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeCount:
    """Says how many records of one resource a deletion would take along."""

    resource: str
    #: None where nothing can count them.
    count: int | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Shows the exact request of a call, without the secret and without sending it."""

    action: str
    effect: str
    method: str
    url: str
    query: tuple[tuple[str, str], ...]
    #: As sent, save for the credential.
    headers: Mapping[str, str]
    #: The JSON body, decoded; None where there is none.
    body: Any
    #: What a deletion would take along, counted live.
    cascade: tuple[CascadeCount, ...] = ()
    #: Whether a person has to approve the call before it is run.
    needs_approval: bool = False
    #: Why the call would be refused; the rest is empty then.
    error: CallError | None = None
    #: The refusal's line in the log; a preview that is not refused has none.
    log_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the preview as one JSON document."""
        return {
            "action": self.action,
            "effect": self.effect,
            "method": self.method,
            "url": self.url,
            "query": [list(pair) for pair in self.query],
            "headers": dict(self.headers),
            "body": self.body,
            "cascade": [
                {"resource": item.resource, "count": item.count, "note": item.note}
                for item in self.cascade
            ],
            "needs_approval": self.needs_approval,
            "error": None if self.error is None else self.error.to_json(),
            "log_id": self.log_id,
        }
