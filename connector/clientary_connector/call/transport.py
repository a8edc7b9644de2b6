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
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import aiohttp

from clientary_connector.call.address import NOT_PUBLIC, Target, host_of
from clientary_connector.call.authorization import authorization
from clientary_connector.call.linepool import ElsewhereError
from clientary_connector.call.lines import (
    BodyFault,
    ClosedError,
    Gate,
    Lines,
    Message,
    UnwritableError,
)
from clientary_connector.call.request import Form, Request
from clientary_connector.call.scrub import MIN_SECRET_CHARS, scrub
from clientary_connector.manifest import Auth
from clientary_connector.settings import Settings
from connector_vault import Secret

__all__ = [
    "BodyFault",
    "Gate",
    "GateClosedError",
    "NoAnswerError",
    "NotSentError",
    "Reply",
    "Transport",
    "TransportError",
    "failure_of",
    "is_usable",
]

#: Only these prove that nothing has left: the line never opened.
NEVER_SENT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)
Signed: TypeAlias = tuple[Secret | None, Auth | None]
Place: TypeAlias = tuple[asyncio.AbstractEventLoop, bool]
MAX_SECRET_CHARS: Final = 4096
#: Signs that a header or JSON would have to spell otherwise.
UNUSABLE: Final = frozenset(' "\\')
FORM: Final = "application/x-www-form-urlencoded"
LATE: Final = "no answer came in time"
#: Why nothing was written.
UNSENT: Final[dict[type[Exception], str]] = {
    ElsewhereError: "the request would have left for another host",
    UnwritableError: "the request holds signs that cannot be sent",
    ClosedError: "the line was closed",
}


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


class Transport:
    """Sends requests; one set of lines for each event loop, which is one for the process."""

    def __init__(self, *, auth: Auth, headers: Mapping[str, str], settings: Settings) -> None:
        """Takes how the secret goes on, what every request carries, and the limits."""
        self._auth = auth
        self._headers = dict(headers)
        self._settings = settings
        self._lines: dict[Place, tuple[Lines, AsyncGenerator[Lines]]] = {}

    def headers(self, request: Request) -> dict[str, str]:
        """Returns what the request carries, save for the secret."""
        return {**self._headers, **_typed(request)}

    def send(
        self,
        target: Target,
        request: Request,
        secret: Secret,
        *,
        gate: Gate,
        auth: Auth | None = None,
    ) -> Coroutine[Any, Any, Reply]:
        """Sends one request once, through its gate, and reads the answer; when it is awaited.

        `auth` says how the secret goes on, where the manifest's way is not the connection's.

        Raises:
            GateClosedError: The gate let nothing out.
            NotSentError: Nothing was sent.
            NoAnswerError: It may have been sent, and there is no answer.
            CancelledError: The caller was cancelled; it may have been sent.
        """
        message = Message(request.method, request.resource, _typed(request), request.body)
        return self._passed(target, message, gate, (secret, auth or self._auth))

    def post(self, target: Target, form: Form, *, gate: Gate) -> Awaitable[Reply]:
        """Posts a form that holds its secrets itself, once; the answer comes unscrubbed.

        It raises as `send` does, when it is awaited. By then no frame holds the form.
        """
        headers = {"Content-Type": FORM, **form.headers}
        message = Message(form.method, form.path, headers, form.body or None)
        return self._passed(target, message, gate, (None, None))

    async def _passed(self, to: Target, message: Message, gate: Gate, by: Signed) -> Reply:
        key = (asyncio.get_running_loop(), to.loopback)
        lines = self._lines[key][0] if key in self._lines else await self._opened(key)
        async with lines.room:
            failure = await self._attempt(lines, to, message, gate, by)
        del message  # an error shows the frames that it passed
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
        self, lines: Lines, to: Target, message: Message, gate: Gate, by: Signed
    ) -> Reply | TransportError | asyncio.CancelledError:
        """Returns errors instead of raising them: a raised one would drag the request along."""
        secret, auth = by
        revealed = "" if secret is None else secret.reveal()
        signed = None if auth is None else authorization(auth, revealed)
        try:
            answer = await lines.exchange(to, message, gate, signed)
        except asyncio.CancelledError:
            return asyncio.CancelledError()
        except GateClosedError as closed:
            return GateClosedError(closed.reason)
        except Exception as error:  # noqa: BLE001 - whatever breaks below must not carry the request up
            return failure_of(error)
        location = answer.headers.get("Location")
        return Reply(
            status=answer.status,
            body=scrub(answer.body, revealed),
            fault=answer.fault,
            retry_after=answer.headers.get("Retry-After"),
            location=None
            if location is None
            else host_of(location, to.origin + message.resource, revealed),
        )

    async def _opened(self, key: Place) -> Lines:
        """Opens the lines of a loop, and forgets those of loops that have ended."""
        for stale in [other for other in self._lines if other[0].is_closed()]:
            del self._lines[stale]
        lifetime = self._lifetime(key)
        self._lines[key] = (await anext(lifetime), lifetime)
        return self._lines[key][0]

    async def _lifetime(self, key: Place) -> AsyncGenerator[Lines]:
        """Opens the lines of a loop; a loop that ends closes its generators, and so them."""
        lines = Lines(self._settings, self._headers, loopback=key[1])
        try:
            yield lines
        finally:
            self._lines.pop(key, None)
            await lines.aclose()


def is_usable(secret: Secret, auth: Auth) -> bool:
    """Tells whether a secret can go onto a request, and be found again in an answer."""
    revealed = secret.reveal()
    plain = revealed.isascii() and revealed.isprintable() and not set(revealed) & UNUSABLE
    whole = auth.scheme != "basic" or ":" not in revealed
    return plain and whole and MIN_SECRET_CHARS <= len(revealed) <= MAX_SECRET_CHARS


def failure_of(error: Exception) -> TransportError:
    """Says in our words whether anything can have been sent."""
    if type(error) in UNSENT:
        return NotSentError(UNSENT[type(error)])
    if isinstance(error, NEVER_SENT):
        return NotSentError(_unopened(error))
    if isinstance(error, TimeoutError):
        return NoAnswerError(LATE, broken=False)
    return NoAnswerError("the connection broke before the answer came")


def _unopened(error: Exception) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "the host did not accept a connection in time"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name of the host could not be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return _refused(error)
    return "the address of the host could not be used"


def _refused(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientSSLError):
        return "the host did not prove who it is"
    if NOT_PUBLIC in str(error.os_error):
        return NOT_PUBLIC
    return "the host refused the connection"


def _typed(request: Request) -> dict[str, str]:
    return {} if request.body is None else {"Content-Type": "application/json"}


async def _close(lifetime: AsyncGenerator[Lines]) -> None:
    await lifetime.aclose()
