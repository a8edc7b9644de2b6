"""Holds the operations on approvals: what waits for a person, what it would do, yes or no."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from msgspec import Meta

from clientary_connector.approvals import Decision
from clientary_connector.frontends.console.api.calls import PreviewShown
from clientary_connector.frontends.console.api.log import NOT_LET
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import MOST, LogId, Moment, Note, shown
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalShown:
    """One call that a person has to decide, or has decided."""

    id: str
    state: Annotated[str, Meta(description="pending, given, denied, expired or used")]
    action: str
    effect: str
    connection: str
    connection_name: str
    persona: str
    user: str
    asked_at: Moment
    until: Moment
    log_id: LogId
    decided_by: str | None
    decided_at: Moment | None
    decided_log_id: int | None
    used_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalInFull(ApprovalShown):
    """What an approval is about: why it was asked for, and what exactly would happen."""

    prompt: str | None
    arguments: dict[str, Any] | None
    note: str
    preview: PreviewShown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """Approvals, oldest first."""

    approvals: tuple[ApprovalShown, ...]
    more: Annotated[bool, Meta(description="There are more; ask again, and skip these.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichApprovals:
    """Which approvals are wanted."""

    state: Annotated[
        Literal["pending", "all"], Meta(description="all: those that are decided, too.")
    ] = "pending"
    newest_first: bool = False
    skip: Annotated[int, Meta(ge=0, le=MOST)] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionGiven:
    """A person's yes or no."""

    approve: bool
    note: Note = ""
    seen: Annotated[
        Annotated[int, Meta(ge=0, le=MOST)] | None,
        Meta(
            description="Its decided_log_id as you saw it, 0 for none: where somebody has decided "
            "since, nothing is done."
        ),
    ] = None


@operation("GET", "/approvals", role=Role.VIEWER, query=WhichApprovals, gives=Approvals)
def list_approvals(asked: Asked[WhichApprovals, Nothing]) -> Approvals:
    """Lists the calls that wait for a person, oldest first, or every approval there ever was.

    A page at a time: `skip` what you have, and ask for up to `limit` more.
    """
    wanted, approvals = asked.query, asked.connector.approvals
    found = approvals.pending() if wanted.state == "pending" else approvals.all()
    ordered = tuple(reversed(found)) if wanted.newest_first else tuple(found)
    end = wanted.skip + wanted.limit
    return Approvals(
        approvals=tuple(shown(one, ApprovalShown) for one in ordered[wanted.skip : end]),
        more=len(ordered) > end,
    )


@operation("GET", "/approvals/{approval}", role=Role.VIEWER, gives=ApprovalShown)
def show_approval(asked: Asked[Nothing, Nothing]) -> ApprovalShown:
    """Shows how one approval stands, without what is sealed of the call.

    For what exactly would happen, open it.
    """
    return shown(asked.connector.approvals.approval(asked.path["approval"]), ApprovalShown)


@operation(
    "POST",
    "/approvals/{approval}/open",
    role=Role.APPROVER,
    gives=ApprovalInFull,
    refuses=NOT_LET,
)
async def open_approval(asked: Asked[Nothing, Nothing]) -> ApprovalInFull:
    """Shows exactly what a yes would let happen.

    Prompt, arguments and the request itself, and what goes with a deletion, counted live. Who
    looked at it stands in the log first; the host may refuse it.
    """
    found = await asked.connector.approvals.show(asked.path["approval"], user=asked.person.name)
    return shown(found, ApprovalInFull)


@operation(
    "POST",
    "/approvals/{approval}/decision",
    role=Role.APPROVER,
    body=DecisionGiven,
    gives=ApprovalShown,
    refuses=NOT_LET
    | {
        409: "It was used, is over, or what it was asked under has changed.",
        412: "Somebody has decided since it was seen.",
    },
)
def decide(asked: Asked[Nothing, DecisionGiven]) -> ApprovalShown:
    """Says yes or no to a call that waits; after a yes the same call may be made once.

    Send `decided_log_id` as you saw it in `seen` (0 for none), so that your word counts only over
    what you have read.
    """
    approvals, name, seen = asked.connector.approvals, asked.path["approval"], asked.body.seen
    decision = Decision(approve=asked.body.approve, user=asked.person.name, note=asked.body.note)
    approvals.check_reader(name, user=asked.person.name)
    stood = None if seen is None else replace(approvals.approval(name), decided_log_id=seen or None)
    return shown(approvals.decide(name, decision, seen=stood), ApprovalShown)


OPERATIONS = (list_approvals, show_approval, open_approval, decide)
