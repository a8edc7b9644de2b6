"""Finds out what became of changes whose end is unknown, so that their operations can go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from clientary_connector.call import lookup, settling
from clientary_connector.call.executor import Executor
from clientary_connector.call.journal import ENCODER
from clientary_connector.call.left_open import is_alive, left_open
from clientary_connector.call.lookup import Finding
from clientary_connector.call.result import Call, Outcome, Result
from clientary_connector.call.settling import Settled, Verdict
from clientary_connector.checks import check_user
from clientary_connector.errors import LookUpError, SettleError, UnknownEntryError
from clientary_connector.ground import Ground
from clientary_connector.manifest import Action, Effect, Lookup
from clientary_connector.mending import closing
from clientary_connector.state import state_faults
from connector_vault import LogDraft, LogQuery, LogRow, NotFoundError, Transaction, View

INTENT: Final = "intent"
SETTLED: Final = "connector_operation_settled"
#: Under this name the reads of look-ups stand in the log, with the user of the call that is looked
#: up; the session is whoever settles it.
PERSONA: Final = "settle"
PIECE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A change of which nobody knows whether it has happened."""

    #: The call's line in the log.
    id: int
    at: datetime
    user: str
    persona: str
    connection: str
    action: str
    operation: str
    #: Whether a look-up could not tell; a person decides then.
    looked_up: bool

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {**asdict(self), "at": self.at.isoformat(timespec="milliseconds")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Says what became of a change, how that is known, and who found out."""

    #: The call's line in the log.
    id: int
    verdict: Verdict
    reason: str
    #: What was found; None where nothing was, or where a person said so.
    record: Any
    connection: str
    persona: str
    action: str
    operation: str
    user: str
    #: The settlement's own line in the log.
    log_id: int

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {**asdict(self), "verdict": self.verdict.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One call to be settled, as the log holds it."""

    intent: LogRow
    outcome: LogRow | None
    settled: Settled | None
    arguments: dict[str, Any]

    @property
    def at(self) -> datetime:
        """When the call began."""
        return _moment(self.intent)

    @property
    def ended_at(self) -> datetime:
        """When nobody worked on it any more, as far as that is known."""
        return _moment(self.outcome or self.intent)


class Settlements:
    """Settles the calls of one connector."""

    def __init__(self, ground: Ground, executor: Executor) -> None:
        """Takes what it stands on, and what runs the look-ups."""
        self._vault = ground.vault
        self._manifest = ground.manifest
        self._executor = executor
        self._hosting = ground.hosting
        self._rest = timedelta(seconds=ground.settings.settle_after_s)
        self._clock = ground.clock

    def unsettled(self) -> tuple[Unsettled, ...]:
        """Returns the changes with an unknown end that nobody has settled, oldest first."""
        with state_faults():
            found = self._vault.read(self._open_cases)
        return tuple(_unsettled(row, settled) for row, settled in found)

    def is_due(self, one: Unsettled) -> bool:
        """Tells whether a change has had the time to arrive."""
        return self._clock() - one.at >= self._rest

    async def settle(self, log_id: int, *, user: str) -> Settlement:
        """Looks a change up in the service, and writes down what was found.

        Raises:
            UnknownEntryError: The log has no such call.
            SettleError: How it ended is known, or it may still arrive.
            LookUpError: The service could not be asked; nothing was settled.
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        with state_faults():
            case = self._case(log_id)
            if self._clock() - case.ended_at < self._rest:
                seconds = self._rest.total_seconds()
                raise SettleError(
                    "The change may still arrive.",
                    hint=f"Look it up {seconds:g} seconds after the call ended.",
                )
            finding = await self._finding(case, user)
            return self._written(case, finding, user=user, by="lookup")

    def decide(self, log_id: int, verdict: Verdict, *, user: str, reason: str = "") -> Settlement:
        """Writes down what a person knows of a change: that it happened, or that it did not.

        Raises:
            UnknownEntryError: The log has no such call.
            SettleError: How it ended is known, or the call is under way.
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        with state_faults():
            finding = Finding(verdict=verdict, reason=reason or "A person has said so.")
            return self._written(self._case(log_id), finding, user=user, by="person")

    def _open_cases(self, view: View) -> list[tuple[LogRow, Settled | None]]:
        rows = [*left_open(self._vault, view), *_unknown(view)]
        found = [(row, settling.settled(view, row.seq)) for row in rows if _is_change(row)]
        pending = [(row, said) for row, said in found if said is None or not said.final]
        return sorted(pending, key=lambda one: one[0].seq)

    def _case(self, log_id: int) -> Case:
        def read(view: View) -> tuple[LogRow, LogRow | None, Settled | None]:
            row = view.log_row(log_id) if log_id > 0 else None
            if row is not None and row.ref is not None:
                row = view.log_row(row.ref)
            if row is None or row.kind != INTENT:
                raise UnknownEntryError(f"The log has no call {log_id}.")
            return row, view.outcome_of(row.seq), settling.settled(view, row.seq)

        intent, outcome, settled = self._vault.read(read)
        if settled is not None and settled.final:
            raise SettleError(f"Call {intent.seq} was settled before: {settled.verdict.value}.")
        if outcome is None and is_alive(self._vault, intent):
            raise SettleError("The call is under way.", hint="Wait until it has ended.")
        if outcome is not None and (outcome.outcome != Outcome.UNKNOWN or not _is_change(intent)):
            raise SettleError(f"How call {intent.seq} ended is known: {outcome.outcome}.")
        return Case(
            intent=intent, outcome=outcome, settled=settled, arguments=self._arguments(intent)
        )

    def _arguments(self, intent: LogRow) -> dict[str, Any]:
        """Opens the arguments of a call; there are none where they were erased."""
        try:
            payload = self._vault.open_payload(intent)
        except NotFoundError:
            return {}
        opened: dict[str, Any] = msgspec.json.decode(payload or b"{}", type=dict[str, Any])
        arguments: dict[str, Any] = opened.get("arguments", {})
        return arguments

    async def _finding(self, case: Case, user: str) -> Finding:
        """Looks up what became of a change, by the rule of the manifest."""
        action = self._manifest.actions.get(str(case.intent.action))
        if action is None or not case.arguments:
            return _nobody("The manifest or the log says too little about the call.")
        rule = action.lookup or Lookup()
        if rule.action is None:
            return _nobody(rule.cannot or "The manifest names no way to look it up.")
        given = lookup.arguments_of(
            rule,
            self._manifest.actions[rule.action],
            case.arguments,
            most=self._manifest.limits.records,
        )
        if given is None:
            return _nobody(rule.cannot or "The call lacks what it could be looked up by.")
        call = Call(
            action=rule.action,
            arguments=given,
            connection=str(case.intent.connection),
            # What is found is text of whoever made the call: an erasure of theirs has to reach it.
            user=str(case.intent.user),
            persona=PERSONA,
            prompt=f"(looking up what became of entry {case.intent.seq} of the log, for {user})",
            context={"session": user},
        )
        return self._judged(case, action, await self._executor.look(call))

    def _judged(self, case: Case, action: Action, result: Result) -> Finding:
        finding = lookup.judge(action, case.arguments, result, since=case.at)
        if finding is None:
            said = "It did not answer." if result.error is None else result.error.message
            hint = "Try again later, or say yourself whether it happened."
            raise LookUpError(f"The change could not be looked up. {said}", hint=hint)
        return finding

    def _written(self, case: Case, finding: Finding, *, user: str, by: str) -> Settlement:
        """Writes a settlement as a row of the log and a record, in one transaction."""
        before = 0 if case.settled is None else case.settled.revision
        found = self._found(case, finding)
        drafts = self._drafts(case, finding, user=user, by=by, revision=before + 1)

        def work(log: Transaction) -> int:
            place = None if found is None else log.append(found)
            said = Settled(verdict=finding.verdict, user=user, found=place)
            log.put(settling.record_of(case.intent.seq, said), expect=before or None)
            return [log.append(draft) for draft in drafts][-1]

        number = self._vault.write(work)
        settlement = Settlement(
            id=case.intent.seq,
            verdict=finding.verdict,
            reason=finding.reason,
            record=finding.record,
            connection=str(case.intent.connection),
            persona=str(case.intent.persona),
            action=str(case.intent.action),
            operation=str(case.intent.operation),
            user=user,
            log_id=number,
        )
        self._hosting.tell_of(
            SETTLED,
            lambda: {"settlement": replace(settlement, record=None)},
            sealed=lambda: {"settlement": settlement},
        )
        return settlement

    def _drafts(
        self, case: Case, finding: Finding, *, user: str, by: str, revision: int
    ) -> list[LogDraft]:
        """Makes the row of a settlement, after that of an outcome which nobody has written."""
        intent, known = case.intent, finding.verdict is not Verdict.CANNOT_TELL
        drafts = [
            self._vault.draft(
                **_columns(intent, user),
                kind=settling.ROW,
                outcome=(Outcome.SUCCEEDED if known else Outcome.FAILED).value,
                subject=f"{settling.KIND}:{intent.seq}",
                revision=revision,
                facts={
                    "call": intent.seq,
                    "verdict": finding.verdict.value,
                    "reason": finding.reason,
                    "by": by,
                },
            )
        ]
        if case.outcome is None:
            drafts.insert(0, closing(self._vault, intent))
        return drafts

    def _found(self, case: Case, finding: Finding) -> LogDraft | None:
        """Makes the row of what was found, sealed for the user of the call."""
        if finding.verdict is not Verdict.FOUND:
            return None
        return self._vault.draft(
            **_columns(case.intent, case.intent.user),
            kind=settling.FOUND,
            outcome=Outcome.SUCCEEDED.value,
            facts={"call": case.intent.seq},
            payload=ENCODER.encode({"response": self._response(case, finding)}),
        )

    def _response(self, case: Case, finding: Finding) -> dict[str, Any]:
        """Gives the result that a repeat of the operation gets, as the change has happened."""
        record = finding.record
        tool = self._executor.tools.find(str(case.intent.action))
        if tool.redact is not None and record is not None:
            record = tool.redact(record)
        return Result(
            outcome=Outcome.SUCCEEDED,
            operation=str(case.intent.operation),
            data=record,
            warnings=(f"It was found out later that this was done: {finding.reason}",),
            log_id=case.intent.seq,
        ).to_json()


def _columns(intent: LogRow, user: str | None) -> dict[str, Any]:
    """Gives what the rows of a settlement say of the call that it is about."""
    return {
        "user": user,
        "persona": intent.persona,
        "connection": intent.connection,
        "action": intent.action,
        "effect": intent.effect,
        "operation": intent.operation,
    }


def _unknown(view: View) -> list[LogRow]:
    """Gives the calls whose outcome is unknown."""
    rows: list[LogRow] = []
    before: int | None = None
    where = LogQuery(outcome=Outcome.UNKNOWN.value)
    while True:
        found = view.log_rows(where, before=before, limit=PIECE)
        rows += [row for row in found if row.kind == INTENT]
        if len(found) < PIECE:
            return rows
        before = found[-1].seq


def _unsettled(row: LogRow, settled: Settled | None) -> Unsettled:
    return Unsettled(
        id=row.seq,
        at=_moment(row),
        user=str(row.user),
        persona=str(row.persona),
        connection=str(row.connection),
        action=str(row.action),
        operation=str(row.operation),
        looked_up=settled is not None,
    )


def _is_change(row: LogRow) -> bool:
    return row.effect != Effect.READ.value


def _moment(row: LogRow) -> datetime:
    return datetime.fromtimestamp(row.at / 1_000_000, UTC)


def _nobody(reason: str) -> Finding:
    return Finding(verdict=Verdict.CANNOT_TELL, reason=reason)
