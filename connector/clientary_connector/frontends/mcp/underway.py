"""Holds what runs for clients, so that it ends well when they leave or are shut out."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio
from mcp import MCPError, types

T = TypeVar("T")


class Underway:
    """What is under way, by the token that its client has shown; over stdio there is none."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self._running: dict[asyncio.Task[Any], str | None] = {}
        self._shut_out: set[asyncio.Task[Any]] = set()

    @property
    def tokens(self) -> frozenset[str]:
        """The tokens for which something runs."""
        return frozenset(token for token in self._running.values() if token is not None)

    async def finished(self, work: Coroutine[Any, Any, T], *, token: str | None) -> T:
        """Runs a piece of work; where its client leaves, it is cancelled once, and waited for.

        The SDK cancels again with every wait, and would cut short what is being written down.

        Raises:
            MCPError: The token of the client was revoked meanwhile.
        """
        task = asyncio.ensure_future(work)
        self._running[task] = token
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task not in self._shut_out:
                task.cancel()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([task])
                raise
        finally:
            del self._running[task]
            self._shut_out.discard(task)
        raise MCPError(types.INVALID_REQUEST, "The token counts no more.")

    def shut_out(self, token: str) -> None:
        """Cancels what runs for a token."""
        for task, of in self._running.items():
            if of == token and task.cancel():
                self._shut_out.add(task)
