"""Are the pages of approvals: what waits for a person, exactly what it is, and their yes or no.

1. What is sealed of a call is opened for whoever may decide it, and the log says who has read it.
2. A decision counts only over the approval as the person has seen it, and only of a person whom
   the host lets see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.approvals import GIVEN, PENDING, Approval, Decision
from clientary_connector.approver import ApprovalView
from clientary_connector.errors import (
    ApprovalDecidedError,
    ApprovalEndedError,
    CallerError,
    ReadRefusedError,
)
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.forms import form_of, number_of
from clientary_connector.frontends.console.pages.paging import part_of
from clientary_connector.frontends.console.roles import Role, needs
from clientary_connector.frontends.console.saying import told

YES, NO = "approve", "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An approval, and as much of its contents as the person may see."""

    approval: Approval
    view: ApprovalView | None
    #: Why the contents are hidden; empty where they are not.
    hidden: str


@needs("viewer")
async def approvals(request: Request) -> Response:
    """Lists what waits, and what was decided or is over, newest first."""
    found = await run_in_threadpool(connector_of(request).approvals.all)
    waiting = [one for one in found if one.state == PENDING]
    others = [one for one in reversed(found) if one.state != PENDING]
    part = part_of(others, request)
    return page(
        request,
        "approvals.html",
        waiting=waiting,
        others=part.shown,
        total=len(others),
        newer=part.newer,
        older=part.older,
    )


@needs("viewer")
async def approval(request: Request) -> Response:
    """Shows one approval: who asks, why, and the exact request."""
    return _drawn(request, await _shown(request))


@needs("approver")
async def decide(request: Request) -> Response:
    """Takes a yes or a no."""
    form, connector = form_of(request), connector_of(request)
    if form.text("decision") not in {YES, NO}:
        raise HTTPException(422, "Say yes or no.")
    decision = Decision(
        approve=form.text("decision") == YES,
        user=person_of(request).name,
        note=form.text("note"),
    )

    def decided() -> Approval:
        now = connector.approvals.approval(request.path_params["approval"])
        connector.approvals.check_reader(now.id, user=decision.user)
        seen = replace(now, decided_log_id=number_of(form.text("seen")) or None)
        return connector.approvals.decide(now.id, decision, seen=seen)

    try:
        one = await run_in_threadpool(decided)
    except ReadRefusedError as error:
        return _drawn(request, await _shown(request), failed=error.message, status=403)
    except (ApprovalDecidedError, ApprovalEndedError) as error:
        return _drawn(request, await _shown(request), failed=told(error), status=409)
    except CallerError as error:
        shown = await _shown(request)
        return _drawn(request, shown, failed=told(error), status=422, note=form.text("note"))
    came = "approved: the same call may be made once" if one.state == GIVEN else "denied"
    said = f"{one.action} of {one.persona} is {came}."
    return see_other(request, "approvals", message=said)


async def _shown(request: Request) -> Shown:
    """Opens an approval for a person who may decide it, and shows only its outside to others."""
    connector, person = connector_of(request), person_of(request)
    name = request.path_params["approval"]
    found = await run_in_threadpool(connector.approvals.approval, name)
    if not person.role.covers(Role.APPROVER):
        why = "Prompt, arguments and request are shown to people who may decide."
        return Shown(approval=found, view=None, hidden=why)
    try:
        view = await connector.approvals.show(found.id, user=person.name)
    except ReadRefusedError as error:
        return Shown(approval=found, view=None, hidden=told(error))
    return Shown(approval=view.approval, view=view, hidden="")


def _drawn(
    request: Request, shown: Shown, *, failed: str = "", note: str = "", status: int = 200
) -> Response:
    one = shown.approval
    action = connector_of(request).manifest.actions.get(one.action)
    return page(
        request,
        "approval.html",
        status=status,
        one=one,
        view=shown.view,
        hidden=shown.hidden,
        failed=failed,
        note=note,
        action_title=one.action if action is None else action.title,
        decidable=one.state in {PENDING, "given", "denied"},
        section="approvals",
    )


ROUTES: Final = (
    Route("/approvals", approvals, name="approvals"),
    Route("/approvals/{approval}", approval, name="approval"),
    Route("/approvals/{approval}/decide", decide, methods=["POST"], name="decide"),
)
