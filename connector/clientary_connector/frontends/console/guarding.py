"""Stands before every request of the console, and behind every answer.

A console that is mounted has no other guard, so it asks again what the guard of a server of ours
(`web.guarding`) has asked before; that one answers programs in a line, this one draws pages.

1. The Host header names this console, or nothing is answered (DNS rebinding).
2. A request that changes something comes from a page of this console, or from a program that is
   no browser: `Sec-Fetch-Site`, and `Origin` against `Host`.
3. A body is no longer than the limit of the settings.
4. Whatever goes wrong behind it ends here, in a page that holds no trace; the type and the place
   go to the log of the process, and not the message: that of a foreign error may hold a secret.
5. Every answer carries the headers below. No script or style stands in a page, nothing is fetched
   from elsewhere, no other site frames a page or sees where its reader came from, and no page is
   kept by a browser or a proxy.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientary_connector.frontends.console.cookies import is_loopback
from clientary_connector.frontends.console.failing import failure
from clientary_connector.frontends.web.peers import host_name

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
#: What a browser says of a request that no other site has sent.
OWN: Final = frozenset({"same-origin", "none"})
NO_STORE: Final = "no-store"
HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    # `no-referrer` would make browsers send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: Nothing but what this console serves itself.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)
_log: Final = logging.getLogger(__name__)


class Guard:
    """Lets through what may reach the pages, and marks what comes back."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: frozenset[str],
        frame_ancestors: tuple[str, ...],
        most_bytes: int,
    ) -> None:
        """Takes the pages, the names of the host, who may frame a page, and the limit of a body."""
        self._app = app
        self._hosts = hosts
        self._most_bytes = most_bytes
        self._headers = _headers(frame_ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        marked = _Marked(send, self._headers)
        limited = _Limited(receive, self._most_bytes)
        try:
            self._check(scope)
            await self._app(scope, limited, marked)
        except HTTPException as error:
            await self._fail(scope, receive, marked, error)
        except Exception as error:  # noqa: BLE001 - the outermost edge
            _log.error("Unexpected error: %s%s", type(error).__name__, _place(error))
            await self._fail(scope, receive, marked, HTTPException(500))

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise HTTPException(
                421,
                "This console does not answer to that name. Whoever runs it can name its hosts.",
            )
        if scope["method"] not in SAFE and not _is_own(headers, host):
            raise HTTPException(403, "The request came from another site.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._most_bytes:
            raise _too_large(self._most_bytes)

    def _is_ours(self, host: str) -> bool:
        name = host_name(host).strip("[]")
        return bool(name) and (is_loopback(name) or name in self._hosts)

    async def _fail(
        self, scope: Scope, receive: Receive, send: _Marked, error: HTTPException
    ) -> None:
        if not send.begun:
            await failure(Request(scope, receive), error)(scope, receive, send)


class _Marked:
    """Puts the headers on an answer as it leaves."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", NO_STORE)
        await self._send(message)


class _Limited:
    """Stops a body that is longer than it may be, also one that does not say how long it is."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._seen = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > self._most_bytes:
            raise _too_large(self._most_bytes)
        return message


def _headers(frame_ancestors: tuple[str, ...]) -> Mapping[str, str]:
    ancestors = " ".join(frame_ancestors) or "'none'"
    policy = {"content-security-policy": f"{POLICY}; frame-ancestors {ancestors}"}
    framing = {} if frame_ancestors else {"x-frame-options": "DENY"}
    return {**HEADERS, **policy, **framing}


def _is_own(headers: Headers, host: str) -> bool:
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in OWN:
        return False
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _too_large(most_bytes: int) -> HTTPException:
    return HTTPException(413, f"More than {most_bytes // 1024} KB cannot be sent here at once.")


def _place(error: Exception) -> str:
    """Returns the last line of code that the error passed."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        place = f" at {code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
