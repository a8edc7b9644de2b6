"""Is `connector.approvals`: shows a person what waits for them, and takes their yes or no."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from clientary_connector import approvals
from clientary_connector.approvals import Approval, Decision, approval_of
from clientary_connector.call import deciding
from clientary_connector.call.approving import Approving, note_of
from clientary_connector.call.preview import Previews
from clientary_connector.call.request import DECODER
from clientary_connector.call.result import Call, Preview, Result
from clientary_connector.errors import ApprovalEndedError
from clientary_connector.reads import Reads
from clientary_connector.state import state_faults
from clientary_connector.tending import DONE, TendItem
from connector_vault import NotFoundError, Record, Transaction, Vault, View


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """Shows what an approval is about: why it was asked for, and what exactly would happen."""

    approval: Approval
    #: Why: what the persona was asked to do; None where it was erased since.
    prompt: str | None
    arguments: dict[str, Any] | None
    #: What was said with the decision.
    note: str
    #: The request, and what a deletion would take along, read now; None once nothing can come of
    #: the approval any more.
    preview: Preview | None

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {
            **self.approval.to_json(),
            "prompt": self.prompt,
            "arguments": self.arguments,
            "note": self.note,
            "preview": None if self.preview is None else self.preview.to_json(),
        }


class Approvals:
    """The approvals of a connector.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(
        self,
        vault: Vault,
        approving: Approving,
        *,
        previews: Previews,
        clock: Callable[[], datetime],
        reads: Reads,
    ) -> None:
        """Takes the parts that `wiring` has joined."""
        self._vault = vault
        self._deciding = approving.deciding
        self._previews = previews
        self._clock = clock
        self._reads = reads

    def pending(self) -> tuple[Approval, ...]:
        """Returns what waits for a person now, oldest first."""
        return tuple(one for one in self._listed(approvals.OPEN) if one.state == approvals.PENDING)

    def all(self) -> tuple[Approval, ...]:
        """Returns every approval there ever was, oldest first."""
        return self._listed(None)

    def approval(self, approval: str) -> Approval:
        """Returns one approval.

        Raises:
            UnknownApprovalError: There is none of that id.
        """
        with state_faults():
            return self._vault.read(lambda view: self._found(view, approval))[1]

    def asked(self, result: Result) -> Approval | None:
        """Returns the approval that a call was refused for the lack of; None for any other result.

        A host that has an approval signal of its own gives it now, hands the answer to `approve`
        or `deny`, and after a yes runs the same call again.

        Raises:
            UnknownApprovalError: The result is not one of this connector.
        """
        name = None if result.error is None else result.error.approval
        return None if name is None else self.approval(name)

    async def show(self, approval: str, *, user: str) -> ApprovalView:
        """Shows exactly what a yes would let happen; counts what a deletion takes along.

        `user` is who looks: what is opened and what is read to count stand in the log under that
        name.

        Raises:
            UnknownApprovalError: There is none of that id.
            InvalidValueError: The user cannot be used.
        """
        with state_faults():
            record, found = self._vault.read(lambda view: self._found(view, approval))
            self._reads.note(user, _what(found.id))
            call = self._call(found)
            note = note_of(self._vault, record)
        decidable = found.state in {approvals.PENDING, approvals.GIVEN, approvals.DENIED}
        preview = None
        if call is not None and decidable:
            preview = await self._previews.show(call, overseer=user)
        return ApprovalView(
            approval=found,
            prompt=None if call is None else call.prompt,
            arguments=None if call is None else dict(call.arguments),
            note=note,
            preview=preview,
        )

    def check_reader(self, approval: str, *, user: str) -> None:
        """Refuses a person who may not see what an approval is about; nobody decides unseen.

        A page asks it before it hands in what somebody has sent; a host that shows approvals
        itself knows who has seen what.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read it.
        """
        with state_faults():
            self._reads.check(user, _what(approval))

    def approve(self, approval: str, *, user: str, note: str = "") -> Approval:
        """Says yes: the same call may be made once, within the time that the settings give.

        Raises:
            UnknownApprovalError: There is none of that id.
            ApprovalEndedError: It was used or is over, or what it was asked under has changed.
            InvalidValueError: The user has no usable name, or is the persona.
        """
        return self.decide(approval, Decision(approve=True, user=user, note=note))

    def deny(self, approval: str, *, user: str, note: str = "") -> Approval:
        """Says no, or takes a yes back that was not used yet.

        Raises:
            UnknownApprovalError: There is none of that id.
            ApprovalEndedError: It was used or is over.
            InvalidValueError: The user has no usable name, or is the persona.
        """
        return self.decide(approval, Decision(approve=False, user=user, note=note))

    def decide(
        self, approval: str, decision: Decision, *, seen: Approval | None = None
    ) -> Approval:
        """Takes a decision as a host hands it in.

        With `seen` it counts only while the approval stands as the person has seen it.

        Raises:
            UnknownApprovalError: There is none of that id.
            ApprovalEndedError: It was used or is over, or what it was asked under has changed.
            ApprovalDecidedError: Somebody has decided since it was seen.
            InvalidValueError: The user has no usable name, or is the persona.
        """
        with state_faults():
            if decision.approve and self._call(self.approval(approval)) is None:
                raise ApprovalEndedError("What the approval is about was erased.")
            return approval_of(self._deciding.decide(approval, decision, seen=seen))

    def expire(self) -> tuple[Approval, ...]:
        """Ends what is due: approvals whose time is over, and those that nobody can use now."""
        with state_faults():
            if not self._vault.read(self._due):
                return ()
            return tuple(map(approval_of, self._vault.write(self._expired)))

    def _due(self, view: View) -> list[tuple[Record, str]]:
        now = self._clock()
        waiting = view.records(approvals.KIND, parent=approvals.OPEN)
        due = ((one, _over(view, one, now)) for one in waiting)
        return [(one, reason) for one, reason in due if reason]

    def _expired(self, log: Transaction) -> Sequence[Record]:
        draft = self._vault.draft
        return [deciding.expire(log, one, draft, reason=reason) for one, reason in self._due(log)]

    def _listed(self, parent: str | None) -> tuple[Approval, ...]:
        def found(view: View) -> list[Approval]:
            return [self._now(view, one) for one in view.records(approvals.KIND, parent=parent)]

        with state_faults():
            return tuple(sorted(self._vault.read(found), key=lambda one: one.log_id))

    def _found(self, view: View, approval: str) -> tuple[Record, Approval]:
        record = deciding.found(view, approval)
        return record, self._now(view, record)

    def _now(self, view: View, record: Record) -> Approval:
        """Returns an approval as it stands now, also where nothing has ended it in the vault."""
        found = approval_of(record)
        if record.parent == approvals.OPEN and _over(view, record, self._clock()):
            found = replace(found, state=approvals.EXPIRED)
        return found

    def _call(self, approval: Approval) -> Call | None:
        """Returns the call that an approval is about; None where it was erased."""
        line = self._vault.read(lambda view: view.log_row(approval.log_id))
        try:
            payload = None if line is None else self._vault.open_payload(line)
        except NotFoundError:
            payload = None
        if payload is None:
            return None
        said = DECODER.decode(payload)
        return Call(
            action=approval.action,
            arguments=said["arguments"],
            connection=approval.connection,
            user=approval.user,
            persona=approval.persona,
            prompt=said["prompt"],
        )


def _what(approval: str) -> dict[str, str]:
    """Returns what is read of an approval, as it stands in the log."""
    return {"what": approvals.KIND, "approval": approval}


class ApprovalChore:
    """Ends the approvals that are due."""

    def __init__(self, approvals_: Approvals) -> None:
        """Takes what ends them."""
        self._approvals = approvals_

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks at every approval that is open."""
        del user
        ended = await asyncio.to_thread(self._approvals.expire)
        return [
            TendItem(
                what=approvals.KIND,
                connection=one.connection_name,
                outcome=DONE,
                detail=f"{one.id} of {one.persona} for {one.action} is over.",
            )
            for one in ended
        ]


def _over(view: View, record: Record, now: datetime) -> str:
    """Says why an approval that is open serves for nothing any more; nothing where it does."""
    if approvals.overdue(record, now):
        return "time"
    asked = view.log_row(record.body["log_id"])
    if asked is None or asked.payload is None:
        return "erased"
    return "changed" if deciding.stale(view, record, now) else ""
