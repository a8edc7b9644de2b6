"""Serves many clients over streamable HTTP, each as the caller that its token stands for.

1. Every request shows a token that counts, or is answered with 401 before its body is read.
2. Who calls is what the token says: user, persona and connection, and nothing that a client says.
3. A session belongs to the token that has opened it; with another one it is not there.
4. A token that counts no more ends within a second or so what is open under it: streams, and the
   calls under way, of which what is known is written down first.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from clientary_connector.connector import Connector
from clientary_connector.errors import OperatorError, TokenRefusedError
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.frontends.mcp.watching import Request
from clientary_connector.frontends.web.answers import Receive, Response, Scope, Send, said
from clientary_connector.frontends.web.bearers import Bearers
from clientary_connector.frontends.web.streaming import KEY, Streams
from clientary_connector.frontends.web.throttle import Throttle
from clientary_connector.tokens import MCP, Token

PATH: Final = "/mcp"
METHODS: Final = "GET, POST, DELETE"
#: Seconds between two looks whether the tokens still count under which something is open.
EVERY_S: Final = 1.0
_CALLER: Final = "caller"


class McpApplication:
    """Is the application that a server of ours runs."""

    def __init__(
        self,
        connector: Connector,
        *,
        path: str = PATH,
        search: bool = False,
        stateless: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Takes the connector; with `search` a few tools stand for all actions.

        With `stateless` every request of the older protocol stands by itself, for clients that
        keep no session; they are told of no change.
        """
        settings = connector.settings
        self._tokens = connector.tokens
        self._path = path
        self._sleep = sleep
        self._serving = Serving(connector, _caller_of, search=search)
        self._manager = StreamableHTTPSessionManager(
            self._serving.server(),
            stateless=stateless,
            session_idle_timeout=settings.session_idle_s,
            max_request_body_size=settings.request_bytes,
            max_sessions=settings.sessions_at_once,
        )
        self._streams = Streams(self._manager.handle_request)
        throttle = Throttle(settings.wrong_tokens_a_minute)
        self._bearers = Bearers(self._tokens, kind=MCP, throttle=throttle)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        answer = _misled(scope, self._path)
        if answer is None:
            found = await self._bearers.admitted(scope)
            if isinstance(found, Token):
                await self._streams(_as(found, scope), receive, send)
                return
            answer = found
        await answer(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keeps the sessions while the block lasts, and ends them with it."""
        async with self._manager.run():
            tasks = [
                asyncio.ensure_future(one) for one in (self._serving.watch.run(), self._look())
            ]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    def ending(self) -> None:
        """Ends what clients only listen on."""
        self._streams.end()
        self._serving.watch.end()

    @property
    def open(self) -> frozenset[str]:
        """The ids of the tokens under which streams are open, or calls under way."""
        return self._serving.underway.tokens | self._streams.keys

    async def look(self) -> None:
        """Looks once whether the tokens still count under which something is open."""
        for token in self.open:
            try:
                self._tokens.check(token)
            except TokenRefusedError:
                self._streams.end(token)
                self._serving.underway.shut_out(token)
                self._serving.watch.forget(token)
            except OperatorError:
                # A vault that cannot be read for a moment says nothing about a token.
                continue

    async def _look(self) -> None:
        while True:
            await self._sleep(EVERY_S)
            await self.look()


def _misled(scope: Scope, path: str) -> Response | None:
    """Returns the answer to a request that is for no server of this protocol."""
    if scope["path"].rstrip("/") != path.rstrip("/"):
        return said(404, f"There is nothing here; the server is at {path}.")
    if scope["method"] not in METHODS.split(", "):
        return said(405, f"Use {METHODS}.", {"Allow": METHODS})
    if scope["method"] == "POST" and not _is_json(scope):
        return said(415, "Send application/json.", {"Accept": "application/json"})
    return None


def _is_json(scope: Scope) -> bool:
    found = [value for name, value in scope["headers"] if name == b"content-type"]
    return [value.partition(b";")[0].strip().lower() for value in found] == [b"application/json"]


def _as(token: Token, scope: Scope) -> dict[str, Any]:
    """Returns a request with who makes it."""
    caller = Caller(
        connection=str(token.connection),
        persona=str(token.persona),
        user=token.user,
        token=token.id,
    )
    state = {**scope.get("state", {}), KEY: token.id, _CALLER: caller}
    # By this the SDK knows whose a session is; the token itself it does not get.
    user = AuthenticatedUser(AccessToken(token="", client_id=token.id, scopes=[]))
    return {**scope, "state": state, "user": user}


def _caller_of(request: Request) -> Caller:
    return cast("Caller", cast("Any", request.request).scope["state"][_CALLER])
