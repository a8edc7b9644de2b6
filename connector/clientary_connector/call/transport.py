"""Is the one door to the network: the secret is put on here and nowhere else.

1. The target comes from the manifest and a plain label; the built request is compared with it.
2. Proxies, certificates, netrc and key logs named by the environment are ignored.
3. The address is checked when the line opens: public, or loopback for a simulated account.
4. The secret goes onto the request last. A key is revealed in this module alone.
5. One send is one send: nothing below repeats it, redirects are not followed.
6. The answer is read up to a limit, in a limited time, and the secret is taken out of it.
7. Once the line is open, the request passes a gate: a last look at the permission, and the first
   bytes, with nothing in between.
8. Errors from below are not passed on: theirs would hold the request. Ours say one thing,
   whether anything can have been sent.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

import aiohttp
import certifi
from aiohttp.connector import Connection
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from clientary_connector.call.address import (
    NOT_PUBLIC,
    Target,
    host_of,
    open_to_loopback,
    open_to_public,
)
from clientary_connector.call.authorization import authorization
from clientary_connector.call.request import Form, Request
from clientary_connector.call.scrub import MIN_SECRET_CHARS, scrub
from clientary_connector.manifest import Auth
from clientary_connector.settings import Settings
from connector_vault import Secret

#: Only these prove that nothing has left: the line never opened.
NEVER_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
#: Lets a request out, or raises GateClosedError; what it encloses is short and waits for nobody.
Gate: TypeAlias = Callable[[], AbstractContextManager[None]]
#: The gate of the request that this task sends.
GATE: Final[ContextVar[Gate]] = ContextVar("gate")
Signed: TypeAlias = tuple[Secret | None, Auth | None]
Place: TypeAlias = tuple[asyncio.AbstractEventLoop, bool]
MAX_SECRET_CHARS: Final = 4096
#: Signs that a header or JSON would have to spell otherwise.
UNUSABLE: Final = frozenset(' "\\')
FORM: Final = "application/x-www-form-urlencoded"
KEPT_URLS: Final = 512
LATE: Final = "no answer came in time"


class BodyFault(StrEnum):
    """Says why the body of an answer is not there whole."""

    CUT = "cut"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, with the secret taken out."""

    status: int
    body: bytes = field(repr=False)
    fault: BodyFault | None = None
    retry_after: str | None = None
    #: The host that a redirect names.
    location: str | None = None


class TransportError(Exception):
    """There is no answer; the reason can be shown to anyone."""

    def __init__(self, reason: str) -> None:
        """Takes the reason in a few words."""
        super().__init__(reason)
        self.reason = reason


class NotSentError(TransportError):
    """Nothing was sent."""


class GateClosedError(NotSentError):
    """The last look found that it may not be sent; `reason` is the kind of error it is."""


class NoAnswerError(TransportError):
    """It was sent, or may have been, and no answer came.

    `broken` says that the line broke; otherwise the time was up.
    """

    def __init__(self, reason: str, *, broken: bool = True) -> None:
        """Takes the reason in a few words."""
        super().__init__(reason)
        self.broken = broken


@dataclass(frozen=True, slots=True)
class Built:
    """A request as it goes out, save for the secret."""

    method: str
    url: URL = field(repr=False)
    #: What it carries beyond what every request does.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Line:
    """The open lines of one event loop, to public hosts or to loopback."""

    session: aiohttp.ClientSession
    #: Waiting for a free line happens here, where it is known that nothing was sent yet.
    room: asyncio.Semaphore


