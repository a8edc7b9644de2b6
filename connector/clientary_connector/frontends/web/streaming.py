"""Keeps the streams that browsers and programs listen on, so that they can be ended."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: In the state of a request: under whose key its stream is kept.
KEY: Final = "stream_key"
_STREAM: Final = b"text/event-stream"


class Streams:
    """An application around another one, whose open streams end when they are told to.

    A stream is what answers a GET with server-sent events; the answer to a call is none.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Takes what stands behind it."""
        self._app = app
        self._open: dict[asyncio.Task[None], str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request on; its stream is kept while it is open."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                headers = dict(message.get("headers", ()))
                begun = headers.get(b"content-type", b"").startswith(_STREAM)
            if begun:
                self._open[task] = str(scope.get("state", {}).get(KEY, ""))
            await send(message)

        task = asyncio.ensure_future(_run(self._app, scope, receive, sent))
        try:
            await asyncio.wait([task])
        finally:
            ended = task.cancel()
            self._open.pop(task, None)
            if ended:
                await asyncio.wait([task])
        if task.cancelled() and begun:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not task.cancelled():
            task.result()

    def end(self, key: str | None = None) -> None:
        """Ends the streams of a key, or all."""
        for task, of in list(self._open.items()):
            if key in {None, of}:
                task.cancel()

    @property
    def keys(self) -> frozenset[str]:
        """The keys under which streams are open."""
        return frozenset(self._open.values())


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
