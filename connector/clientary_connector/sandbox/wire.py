"""One ASGI exchange as the sandbox needs it: read, answer, wait, answer half, cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from clientary_connector.sandbox.spoil import Reply

TRANSPORT: Final = "clientary_sandbox.transport"

_BODILESS: Final = frozenset({204, 304})
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Wire:
    """The three ends of an ASGI call."""

    scope: Scope
    receive: Receive
    send: Send

    async def body(self) -> bytes:
        """Read the whole body of the request."""
        message = await self.receive()
        body: bytes = message.get("body", b"")
        while message.get("more_body", False):
            message = await self.receive()
            body += message.get("body", b"")
        return body

    async def answer(self, reply: Reply) -> None:
        """Send a whole reply."""
        body = b"" if reply.status in _BODILESS else reply.body
        await self.send(_start(reply))
        await self.send({"type": "http.response.body", "body": body})

    async def answer_half(self, reply: Reply) -> None:
        """Promise a whole reply, send half of its body and close the connection."""
        transport = self._transport()
        half = reply.body[: len(reply.body) // 2]
        await self.send(_start(reply))
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        transport.close()

    async def wait(self, seconds: float) -> None:
        """Wait, but no longer than the client does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.receive()

    def cut(self, *, reset: bool) -> None:
        """Drop the connection without a word; with `reset` the peer sees it as reset.

        Raises:
            ConnectionAbortedError: When the app runs without a socket that could be cut.
        """
        transport = self._transport()
        if reset:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()

    def _transport(self) -> asyncio.Transport:
        transport: asyncio.Transport | None = self.scope.get("state", {}).get(TRANSPORT)
        if transport is None:
            raise ConnectionAbortedError("the sandbox cut the connection")
        return transport


def _start(reply: Reply) -> dict[str, Any]:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers]
    if reply.status in _BODILESS:
        headers = [header for header in headers if header[0] != b"content-type"]
    else:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    return {"type": "http.response.start", "status": reply.status, "headers": headers}