class Transport:
    """Sends requests; one set of lines for each event loop, which is one for the process."""

    def __init__(self, *, auth: Auth, headers: Mapping[str, str], settings: Settings) -> None:
        """Takes how the secret goes on, what every request carries, and the limits."""
        self._auth = auth
        self._headers = dict(headers)
        self._settings = settings
        self._lines: dict[Place, tuple[Line, AsyncGenerator[Line]]] = {}
        # Reading a URL costs more than all else that is done to build a request.
        self._url = lru_cache(maxsize=KEPT_URLS)(_as_written)

    def built(self, target: Target, request: Request) -> Built:
        """Returns the request as it goes out, save for the secret."""
        url = self._url(target.origin + request.resource)
        return Built(request.method, url, _typed(request), request.body)

    def headers(self, request: Request) -> dict[str, str]:
        """Returns what the request carries, save for the secret."""
        return {**self._headers, **_typed(request)}

    async def send(
        self,
        target: Target,
        request: Request,
        secret: Secret,
        *,
        gate: Gate,
        auth: Auth | None = None,
    ) -> Reply:
        """Sends one request once, through its gate, and reads the answer.

        `auth` says how the secret goes on, where the manifest's way is not the connection's.

        Raises:
            GateClosedError: The gate let nothing out.
            NotSentError: Nothing was sent.
            NoAnswerError: It may have been sent, and there is no answer.
            CancelledError: The caller was cancelled; it may have been sent.
        """
        built = self.built(target, request)
        return await self._passed(target, built, gate, (secret, auth or self._auth))

    def post(self, target: Target, form: Form, *, gate: Gate) -> Awaitable[Reply]:
        """Posts a form that holds its secrets itself, once; the answer comes unscrubbed.

        It raises as `send` does, when it is awaited. By then no frame holds the form.
        """
        headers = {"Content-Type": FORM, **form.headers}
        built = Built(
            form.method, _as_written(target.origin + form.path), headers, form.body or None
        )
        return self._passed(target, built, gate, (None, None))

    async def _passed(self, to: Target, built: Built, gate: Gate, by: Signed) -> Reply:
        if not goes_to(built.url, to):
            del built  # an error shows the frames that it passed
            raise NotSentError("the request would have left for another host")
        GATE.set(gate)
        line = await self._line(loopback=to.loopback)
        async with line.room:
            failure = await self._attempt(line, built, *by)
        del built
        if isinstance(failure, BaseException):
            raise failure
        return failure

    async def aclose(self) -> None:
        """Closes the lines of this loop, and asks other loops to close theirs."""
        here = asyncio.get_running_loop()
        for (loop, _), (_, lifetime) in list(self._lines.items()):
            if loop is here:
                await lifetime.aclose()
        self.close_soon()

    def close_soon(self) -> None:
        """Asks every running loop to close its lines; a loop that has ended has done so."""
        for (loop, _), (_, lifetime) in list(self._lines.items()):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(_close(lifetime), loop)
        self._lines.clear()

    async def _attempt(
        self, line: Line, built: Built, secret: Secret | None, auth: Auth | None
    ) -> Reply | TransportError | asyncio.CancelledError:
        """Returns errors instead of raising them: a raised one would drag the request along."""
        revealed = "" if secret is None else secret.reveal()
        headers = dict(built.headers)
        if auth is not None:
            headers["Authorization"] = authorization(auth, revealed)
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                return await self._exchange(line, built, headers, revealed)
        except asyncio.CancelledError:
            return asyncio.CancelledError()
        except GateClosedError as closed:
            return GateClosedError(closed.reason)
        except aiohttp.ClientError as error:  # some of them are a TimeoutError, too
            return failure_of(error)
        except TimeoutError:
            return NoAnswerError(LATE, broken=False)
        except Exception as error:  # noqa: BLE001 - whatever breaks below must not carry the request up
            return failure_of(error)

    async def _exchange(
        self, line: Line, built: Built, headers: dict[str, str], revealed: str
    ) -> Reply:
        async with line.session.request(
            built.method, built.url, headers=headers, data=built.body, allow_redirects=False
        ) as response:
            body, fault = await self._body(response)
            location = response.headers.get("Location")
            return Reply(
                status=response.status,
                body=scrub(body, revealed),
                fault=fault,
                retry_after=response.headers.get("Retry-After"),
                location=None if location is None else host_of(location, str(built.url), revealed),
            )

    async def _body(self, response: aiohttp.ClientResponse) -> tuple[bytes, BodyFault | None]:
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.content.iter_any():
                size += len(chunk)
                if size > self._settings.max_body_bytes:
                    return b"", BodyFault.TOO_LARGE
                chunks.append(chunk)
        except (aiohttp.ClientError, OSError):
            return b"", BodyFault.CUT
        return b"".join(chunks), None

    async def _line(self, *, loopback: bool) -> Line:
        key = (asyncio.get_running_loop(), loopback)
        if key not in self._lines:
            for stale in [other for other in self._lines if other[0].is_closed()]:
                del self._lines[stale]
            lifetime = self._lifetime(key)
            self._lines[key] = (await anext(lifetime), lifetime)
        return self._lines[key][0]

    async def _lifetime(self, key: Place) -> AsyncGenerator[Line]:
        """Opens the lines of a loop; a loop that ends closes its generators, and so them."""
        room = asyncio.Semaphore(self._settings.max_connections)
        async with session_of(self._settings, self._headers, loopback=key[1]) as session:
            try:
                yield Line(session, room)
            finally:
                self._lines.pop(key, None)


