"""Answers every request with one fixed record, as fast as a raw asyncio server can.

Runs as a process of its own, so that its cost never counts as the caller's; prints its port.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

CLIENT: Final = (
    b'{"id":2053932801,"name":"Granite Bakery","number":"GB-7001","address":"1 Oven Street",'
    b'"address_2":"Floor 2","city":"Millbrook","state":"NY","zip":"12545",'
    b'"country":"United States","website":"https://granite.example",'
    b'"description":"Bread and cake","invoice_extra_fields":null,"status":1,'
    b'"created_at":"2024-02-08T21:38:01-08:00","updated_at":"2024-02-08T21:38:01-08:00"}'
)
STAFF: Final = (
    b'{"staff":[{"id":7,"name":"Ana Miller","email":"ana@granite.example","title":"Owner",'
    b'"phone":null,"ext":null,"mobile":null,"avatar":"/a.png"}]}'
)


def _reply(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n"
    )
    return head.encode() + body


_CLIENT_REPLY: Final = _reply(CLIENT)
_STAFF_REPLY: Final = _reply(STAFF)


class FarSide(asyncio.Protocol):
    """Reads requests off one connection and answers each with a record that never changes."""

    def __init__(self) -> None:
        """Starts with nothing read."""
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers each request that is complete by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            whole = end + 4 + _content_length(head)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            if self._transport is not None:
                staff = b"/staff" in head.split(b"\r\n", 1)[0]
                self._transport.write(_STAFF_REPLY if staff else _CLIENT_REPLY)


def _content_length(head: bytes) -> int:
    at = head.find(b"content-length:")
    if at < 0:
        return 0
    return int(head[at + 15 :].split(b"\r\n", 1)[0])


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(FarSide, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
