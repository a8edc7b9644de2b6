"""Serves one client over stdin and stdout, until it closes them or a signal ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Final, cast

import anyio
from mcp.server.stdio import stdio_server

from clientary_connector.connector import Connector
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.frontends.upkeep import upkeep
from clientary_connector.frontends.waiting import first_of, signalled

#: A message beyond this ends the connection: no tool takes so much.
MAX_LINE_BYTES: Final = 4 * 1024 * 1024
_CHUNK_BYTES: Final = 65_536
#: So long after the tools were asked for, the answer has left.
ANSWERED_S: Final = 0.1


async def serve(connector: Connector, caller: Caller, *, search: bool = False) -> None:
    """Serves a client that started us, as one caller, until it leaves.

    With `search` three tools stand for all actions.
    """
    serving = Serving(connector, lambda _: caller, search=search)
    server = serving.server()
    lines = cast("anyio.AsyncFile[str]", Lines(0))
    preparing = asyncio.create_task(_prepared(connector, serving))
    with anyio.CancelScope() as scope:
        async with stdio_server(stdin=lines) as (read, write):
            talk = server.run(read, write, server.create_initialization_options())
            others = (serving.watch.run(), upkeep(connector, caller.user), signalled())
            if not await first_of(talk, *others):
                # The client has not left, so nothing else ends the reading of its lines.
                scope.cancel()
    preparing.cancel()


async def _prepared(connector: Connector, serving: Serving) -> None:
    """Loads what calls go through once the client has its tools: most often a call comes next.

    It is loaded in a thread, which leaves the loop few turns, so it waits for the answer to leave.
    """
    await serving.listed.wait()
    await asyncio.sleep(ANSWERED_S)
    await connector.prepare()


class Lines:
    """The lines of a descriptor, read in a thread that never keeps the process from ending.

    The SDK's own reader waits in a thread that has to end first: Ctrl-C would not be heard until
    the client closes the pipe.
    """

    def __init__(self, descriptor: int) -> None:
        """Takes the descriptor; reading starts with the first line that is asked for."""
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        """Gives line after line."""
        loop = asyncio.get_running_loop()
        found = asyncio.Queue[str | None](maxsize=1)

        def read() -> None:
            # A loop that was closed meanwhile wants no more lines.
            with contextlib.suppress(RuntimeError, asyncio.CancelledError):
                for line in _lines(self._descriptor):
                    asyncio.run_coroutine_threadsafe(found.put(line), loop).result()
                asyncio.run_coroutine_threadsafe(found.put(None), loop).result()

        threading.Thread(target=read, name="clientary-mcp-stdin", daemon=True).start()
        while (line := await found.get()) is not None:
            yield line


def _lines(descriptor: int) -> Iterator[str]:
    """Gives the lines of a descriptor that hold something, until one is too long."""
    parts, size = list[bytes](), 0
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        for other in others:
            line = b"".join(parts).decode(errors="replace")
            if line.strip():
                yield line
            parts, size = [other], len(other)
        if size > MAX_LINE_BYTES:
            return