class GatedRequest(aiohttp.ClientRequest):
    """A request that goes out inside its gate."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Passes the gate and writes; the line is open by now.

        Raises:
            GateClosedError: The gate let nothing out.
        """
        with GATE.get()():
            response = await super().send(conn)
            if sys.version_info < (3, 12):
                # Without eager tasks the body is written by the next turn of the loop.
                await asyncio.sleep(0)
        return response


def tls() -> ssl.SSLContext:
    """Returns a TLS context that knows the public authorities and nothing of the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def session_of(
    settings: Settings, headers: Mapping[str, str], *, loopback: bool
) -> aiohttp.ClientSession:
    """Returns a session that keeps no cookies, reads no environment and repeats nothing."""
    connector = aiohttp.TCPConnector(
        # A simulated account speaks no TLS: a context that trusts nobody takes no time to make.
        ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else tls(),
        limit=settings.max_connections + 1,
        keepalive_timeout=settings.keepalive_s,
        resolver=ThreadedResolver(),
        socket_factory=open_to_loopback if loopback else open_to_public,
    )
    # What the layer below calls `connect` spans the wait for a line and its opening.
    patience = aiohttp.ClientTimeout(
        connect=settings.connect_timeout_s, sock_read=settings.read_timeout_s
    )
    session = aiohttp.ClientSession(
        connector=connector,
        headers=headers,
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=GatedRequest,
        timeout=patience,
        trust_env=False,
    )
    # No public switch: on a line that drops, the session would send a PUT or DELETE twice.
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


def goes_to(url: URL, target: Target) -> bool:
    """Compares a built URL with the target, part by part."""
    return (
        url.scheme == target.scheme
        and url.raw_host == target.host
        and target.host.isascii()
        and url.explicit_port == target.port
        and url.raw_user is None
        and url.raw_password is None
    )


def is_usable(secret: Secret, auth: Auth) -> bool:
    """Tells whether a secret can go onto a request, and be found again in an answer."""
    revealed = secret.reveal()
    plain = revealed.isascii() and revealed.isprintable() and not set(revealed) & UNUSABLE
    whole = auth.scheme != "basic" or ":" not in revealed
    return plain and whole and MIN_SECRET_CHARS <= len(revealed) <= MAX_SECRET_CHARS


def failure_of(error: Exception) -> TransportError:
    """Says in our words whether anything can have been sent."""
    if isinstance(error, aiohttp.SocketTimeoutError):
        return NoAnswerError(LATE, broken=False)
    if not isinstance(error, NEVER_SENT):
        return NoAnswerError("the connection broke before the answer came")
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return NotSentError("the host did not accept a connection in time")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NotSentError("the name of the host could not be resolved")
    if isinstance(error, aiohttp.ClientConnectorError):
        return NotSentError(_refused(error))
    return NotSentError("the address of the host could not be used")


def _refused(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientSSLError):
        return "the host did not prove who it is"
    if NOT_PUBLIC in str(error.os_error):
        return NOT_PUBLIC
    return "the host refused the connection"


def _as_written(url: str) -> URL:
    """Reads a URL without changing a sign of it."""
    return URL(url, encoded=True)


def _typed(request: Request) -> dict[str, str]:
    return {} if request.body is None else {"Content-Type": "application/json"}


async def _close(lifetime: AsyncGenerator[Line]) -> None:
    await lifetime.aclose()
