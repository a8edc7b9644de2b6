"""Runs an application on a place until a signal ends it, and looks after the connector meanwhile.

1. At the first signal nobody new is let in, and streams that only listen are ended.
2. Whatever is being answered has a time to end; then, or at a second signal, it is cancelled, and
   what is known of it is written down first.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from clientary_connector.connector import Connector
from clientary_connector.frontends.upkeep import upkeep
from clientary_connector.frontends.waiting import first_of, signalled
from clientary_connector.frontends.web.answers import Refused, refused_plainly
from clientary_connector.frontends.web.binding import Place
from clientary_connector.frontends.web.guarding import Guard
from clientary_connector.frontends.web.heads import PromptProtocol
from clientary_connector.settings import Settings

#: A line on which nothing was asked for so long is closed.
KEEP_ALIVE_S: Final = 75
#: What was cancelled writes down what is known of it, and is gone by then.
LAST_S: Final = 30.0
#: Waits for a signal that ends the server, each time for a new one.
Until: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What is told of the life of a server."""

    #: It answers from now on.
    started: Callable[[], None]
    #: It ends: streams that only listen are to be ended too.
    ending: Callable[[], None]
    until: Until = signalled


async def serve(  # noqa: PLR0913 - what serving takes, all by name
    app: ASGIApp,
    place: Place,
    *,
    connector: Connector,
    user: str,
    turns: Turns,
    refused: Refused = refused_plainly,
) -> None:
    """Serves an application until a signal comes; everything it has begun has an end then.

    `user` is who looks after the connector in the meantime; `refused` says no to what does not
    reach the application.
    """
    # Here nobody waits for it yet.
    await connector.prepare()
    settings = connector.settings
    guard = Guard(app, place, most_bytes=settings.request_bytes, refused=refused)
    config = _config(guard, place, settings)
    server = _Server(config, turns, limit_s=settings.ending_s)
    await first_of(server.serve(sockets=[place.listener]), upkeep(connector, user))


class _Server(uvicorn.Server):
    """Ends in order, and leaves the signals to others."""

    def __init__(self, config: uvicorn.Config, turns: Turns, *, limit_s: float) -> None:
        super().__init__(config)
        self._turns = turns
        self._limit_s = limit_s

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._turns.started()

    async def main_loop(self) -> None:
        await self._turns.until()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        self._turns.ending()
        await first_of(self._answered(), asyncio.sleep(self._limit_s), self._turns.until())
        for task in self.server_state.tasks:
            task.cancel()
        await first_of(self._answered(), asyncio.sleep(LAST_S))
        for connection in list(self.server_state.connections):
            cast("H11Protocol", connection).transport.abort()
        for server in self.servers:
            await server.wait_closed()

    async def _answered(self) -> None:
        while tasks := list(self.server_state.tasks):
            await asyncio.wait(tasks)


def _config(app: ASGIApp, place: Place, settings: Settings) -> uvicorn.Config:
    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical", "access_log": False}
    tls = place.tls
    if tls is not None:

        def context(config: object, default: object) -> ssl.SSLContext:
            del config, default
            return tls

        quiet["ssl_context_factory"] = context
    return uvicorn.Config(
        app,
        # Of the two parsers this one reads no more than 64 KB of headers.
        http=cast("type[asyncio.Protocol]", partial(PromptProtocol, limit_s=settings.head_s)),
        ws="none",
        loop="asyncio",
        lifespan="off",
        server_header=False,
        # Who is believed about forwarded requests is the guard's business.
        proxy_headers=False,
        limit_concurrency=settings.clients_at_once,
        timeout_keep_alive=KEEP_ALIVE_S,
        **quiet,
    )
