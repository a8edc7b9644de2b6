"""Runs a call, one governed step after the other; there is no other way to the service.

1. look up      the action and its arguments                       `tools`, `arguments`
2. policy       may this persona do that over this connection?     `policy`, `approving`
3. request      what would be sent: pure data                      `request`
4. intent       into the log, or nothing is sent                   `journal`
5. credential   opened for one send                                `sending`
6. send         through the one door                               `transport`
7. read         the answer, leniently                              `answer`, `exchange`
8. outcome      into the log                                       `journal`
9. result       to the host                                        `result`
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from clientary_connector.call.approving import Approving
from clientary_connector.call.arguments import json_path
from clientary_connector.call.budget import Meter
from clientary_connector.call.clock import Clock, utc_now
from clientary_connector.call.deciding import LostError
from clientary_connector.call.ending import Ending
from clientary_connector.call.exchange import Exchange
from clientary_connector.call.failure import RefusedError, failure, is_change, refused
from clientary_connector.call.journal import ClaimedError, Intent, Journal
from clientary_connector.call.judging import Sieve, judged
from clientary_connector.call.listening import Listener
from clientary_connector.call.policy import Permit, Policy
from clientary_connector.call.replay import Replays
from clientary_connector.call.request import PathPartError, Request
from clientary_connector.call.result import (
    ArgumentFault,
    Call,
    CallError,
    ErrorKind,
    Outcome,
    Result,
)
from clientary_connector.call.sending import Sender, Way
from clientary_connector.call.tools import Tool, Tools
from clientary_connector.call.trouble import vault_kind
from clientary_connector.call.underway import StoppedError, Underway
from clientary_connector.errors import ConditionError
from clientary_connector.manifest import Manifest
from clientary_connector.settings import Settings
from connector_vault import Vault, VaultError, View


class Executor:
    """Runs calls for one vault and one manifest."""

    def __init__(  # noqa: PLR0913 - what it runs calls with, all by name
        self,
        *,
        manifest: Manifest,
        vault: Vault,
        sender: Sender,
        settings: Settings,
        approving: Approving,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        listener: Listener | None = None,
    ) -> None:
        """Takes the parts that `wiring` has joined; `listener` is told of calls that ended."""
        self.tools = Tools(manifest)
        self._policy = Policy(manifest)
        self._vault = vault
        self._sender = sender
        self._settings = settings
        self._clock = clock
        self.approving = approving
        self.meter = Meter(vault, settings)
        self._journal = Journal(vault, meter=self.meter, clock=clock, listener=listener)
        self._replays = Replays(
            vault, settings=settings, clock=clock, sleep=sleep, listener=listener
        )
        self.underway = Underway(vault, clock)

    def run(self, call: Call) -> Coroutine[Any, Any, Result]:
        """Runs a call, when it is awaited; whatever happens is in the result, and in the log.

        Raises:
            CancelledError: The caller left; what is known stands in the log.
        """
        return self._run(call, self.permit)

    def close(self) -> None:
        """Gives back what it shares with other processes."""
        self._sender.rates.close()

    async def look(self, call: Call) -> Result:
        """Runs a read for whoever runs the connector, whom no grant limits; the way is the same.

        Raises:
            CancelledError: The caller left; what is known stands in the log.
        """
        return await self._run(call, self._oversight)

    async def _run(self, call: Call, decide: Callable[[Call, Tool], Permit]) -> Result:
        if self._vault.expired:
            await self._renew_key()
        tool = None
        try:
            tool = self.tools.look_up(call)
            permit = decide(call, tool)
            request = self.request(call, tool)
            if permit.rules and self._journal.claims(call, permit):
                found = await self._replays.first(call, tool, permit)
                if isinstance(found, Result):
                    return found
            sieve = await self.judged(call, permit)
            return await self._permitted(call, tool, permit=permit, request=request, sieve=sieve)
        except RefusedError as refusal:
            return await self._journal.refuse(call, refusal.error, tool=tool)

    async def _permitted(
        self, call: Call, tool: Tool, *, permit: Permit, request: Request, sieve: Sieve | None
    ) -> Result:
        """Runs a call that is permitted, from its intent to its outcome.

        Raises:
            RefusedError: It is no longer permitted, or the intent could not be written.
        """
        intent = await self._intent(call, tool, permit=permit, request=request)
        if isinstance(intent, Result):
            return intent
        ending = await self._carried(intent, permit, request, sieve)
        return await self._journal.settle(intent, ending)

    async def judged(self, call: Call, permit: Permit) -> Sieve | None:
        """Judges what conditions say of records; returns what to judge over the answer.

        Raises:
            RefusedError: A condition does not hold, or cannot be checked.
        """
        return await judged(call, permit, self._read) if permit.rules else None

    async def _read(self, call: Call, permit: Permit) -> Result:
        """Reads a record for a condition, the way of every call."""
        tool = self.tools.look_up(call)
        request = self.request(call, tool)
        permit = replace(permit, cost=tool.action.cost)
        return await self._permitted(call, tool, permit=permit, request=request, sieve=None)

    async def _renew_key(self) -> None:
        """Lets a thread ask the vault's key again; without an answer the call is refused."""
        with contextlib.suppress(VaultError):
            await asyncio.to_thread(self._vault.renew)

    async def refuse(self, call: Call, error: CallError) -> Result:
        """Writes down that a call was refused before it was run."""
        return await self._journal.refuse(call, error, tool=None)

    def permit(self, call: Call, tool: Tool) -> Permit:
        """Returns under what a call is allowed.

        Raises:
            RefusedError: It is not, or the vault cannot be read.
        """
        now = self._clock().timestamp()
        return self._decided(lambda view: self._policy.decide(view, call, tool.action, now=now))

    def _oversight(self, call: Call, tool: Tool) -> Permit:
        return self._decided(lambda view: self._policy.oversee(view, call.connection, tool.action))

    def _decided(self, decide: Callable[[View], Permit]) -> Permit:
        try:
            # A yes is confirmed by the intent, and at the gate; a no is looked at anew.
            return self._vault.recall(decide)
        except (RefusedError, VaultError, ConditionError):
            pass
        try:
            return self._vault.look(decide)
        except VaultError as error:
            kind = vault_kind(error)
        except ConditionError:
            kind = ErrorKind.DENIED
        raise refused(kind)

    def request(self, call: Call, tool: Tool) -> Request:
        """Returns what would be sent.

        Raises:
            RefusedError: An argument of the path would lead elsewhere.
        """
        try:
            return tool.requests.build(call.arguments)
        except PathPartError as error:
            fault = ArgumentFault(path=json_path([error.name]), expected="an id")
        raise refused(ErrorKind.INVALID_ARGUMENTS, faults=(fault,))

    def exchange(self, tool: Tool, way: Way, sieve: Sieve | None = None) -> Exchange:
        """Returns an exchange with the service that is ready to run."""
        return Exchange(
            tool,
            way,
            sender=self._sender,
            tools=self.tools,
            settings=self._settings,
            sieve=sieve,
        )

    async def _intent(
        self, call: Call, tool: Tool, *, permit: Permit, request: Request
    ) -> Intent | Result:
        """Writes the intent, or finds the first result of an operation that is repeated."""
        turn: int | None = None
        while True:
            # A further round of an operation is sent anew, and needs a yes of its own.
            cleared = await self.approving.cleared(
                call, tool, permit=permit, request=request, anew=turn is not None
            )
            try:
                return await self._journal.open(
                    call, tool, permit=cleared, request=request, turn=turn
                )
            except LostError:
                # Another call was faster, or a person took it back: this one has to ask anew.
                continue
            except ClaimedError:
                found = await self._replays.first(call, tool, permit)
            if isinstance(found, Result):
                return found
            turn = found

    async def _carried(
        self, intent: Intent, permit: Permit, request: Request, sieve: Sieve | None
    ) -> Ending:
        """Carries a call whose intent stands in the log, and measures how long it took."""
        exchange = self.exchange(intent.tool, self._sender.way(permit), sieve)
        try:
            may_stop = lambda: not _maybe_done(intent, exchange)  # noqa: E731 - read where it is used
            with self.underway.flight(permit, may_stop=may_stop):
                return await exchange.run(intent.call.arguments, request)
        except StoppedError:
            return _stopped(intent, exchange)
        except asyncio.CancelledError:
            ending = _left(intent, exchange)
            await asyncio.shield(self._journal.settle(intent, ending))
            raise
        except Exception:  # noqa: BLE001 - the outermost edge of a call: it must end in the log
            return _broken(intent, exchange)


