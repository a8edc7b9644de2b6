"""Asks a person before a call that deletes, sends or moves money, and claims the yes.

1. Whether a call needs a yes follows from its effect, its arguments and the rule of its grant.
2. An approval is found by a mark over all that it binds: action, canonical arguments, connection,
   persona, user, and the versions of manifest, grant and connection. Nothing else finds it.
3. The question commits before the call is refused. The same call finds the same approval again,
   and after a no it is refused until the time of that approval is over.
4. A yes is claimed in the transaction of the intent, after the operation: it serves once,
   whatever the outcome, and a repeat of what was done needs none.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from clientary_connector import approvals, connections
from clientary_connector.approvals import Decision, Question, approval_of
from clientary_connector.call import policy
from clientary_connector.call.deciding import Deciding, expire, row
from clientary_connector.call.failure import RefusedError, refused
from clientary_connector.call.policy import Permit
from clientary_connector.call.request import ENCODER, Request
from clientary_connector.call.result import Call, ErrorKind
from clientary_connector.call.risk import needs_yes
from clientary_connector.call.tools import Tool
from clientary_connector.call.trouble import vault_kind
from clientary_connector.errors import ConnectorError
from clientary_connector.settings import Settings
from connector_vault import LogDraft, NotFoundError, Record, Transaction, Vault, VaultError, View

SORTED: Final = msgspec.json.Encoder(decimal_format="number", order="sorted")
ASKED: Final = "asked"


class Host(Protocol):
    """Stands for the host where a call waits for a person."""

    async def decide(self, question: Question) -> Decision | None:
        """Decides a question that is new at once, or returns None to leave it to a person.

        Raises ConnectorError where there is no decision that can be taken.
        """
        ...

    def asked(self, question: Question) -> None:
        """Is told of a question that is left to a person; must neither wait nor raise."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A call that needs a yes."""

    call: Call
    tool: Tool
    permit: Permit
    request: Request


