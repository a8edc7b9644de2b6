"""Says in a line what is wrong with a request, and names what applications are made of."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ASGIApp", "Message", "Receive", "Response", "Scope", "Send", "said"]


def said(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Returns an answer of one line."""
    return PlainTextResponse(f"{text}\n", status, headers)
