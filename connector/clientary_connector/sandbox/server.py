"""Serves a sandbox over real HTTP on loopback, from a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clientary_connector.sandbox.sandbox import Sandbox
from clientary_connector.sandbox.wire import TRANSPORT

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})

_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers at a URL."""

    url: str
    sandbox: Sandbox

    @property
    def key(self) -> str:
        """Return the API key that the sandbox accepts."""
        return self.sandbox.key


@contextmanager
def serve(sandbox: Sandbox, *, port: int = 0, host: str = "127.0.0.1") -> Generator[RunningSandbox]:
    """Serve a sandbox while the block runs; port 0 takes a free one.

    Raises:
        ValueError: When the host is not a loopback address.
        OSError: When the port is taken.
    """
    if host not in LOOPBACK:
        raise ValueError("A sandbox is served on loopback only: 127.0.0.1 or ::1.")
    listener = _listen(host, port)
    server = _Server(_config(sandbox))
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    server.ready.wait()
    try:
        name = f"[{host}]" if ":" in host else host
        yield RunningSandbox(f"http://{name}:{listener.getsockname()[1]}", sandbox)
    finally:
        server.stop()
        thread.join()


class _Protocol(HttpToolsProtocol):
    """Lets the app reach the connection that it answers on, to cut it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"] = {TRANSPORT: self.transport}


class _Server(uvicorn.Server):
    """Starts and stops at once: says when it is ready, waits for no idle connection."""

    _loop: asyncio.AbstractEventLoop

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            cast("HttpToolsProtocol", connection).transport.abort()
        while tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks)
        for server in self.servers:
            await server.wait_closed()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay off only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _config(sandbox: Sandbox) -> uvicorn.Config:
    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False}
    return uvicorn.Config(
        sandbox.app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_S,
        **quiet,
    )
