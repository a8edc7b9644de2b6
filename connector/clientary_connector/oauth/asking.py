"""Asks a provider, once a question, over the same door as calls.

1. Both ends of the way are fixed by the description; what an answer says leads nowhere else.
2. An answer comes within the limit, or it counts as lost.
3. Of an answer that is no success, the code of the error is taken, if it is one; its words are
   not, because they could repeat what was sent.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from enum import StrEnum
from typing import Any, Final, cast

import msgspec

from clientary_connector.call.address import place_of
from clientary_connector.call.request import Form
from clientary_connector.call.transport import (
    Gate,
    GateClosedError,
    NotSentError,
    Reply,
    Transport,
    TransportError,
)
from clientary_connector.oauth.provider import Provider
from clientary_connector.settings import Settings

#: The codes of RFC 6749, 6750, 7009 and of extensions all look like this.
CODE: Final = re.compile(r"[a-z][a-z_]{1,39}")
INVALID_GRANT: Final = "invalid_grant"
SUCCESS: Final = 200
BROKEN: Final = 500


class Said(StrEnum):
    """Names how a question can fail."""

    #: The provider said no; `code` says why.
    REFUSED = "refused"
    #: It broke, or asks to wait.
    BROKEN = "broken"
    #: Nothing was sent.
    UNREACHABLE = "unreachable"
    #: It was sent, and the answer is lost: it may have been done.
    LOST = "lost"
    #: The gate let nothing out: the connection was revoked.
    CLOSED = "closed"


class ProviderError(Exception):
    """A provider has given no tokens; the message can be shown to anyone."""

    def __init__(
        self,
        said: Said,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        retry_after: str | None = None,
    ) -> None:
        """Takes how it failed, and what the answer says, if there was one."""
        super().__init__(message)
        self.said = said
        self.message = message
        self.code = code
        self.status = status
        self.retry_after = retry_after


class Asking:
    """Asks providers for tokens, and gives them back."""

    def __init__(self, transport: Transport, settings: Settings) -> None:
        """Takes the one door to the network."""
        self._transport = transport
        self._limit_s = settings.oauth_timeout_s

    async def ask(self, provider: Provider, endpoint: str, form: Form, *, gate: Gate) -> bytes:
        """Posts a form, and returns the body of the answer if it is a success.

        Raises:
            ProviderError: It is none, or there is no answer.
        """
        place = place_of(endpoint)
        if place is None:
            raise ProviderError(Said.UNREACHABLE, "The endpoint cannot be used.")
        coming = self._transport.post(place[0], form, gate=gate)
        # An error shows the frames that it passed: this one holds nothing then.
        del form
        answer = await self._answered(provider, coming)
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def _answered(
        self, provider: Provider, coming: Awaitable[Reply]
    ) -> bytes | ProviderError:
        """Returns errors instead of raising them: a raised one would drag its causes along."""
        try:
            async with asyncio.timeout(self._limit_s):
                reply = await coming
        except TimeoutError:
            return _lost(provider, "no answer came in time")
        except GateClosedError:
            return ProviderError(Said.CLOSED, "The connection was revoked.")
        except NotSentError as error:
            said = f"{provider.name} could not be reached: {error.reason}."
            return ProviderError(Said.UNREACHABLE, said)
        except TransportError as error:
            return _lost(provider, error.reason)
        done = reply.status == SUCCESS and reply.fault is None
        return reply.body if done else _refusal(provider, reply)


def _lost(provider: Provider, reason: str) -> ProviderError:
    message = f"{provider.name} was asked, and there is no answer: {reason}."
    return ProviderError(Said.LOST, message)


def _refusal(provider: Provider, reply: Reply) -> ProviderError:
    """Returns what an answer says that is no success."""
    if reply.status == SUCCESS:
        return _lost(provider, "it was cut off, or is too long")
    if reply.location is not None:
        said = f"{provider.name} points to {reply.location}, where nothing is sent."
        return ProviderError(Said.BROKEN, said, status=reply.status)
    code = code_of(reply.body)
    if code is None:
        said = f"{provider.name} answered with status {reply.status}."
    else:
        said = f"{provider.name} says {code}."
    return ProviderError(
        Said.REFUSED if code is not None and reply.status < BROKEN else Said.BROKEN,
        said,
        code=code,
        status=reply.status,
        retry_after=reply.retry_after,
    )


def code_of(body: bytes) -> str | None:
    """Returns the code of an error, where an answer holds one that looks like it."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    code = cast("dict[str, Any]", document).get("error")
    return code if isinstance(code, str) and CODE.fullmatch(code) else None
