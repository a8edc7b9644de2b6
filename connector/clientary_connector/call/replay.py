"""Answers a repeated operation from the log: the first result again, and nothing is sent.

1. Another action or other arguments under the same operation are refused.
2. While the first call is under way, the repeat waits for its result, as long as the settings
   say and as long as the first one's process lives.
3. A change whose end is unknown blocks its operation until it is settled. Found: the repeat gets
   what was found. Not found: the operation runs again, in a new round.
4. An entry lives as long as the settings say. After that a read runs anew. A change is refused:
   a host that repeats an old step by mistake must not do it twice.
5. Otherwise the first result is given again and says so; the repeat is written to the log, if
   it is still permitted at that moment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from clientary_connector.call import policy, settling
from clientary_connector.call.context import facts_of
from clientary_connector.call.failure import RefusedError, failure, is_change, refused
from clientary_connector.call.left_open import is_alive
from clientary_connector.call.listening import Ended, Listener, Nobody
from clientary_connector.call.policy import Permit
from clientary_connector.call.result import (
    ArgumentFault,
    Call,
    CallError,
    ErrorKind,
    Outcome,
    Page,
    Result,
)
from clientary_connector.call.settling import Settled, Verdict
from clientary_connector.call.tools import Tool
from clientary_connector.call.trouble import vault_kind
from clientary_connector.settings import Settings
from connector_vault import LogDraft, LogRow, NotFoundError, Transaction, Vault, VaultError, View

REPLAY: Final = "replay"
UNSETTLED: Final = "This operation was started before, and how it ended is not known."
UNDER_WAY: Final = "This operation is under way, and did not end while this call waited."
ERASED: Final = "This operation was done before, and what it was about was erased."
#: A first look comes soon, as most calls are short; later ones come less often.
FIRST_PAUSE_S: Final = 0.002
LONGEST_PAUSE_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Claim:
    """Who claimed an operation, what came of it, and what was found out later."""

    intent: LogRow
    outcome: LogRow | None
    settled: Settled | None

    @property
    def unknown(self) -> bool:
        """Whether it is not known how the call ended."""
        if self.settled is not None and self.settled.final:
            return False
        return self.outcome is None or self.outcome.outcome == Outcome.UNKNOWN

    @property
    def turn(self) -> int:
        """The round after this one."""
        return (self.intent.revision or 1) + 1


class Replays:
    """Finds the first results of operations in the log."""

    def __init__(
        self,
        vault: Vault,
        *,
        settings: Settings,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        listener: Listener | None = None,
    ) -> None:
        """Takes the vault that keeps the log, how long to wait, what tells the time, and whom."""
        self._vault = vault
        self._wait_s = settings.operation_wait_s
        self._life = timedelta(days=settings.operation_days)
        self._clock = clock
        self._sleep = sleep
        self._listener = listener or Nobody()

    async def first(self, call: Call, tool: Tool, permit: Permit) -> Result | int:
        """Returns the first result of an operation that was claimed, or the round to run it in.

        Raises:
            RefusedError: It is another call, it is not settled, or the log cannot be read.
        """
        try:
            return await self._first(call, tool, permit)
        except NotFoundError:
            # What it was about was erased: nobody can say any more that this is the same call.
            kind, message = ErrorKind.UNKNOWN, ERASED
        except VaultError as error:
            kind, message = vault_kind(error), None
        raise refused(kind, effect=tool.action.effect, message=message)

    async def _first(self, call: Call, tool: Tool, permit: Permit) -> Result | int:
        claim = self._vault.read(lambda view: claim_of(view, call, permit))
        self._check_same(call, tool, claim.intent)
        claim = await self._ended(claim, call, permit)
        change = is_change(tool.action.effect)
        if claim.unknown:
            return self._unsettled(claim, change=change)
        if claim.settled is not None and claim.settled.verdict is Verdict.NOT_FOUND:
            return claim.turn
        if self._expired(claim.intent):
            return _expired(claim, change=change)
        result = self._result(claim, call)
        await self._note(call, tool, permit, first=claim.intent, outcome=result.outcome)
        return result

    def _check_same(self, call: Call, tool: Tool, intent: LogRow) -> None:
        asked = plain(tool.requests.canonical(call.arguments))
        if intent.action != tool.action.id or self._opened(intent).get("arguments") != asked:
            raise _not_so("a new id for a new call", "It was used for another action or arguments.")

    async def _ended(self, claim: Claim, call: Call, permit: Permit) -> Claim:
        """Waits while the first call is under way, and gives what is known then."""
        waited, pause = 0.0, FIRST_PAUSE_S
        while (
            claim.outcome is None and is_alive(self._vault, claim.intent) and waited < self._wait_s
        ):
            await self._sleep(pause)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE_S)
            claim = self._vault.read(lambda view: claim_of(view, call, permit))
        return claim

    def _under_way(self, claim: Claim) -> bool:
        return claim.outcome is None and is_alive(self._vault, claim.intent)

    def _unsettled(self, claim: Claim, *, change: bool) -> int:
        """Lets a read run again that its process has left behind; refuses everything else."""
        if self._under_way(claim):
            hint = "Wait, then repeat it under the same operation: nothing is done twice."
            raise RefusedError(
                replace(
                    failure(ErrorKind.UNKNOWN, message=UNDER_WAY, hint=hint),
                    retryable=True,
                    wait_s=LONGEST_PAUSE_S,
                )
            )
        if change:
            hint = (
                "It may have been done. Do not do it under another operation. Somebody has to "
                f"settle entry {claim.intent.seq} of the log; then repeat this operation."
            )
            raise refused(ErrorKind.UNKNOWN, message=UNSETTLED, hint=hint)
        return claim.turn

    def _expired(self, intent: LogRow) -> bool:
        return self._clock() - datetime.fromtimestamp(intent.at / 1_000_000, UTC) > self._life

    def _result(self, claim: Claim, call: Call) -> Result:
        """Returns what the first call came to, or what was found of it later."""
        row = claim.outcome
        if claim.settled is not None:
            found = claim.settled.found or 0
            row = self._vault.read(lambda view: view.log_row(found))
        document = {} if row is None else self._opened(row)
        # What was found stands as the response of its row.
        document = document.get("response", document)
        return result_from(document, log_id=claim.intent.seq, call=call)

    def _opened(self, row: LogRow) -> dict[str, Any]:
        return msgspec.json.decode(self._vault.open_payload(row) or b"{}", type=dict[str, Any])

    async def _note(
        self, call: Call, tool: Tool, permit: Permit, *, first: LogRow, outcome: Outcome
    ) -> None:
        payload = msgspec.json.encode({"prompt": call.prompt})
        draft = self._vault.draft(
            kind=REPLAY,
            user=call.user,
            persona=call.persona,
            connection=first.connection,
            action=tool.action.id,
            effect=tool.action.effect.value,
            operation=call.operation,
            outcome=outcome.value,
            facts={"first": first.seq, "cost": 0, **facts_of(call.context)},
            payload=payload,
        )
        now = self._clock().timestamp()
        log_id = await self._vault.write_async(lambda log: _noted(log, permit, draft, now=now))
        self._listener.ended(Ended(log_id=log_id, head=draft, payload=payload))


def result_from(document: dict[str, Any], *, log_id: int, call: Call) -> Result:
    """Returns the result that an outcome in the log holds."""
    page, error = document.get("page"), document.get("error")
    return Result(
        outcome=Outcome(document.get("outcome", Outcome.REFUSED)),
        operation=call.operation,
        data=document.get("data"),
        page=None if page is None else Page(**page),
        warnings=tuple(document.get("warnings", ())),
        error=None if error is None else error_from(error),
        log_id=log_id,
        replayed=True,
    )


def error_from(document: dict[str, Any]) -> CallError:
    """Returns the error that a result in the log holds."""
    rest = {
        name: part for name, part in document.items() if name not in {"kind", "faults", "fields"}
    }
    return CallError(
        kind=ErrorKind(document["kind"]),
        faults=tuple(ArgumentFault(**fault) for fault in document["faults"]),
        fields={name: tuple(said) for name, said in document["fields"].items()},
        **rest,
    )


def plain(arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON value
    """Returns arguments as they come back from the log."""
    return msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(arguments))


def claim_of(view: View, call: Call, permit: Permit) -> Claim:
    """Returns who claimed an operation; that it was claimed has been seen before.

    Raises:
        NotFoundError: Nobody has.
        IntegrityError: A row or a record was altered without the key.
    """
    intent = view.intent_of_operation(permit.connection, call.persona, call.operation)
    if intent is None:
        raise NotFoundError(f"Nobody has claimed the operation {call.operation!r}.")
    outcome = view.outcome_of(intent.seq)
    known = outcome is not None and outcome.outcome != Outcome.UNKNOWN
    return Claim(intent, outcome, None if known else settling.settled(view, intent.seq))


def _noted(log: Transaction, permit: Permit, draft: LogDraft, *, now: float) -> int:
    """Writes a repeat down; what was revoked while it waited gets no answer."""
    policy.confirm(log, permit, now=now)
    return log.append(draft)


def _expired(claim: Claim, *, change: bool) -> int:
    """Lets a read run anew under an operation whose entry has ended; refuses a change."""
    if not change:
        return claim.turn
    day = datetime.fromtimestamp(claim.intent.at / 1_000_000, UTC).date().isoformat()
    raise _not_so(
        "a new id for a new call",
        f"It was used on {day}, and its result is no longer given again. If the same is to be "
        "done once more, say so with a new operation.",
    )


def _not_so(expected: str, hint: str) -> RefusedError:
    fault = ArgumentFault(path="$.operation", expected=expected, hint=hint)
    return refused(ErrorKind.INVALID_ARGUMENTS, faults=(fault,))
