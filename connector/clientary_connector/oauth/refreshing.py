"""Replaces the tokens of a connection, once for all who need it, and loses none that came.

1. Whoever finds a token about to end reads again under a lease, so that of many processes and
   threads one asks the provider; the others take what it got.
2. The answer is sealed as it came, and only then read. A process that dies after that leaves it
   to the next, which adopts it before it asks anybody.
3. What fences the tokens is their number: an answer replaces those that it was asked for with,
   also where its process was overtaken meanwhile, because it may hold the only valid one.
4. A refusal is believed by the holder of the lease alone, and only if the number is still that
   which it has asked with. The connection stays, and so does its token until it ends.
5. After a failure it is not tried again for a while, in no process.
6. The question passes the gate of the connection: a revoke stops it like a call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, TypeVar

from clientary_connector import connections
from clientary_connector.call.answer import wait_of
from clientary_connector.call.clock import Clock
from clientary_connector.call.transport import Gate, GateClosedError
from clientary_connector.connections import Connection
from clientary_connector.oauth import tokens
from clientary_connector.oauth.asking import INVALID_GRANT, Asking, ProviderError, Said
from clientary_connector.oauth.extra import missing_extra
from clientary_connector.oauth.looking import Seen, look, waiting
from clientary_connector.oauth.state import State, TokenState, record_of, state_of
from clientary_connector.oauth.tokens import TOKEN_FIELD, Tokens, UnusableReplyError
from clientary_connector.settings import Settings
from connector_vault import (
    ConflictError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    Secret,
    Transaction,
    Vault,
    VaultError,
    View,
    lease,
)
from connector_vault.lease import Lease

T = TypeVar("T")
OnStep: TypeAlias = Callable[[str], None]

#: Every step of a refresh that goes well, in its order.
STEPS: Final = (
    "seen",
    *(
        f"{side} {step}"
        for step in ("begin", "ask", "stage", "adopt")
        for side in ("before", "after")
    ),
)
#: The steps of one that does not.
TROUBLE_STEPS: Final = ("before fail", "after fail")
#: Between two looks of somebody who waits for another process.
POLL_S: Final = 0.05
#: The wait after a failure doubles so often.
MOST_DOUBLINGS: Final = 5
#: A provider that asks for more is asked again all the same.
MOST_WAIT_S: Final = 3600.0
REVOKED: Final = "The connection was revoked."
ENDED: Final = "A person has to allow the access anew: revoke the connection, and connect again."


@dataclass(frozen=True, slots=True)
class Trouble:
    """Says why there are no new tokens, in words that can be shown."""

    reason: str
    #: Whether the connection was revoked meanwhile.
    revoked: bool = False
    #: Whether only a person can help.
    ended: bool = False


class OvertakenError(Exception):
    """The tokens are no longer those that were seen."""


class Refresher:
    """Keeps the tokens of all connections of one vault new."""

    def __init__(  # noqa: PLR0913 - what it stands on, all by name
        self,
        *,
        vault: Vault,
        asking: Asking,
        settings: Settings,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        on_step: OnStep = lambda _: None,
    ) -> None:
        """Takes what it stands on; `on_step` is told of every step."""
        self._vault = vault
        self._asking = asking
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._on_step = on_step
        self._term_s = settings.oauth_timeout_s * 1.5 + 5
        self._flights: dict[tuple[object, str], asyncio.Task[Trouble | None]] = {}
        #: Answers that could not be stored, until they can.
        self._unsaved: dict[str, Secret] = {}

    def look(self, connection: str) -> Tokens:
        """Reads the tokens in use.

        Raises:
            VaultError: They were destroyed by a revoke, or the vault does not open.
        """
        with self._vault.open_secret(connection, TOKEN_FIELD) as kept:
            return tokens.tokens_of(kept)

    def now(self) -> float:
        """Returns the time."""
        return self._clock().timestamp()

    async def ahead(self, connection: str) -> Trouble | None:
        """Renews tokens that end soon; what fails matters only once they have ended."""
        held, now = self.look(connection), self.now()
        held.wipe()
        if not held.due(now, ahead_s=self._settings.refresh_ahead_s):
            return None
        if held.expired(now):
            return await self.renew(connection, held.number)
        if (asyncio.get_running_loop(), connection) not in self._flights:
            await self.renew(connection, held.number, patient=False)
        return None

    async def renew(
        self, connection: str, number: int, *, patient: bool = True, force: bool = False
    ) -> Trouble | None:
        """Replaces the tokens of a number, or finds that somebody else has.

        One that is `patient` waits for another process that asks already. `force` tries also
        where it was in vain just now. It is done to its end also if the caller leaves.
        """
        key = (loop := asyncio.get_running_loop(), connection)
        if key not in self._flights:
            work = self._renewed(connection, number, patient=patient, force=force)
            flight = self._flights[key] = loop.create_task(work)
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(self._flights[key])

    @property
    def busy(self) -> bool:
        """Whether something is under way, on any loop."""
        return bool(self._flights)

    async def aclose(self) -> None:
        """Waits for what is under way on this loop: an answer that came is not lost."""
        here = asyncio.get_running_loop()
        while mine := [task for (loop, _), task in self._flights.items() if loop is here]:
            await asyncio.gather(*mine, return_exceptions=True)
            await asyncio.sleep(0)

    async def _renewed(
        self, connection: str, number: int, *, patient: bool, force: bool
    ) -> Trouble | None:
        try:
            return await self._single(connection, number, patient=patient, force=force)
        except NotFoundError:
            return Trouble(REVOKED, revoked=True)
        except VaultError as error:
            return Trouble(str(error))

    async def _single(
        self, connection: str, number: int, *, patient: bool, force: bool
    ) -> Trouble | None:
        """Asks if nobody else does, and waits if somebody does."""
        self._on_step("seen")
        until = self._monotonic() + self._term_s
        while True:
            seen = self._vault.read(lambda view: look(view, connection))
            if seen.tokens.number != number:
                return None
            if seen.staged:
                await self._adopt(seen, None)
                continue
            if (unsaved := self._unsaved.get(connection)) is not None:
                return await self._kept(seen, None, unsaved)
            if (trouble := self._barred(seen, force=force)) is not None:
                return trouble
            try:
                held = await self._begin(seen)
            except LeaseHeldError:
                if not patient or self._monotonic() >= until:
                    return Trouble("Another process is asking for new tokens already.")
                await asyncio.sleep(POLL_S)
            except OvertakenError:
                continue
            else:
                return await self._ask(seen, held)

    def _barred(self, seen: Seen, *, force: bool) -> Trouble | None:
        """Says why the provider is not asked now."""
        state = seen.state
        if seen.tokens.refresh is None:
            return Trouble("The provider gave no refresh token. " + ENDED, ended=True)
        if state.state is State.ENDED and not force:
            return Trouble(state.reason, ended=True)
        if state.state is State.FAILING and self.now() < state.next_at and not force:
            return Trouble(state.reason)
        return None

    async def _begin(self, seen: Seen) -> Lease:
        """Takes the lease, and writes down that it asks.

        Raises:
            LeaseHeldError: Another process has it.
            OvertakenError: Another process was faster.
        """
        name, now = seen.state.subject, self.now()

        def begin(log: Transaction) -> Lease:
            held = lease.take(log, name, now=now, term_s=self._term_s)
            self._check(log, seen)
            if state_of(log, seen.connection.id) != seen.state:
                raise OvertakenError
            self._put(log, replace(seen.state, state=State.ASKING), seen, outcome="unknown")
            return held

        return await self._commit("begin", begin)

    async def _ask(self, seen: Seen, held: Lease) -> Trouble | None:
        if (missing := missing_extra()) is not None:
            return Trouble(missing)
        from clientary_connector.oauth import messages  # noqa: PLC0415 - of the extra `oauth`

        token, at = seen.tokens.refresh, self.now()
        assert token is not None  # noqa: S101 - without one it is not asked
        self._on_step("before ask")
        try:
            answer = await self._asking.ask(
                seen.provider,
                seen.provider.token_endpoint,
                messages.refresh_form(seen.provider, token=token, client_secret=seen.client),
                gate=self._gate(seen.connection),
            )
        except ProviderError as error:
            self._on_step("after ask")
            return await self._failed(seen, held, error)
        self._on_step("after ask")
        return await self._kept(seen, held, tokens.sealable(answer, before=seen.tokens, at=at))

    async def _kept(self, seen: Seen, held: Lease | None, answer: Secret) -> Trouble | None:
        """Seals an answer as it came, and then reads it."""
        name = seen.connection.id

        def stage(log: Transaction) -> None:
            self._check(log, seen)
            log.store_pending_secret(owner=name, field=TOKEN_FIELD, secret=answer)

        try:
            await self._commit("stage", stage)
        except NotFoundError:
            self._unsaved.pop(name, None)
            return Trouble(REVOKED, revoked=True)
        except (OvertakenError, ConflictError):
            # Somebody else has an answer too, and theirs was first.
            self._unsaved.pop(name, None)
        except VaultError as error:
            self._unsaved[name] = answer
            return Trouble(f"New tokens came and could not be stored yet: {error}")
        self._unsaved.pop(name, None)
        return await self._adopt(seen, held)

    async def _adopt(self, seen: Seen, held: Lease | None) -> Trouble | None:
        """Reads the answer that was sealed, and makes it the one in use."""
        name = seen.connection.id

        def adopt(log: Transaction) -> Trouble | None:
            if held is not None:
                lease.give_back(log, held)
            version = waiting(log, name)
            if version is None:
                return None
            state = state_of(log, name)
            try:
                with log.open_secret(name, TOKEN_FIELD, stage="pending") as kept:
                    fresh = tokens.tokens_of(kept)
            except UnusableReplyError as error:
                log.drop_pending(name, TOKEN_FIELD)
                return self._noted(log, state, seen, reason=str(error))
            fresh.wipe()
            log.promote_secret(name, TOKEN_FIELD, version)
            log.retire_previous(name, TOKEN_FIELD)
            settled = TokenState(connection=name, revision=state.revision)
            facts = {"number": fresh.number, "expires_at": fresh.expires_at}
            self._put(log, settled, seen, outcome="succeeded", facts=facts)
            return None

        return await self._commit("adopt", adopt)

    async def _failed(self, seen: Seen, held: Lease, error: ProviderError) -> Trouble | None:
        """Believes a refusal if nobody else was faster, and lets the provider rest."""
        if error.said is Said.CLOSED:
            await self._commit("fail", lambda log: lease.give_back(log, held))
            return Trouble(REVOKED, revoked=True)
        ended = error.code == INVALID_GRANT
        reason = f"{error.message} {ENDED}" if ended else error.message
        asked = wait_of(error.retry_after, now=self._clock()) or 0.0
        wait = min(asked, MOST_WAIT_S)

        def fail(log: Transaction) -> Trouble | None:
            lease.renew(log, held, now=self.now())
            lease.give_back(log, held)
            self._check(log, seen)
            facts = {"status": error.status, "code": error.code, "said": error.said.value}
            state = state_of(log, seen.connection.id)
            return self._noted(log, state, seen, reason=reason, ended=ended, wait=wait, facts=facts)

        try:
            return await self._commit("fail", fail)
        except (LeaseLostError, OvertakenError):
            # Another process is at work, or has the new tokens: its word counts.
            return await self._single(
                seen.connection.id, seen.tokens.number, patient=True, force=False
            )

    def _noted(  # noqa: PLR0913 - what is written down of a failure, all by name
        self,
        log: Transaction,
        state: TokenState,
        seen: Seen,
        *,
        reason: str,
        ended: bool = False,
        wait: float = 0.0,
        facts: Mapping[str, Any] | None = None,
    ) -> Trouble:
        """Writes a failure down."""
        rest = self._settings.refresh_cooldown_s * 2 ** min(state.failures, MOST_DOUBLINGS)
        after = state.failed(ended=ended, reason=reason, next_at=self.now() + max(wait, rest))
        self._put(log, after, seen, outcome="failed", facts={"reason": reason, **(facts or {})})
        return Trouble(reason, ended=ended)

    def _put(
        self,
        log: Transaction,
        state: TokenState,
        seen: Seen,
        *,
        outcome: str,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Stores how far it is, with its row in the log."""
        kept = log.put(record_of(state), expect=state.revision or None)
        log.append(
            self._vault.draft(
                kind="refresh",
                user=seen.connection.owner,
                connection=state.connection,
                outcome=outcome,
                subject=state.subject,
                revision=kept.revision,
                facts={"state": state.state.value, "old": seen.tokens.number, **(facts or {})},
            )
        )

    def _check(self, view: View, seen: Seen) -> None:
        """Refuses to go on from other tokens than those that were seen.

        Raises:
            OvertakenError: They were replaced.
            NotFoundError: They were destroyed.
        """
        with view.open_secret(seen.connection.id, TOKEN_FIELD) as kept:
            number = tokens.tokens_of(kept).number
        if number != seen.tokens.number:
            raise OvertakenError

    def _gate(self, connection: Connection) -> Gate:
        """Returns the gate of a question to the provider: the connection still holds."""

        @contextmanager
        def gate() -> Generator[None]:
            with self._vault.fence.entered():
                found = self._vault.read(lambda view: view.record(connections.KIND, connection.id))
                now = None if found is None else connections.connection_of(found)
                if now is None or not now.active or now.generation != connection.generation:
                    raise GateClosedError("revoked")
                yield

        return gate

    async def _commit(self, step: str, work: Callable[[Transaction], T]) -> T:
        self._on_step(f"before {step}")
        done = await self._vault.write_async(work)
        self._on_step(f"after {step}")
        return done
