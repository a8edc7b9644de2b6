"""Looks once more before each send, and repeats only what cannot be done twice.

1. Before every send, whatever led to it, the secret is opened anew, and at its gate, when the
   line is open, connection and grant are looked at once more, inside the vault's fence: a revoke
   stops retries, further pages, rereads and whoever waits for a line alike.
2. A read is repeated when the line broke, on 429 and on 502, 503 and 504.
3. Everything else is repeated only when nothing was sent, and on 429.
4. Retry-After is honoured; where it asks for more than the limit, the caller is told.
5. A 401 is final, unless the secret was replaced since it was opened: then the new one is tried,
   once. A token is replaced for the sake of a read, ahead of its end, and never in a loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import SystemRandom
from typing import Final, Protocol

from clientary_connector import connections
from clientary_connector.call.address import Target
from clientary_connector.call.answer import SUCCESS, effect_unknown, error_of, wait_of
from clientary_connector.call.clock import Clock, utc_now
from clientary_connector.call.failure import failure, is_change, refused
from clientary_connector.call.gates import LastLook, Passage
from clientary_connector.call.policy import Permit
from clientary_connector.call.rates import Free, Rates, Turn, free, unrested
from clientary_connector.call.request import Request
from clientary_connector.call.result import CallError, ErrorKind, Outcome
from clientary_connector.call.tally import TOO_MANY, Tally
from clientary_connector.call.transport import (
    BodyFault,
    Gate,
    GateClosedError,
    NoAnswerError,
    NotSentError,
    Reply,
    Transport,
)
from clientary_connector.call.trouble import vault_kind
from clientary_connector.manifest import Auth, Effect
from clientary_connector.settings import Settings
from connector_vault import (
    Secret,
    Vault,
    VaultError,
)

DICE: Final = SystemRandom()
SECRET_FIELD: Final = "api_key"  # noqa: S105 - the name of the field, not its value
#: How the token of a connection goes on.
BEARER: Final = Auth(scheme="bearer", token="{secret}")  # noqa: S106 - a template
UNAUTHORIZED: Final = 401
GATEWAY: Final = frozenset({502, 503, 504})
NOT_FOUND: Final = 404


class EndedError(Exception):
    """A call ends here, after something was sent or tried."""

    def __init__(self, outcome: Outcome, error: CallError) -> None:
        """Takes what the result will say."""
        super().__init__(error.message)
        self.outcome = outcome
        self.error = error


async def never(secret: Secret, effect: Effect) -> bool:
    """Tells of a secret that nobody replaces."""
    del secret, effect
    return False


@dataclass(frozen=True, slots=True)
class Way:
    """Where requests go, and how the secret is opened for each of them."""

    target: Target
    #: Raises RefusedError where nothing may be sent any more.
    credential: Callable[[], AbstractContextManager[Secret]]
    #: Raises GateClosedError where the permission is gone.
    gate: Gate
    #: Tells whether a secret was replaced by a newer one since it was opened.
    replaced: Callable[[Secret, Effect], Awaitable[bool]] = never
    #: Renews what is about to end, before it is opened; raises RefusedError where that is in vain.
    #: None where what is to be opened does not end by itself.
    ready: Callable[[], Awaitable[None]] | None = None
    #: Gives what takes leave to send, and gives it back.
    turn: Callable[[float], Turn | Free] = free
    #: Makes everybody rest who sends over the connection; gives until when.
    rest: Callable[[float], float] = unrested
    #: How the secret goes on, where the manifest's way is not the connection's.
    auth: Auth | None = None


class Bearer(Protocol):
    """The token of one connection, for one call."""

    async def ready(self) -> None:
        """Renews the token if it ends soon; raises RefusedError where there is none to use."""
        ...

    def open(self) -> Secret:
        """Opens the token in use; raises VaultError where that cannot be."""
        ...

    async def replaced(self) -> bool:
        """Tells, after a 401, whether there is another token now than the one opened last."""
        ...


class Sender:
    """Sends the requests of calls over the one transport."""

    def __init__(  # noqa: PLR0913 - what it sends with, all by name
        self,
        *,
        vault: Vault,
        transport: Transport,
        settings: Settings,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        bearer: Callable[[str], Bearer] | None = None,
    ) -> None:
        """Takes what it sends with; `bearer` opens the tokens of connections that have them."""
        self._bearer = bearer
        self._vault = vault
        self._transport = transport
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self.rates = Rates(vault, settings, sleep)
        #: The way of the last permit; calls of one persona come in a row.
        self._kept: tuple[Permit, Way] | None = None

    async def send(self, request: Request, *, way: Way, effect: Effect, tally: Tally) -> Reply:
        """Sends until an answer stands, and returns it if it is a success.

        Raises:
            RefusedError: The connection no longer holds, or the vault does not open.
            EndedError: There is no answer, or it is no success.
        """
        attempt = 1
        while True:
            try:
                reply, again = await self._sent(request, way, tally, effect)
                if again:
                    reply, _ = await self._sent(request, way, tally, None)
            except GateClosedError as closed:
                raise refused(ErrorKind(closed.reason)) from None
            except NotSentError as error:
                again, wait = True, None
                ended = EndedError(Outcome.FAILED, _unreachable(error, effect))
            except NoAnswerError as error:
                again, wait = not is_change(effect) and error.broken, None
                ended = EndedError(_lost(effect), _no_answer(error, effect))
            else:
                if _is_success(reply, effect, attempt):
                    return reply
                again = may_repeat(reply, effect)
                wait = wait_of(reply.retry_after, now=self._clock())
                if reply.status == TOO_MANY:
                    wait = self._jittered(attempt) if wait is None else wait
                    tally.rested = way.rest(wait)
                ended = EndedError(_said_no(reply, effect), _answered(reply, effect, self._clock()))
            if not again or not await self._waited(attempt, wait):
                raise ended
            attempt += 1

    async def _sent(
        self, request: Request, way: Way, tally: Tally, effect: Effect | None
    ) -> tuple[Reply, bool]:
        """Sends once; tells whether the secret got 401 and was replaced on the way.

        Without an effect it is not asked: what is sent then is final.
        """
        if way.ready is not None:
            await way.ready()
        turn = way.turn(tally.rested)
        try:
            if not turn.taken():
                await turn.wait()
            with way.credential() as secret:
                tally.begin()
                gate = lambda: Passage(way.gate(), tally)  # noqa: E731 - passed at the line
                try:
                    reply = await self._transport.send(
                        way.target, request, secret, gate=gate, auth=way.auth
                    )
                except NotSentError as error:
                    tally.failed(error.reason, sent=False)
                    raise
                except NoAnswerError as error:
                    tally.failed(error.reason, sent=True)
                    raise
                tally.answered(reply.status)
                if effect is None or reply.status != UNAUTHORIZED:
                    return reply, False
                return reply, await way.replaced(secret, effect)
        finally:
            turn.leave()

    def way(self, permit: Permit) -> Way:
        """Returns the way of a call that was allowed."""
        kept = self._kept
        if kept is not None and kept[0] is permit:
            return kept[1]
        gate = lambda: LastLook(self._vault, permit, self._clock)  # noqa: E731 - as short as its twin below
        if permit.kind == connections.OAUTH2 and self._bearer is not None:
            return self._bearer_way(permit, self._bearer(permit.connection), gate)
        way = Way(
            permit.target,
            partial(self._credential, permit),
            gate,
            lambda secret, _: self._replaced(permit, secret),
            turn=lambda rested: self.rates.turn(permit, rested),
            rest=lambda seconds: self.rates.rest(permit, seconds),
        )
        self._kept = (permit, way)
        return way

    def _bearer_way(self, permit: Permit, bearer: Bearer, gate: Gate) -> Way:
        async def replaced(secret: Secret, effect: Effect) -> bool:
            del secret
            return not is_change(effect) and await bearer.replaced()

        return Way(
            permit.target,
            lambda: opened(bearer.open),
            gate,
            replaced,
            ready=bearer.ready,
            turn=lambda rested: self.rates.turn(permit, rested),
            rest=lambda seconds: self.rates.rest(permit, seconds),
            auth=BEARER,
        )

    def _credential(self, permit: Permit) -> Secret:
        """Opens the secret for one send.

        Raises:
            RefusedError: It was destroyed by a revoke, or the vault does not open.
        """
        # Whether it still may be used is seen at the gate.
        name = (permit.connection, SECRET_FIELD)
        return opened(partial(self._vault.open_secret, *name, lately=True))

    async def _replaced(self, permit: Permit, secret: Secret) -> bool:
        """Tells whether another version than this is in use by now; nothing is kept in memory."""
        name = (permit.connection, SECRET_FIELD)
        try:
            return not self._vault.read(
                lambda view: view.holds_secret(*name, secret, stage="current")
            )
        except VaultError:
            return False

    async def _waited(self, attempt: int, asked: float | None) -> bool:
        """Waits before the next attempt; says no where there is none."""
        wait = self._jittered(attempt) if asked is None else asked
        if attempt >= self._settings.max_attempts or wait > self._settings.max_wait_s:
            return False
        await self._sleep(wait)
        return True

    def _jittered(self, attempt: int) -> float:
        """Returns seconds to wait: those who failed together do not come back together.

        Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
        """
        settings = self._settings
        most = min(settings.max_wait_s, settings.backoff_first_s * 2 ** (attempt - 1))
        return DICE.uniform(0, most)


def opened(opening: Callable[[], Secret]) -> Secret:
    """Opens a secret for one send.

    Raises:
        RefusedError: It was destroyed by a revoke, or the vault does not open.
    """
    try:
        return opening()
    except VaultError as error:
        kind = vault_kind(error)
    raise refused(kind)


def may_repeat(reply: Reply, effect: Effect) -> bool:
    """Tells whether an answer allows the same send again."""
    if reply.status == TOO_MANY:
        return True
    return not is_change(effect) and (reply.status in GATEWAY or reply.fault is BodyFault.CUT)


def _is_success(reply: Reply, effect: Effect, attempt: int) -> bool:
    if reply.status == NOT_FOUND and effect is Effect.DELETE and attempt > 1:
        return True
    cut_read = reply.fault is BodyFault.CUT and not is_change(effect)
    return reply.status in SUCCESS and not cut_read


def _lost(effect: Effect) -> Outcome:
    return Outcome.UNKNOWN if is_change(effect) else Outcome.FAILED


def _said_no(reply: Reply, effect: Effect) -> Outcome:
    return Outcome.UNKNOWN if effect_unknown(reply, effect) else Outcome.FAILED


def _unreachable(error: NotSentError, effect: Effect) -> CallError:
    message = f"The service could not be reached: {error.reason}. Nothing was sent."
    return failure(ErrorKind.UNREACHABLE, effect=effect, message=message)


def _no_answer(error: NoAnswerError, effect: Effect) -> CallError:
    message = f"It was sent, and there is no answer: {error.reason}."
    return failure(ErrorKind.UNKNOWN, effect=effect, message=message)


def _answered(reply: Reply, effect: Effect, now: datetime) -> CallError:
    if reply.status in SUCCESS:
        message = "The service's answer was cut off."
        return failure(ErrorKind.BAD_RESPONSE, effect=effect, message=message, status=reply.status)
    return error_of(reply, effect, now=now)
