"""Ends a line on which the head of a request does not come whole in time.

uvicorn waits for it without end, so that a few hundred lines, on each of which a sign comes now
and then, would be all that a server can have.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class PromptProtocol(H11Protocol):
    """Waits so long for a head: from the opening of the line, or from its first sign."""

    def __init__(self, *given: Any, limit_s: float, **named: Any) -> None:  # noqa: ANN401 - what uvicorn gives
        """Takes the limit, and what uvicorn gives."""
        super().__init__(*given, **named)
        self._limit_s = limit_s
        self._late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Takes in what came: a whole head, or the beginning of one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._late is None and self.conn.trailing_data[0]:
            self._wait()

    def _wait(self) -> None:
        self._late = self.loop.call_later(self._limit_s, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
