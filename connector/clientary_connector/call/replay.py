"""Answers a repeated operation from the log: the first result again, and nothing is sent.

1. Another action or other arguments under the same operation are refused.
2. An operation that is under way, or whose end is unknown, is refused: it may have happened.
3. Otherwise the first result is given again and says so; the repeat is written to the log.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from clientary_connector.call.failure import RefusedError, refused
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
from clientary_connector.call.tools import Tool
from clientary_connector.call.trouble import vault_kind
from connector_vault import LogRow, NotFoundError, Vault, VaultError, View

REPLAY: Final = "replay"
UNSETTLED: Final = "This operation was started before, and how it ended is not known yet."


class Replays:
    """Finds the first results of operations in the log."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault

    async def first(self, call: Call, tool: Tool, permit: Permit) -> Result:
        """Returns the first result of an operation that was claimed before.

        Raises:
            RefusedError: It is another call, it is not settled, or the log cannot be read.
        """
        try:
            return await self._first(call, tool, permit)
        except NotFoundError:
            # What it was about was erased: nobody can say any more that this is the same call.
            kind, message = ErrorKind.UNKNOWN, UNSETTLED
        except VaultError as error:
            kind, message = vault_kind(error), None
        raise refused(kind, effect=tool.action.effect, message=message)

    async def _first(self, call: Call, tool: Tool, permit: Permit) -> Result:
        intent, outcome = self._vault.read(lambda view: _rows(view, call, permit))
        payload = self._opened(intent)
        asked = plain(tool.requests.canonical(call.arguments))
        if intent.action != tool.action.id or payload.get("arguments") != asked:
            raise _another_call()
        if outcome is None or outcome.outcome == Outcome.UNKNOWN:
            raise refused(ErrorKind.UNKNOWN, effect=tool.action.effect, message=UNSETTLED)
        result = result_from(self._opened(outcome), log_id=intent.seq, call=call)
        await self._note(call, tool, first=intent, outcome=result.outcome)
        return result

    def _opened(self, row: LogRow) -> dict[str, Any]:
        return msgspec.json.decode(self._vault.open_payload(row) or b"{}", type=dict[str, Any])

    async def _note(self, call: Call, tool: Tool, *, first: LogRow, outcome: Outcome) -> None:
        draft = self._vault.draft(
            kind=REPLAY,
            user=call.user,
            persona=call.persona,
            connection=first.connection,
            action=tool.action.id,
            effect=tool.action.effect.value,
            operation=call.operation,
            outcome=outcome.value,
            facts={"first": first.seq, "cost": 0},
            payload=msgspec.json.encode({"prompt": call.prompt}),
        )
        await self._vault.write_async(lambda log: log.append(draft))


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


def _rows(view: View, call: Call, permit: Permit) -> tuple[LogRow, LogRow | None]:
    # The claim that failed has shown that it is there, and nothing leaves the log.
    intent = cast(
        "LogRow", view.intent_of_operation(permit.connection, call.persona, call.operation)
    )
    return intent, view.outcome_of(intent.seq)


def _another_call() -> RefusedError:
    fault = ArgumentFault(
        path="$.operation",
        expected="a new id for a new call",
        hint="This operation was used for another action or other arguments.",
    )
    return refused(ErrorKind.INVALID_ARGUMENTS, faults=(fault,))