def _left(intent: Intent, exchange: Exchange) -> Ending:
    return _cut_short(intent, exchange, ErrorKind.UNKNOWN, "The host left while it was under way.")


def _broken(intent: Intent, exchange: Exchange) -> Ending:
    return _cut_short(intent, exchange, ErrorKind.INTERNAL, "The connector broke on the way.")


def _cut_short(intent: Intent, exchange: Exchange, kind: ErrorKind, message: str) -> Ending:
    """Returns the ending of a call that was cut short, by what may have been sent of it."""
    tally, effect = exchange.tally, intent.tool.action.effect
    return Ending(
        outcome=_how_far(intent, exchange),
        error=failure(kind, effect=effect, message=message),
        attempts=tally.attempts,
        status=tally.status,
        duration_ms=tally.spent_ms,
        tries=tally.told(),
    )


def _stopped(intent: Intent, exchange: Exchange) -> Ending:
    """Returns the ending of a call that a revoke has stopped before it could change anything."""
    tally = exchange.tally
    return Ending(
        outcome=_how_far(intent, exchange),
        error=failure(ErrorKind.REVOKED),
        attempts=tally.attempts,
        status=tally.status,
        duration_ms=tally.spent_ms,
        tries=tally.told(),
    )


def _how_far(intent: Intent, exchange: Exchange) -> Outcome:
    """Returns the outcome of a call that ends without an answer, by what has been sent of it."""
    if _maybe_done(intent, exchange):
        return Outcome.UNKNOWN
    tally = exchange.tally
    return Outcome.FAILED if tally.sent or tally.pending else Outcome.REFUSED


def _maybe_done(intent: Intent, exchange: Exchange) -> bool:
    """Tells whether something may have been changed by now."""
    return is_change(intent.tool.action.effect) and exchange.tally.maybe_done
