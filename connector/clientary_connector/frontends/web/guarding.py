"""Stands before every application of ours: whom it is not for, does not reach it.

1. Who has sent a request is told by the connection, or by a proxy that was named.
2. What was sent in the open past the proxies is refused, where the server is not on loopback.
3. A Host that is none of ours is refused, so that no name of others leads here (DNS rebinding).
4. An Origin other than the page's own is refused, whatever the browser would let it do.
5. A body that is longer than the limit is not read.
6. Every answer carries the headers that keep a browser from making more of it than it is.

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning
"""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import formatdate
from typing import Final

from starlette.datastructures import MutableHeaders

from clientary_connector.frontends.web.answers import (
    ASGIApp,
    Message,
    Receive,
    Refused,
    Scope,
    Send,
    refused_plainly,
)
from clientary_connector.frontends.web.binding import Place
from clientary_connector.frontends.web.peers import Peer, host_name, peer_of, without_forwarding

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: Two years: from then on a browser asks over TLS only (RFC 6797).
STRICT: Final = "max-age=63072000"
_PORTS: Final = {"http": "80", "https": "443"}


class Guard:
    """An application that hands on to another one what may pass."""

    def __init__(
        self,
        app: ASGIApp,
        place: Place,
        *,
        most_bytes: int,
        refused: Refused = refused_plainly,
    ) -> None:
        """Takes what stands behind it, where it is reached, and how it says no."""
        self._app = app
        self._place = place
        self._most_bytes = most_bytes
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or hands it on."""
        if scope["type"] != "http":
            return
        peer = peer_of(scope, self._place.proxies)
        send = _with_headers(send, strict=peer.scheme == "https")
        refusal = self._refusal(scope, peer)
        if refusal is not None:
            await self._refused(scope, *refusal)(scope, receive, send)
            return
        client = (scope.get("client") or ("", 0))[1]
        scope = {
            **scope,
            "client": (peer.address, client),
            "scheme": peer.scheme,
            "headers": _asked_for(scope["headers"], peer),
        }
        body = _Body(receive, send, most_bytes=self._most_bytes, refused=self._refused)
        await body.handed(self._app, scope)

    def _refusal(self, scope: Scope, peer: Peer) -> tuple[int, str] | None:
        """Returns the status of a refusal and what is wrong; None where nothing is."""
        place = self._place
        if not place.direct and not peer.proxied:
            return 403, (
                "This server is reached through its proxy, which has to say by X-Forwarded-For "
                "and X-Forwarded-Proto for whom."
            )
        if peer.proxied and peer.scheme != "https":
            return (403, "Come over TLS; the proxy has to say so: X-Forwarded-Proto: https.")
        if host_name(peer.host) not in place.hosts:
            return 421, "This Host is none of the server's; it is started with --allow-host NAME."
        if any(_origin(one) != _own(peer) for one in _values(scope, b"origin")):
            return (403, "A page of another origin may not ask this server.")
        if any(
            not 0 <= _number(one) <= self._most_bytes for one in _values(scope, b"content-length")
        ):
            return _too_long(self._most_bytes)
        return None


class _Body:
    """Counts what comes in of a request whose length was not told."""

    def __init__(self, receive: Receive, send: Send, *, most_bytes: int, refused: Refused) -> None:
        self._receive = receive
        self._send = send
        self._most_bytes = most_bytes
        self._refused = refused
        self._came = 0
        self._begun = False

    async def handed(self, app: ASGIApp, scope: Scope) -> None:
        """Hands the request on; one that grows too long has left, for the application."""
        await app(scope, self._counted, self._unless_too_long)
        if self._too_long and not self._begun:
            refusal = self._refused(scope, *_too_long(self._most_bytes))
            await refusal(scope, self._receive, self._send)

    @property
    def _too_long(self) -> bool:
        return self._came > self._most_bytes

    async def _counted(self) -> Message:
        if not self._too_long:
            message = await self._receive()
            self._came += len(message.get("body", b""))
            if not self._too_long:
                return message
        return {"type": "http.disconnect"}

    async def _unless_too_long(self, message: Message) -> None:
        if self._begun or not self._too_long:
            self._begun = True
            await self._send(message)


def _with_headers(send: Send, *, strict: bool) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Date", formatdate(usegmt=True))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if strict:
                headers.setdefault("Strict-Transport-Security", STRICT)
        await send(message)

    return sent


def _asked_for(headers: Iterable[tuple[bytes, bytes]], peer: Peer) -> list[tuple[bytes, bytes]]:
    """Returns the headers with the Host that the client has asked for, and none of a proxy's.

    The space around a value is no part of it (RFC 9110, 5.5), and not every parser takes it off.
    """
    told = without_forwarding(headers)
    kept = [(name, value.strip(b" \t")) for name, value in told if name != b"host"]
    return [(b"host", peer.host.encode("latin-1")), *kept]


def _too_long(most_bytes: int) -> tuple[int, str]:
    return 413, f"What was sent is longer than {most_bytes} bytes."


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


def _own(peer: Peer) -> str:
    """Returns the origin of a page of ours, as the client has reached us."""
    return _origin(f"{peer.scheme}://{peer.host}")


def _origin(text: str) -> str:
    """Returns an origin in one form: the port of its scheme is left out."""
    text = text.strip().lower()
    scheme, _, rest = text.partition("://")
    return text.removesuffix(f":{_PORTS.get(scheme, '')}") if rest else text
