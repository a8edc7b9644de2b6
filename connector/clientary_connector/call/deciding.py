"""Writes down what becomes of an approval: asked, given, denied, expired, used, and by whom.

1. Every change commits with its line in the log, which holds the record's revision: a row that
   is put back is refused.
2. Who decides is a person: never the persona that asks.
3. A yes is given only while connection and grant are as they were when it was asked for.
4. An approval that ended is found by nothing any more, and its mark is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from clientary_connector import approvals, connections, grants
from clientary_connector.approvals import Approval, Decision
from clientary_connector.call.idtext import MAX_ID_CHARS, usable
from clientary_connector.call.policy import Permit
from clientary_connector.errors import (
    ApprovalDecidedError,
    ApprovalEndedError,
    InvalidValueError,
    UnknownApprovalError,
)
from connector_vault import LogDraft, Record, Transaction, Vault, View

#: Makes a row for the log; `Vault.draft` does.
Draft: TypeAlias = Callable[..., LogDraft]


class LostError(Exception):
    """The approval was used, taken back or over by the time of the intent."""


def claim(log: Transaction, permit: Permit, *, call: int, now: datetime, draft: Draft) -> None:
    """Uses up the approval of a call, in the transaction of its intent.

    Raises:
        LostError: There is none that is given, or not any more.
    """
    if not permit.needs_yes:
        return
    record = None if permit.approval is None else log.record(approvals.KIND, permit.approval)
    # That grant and connection are as they were is part of the mark by which it was found.
    if record is None or record.body["state"] != approvals.GIVEN or approvals.overdue(record, now):
        raise LostError
    body = {"state": approvals.USED, "used_by": call}
    end(log, record, draft, user=record.body["user"], body=body, facts={"call": call})


def expire(log: Transaction, record: Record, draft: Draft, *, reason: str) -> Record:
    """Ends an approval that nobody can use any more."""
    body = {"state": approvals.EXPIRED}
    return end(log, record, draft, user=None, body=body, facts={"reason": reason})


def end(  # noqa: PLR0913 - an approval, and all that is written of its end
    log: Transaction,
    record: Record,
    draft: Draft,
    *,
    user: str | None,
    body: dict[str, Any],
    facts: dict[str, Any],
) -> Record:
    """Ends an approval for good."""
    after = replace(record, parent=approvals.ENDED, name=None, body={**record.body, **body})
    kept = log.put(after, expect=record.revision)
    log.append(draft(**row(kept, body["state"], user=user, facts=facts)))
    return kept


def stale(view: View, record: Record, now: datetime) -> bool:
    """Tells whether connection or grant are not any more as they were when it was asked for."""
    body = record.body
    connection = view.record(connections.KIND, body["connection"])
    grant = view.record(grants.KIND, grants.grant_id(body["connection"], body["persona"]))
    return (
        connection is None
        or grant is None
        or connection.body["state"] != connections.ACTIVE
        or connection.body["generation"] != body["generation"]
        or grant.body["state"] != grants.ACTIVE
        or grants.has_ended(grant.body, now.timestamp())
        or grant.revision != body["grant_revision"]
    )


class Deciding:
    """Takes the decisions of persons."""

    def __init__(self, vault: Vault, *, use: timedelta, clock: Callable[[], datetime]) -> None:
        """Takes the vault, for how long a yes can be used, and the time."""
        self._vault = vault
        self._use = use
        self._clock = clock

    def decide(self, approval: str, decision: Decision, *, seen: Approval | None = None) -> Record:
        """Writes a decision down; a person may think again until the approval has ended.

        With `seen` nothing is written where somebody has decided since.

        Raises:
            UnknownApprovalError: There is no such approval.
            ApprovalEndedError: It was used or is over, or what it was asked under has changed.
            ApprovalDecidedError: Somebody has decided since it was seen.
            InvalidValueError: Who decides has no usable name, or is the persona.
        """
        before = self._vault.read(lambda view: found(view, approval))
        check_approver(decision.user, persona=before.body["persona"])
        _check_seen(before, seen)
        state = approvals.GIVEN if decision.approve else approvals.DENIED
        # The note may name people: it is sealed like a prompt.
        said = self._vault.draft(
            **row(before, state, user=decision.user, revision=before.revision + 1),
            payload=msgspec.json.encode({"note": decision.note}),
        )
        return self._vault.write(lambda log: self._decided(log, before, decision, state, said))

    def _decided(
        self, log: Transaction, before: Record, decision: Decision, state: str, said: LogDraft
    ) -> Record:
        record, now = found(log, before.id), self._clock()
        self._check_open(log, record, now=now, approve=decision.approve)
        if record.revision != before.revision:
            raise _decided(record)
        body = {
            **record.body,
            "state": state,
            "decided_by": decision.user,
            "decided_at": approvals.moment(now),
            "decided_log_id": log.last_seq() + 1,
        }
        if decision.approve:
            body["until"] = approvals.moment(now + self._use)
        kept = log.put(replace(record, body=body), expect=before.revision)
        log.append(said)
        return kept

    def _check_open(self, view: View, record: Record, *, now: datetime, approve: bool) -> None:
        """Refuses a decision that would change nothing any more.

        Raises:
            ApprovalEndedError: It would not.
        """
        state = record.body["state"]
        if record.parent != approvals.OPEN or approvals.overdue(record, now):
            was = state if state in {approvals.USED, approvals.EXPIRED} else approvals.EXPIRED
            raise ApprovalEndedError(f"The approval {record.id} is {was}; nothing can change that.")
        if approve and stale(view, record, now):
            raise ApprovalEndedError(
                f"The grant or the connection was changed after {record.id} was asked for."
            )


def found(view: View, approval: str) -> Record:
    """Returns the record of an approval.

    Raises:
        UnknownApprovalError: There is none.
    """
    record = view.record(approvals.KIND, approval)
    if record is None:
        raise UnknownApprovalError(
            f"There is no approval {approval[:64]!r}.", hint="List them with `approvals`."
        )
    return record


def _check_seen(record: Record, seen: Approval | None) -> None:
    """Refuses a decision over what somebody else has decided since it was seen.

    Raises:
        ApprovalDecidedError: Somebody has.
    """
    if seen is not None and seen.decided_log_id != record.body["decided_log_id"]:
        raise _decided(record)


def _decided(record: Record) -> ApprovalDecidedError:
    body = record.body
    who = f" by {body['decided_by']}" if body["decided_by"] else ""
    return ApprovalDecidedError(
        f"The approval {record.id} is {body['state']}{who} since you have looked at it.",
        hint="Nothing was changed. Look at it again, and decide anew if it has to be.",
    )


def check_approver(user: str, *, persona: str) -> None:
    """Refuses whoever cannot decide: nobody, and the persona itself.

    Raises:
        InvalidValueError: It is one of them.
    """
    if not usable(user, longest=MAX_ID_CHARS):
        raise InvalidValueError("There is no user.", hint="Say who decides.")
    if user.strip().casefold() == persona.strip().casefold():
        raise InvalidValueError(
            "A persona cannot approve what it asks for.", hint="Let a person decide, by their name."
        )


def row(
    record: Record,
    event: str,
    *,
    user: str | None,
    facts: dict[str, Any] | None = None,
    revision: int | None = None,
) -> dict[str, Any]:
    """Returns the columns of the line that says what became of an approval, and by whom."""
    body = record.body
    return {
        "kind": approvals.KIND,
        "user": user,
        "persona": body["persona"],
        "connection": body["connection"],
        "action": body["action"],
        "effect": body["effect"],
        "outcome": event,
        "subject": f"{approvals.KIND}:{record.id}",
        "revision": record.revision if revision is None else revision,
        "facts": {"approval": record.id, **(facts or {})},
    }
