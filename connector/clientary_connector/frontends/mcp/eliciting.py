"""Lets a client ask its person about a call that waits for a yes.

1. It does so only where the settings trust clients with it (`approve_in_client`): a yes comes
   through the client's program, which could give it without asking anybody.
2. The person is shown exactly what would happen, as `clientary approve` shows it. What cannot be
   shown whole is not asked about; it waits for somebody at the command line or the console.
3. A yes is a field that the person ticks: a form that is merely sent off is a no. It counts for
   the approval that was shown, in the name of the user of the session, and the same call then
   runs once. Who leaves the form has decided nothing.
4. An answer is bound to its approval, and the approval to the call: other arguments ask anew.

https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mcp import MCPError, types

from clientary_connector.call.result import ErrorKind, Preview, Result
from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends import screen
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.watching import Request

if TYPE_CHECKING:
    from clientary_connector.approver import ApprovalView

#: What an approval says of where it comes from.
NOTE: Final = "Answered in the client."
#: More than that nobody reads before they answer.
MOST_SHOWN: Final = 20_000
MOST_NOTE: Final = 1000
#: From this version on, a server does not ask: it answers with what it needs to know.
ASKS_IN_ANSWERS: Final = "2026-07-28"
APPROVE: Final = "approve"
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        APPROVE: {"type": "boolean", "title": "Let this happen, once", "default": False},
        "note": {"type": "string", "title": "Note", "maxLength": MOST_NOTE},
    },
    "required": [APPROVE],
}

Answers = Mapping[str, object]
Run = Callable[[], Awaitable[Result]]


class Eliciting:
    """Puts what waits for a yes before the person at a client."""

    def __init__(self, connector: Connector) -> None:
        """Takes the connector whose approvals it puts before persons."""
        self._connector = connector

    async def run(
        self, request: Request, caller: Caller, answers: Answers | None, *, run: Run
    ) -> Result | types.InputRequiredResult:
        """Runs a call, and once more where it waited for a yes that its person then gave."""
        result = await run()
        approval = _waiting(result)
        if approval is None or not self._may_ask(request):
            return result
        answer = (answers or {}).get(approval)
        if answer is None:
            form = await self._form(approval, caller)
            if form is None:
                return result
            if request.protocol_version >= ASKS_IN_ANSWERS:
                return types.InputRequiredResult(
                    input_requests={approval: types.ElicitRequest(params=form)}
                )
            answer = await _asked(request, form)
        try:
            decided = self._decided(approval, caller, answer)
        except ConnectorError as error:
            return replace(result, warnings=(*result.warnings, error.message))
        return await run() if decided else result

    def _may_ask(self, request: Request) -> bool:
        """Tells whether the settings trust clients with it, and this one can show a form."""
        if not self._connector.settings.approve_in_client:
            return False
        told = request.session.client_capabilities
        can = None if told is None else told.elicitation
        if can is None or (can.form is None and can.url is not None):
            return False
        return request.protocol_version >= ASKS_IN_ANSWERS or request.session.can_send_request

    async def _form(self, approval: str, caller: Caller) -> types.ElicitRequestFormParams | None:
        """Returns what the person is shown; None where they cannot be shown all of it."""
        try:
            view = await self._connector.approvals.show(approval, user=caller.user)
        except ConnectorError:
            return None
        if view.preview is None or view.preview.error is not None:
            return None
        text = shown(view, view.preview)
        if len(text) > MOST_SHOWN:
            return None
        return types.ElicitRequestFormParams(message=text, requested_schema=_FORM)

    def _decided(self, approval: str, caller: Caller, answer: object) -> bool:
        """Takes the answer of a person; tells whether it is one.

        Raises:
            ConnectorError: It cannot be taken.
        """
        if not isinstance(answer, types.ElicitResult) or answer.action == "cancel":
            return False
        content = answer.content or {}
        said = f"{NOTE} {str(content.get('note') or '')[:MOST_NOTE]}".strip()
        yes = answer.action == "accept" and content.get(APPROVE) is True
        decide = self._connector.approvals.approve if yes else self._connector.approvals.deny
        decide(approval, user=caller.user, note=said)
        return True


def shown(view: ApprovalView, preview: Preview) -> str:
    """Writes what a yes would let happen; nothing in it can hide or pass for something else."""
    one = view.approval
    query = "&".join(f"{name}={value}" for name, value in preview.query)
    address = f"{preview.url}?{query}" if query else preview.url
    who = f"{one.persona} asks, for {one.user}, over {one.connection_name}"
    lines = [
        screen.visible(f"{who}: {one.action} ({one.effect})."),
        screen.visible(f"Why: {view.prompt or '(erased)'}"),
        "",
        screen.visible(f"{preview.method} {address}"),
    ]
    if preview.body is not None:
        lines.append(screen.document(preview.body))
    if preview.cascade:
        lines += ["", "It would take along, for good:"]
    for item in preview.cascade:
        count = "?" if item.count is None else item.count
        lines.append(f"- {item.resource}: {count} {item.note}".rstrip())
    return "\n".join(lines)


def _waiting(result: Result) -> str | None:
    """Returns the approval that a call waits for; None where it waits for none."""
    error = result.error
    if error is None or error.kind is not ErrorKind.APPROVAL_REQUIRED:
        return None
    return error.approval


async def _asked(request: Request, form: types.ElicitRequestFormParams) -> object:
    """Asks the person at a client of the older protocol; None where there is no answer."""
    try:
        return await request.session.elicit_form(
            form.message, form.requested_schema, request.request_id
        )
    except MCPError:
        return None