class Approving:
    """Finds the approval of a call, or asks for one."""

    def __init__(
        self,
        vault: Vault,
        *,
        version: str,
        settings: Settings,
        clock: Callable[[], datetime],
        host: Host,
    ) -> None:
        """Takes the vault that keeps approvals, the manifest's version, limits and the time."""
        self._vault = vault
        self._version = version
        self._wait = timedelta(seconds=settings.approval_wait_s)
        self._most = settings.approvals_open
        self._clock = clock
        self._host = host
        self.deciding = Deciding(vault, use=timedelta(seconds=settings.approval_use_s), clock=clock)

    async def cleared(
        self, call: Call, tool: Tool, *, permit: Permit, request: Request, anew: bool = False
    ) -> Permit:
        """Returns the permit of a call, with the approval that its intent will claim.

        A repeat of an operation needs none for its first result; one that is run `anew` does.

        Raises:
            RefusedError: A person has to approve it first, has denied it, or cannot be asked.
        """
        if not needs_yes(tool.action, call.arguments, permit.rule):
            return permit
        wanted = Wanted(call=call, tool=tool, permit=permit, request=request)
        try:
            record, done = self._vault.read(lambda view: self._known(view, wanted))
            if record is None and done and not anew:
                # The claim of the operation will fail, and its first result is given again.
                return replace(permit, needs_yes=True)
            record = record or await self._asked(wanted)
            return self._by_state(wanted, record)
        except VaultError as error:
            kind = vault_kind(error)
        raise refused(kind)

    def _known(self, view: View, wanted: Wanted) -> tuple[Record | None, bool]:
        """Gives the approval that is open, and whether the operation was run before."""
        record = view.record_named(approvals.KIND, self._mark(view, wanted))
        if record is not None and approvals.overdue(record, self._clock()):
            record = None
        call = wanted.call
        first = view.intent_of_operation(wanted.permit.connection, call.persona, call.operation)
        return record, first is not None

    def _mark(self, view: View, wanted: Wanted) -> str:
        """Returns what an approval of exactly this call is found by."""
        call, permit = wanted.call, wanted.permit
        arguments = wanted.tool.requests.canonical(call.arguments)
        return view.mark(
            approvals.KIND,
            self._version,
            wanted.tool.action.id,
            SORTED.encode(arguments),
            permit.connection,
            permit.generation,
            permit.grant_revision,
            call.persona,
            call.user,
        )

    async def _asked(self, wanted: Wanted) -> Record:
        """Writes the question down, unless it stands there already, and tells the host."""
        now = self._clock()
        body, draft = self._body(wanted, now), self._vault.draft
        fresh = Record(
            kind=approvals.KIND,
            id=f"{approvals.ID_PREFIX}{secrets.token_hex(6)}",
            parent=approvals.OPEN,
            body=body,
        )
        asked = self._draft(wanted, fresh)

        def ask(log: Transaction) -> Record:
            policy.confirm(log, wanted.permit, now=now.timestamp())
            mark = self._mark(log, wanted)
            before = log.record_named(approvals.KIND, mark)
            if before is not None and not approvals.overdue(before, now):
                return before
            if before is not None:
                expire(log, before, draft, reason="time")
            self._check_room(log, wanted)
            owner = log.record(connections.KIND, wanted.permit.connection)
            name = wanted.call.connection if owner is None else owner.body["name"]
            body = {**fresh.body, "connection_name": name, "log_id": log.last_seq() + 1}
            kept = log.put(replace(fresh, name=mark, body=body), expect=None)
            log.append(asked)
            return kept

        record = await self._vault.write_async(ask)
        return record if record.id != fresh.id else await self._judged(wanted, record)

    async def _judged(self, wanted: Wanted, record: Record) -> Record:
        """Lets the host decide a question that is new."""
        question, said = _question(wanted, record), ""
        try:
            decision = await self._host.decide(question)
            if decision is not None:
                return await asyncio.to_thread(self.deciding.decide, record.id, decision)
        except ConnectorError as error:
            said = f"What the host has decided cannot be taken: {error.message}"
        self._host.asked(question)
        if said:
            raise _refusal(record, said)
        return record

    def _by_state(self, wanted: Wanted, record: Record) -> Permit:
        """Returns the permit under an approval that is given.

        Raises:
            RefusedError: It is not given yet, or was denied.
        """
        state = record.body["state"]
        if state == approvals.GIVEN:
            return replace(wanted.permit, needs_yes=True, approval=record.id)
        if state == approvals.DENIED:
            raise self._denial(record)
        raise _refusal(record, "A person has to approve this call first.")

    def _denial(self, record: Record) -> RefusedError:
        said = note_of(self._vault, record)
        because = f": {said}" if said else "."
        return refused(
            ErrorKind.DENIED,
            message=f"{record.body['decided_by']} has denied this call{because}",
            hint="Do not try again. Tell the person that it was denied.",
            approval=record.id,
        )

    def _check_room(self, view: View, wanted: Wanted) -> None:
        """Refuses a persona that floods those who have to decide.

        Raises:
            RefusedError: Too much of what it has asked is open.
        """
        permit, persona = wanted.permit, wanted.call.persona
        mine = (permit.connection, persona)
        waiting = view.records(approvals.KIND, parent=approvals.OPEN)
        count = sum((one.body["connection"], one.body["persona"]) == mine for one in waiting)
        if count >= self._most:
            raise refused(
                ErrorKind.APPROVAL_REQUIRED,
                message=f"{count} calls of this persona wait for a person already.",
                hint="Stop here, and tell the person that they have to be decided first.",
            )

    def _body(self, wanted: Wanted, now: datetime) -> dict[str, object]:
        call, permit, action = wanted.call, wanted.permit, wanted.tool.action
        return {
            "state": approvals.PENDING,
            "action": action.id,
            "effect": action.effect.value,
            "connection": permit.connection,
            "generation": permit.generation,
            "grant_revision": permit.grant_revision,
            "persona": call.persona,
            "user": call.user,
            "asked_at": approvals.moment(now),
            "until": approvals.moment(now + self._wait),
            "decided_by": None,
            "decided_at": None,
            "decided_log_id": None,
            "used_by": None,
        }

    def _draft(self, wanted: Wanted, record: Record) -> LogDraft:
        """Makes the line of a question; what may name people is sealed in it."""
        call = wanted.call
        payload = {
            "prompt": call.prompt,
            "arguments": call.arguments,
            "request": wanted.request.to_json(),
            "context": dict(call.context),
        }
        facts = {"asked_for": call.operation, "until": record.body["until"]}
        columns = row(record, ASKED, user=call.user, facts=facts, revision=1)
        return self._vault.draft(**columns, payload=ENCODER.encode(payload))


def note_of(vault: Vault, record: Record) -> str:
    """Returns what was said with a decision; nothing where it cannot be opened any more."""
    log_id = record.body["decided_log_id"]
    try:
        line = None if log_id is None else vault.read(lambda view: view.log_row(log_id))
        payload = None if line is None else vault.open_payload(line)
    except NotFoundError:
        payload = None
    return "" if payload is None else str(msgspec.json.decode(payload)["note"])


def _question(wanted: Wanted, record: Record) -> Question:
    request = wanted.request
    return Question(
        approval=approval_of(record),
        prompt=wanted.call.prompt,
        arguments=dict(wanted.call.arguments),
        method=request.method,
        url=wanted.permit.target.origin + request.path,
        query=request.query,
        body=request.document,
    )


def _refusal(record: Record, message: str) -> RefusedError:
    return refused(
        ErrorKind.APPROVAL_REQUIRED,
        message=message,
        hint=f"Tell the person that approval {record.id} waits for them. "
        "Once it is given, make the same call again.",
        approval=record.id,
    )
