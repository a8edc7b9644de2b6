"""Says what a call came to in the words of a tool's answer: short, and all that a model needs."""

from __future__ import annotations

from typing import Any

import msgspec

from clientary_connector.call.result import CallError, Outcome, Page, Result

_encoder = msgspec.json.Encoder(decimal_format="number")


def is_error(result: Result) -> bool:
    """Tells whether a model has to be told that the call did not succeed."""
    return result.outcome is not Outcome.SUCCEEDED


def content(result: Result) -> dict[str, Any]:
    """Returns what a model is told: outcome, data, page, warnings and error, as far as there are.

    Every value is plain JSON, so that any client can carry it.
    """
    told: dict[str, Any] = {"outcome": result.outcome.value}
    if result.data is not None:
        told["data"] = result.data
    if result.page is not None:
        told["page"] = _page(result.page)
    if result.warnings:
        told["warnings"] = list(result.warnings)
    if result.error is not None:
        told["error"] = _error(result.error)
    if result.replayed:
        told["replayed"] = True
    plain: dict[str, Any] = msgspec.json.decode(_encoder.encode(told))
    return plain


def text(result: Result) -> str:
    """Returns the same as JSON text."""
    return _encoder.encode(content(result)).decode()


def _page(page: Page) -> dict[str, Any]:
    told = {"total": page.total, "next_page": page.next_page, "complete": page.complete}
    return {name: value for name, value in told.items() if value is not None}


def _error(error: CallError) -> dict[str, Any]:
    told = error.to_json()
    # What is empty says nothing; `retryable` is always said.
    return {name: value for name, value in told.items() if value or name == "retryable"}
