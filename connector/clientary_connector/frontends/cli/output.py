"""Prints what a command came to as JSON, always in the same shape, and tells a person of errors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clientary_connector.call.result import CallError, Outcome
from clientary_connector.frontends import screen


def emit_json(value: object) -> None:
    """Prints one JSON document, as UTF-8 whatever the terminal is set to."""
    screen.emit_bytes(f"{screen.document(value)}\n".encode())


def emit_data(
    data: object, *, page: dict[str, Any] | None = None, log_id: int | None = None
) -> None:
    """Prints the document of a command that succeeded."""
    emit_json(envelope(Outcome.SUCCEEDED, data=data, page=page, log_id=log_id))


def envelope(
    outcome: Outcome,
    *,
    data: object = None,
    page: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    log_id: int | None = None,
) -> dict[str, Any]:
    """Returns a document in the shape of a call's result."""
    return {
        "outcome": outcome.value,
        "data": data,
        "page": page,
        "warnings": [],
        "error": error,
        "log_id": log_id,
        "operation": None,
        "replayed": False,
    }


def note_error(outcome: Outcome, error: CallError) -> None:
    """Tells a person what went wrong, where, and what to do."""
    screen.note(
        f"{outcome.value.capitalize()} ({error.kind.value}): {screen.visible(error.message)}"
    )
    for line in _details(error):
        screen.note(f"  {line}")
    note_hint(error.hint)


def note_hint(hint: str) -> None:
    """Tells a person what to do."""
    screen.note(f"Hint: {screen.visible(hint)}")


def _details(error: CallError) -> Iterable[str]:
    for fault in error.faults:
        hint = f" ({fault.hint})" if fault.hint else ""
        yield screen.visible(f"{fault.path}: {fault.expected}{hint}")
    for name, messages in error.fields.items():
        yield screen.visible(": ".join(part for part in (name, "; ".join(messages)) if part))
