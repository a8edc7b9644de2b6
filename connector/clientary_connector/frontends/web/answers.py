"""Says in a line what is wrong with a request, and names what applications are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "ASGIApp",
    "Message",
    "Receive",
    "Refused",
    "Response",
    "Scope",
    "Send",
    "refused_plainly",
    "said",
]

#: Makes the answer that refuses a request, of its status and what is wrong.
Refused: TypeAlias = Callable[[Scope, int, str], Response]


def said(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Returns an answer of one line."""
    return PlainTextResponse(f"{text}\n", status, headers)


def refused_plainly(scope: Scope, status: int, text: str) -> Response:
    """Refuses a request in a line of text."""
    del scope
    return said(status, text)
