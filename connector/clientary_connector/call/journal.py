"""Writes calls into the log: the intent before anything is sent, the outcome after.

1. The intent commits, or nothing is sent. Its transaction compares the connection's generation
   and the grant's revision again, and claims the operation for this connection and persona, and
   the approval where the call needs one. The budgets must bear what it costs.
2. Refusals are written too.
3. An outcome that cannot commit after a send latches the vault: the effect is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from clientary_connector.call import deciding, policy
from clientary_connector.call.budget import BehindError, Meter, cost_facts, given_back
from clientary_connector.call.clock import Clock, utc_now
from clientary_connector.call.context import facts_of
from clientary_connector.call.ending import Ending
from clientary_connector.call.failure import failure, is_change, refused
from clientary_connector.call.idtext import MAX_ID_CHARS, encodable
from clientary_connector.call.listening import Ended, Listener, Nobody
from clientary_connector.call.policy import Permit
from clientary_connector.call.request import Request
from clientary_connector.call.result import Call, CallError, ErrorKind, Outcome, Result
from clientary_connector.call.rowkinds import INTENT, OUTCOME, REFUSAL
from clientary_connector.call.tools import Tool
from clientary_connector.call.trouble import vault_kind
from clientary_connector.connections import find_record
from connector_vault import (
    DegradedError,
    LogDraft,
    OperationClaimedError,
    ShredError,
    Transaction,
    Vault,
    VaultError,
    VaultLockedError,
)

#: What is known of a call whose caller left before anything was sent.
GONE: Final = {"error": ErrorKind.INTERNAL.value, "attempts": 0, "status": None}
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


class Intent(NamedTuple):
    """A call that stands in the log and may now be sent."""

    log_id: int
    call: Call
    tool: Tool
    permit: Permit
    draft: LogDraft
    #: What is sealed in it.
    payload: bytes


class ClaimedError(Exception):
    """The operation has an intent already."""


class Journal:
    """Keeps the log of calls in the vault."""

    def __init__(
        self,
        vault: Vault,
        *,
        meter: Meter,
        clock: Clock = utc_now,
        listener: Listener | None = None,
    ) -> None:
        """Takes the vault whose log it writes, budgets, a clock, and who is told of the ends."""
        self._vault = vault
        self._meter = meter
        self._clock = clock
        self._listener = listener or Nobody()

    async def open(
        self,
        call: Call,
        tool: Tool,
        *,
        permit: Permit,
        request: Request,
        turn: int | None = None,
    ) -> Intent:
        """Writes the intent of a call; `turn` is the round of an operation that may run anew.

        Raises:
            RefusedError: The call is no longer allowed, or the intent could not be written.
            ClaimedError: The operation has an intent already, in this round.
            LostError: The approval that it needs is not given any more.
            CancelledError: The caller left; an intent that was written by then is settled.
        """
        kind: ErrorKind | None = None
        message: str | None = None
        try:
            payload = _asked(call, tool, request)
            draft = self._intent(call, tool, permit=permit, payload=payload, turn=turn)
            log_id = await self._written(draft, permit)
        except OperationClaimedError:
            kind = None
        except VaultError as error:
            kind = vault_kind(error)
            message = str(error) if isinstance(error, DegradedError) else None
        else:
            return Intent(
                log_id=log_id, call=call, tool=tool, permit=permit, draft=draft, payload=payload
            )
        raise ClaimedError if kind is None else refused(kind, message=message)

    def claims(self, call: Call, permit: Permit) -> bool:
        """Tells whether an operation was claimed before, so that a repeat need not be judged.

        Raises:
            RefusedError: The vault cannot be read.
        """
        try:
            return self._vault.read(
                lambda view: (
                    view.intent_of_operation(permit.connection, call.persona, call.operation)
                    is not None
                )
            )
        except VaultError as error:
            kind = vault_kind(error)
        raise refused(kind)

    async def settle(self, intent: Intent, ending: Ending) -> Result:
        """Writes the outcome of a call and returns its result."""
        result = result_of(intent.call, ending, log_id=intent.log_id)
        answer = _answered(intent, result)
        try:
            draft = self._outcome(intent, ending, answer)
            draft = await self._settled(draft, intent.permit)
        except VaultError as error:
            reason = str(error)
        else:
            self._tell(intent, draft, answer)
            return result
        if ending.outcome is not Outcome.REFUSED:
            self._vault.degrade(f"The outcome of call {intent.log_id} was not written: {reason}")
        ending = _unwritten(intent, ending)
        result = result_of(intent.call, ending, log_id=intent.log_id)
        self._tell(intent, _lost(intent, ending), _answered(intent, result))
        return result

    async def refuse(self, call: Call, error: CallError, *, tool: Tool | None) -> Result:
        """Writes a refusal and returns its result; it stays a refusal if that fails."""
        log_id = draft = None
        payload = _refused(call, error)
        with contextlib.suppress(VaultError):
            try:
                draft = self._refusal(call, error, tool=tool, payload=payload)
            except (VaultLockedError, ShredError):
                # Nothing can be sealed for this user now. Who asked for what is no secret.
                draft = self._refusal(call, error, tool=tool, payload=None)
            work = partial(self._meter.append, draft=draft)
            log_id = await self._vault.write_async(work, draft=draft)
        if draft is not None:
            self._listener.ended(Ended(log_id=log_id, head=draft, payload=payload))
        return result_of(call, Ending(outcome=Outcome.REFUSED, error=error), log_id=log_id)

    async def _written(self, draft: LogDraft, permit: Permit) -> int:
        try:
            return await self._vault.write_async(
                lambda log: self._claimed(log, permit, draft), draft=draft
            )
        except BehindError:
            await asyncio.to_thread(self._meter.catch_up, draft.at)
        except asyncio.CancelledError:
            await asyncio.shield(self._abandon(draft))
            raise
        return await self._written(draft, permit)

    def _claimed(self, log: Transaction, permit: Permit, draft: LogDraft) -> int:
        """Appends the intent, and claims all that it needs; or nothing."""
        now = self._clock()
        policy.confirm(log, permit, now=now.timestamp())
        self._meter.check(log, draft, permit)
        log_id = self._meter.append(log, draft)
        deciding.claim(log, permit, call=log_id, now=now, draft=self._vault.draft)
        return log_id

    def _settled(self, draft: LogDraft, permit: Permit) -> Coroutine[Any, Any, LogDraft]:
        now = self._clock().timestamp()
        return self._vault.write_async(
            lambda log: self._ended(log, permit, draft, now), draft=draft
        )

    def _ended(self, log: Transaction, permit: Permit, draft: LogDraft, now: float) -> LogDraft:
        """Writes the outcome; says so where the permission ended while the call was under way."""
        if not policy.still_holds(log, permit, now=now):
            facts = {**msgspec.json.decode(draft.facts), "completed_after_revoke": True}
            draft = draft._replace(facts=msgspec.json.encode(facts, order="sorted").decode())
        self._meter.append(log, draft)
        return draft

    async def _abandon(self, intent: LogDraft) -> None:
        """Settles an intent whose caller left while it was being written: nothing was sent."""
        draft = self._vault.draft

        def settle(log: Transaction) -> Ended | None:
            claim = (str(intent.connection), str(intent.persona), str(intent.operation))
            row = log.intent_of_operation(*claim)
            # What stands there may be the intent of another caller, whose call goes on.
            if row is None or row.uid != intent.uid:
                return None
            facts = {**GONE, **given_back(row.facts["cost"], row.at)}
            who: dict[str, Any] = {
                "user": row.user,
                "persona": row.persona,
                "connection": row.connection,
            }
            end = draft(kind=OUTCOME, ref=row.seq, outcome=Outcome.REFUSED, facts=facts, **who)
            log.append(end)
            return Ended(log_id=row.seq, head=row, outcome=end)

        with contextlib.suppress(VaultError):
            ended = await self._vault.write_async(settle)
            if ended is not None:
                self._listener.ended(ended)

    def _tell(self, intent: Intent, outcome: LogDraft, answer: bytes) -> None:
        self._listener.ended(
            Ended(
                log_id=intent.log_id,
                head=intent.draft,
                outcome=outcome,
                payload=intent.payload,
                answer=answer,
            )
        )

    def _intent(
        self, call: Call, tool: Tool, *, permit: Permit, payload: bytes, turn: int | None
    ) -> LogDraft:
        return self._vault.draft(
            kind=INTENT,
            user=call.user,
            persona=call.persona,
            connection=permit.connection,
            action=tool.action.id,
            effect=tool.action.effect.value,
            operation=call.operation,
            revision=turn,
            facts={
                "generation": permit.generation,
                "grant_revision": permit.grant_revision,
                "cost": permit.cost,
                "by": self._vault.attendance.me,
                **facts_of(call.context),
                **({} if permit.approval is None else {"approval": permit.approval}),
            },
            payload=payload,
        )

    def _outcome(self, intent: Intent, ending: Ending, answer: bytes) -> LogDraft:
        return self._vault.draft(
            kind=OUTCOME,
            ref=intent.log_id,
            user=intent.call.user,
            persona=intent.call.persona,
            connection=intent.permit.connection,
            action=intent.tool.action.id,
            effect=intent.tool.action.effect.value,
            operation=intent.call.operation,
            outcome=ending.outcome.value,
            facts=_facts(ending, intent),
            payload=answer,
        )

    def _refusal(
        self, call: Call, error: CallError, *, tool: Tool | None, payload: bytes | None
    ) -> LogDraft:
        ending = Ending(outcome=Outcome.REFUSED, error=error)
        action = shown(call.action) if tool is None else tool.action.id
        return self._vault.draft(
            kind=REFUSAL,
            user=shown(call.user),
            persona=shown(call.persona),
            connection=self._connection(call),
            action=action,
            effect=None if tool is None else tool.action.effect.value,
            operation=shown(call.operation),
            outcome=Outcome.REFUSED.value,
            facts={**_facts(ending), **facts_of(call.context)},
            payload=payload,
        )

    def _connection(self, call: Call) -> str | None:
        """Returns the id of the connection where there is one, else what was asked for."""
        asked = shown(call.connection)
        found = None
        # A record that cannot be trusted is why it is refused: that must stand in the log.
        with contextlib.suppress(VaultError):
            found = asked and self._vault.read(lambda view: find_record(view, asked))
        return found.id if found else asked


def result_of(call: Call, ending: Ending, *, log_id: int | None) -> Result:
    """Returns the result of a call that ended."""
    return Result(
        outcome=ending.outcome,
        operation=shown(call.operation) or "",
        data=ending.data,
        page=ending.page,
        warnings=ending.warnings,
        error=ending.error,
        log_id=log_id,
    )


def shown(text: object) -> str | None:
    """Returns what a caller gave as a name, as far as it can stand in the log."""
    if not isinstance(text, str):
        return None
    return (text if encodable(text) else text.encode(errors="replace").decode())[:MAX_ID_CHARS]


def _asked(call: Call, tool: Tool, request: Request) -> bytes:
    """Returns what an intent holds sealed."""
    document = {
        "prompt": call.prompt,
        "arguments": tool.requests.canonical(call.arguments),
        "request": request.to_json(),
        "context": dict(call.context),
    }
    return ENCODER.encode(document)


def _answered(intent: Intent, result: Result) -> bytes:
    """Returns what an outcome holds sealed."""
    document = result.to_json()
    if intent.tool.redact is not None:
        document["data"] = intent.tool.redact(document["data"])
    return ENCODER.encode(document)


def _refused(call: Call, error: CallError) -> bytes:
    """Returns what a refusal holds sealed."""
    ending = Ending(outcome=Outcome.REFUSED, error=error)
    document = {
        "prompt": shown(call.prompt),
        "arguments": _as_given(call.arguments),
        "context": _as_given(call.context),
        "response": result_of(call, ending, log_id=None).to_json(),
    }
    return ENCODER.encode(document)


def _lost(intent: Intent, ending: Ending) -> LogDraft:
    """Returns the outcome that could not be written, for those who are told of it."""
    facts = msgspec.json.encode(_facts(ending, intent)).decode()
    return intent.draft._replace(kind=OUTCOME, outcome=ending.outcome.value, facts=facts)


def _facts(ending: Ending, intent: Intent | None = None) -> dict[str, Any]:
    cost = 0 if intent is None else intent.permit.cost
    return {
        "status": ending.status,
        "attempts": ending.attempts,
        "duration_ms": round(ending.duration_ms, 3),
        "error": None if ending.error is None else ending.error.kind.value,
        "warnings": len(ending.warnings),
        **cost_facts(ending, cost, at=0 if intent is None else intent.draft.at),
        **({"tries": list(ending.tries)} if ending.tries else {}),
        **_waits_for(ending.error),
    }


def _waits_for(error: CallError | None) -> dict[str, str]:
    return {} if error is None or error.approval is None else {"approval": error.approval}


def _as_given(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """Returns what a caller gave, or what can be said of it where JSON cannot hold it."""
    try:
        return msgspec.Raw(ENCODER.encode(value))
    except (TypeError, ValueError, RecursionError):
        return {"unreadable": type(value).__name__}


def _unwritten(intent: Intent, ending: Ending) -> Ending:
    effect = intent.tool.action.effect
    message = "The outcome could not be written to the log."
    if ending.outcome is Outcome.REFUSED:
        return ending
    outcome = Outcome.UNKNOWN if is_change(effect) else Outcome.FAILED
    return Ending(
        outcome=outcome,
        warnings=ending.warnings,
        error=failure(ErrorKind.UNKNOWN, effect=effect, message=message),
    )
