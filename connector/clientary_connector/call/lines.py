"""Carries requests over the lines of one event loop, one at a time over each.

1. The library below reads the answers. The request is written here: whole, at once and inside its
   gate, or not at all.
2. What is written is one head of plain signs and one body: nothing in it can end a line early.
3. A send has a limited time in all, and its answer a shorter one to begin and between its parts.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeAlias

import aiohttp
from aiohttp.connector import Connection

from clientary_connector.call.address import Target
from clientary_connector.call.linepool import LinePool
from clientary_connector.settings import Settings

#: Lets a request out, or raises; what it encloses is short and waits for nobody.
Gate: TypeAlias = Callable[[], AbstractContextManager[None]]

#: What a path may hold, and what the value of a header may (RFC 9112, section 3.2, and RFC 9110,
#: section 5.5, without what is obsolete there).
RESOURCE: Final = re.compile(r"/[\x21-\x7e]*")
VALUE: Final = re.compile(r"[\x20-\x7e]*")
ENCODINGS: Final = "gzip, deflate"
#: These say how long their body is even where it is empty (RFC 9110, section 8.6).
NO_BODY: Final = frozenset({"GET"})
INTERIM: Final = range(100, 200)
SWITCHED: Final = 101


class UnwritableError(Exception):
    """The request holds signs that cannot stand in it."""


class ClosedError(Exception):
    """The line was closed before anything was written."""


class BodyFault(StrEnum):
    """Says why the body of an answer is not there whole."""

    CUT = "cut"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    fault: BodyFault | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it is written, secret and all."""

    method: str
    resource: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


class Flight:
    """A request that was written, and whose answer has not begun to come."""

    __slots__ = ("protocol", "until")

    def __init__(self, protocol: Any, until: float) -> None:  # noqa: ANN401 - a part of the library without a public type
        """Takes who waits for the answer, and until when."""
        self.protocol = protocol
        self.until = until

    def end(self) -> None:
        """Wakes whoever waits: the time is up."""
        self.protocol.set_exception(aiohttp.SocketTimeoutError("The time is up."))


class Lines:
    """The open lines of one event loop, to public hosts or to loopback."""

    def __init__(self, settings: Settings, headers: Mapping[str, str], *, loopback: bool) -> None:
        """Takes the limits, and what every request carries."""
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._pool = LinePool(settings, loopback=loopback)
        common = {"Accept": "*/*", "Accept-Encoding": ENCODINGS, **headers}
        self._common = "".join(_line(name, value) for name, value in common.items())
        #: Waiting for a free line happens here, where it is known that nothing was sent yet.
        self.room = asyncio.Semaphore(settings.max_connections)
        #: Those in the air; one alarm for all of them costs each next to nothing.
        self._flights: set[Flight] = set()
        self._alarm: asyncio.TimerHandle | None = None

    async def exchange(
        self, target: Target, message: Message, gate: Gate, signed: str | None = None
    ) -> Answer:
        """Sends one request once, through its gate, and reads its answer.

        `signed` is what its header `Authorization` says, if it has one.

        Raises:
            ElsewhereError: The target is no plain host; nothing was sent.
            UnwritableError: The request cannot be written; nothing was sent.
            ClosedError: The line was closed just now; nothing was sent.
            aiohttp.ClientError: There is no line, or no answer.
            TimeoutError: There is no answer in time.
        """
        pool = self._pool
        host = pool.host(target)
        written = self._written(host.name, message, signed)
        until = self._loop.time() + self._settings.send_timeout_s
        line = pool.rested(host) or await pool.opened(host)
        try:
            answer = await self._carried(line, written, gate, until)
        except BaseException:
            pool.close(line)
            raise
        pool.rest(host, line)
        return answer

    async def aclose(self) -> None:
        """Closes all lines."""
        if self._alarm is not None:
            self._alarm.cancel()
        await self._pool.aclose()

    async def _carried(self, line: Connection, written: bytes, gate: Gate, until: float) -> Answer:
        protocol: Any = line.protocol
        # Each time: what else came behind the answer before this one is not read as this one.
        protocol.set_response_params(read_until_eof=True)
        with gate():
            _write(line, written)
        head, payload = await self._head(protocol, until)
        while head.code in INTERIM and head.code != SWITCHED:
            head, payload = await self._head(protocol, until)
        if payload.is_eof() and payload.exception() is None:
            # It came along with the head, as most do.
            body = payload.read_nowait()
            fault = BodyFault.TOO_LARGE if len(body) > self._settings.max_body_bytes else None
            return Answer(head.code, head.headers, b"" if fault else body, fault)
        protocol.read_timeout = self._settings.read_timeout_s
        protocol.start_timeout()
        async with asyncio.timeout_at(until):
            body, fault = await self._body(payload)
        # It may be counting still: what was read ahead is counted when it is handed on.
        protocol.read_timeout = None
        protocol.start_timeout()
        return Answer(head.code, head.headers, body, fault)

    async def _head(self, protocol: Any, until: float) -> Any:  # noqa: ANN401 - parts of the library without public types
        """Waits for the head of an answer."""
        flight = Flight(protocol, min(until, self._loop.time() + self._settings.read_timeout_s))
        self._flights.add(flight)
        if self._alarm is None or flight.until < self._alarm.when():
            self._ring_at(flight.until)
        try:
            return await protocol.read()
        finally:
            self._flights.discard(flight)

    async def _body(self, payload: aiohttp.StreamReader) -> tuple[bytes, BodyFault | None]:
        most = self._settings.max_body_bytes
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in payload.iter_any():
                size += len(chunk)
                if size > most:
                    return b"", BodyFault.TOO_LARGE
                chunks.append(chunk)
        except (aiohttp.ClientError, OSError):
            return b"", BodyFault.CUT
        return b"".join(chunks), None

    def _written(self, name: str, message: Message, signed: str | None) -> bytes:
        """Gives the bytes of a request.

        Raises:
            UnwritableError: It holds signs that cannot stand in it.
        """
        if RESOURCE.fullmatch(message.resource) is None:
            raise UnwritableError
        own = "".join([_line(header, value) for header, value in message.headers.items()])
        if signed is not None:
            own += _line("Authorization", signed)
        body = message.body or b""
        if body or message.method not in NO_BODY:
            own += f"Content-Length: {len(body)}\r\n"
        start = f"{message.method} {message.resource} HTTP/1.1\r\nHost: {name}\r\n"
        return f"{start}{self._common}{own}\r\n".encode("ascii") + body

    def _ring_at(self, moment: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._loop.call_at(moment, self._ring)

    def _ring(self) -> None:
        """Ends what is late, and waits for the next."""
        self._alarm = None
        now = self._loop.time()
        for flight in [one for one in self._flights if one.until <= now]:
            self._flights.discard(flight)
            flight.end()
        if self._flights:
            self._ring_at(min(flight.until for flight in self._flights))


def _line(name: str, value: str) -> str:
    """Gives one line of a head.

    Raises:
        UnwritableError: The value holds signs that cannot stand in it.
    """
    if VALUE.fullmatch(value) is None:
        raise UnwritableError
    return f"{name}: {value}\r\n"


def _write(line: Connection, written: bytes) -> None:
    """Writes a request onto an open line.

    Raises:
        ClosedError: It is open no more, or holds what nobody asked for.
    """
    transport, protocol = line.transport, line.protocol
    if transport is None or transport.is_closing() or protocol is None or protocol.should_close:
        raise ClosedError
    transport.write(written)
