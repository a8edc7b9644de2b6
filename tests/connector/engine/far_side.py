"""Plays a far side that answers byte for byte what a test tells it, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


#: Bytes to send; None cuts the line without a word; HANG never answers.
Answer: TypeAlias = bytes | None
HANG = b"HANG"
#: Says what to answer; one that waits, so that others are answered meanwhile, is awaited.
Answering: TypeAlias = Callable[[Seen], Answer | Awaitable[Answer]]


def reply(
    status: int = 200, body: object = None, *, headers: Mapping[str, str] | None = None
) -> bytes:
    """Returns a whole HTTP answer; a body that is not bytes is sent as JSON."""
    payload = (
        body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    )
    lines = {"Content-Length": str(len(payload)), "Content-Type": "application/json"}
    lines |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + payload


@dataclass(slots=True)
class FarSide:
    """A running far side: what it saw, and how it answers."""

    answer: Answering
    url: str = ""
    seen: list[Seen] = field(default_factory=list[Seen])
    #: Set when the first request has come whole.
    asked: threading.Event = field(default_factory=threading.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers the requests of one line until it ends."""
        try:
            await self._answer_all(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await _read(reader)) is not None:
            self.seen.append(request)
            self.asked.set()
            said = self.answer(request)
            answer = await said if inspect.isawaitable(said) else said
            if answer == HANG:
                await asyncio.Event().wait()
            if answer is None:
                return
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer:
                return


@contextmanager
def far_side(answer: Answering) -> Generator[FarSide]:
    """Runs a far side in a thread of its own while the block lasts."""
    side = FarSide(answer)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_main(side, started)))
    thread.start()
    loop, end = started.result()
    try:
        yield side
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


async def _main(
    side: FarSide, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]
) -> None:
    lines: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.add(asyncio.ensure_future(side.serve(reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    side.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    end = asyncio.Event()
    started.set_result((asyncio.get_running_loop(), end))
    await end.wait()
    server.close()
    for line in lines:
        line.cancel()
    await asyncio.gather(*lines, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Seen | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *rest = head.decode().splitlines()
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in rest if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Seen(method, target, headers, body)
