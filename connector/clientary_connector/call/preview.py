"""Shows what a call would do: the exact request, and what a deletion would take along."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from clientary_connector.call.executor import Executor
from clientary_connector.call.failure import RefusedError
from clientary_connector.call.result import (
    Call,
    CallError,
    CascadeCount,
    Outcome,
    Preview,
    mint_operation,
)
from clientary_connector.call.risk import needs_yes
from clientary_connector.call.transport import Transport
from clientary_connector.manifest import CascadeStep

NOT_COUNTED: Final = "cannot be counted"
#: In the place of a persona in the log, where a person looks.
OVERSEER: Final = "(approver)"


class Previews:
    """Goes the way of a call up to the sending, and sends nothing but reads that count."""

    def __init__(self, executor: Executor, transport: Transport) -> None:
        """Takes the executor that would run the call, and the transport that would send it."""
        self._executor = executor
        self._transport = transport

    async def show(self, call: Call, *, overseer: str | None = None) -> Preview:
        """Returns the preview of a call; a call that would be refused says why.

        Where a person looks who decides about the call, what goes with a deletion is counted for
        that `overseer`, whom no grant limits.
        """
        try:
            tool = self._executor.tools.look_up(call)
            permit = self._executor.permit(call, tool)
            request = self._executor.request(call, tool)
            await self._executor.judged(call, permit)
        except RefusedError as refusal:
            result = await self._executor.refuse(call, refusal.error)
            return _refused(call, refusal.error, log_id=result.log_id)
        cascade = [await self._counted(call, step, overseer) for step in tool.action.cascade]
        return Preview(
            action=tool.action.id,
            effect=tool.action.effect.value,
            method=request.method,
            url=permit.target.origin + request.path,
            query=request.query,
            headers=self._transport.headers(request),
            body=request.document,
            cascade=tuple(cascade),
            needs_approval=needs_yes(tool.action, call.arguments, permit.rule),
        )

    async def _counted(self, call: Call, step: CascadeStep, overseer: str | None) -> CascadeCount:
        if step.count is None:
            return CascadeCount(resource=step.resource, count=None, note=NOT_COUNTED)
        asked = replace(
            call,
            action=step.count,
            arguments={name: call.arguments[given] for name, given in step.passes.items()},
            operation=mint_operation(),
        )
        if overseer is None:
            result = await self._executor.run(asked)
        else:
            result = await self._executor.look(replace(asked, user=overseer, persona=OVERSEER))
        if result.outcome is not Outcome.SUCCEEDED or result.page is None:
            note = NOT_COUNTED if result.error is None else f"not counted: {result.error.kind}"
            return CascadeCount(resource=step.resource, count=None, note=note)
        if result.page.total is not None:
            return CascadeCount(resource=step.resource, count=result.page.total)
        note = "" if result.page.complete else "or more"
        return CascadeCount(resource=step.resource, count=len(result.data), note=note)


def _refused(call: Call, error: CallError, *, log_id: int | None) -> Preview:
    return Preview(
        action=str(call.action),
        effect="",
        method="",
        url="",
        query=(),
        headers={},
        body=None,
        error=error,
        log_id=log_id,
    )
