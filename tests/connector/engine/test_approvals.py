"""Proves approvals: what waits for a person, what a yes is good for, and what it is not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from clientary_connector import (
    Approval,
    ErrorKind,
    Outcome,
    Result,
    Secret,
    Settings,
    Terms,
    load_manifest,
)
from clientary_connector.approvals import Decision
from clientary_connector.call.risk import amount_of, needs_yes
from clientary_connector.errors import (
    ApprovalDecidedError,
    ApprovalEndedError,
    InvalidValueError,
    UnknownApprovalError,
)
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from connector_vault import Record, Vault, VaultLockedError, View
from connector_vault.erasure import Eraser
from connector_vault.sqlite import connect
from tests.connector.engine.ground import NAME, PERSONA, PROMPT, USER, Ground, ground

MANIFEST = load_manifest()
BOSS = "grace"


@dataclass(slots=True)
class Time:
    """A clock that a test moves."""

    now: datetime = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Tells the time."""
        return self.now

    def passes(self, **span: float) -> None:
        """Lets time pass."""
        self.now += timedelta(**span)


@pytest.fixture
def time() -> Time:
    """The clock of the connector."""
    return Time()


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """A simulated account."""
    with serve(Sandbox(key="canary-0123456789-ABCDEFGHIJ-abcdefghij")) as far_side:
        yield far_side


@pytest.fixture
def on(tmp_path: Path, running: RunningSandbox, time: Time) -> Iterator[Ground]:
    """A connector on that account, with a grant for everything and the default rule."""
    settings = Settings(approval_wait_s=86_400, approval_use_s=3600, approvals_open=5)
    with ground(tmp_path, settings=settings, clock=time) as made:
        made.join(running.url, approve="default")
        running.sandbox.forget()
        yield made


def asked(on: Ground, action: str, arguments: dict[str, Any], **other: object) -> Approval:
    """Runs a call that must wait for a person, and returns its approval."""
    result = on.result(action, arguments, **other)
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.REFUSED, ErrorKind.APPROVAL_REQUIRED)
    assert result.error.retryable is False
    found = on.connector.approvals.asked(result)
    assert found is not None
    return found


def kind_of(result: Result) -> ErrorKind | None:
    """Returns the kind of error of a result."""
    return None if result.error is None else result.error.kind


def stored(on: Ground, approval: Approval) -> Record:
    """Returns the record of an approval as it lies in the vault."""

    def read(view: View) -> Record | None:
        return view.record("approval", approval.id)

    found: Record | None = on.vault.read(read)
    assert found is not None
    return found


def a_client(running: RunningSandbox, number: int = 0) -> int:
    """Returns the id of a client of the account."""
    return list(running.sandbox.state.clients)[number].id


def events(on: Ground) -> list[tuple[str, str]]:
    """Returns what became of approvals, and who did it, oldest first."""
    entries = on.connector.log.page(limit=200).entries
    return [(one.outcome, one.user) for one in reversed(entries) if one.kind == "approval"]


# What waits


@pytest.mark.requirement("policy.approvals.needed")
def test_what_deletes_sends_or_moves_money_waits_for_a_person(
    on: Ground, running: RunningSandbox
) -> None:
    """Nothing is sent, and the persona is told what it waits for."""
    client = a_client(running)
    autobill = {**MANIFEST.action("create_recurring_schedule").example, "action": "autobill"}
    invoice = next(iter(running.sandbox.state.invoices)).id
    first = asked(on, "delete_client", {"id": client})
    asked(on, "create_recurring_schedule", {**autobill, "client_id": client})
    asked(on, "create_recurring_schedule", {**autobill, "client_id": client, "action": 2})
    asked(on, "send_invoice_message", {"invoice_id": invoice, "recipients": ["a@books.example"]})
    assert running.sandbox.requests == []
    assert (first.state, first.action, first.effect) == ("pending", "delete_client", "delete")
    assert (first.persona, first.user, first.connection_name) == (PERSONA, USER, NAME)
    assert next(one.id for one in on.connector.approvals.pending()) == first.id


@pytest.mark.requirement("policy.approvals.needed")
def test_reads_and_plain_writes_wait_for_nobody(on: Ground) -> None:
    """A schedule that makes drafts moves nothing."""
    draft = {**MANIFEST.action("create_recurring_schedule").example, "action": "draft"}
    client = on.data("create_client", {"name": "Example Bakery"})
    on.data("get_client", {"id": client["id"]})
    result = on.result("create_recurring_schedule", {**draft, "client_id": client["id"]})
    assert kind_of(result) is not ErrorKind.APPROVAL_REQUIRED
    assert on.connector.approvals.all() == ()


@pytest.mark.requirement("policy.approvals.needed")
@pytest.mark.parametrize(
    ("rule", "action", "arguments", "waits"),
    [
        ("default", "delete_client", {"id": 1}, True),
        ("default", "send_invoice_message", {"invoice_id": 1}, True),
        ("default", "create_recurring_schedule", {"action": "autobill"}, True),
        ("default", "create_recurring_schedule", {"action": 2}, True),
        ("default", "create_recurring_schedule", {"action": "send"}, False),
        ("default", "create_recurring_schedule", {}, False),
        ("default", "create_client", {"name": "x"}, False),
        ("always", "create_client", {"name": "x"}, True),
        ("always", "list_clients", {}, False),
        ("never", "delete_client", {"id": 1}, False),
        ("never", "create_recurring_schedule", {"action": "autobill"}, False),
        ("above 500", "create_expense", {"amount": "500.00"}, False),
        ("above 500", "create_expense", {"amount": "500.01"}, True),
        ("above 500", "create_expense", {"amount": 501}, True),
        ("above 0.3", "create_expense", {"amount": 0.1 + 0.2}, True),
        ("above 500", "delete_client", {"id": 1}, True),
        ("above 500", "create_client", {"name": "x"}, False),
    ],
)
def test_a_grant_says_what_waits(
    rule: str, action: str, arguments: dict[str, Any], *, waits: bool
) -> None:
    """Always is what changes something; an amount decides where there is one."""
    assert needs_yes(MANIFEST.action(action), arguments, rule) is waits


@pytest.mark.requirement("policy.approvals.needed")
def test_an_invoice_counts_for_what_its_items_come_to() -> None:
    """Quantity and price of each item are multiplied, and the items added up."""
    schema = MANIFEST.action("create_invoice").input
    items = [
        {"title": "a", "quantity": 3, "price": "100"},
        {"title": "b", "quantity": 2, "price": 1},
    ]
    assert amount_of(schema, {"invoice_items_attributes": items}) == Decimal(302)
    assert amount_of(schema, {"invoice_items_attributes": []}) is None
    assert amount_of(schema, {"client_id": 42, "title": "x"}) is None
    action = MANIFEST.action("create_invoice")
    assert needs_yes(action, {"invoice_items_attributes": items}, "above 301")
    assert not needs_yes(action, {"invoice_items_attributes": items}, "above 302")


@pytest.mark.requirement("policy.approvals.needed")
def test_a_preview_says_that_a_person_has_to_approve(on: Ground, running: RunningSandbox) -> None:
    """It shows the request all the same, for that is what the person wants to see."""
    call = on.call("delete_client", {"id": a_client(running)})
    preview = on.run(on.connector.preview(call))
    assert (preview.error, preview.needs_approval) == (None, True)
    assert preview.to_json()["needs_approval"] is True
    read = on.run(on.connector.preview(on.call("list_clients")))
    assert read.needs_approval is False


# What a yes is good for


@pytest.mark.requirement("policy.approvals.once")
def test_a_call_runs_once_it_is_approved_and_then_waits_again(
    on: Ground, running: RunningSandbox
) -> None:
    """One yes is one deletion; the same call asked for again has another approval."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    given = on.connector.approvals.approve(approval.id, user=BOSS)
    assert (given.state, given.decided_by) == ("given", BOSS)
    result = on.result("delete_client", {"id": client})
    assert result.outcome is Outcome.SUCCEEDED
    used = on.connector.approvals.approval(approval.id)
    assert (used.state, used.used_by) == ("used", result.log_id)
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    assert [one.method for one in running.sandbox.requests] == ["DELETE"]


@pytest.mark.requirement("policy.approvals.once")
def test_a_yes_is_used_up_by_a_call_that_fails(on: Ground, running: RunningSandbox) -> None:
    """Nobody can try again on the same yes."""
    approval = asked(on, "delete_client", {"id": 999_999})
    on.connector.approvals.approve(approval.id, user=BOSS)
    assert on.result("delete_client", {"id": 999_999}).outcome is Outcome.FAILED
    assert on.connector.approvals.approval(approval.id).state == "used"
    assert asked(on, "delete_client", {"id": 999_999}).id != approval.id
    assert len(running.sandbox.requests) == 1


@pytest.mark.requirement("policy.approvals.once")
def test_the_operation_that_was_refused_can_be_run_once_approved(
    on: Ground, running: RunningSandbox
) -> None:
    """A refusal claims no operation; a repeat of what was done needs no second yes."""
    call = on.call("delete_client", {"id": a_client(running)}, operation="op_once")
    first = on.run(on.connector.run(call))
    assert first.error is not None
    assert first.error.approval is not None
    on.connector.approvals.approve(first.error.approval, user=BOSS)
    done = on.run(on.connector.run(call))
    again = on.run(on.connector.run(call))
    assert (done.outcome, done.replayed) == (Outcome.SUCCEEDED, False)
    assert (again.outcome, again.replayed, again.log_id) == (Outcome.SUCCEEDED, True, done.log_id)
    assert len(running.sandbox.requests) == 1
    assert on.connector.approvals.pending() == ()


@pytest.mark.requirement("policy.approvals.once")
def test_the_same_call_finds_the_approval_that_waits(on: Ground) -> None:
    """However often it is asked, and in whatever form its numbers are."""
    on.connector.grant(PERSONA, NAME, user=USER, terms=Terms(scopes=("*:*",), approve="always"))
    one = asked(on, "create_expense", {"amount": "10.50", "incurred_on": "2026-05-01"})
    two = asked(on, "create_expense", {"incurred_on": "2026-05-01", "amount": 10.5})
    assert one.id == two.id
    assert [event for event, _ in events(on)] == ["asked"]


# What it is not good for


@pytest.mark.requirement("policy.approvals.bound")
def test_a_yes_is_for_nothing_but_the_call_that_was_shown(
    on: Ground, running: RunningSandbox
) -> None:
    """Another argument, action, persona or user needs another one."""
    client, other = a_client(running), a_client(running, 1)
    on.connector.grant("cleaner", NAME, scopes=["*:*"], user=USER)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)
    others = {
        asked(on, "delete_client", {"id": other}).id,
        asked(on, "delete_project", {"id": client}).id,
        asked(on, "delete_client", {"id": client}, persona="cleaner").id,
        asked(on, "delete_client", {"id": client}, user="mallory").id,
    }
    assert len({approval.id, *others}) == 5
    assert running.sandbox.requests == []
    # The prompt may be worded anew: it is shown and logged, and decides nothing.
    done = on.result("delete_client", {"id": client}, prompt="Now that it is approved: delete it.")
    assert done.outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("policy.approvals.bound")
def test_a_yes_for_one_connection_is_none_for_another(on: Ground, running: RunningSandbox) -> None:
    """Two connections to one account are two."""
    from_ = on.call("delete_client", {"id": a_client(running)})
    approval = asked(on, "delete_client", dict(from_.arguments))
    on.connector.approvals.approve(approval.id, user=BOSS)
    other = replace(from_, connection=_second(on, running), operation="op_other")
    assert kind_of(on.run(on.connector.run(other))) is ErrorKind.APPROVAL_REQUIRED
    assert on.connector.approvals.approval(approval.id).state == "given"


@pytest.mark.requirement("policy.approvals.bound")
def test_a_grant_that_was_changed_makes_every_approval_before_void(
    on: Ground, running: RunningSandbox
) -> None:
    """One given is not used, and one that waits cannot be given."""
    client, other = a_client(running), a_client(running, 1)
    given, waits = (asked(on, "delete_client", {"id": one}) for one in (client, other))
    on.connector.approvals.approve(given.id, user=BOSS)
    on.connector.grant(PERSONA, NAME, scopes=["*:*"], user=USER)
    with pytest.raises(ApprovalEndedError, match="was changed"):
        on.connector.approvals.approve(waits.id, user=BOSS)
    assert asked(on, "delete_client", {"id": client}).id != given.id
    states = {one.id: one.state for one in on.connector.approvals.all()}
    assert (states[given.id], states[waits.id]) == ("expired", "expired")
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.bound")
def test_a_revoke_after_the_yes_leaves_nothing_to_use(on: Ground, running: RunningSandbox) -> None:
    """Neither the grant's revoke nor the connection's lets the call through."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)
    on.run(on.connector.revoke(NAME, user=USER, persona=PERSONA))
    assert kind_of(on.result("delete_client", {"id": client})) is ErrorKind.DENIED
    on.connector.grant(PERSONA, NAME, scopes=["*:*"], user=USER)
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    on.run(on.connector.revoke(NAME, user=USER))
    assert kind_of(on.result("delete_client", {"id": client})) is ErrorKind.REVOKED
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.seen")
def test_a_decision_over_what_was_decided_since_it_was_seen_changes_nothing(
    on: Ground, running: RunningSandbox
) -> None:
    """Two people looked at the same question; the second one is told who was first."""
    approvals = on.connector.approvals
    seen = asked(on, "delete_client", {"id": a_client(running)})
    approvals.decide(seen.id, Decision(approve=True, user=BOSS), seen=seen)
    no = Decision(approve=False, user="heidi")
    with pytest.raises(ApprovalDecidedError, match=f"is given by {BOSS} since"):
        approvals.decide(seen.id, no, seen=seen)
    given = approvals.approval(seen.id)
    assert (given.state, given.decided_by) == ("given", BOSS)
    assert approvals.decide(seen.id, no, seen=given).state == "denied"


@pytest.mark.requirement("policy.approvals.seen")
def test_of_two_decisions_at_one_moment_the_second_is_told_of_the_first(
    on: Ground, running: RunningSandbox
) -> None:
    """Also where it had looked before the first one was written."""
    approval = asked(on, "delete_client", {"id": a_client(running)})
    first = [True]

    def somebody_else(kind: str) -> None:
        if kind == "approval" and first:
            first.clear()
            on.connector.approvals.deny(approval.id, user="heidi")

    on.vault.before_draft = somebody_else
    with pytest.raises(ApprovalDecidedError, match="is denied by heidi since"):
        on.connector.approvals.approve(approval.id, user=BOSS)
    assert on.connector.approvals.approval(approval.id).decided_by == "heidi"


# Time


@pytest.mark.requirement("policy.approvals.once")
def test_a_question_is_over_in_time(on: Ground, running: RunningSandbox, time: Time) -> None:
    """Nobody can answer it any more; the same call asks a new one, and the log says so."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    time.passes(days=1)
    assert on.connector.approvals.pending() == ()
    with pytest.raises(ApprovalEndedError, match="is expired"):
        on.connector.approvals.approve(approval.id, user=BOSS)
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    assert events(on) == [("asked", USER), ("expired", ""), ("asked", USER)]


@pytest.mark.requirement("policy.approvals.once")
def test_a_yes_is_over_in_time(on: Ground, running: RunningSandbox, time: Time) -> None:
    """It is counted from when it was given."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    time.passes(hours=23)
    on.connector.approvals.approve(approval.id, user=BOSS)
    time.passes(minutes=59)
    assert on.connector.approvals.approval(approval.id).state == "given"
    time.passes(minutes=1)
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.once")
def test_a_yes_that_ends_between_the_look_and_the_intent_is_not_used(
    on: Ground, running: RunningSandbox, time: Time
) -> None:
    """The intent's own transaction looks at the clock again."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)
    on.vault.before_draft = lambda kind: time.passes(hours=2) if kind == "intent" else None
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.persons")
def test_a_yes_that_is_taken_back_in_between_is_not_used(
    on: Ground, running: RunningSandbox
) -> None:
    """The call that lost it is refused as denied, and nothing is sent."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)

    def step_in(kind: str) -> None:
        if kind == "intent":
            on.vault.before_draft = lambda _: None
            on.connector.approvals.deny(approval.id, user=BOSS)

    on.vault.before_draft = step_in
    result = on.result("delete_client", {"id": client})
    assert kind_of(result) is ErrorKind.DENIED
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.once")
def test_tending_ends_what_is_due_and_tells(
    on: Ground, running: RunningSandbox, time: Time
) -> None:
    """Once, with a line in the log for each; what can still be used stays."""
    overdue = asked(on, "delete_client", {"id": a_client(running)})
    time.passes(hours=23)
    fresh = asked(on, "delete_client", {"id": a_client(running, 1)})
    time.passes(hours=1)
    report = on.run(on.connector.tend(user=BOSS))
    items = [item for item in report.items if item.what == "approval"]
    assert [(item.connection, item.outcome) for item in items] == [(NAME, "done")]
    assert overdue.id in items[0].detail
    assert not [one for one in on.run(on.connector.tend(user=BOSS)).items if one.what == "approval"]
    states = {one.id: one.state for one in on.connector.approvals.all()}
    assert states == {overdue.id: "expired", fresh.id: "pending"}
    last = on.connector.log.page(limit=1).entries[0]
    assert (last.outcome, last.facts["reason"]) == ("expired", "time")


# Persons


@pytest.mark.requirement("policy.approvals.persons")
def test_a_no_stands_and_says_why(on: Ground, running: RunningSandbox, time: Time) -> None:
    """The persona is told, and cannot ask again until the question's time is over."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    denied = on.connector.approvals.deny(approval.id, user=BOSS, note="That is the wrong one")
    assert (denied.state, denied.decided_by) == ("denied", BOSS)
    result = on.result("delete_client", {"id": client})
    assert result.error is not None
    assert result.error.kind is ErrorKind.DENIED
    assert result.error.message == f"{BOSS} has denied this call: That is the wrong one"
    assert result.error.approval == approval.id
    assert on.connector.approvals.pending() == ()
    time.passes(days=1)
    assert asked(on, "delete_client", {"id": client}).id != approval.id
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.persons")
def test_a_person_may_think_again_in_time(on: Ground, running: RunningSandbox) -> None:
    """A no becomes a yes and a yes a no, until the yes was used."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    decide = on.connector.approvals
    decide.deny(approval.id, user=BOSS)
    decide.approve(approval.id, user="ada")
    decide.deny(approval.id, user=BOSS)
    result = on.result("delete_client", {"id": client})
    assert result.error is not None
    assert result.error.message == f"{BOSS} has denied this call."
    decide.approve(approval.id, user=BOSS)
    assert on.result("delete_client", {"id": client}).outcome is Outcome.SUCCEEDED
    with pytest.raises(ApprovalEndedError, match="is used"):
        decide.deny(approval.id, user=BOSS)
    assert [one for one, _ in events(on)] == ["asked", "denied", "given", "denied", "given", "used"]


@pytest.mark.requirement("policy.approvals.persons")
@pytest.mark.parametrize("user", [PERSONA, f" {PERSONA.upper()} ", "", "\n", "x" * 300])
def test_no_persona_and_nobody_approves(on: Ground, running: RunningSandbox, user: str) -> None:
    """Whoever decides has a name, and it is not that of the persona."""
    approval = asked(on, "delete_client", {"id": a_client(running)})
    with pytest.raises(InvalidValueError):
        on.connector.approvals.approve(approval.id, user=user)
    with pytest.raises(InvalidValueError):
        on.connector.approvals.deny(approval.id, user=user)
    assert on.connector.approvals.approval(approval.id).state == "pending"


@pytest.mark.requirement("policy.approvals.persons")
def test_an_unknown_approval_is_said_to_be_none(on: Ground) -> None:
    """Whatever is done with it."""
    approvals = on.connector.approvals
    with pytest.raises(UnknownApprovalError):
        approvals.approve("apr_none", user=BOSS)
    with pytest.raises(UnknownApprovalError):
        approvals.approval("apr_none")
    with pytest.raises(UnknownApprovalError):
        on.run(approvals.show("apr_none", user=BOSS))
    assert approvals.asked(on.result("list_clients")) is None


@pytest.mark.requirement("policy.approvals.needed")
def test_a_persona_that_floods_is_told_to_stop(on: Ground, running: RunningSandbox) -> None:
    """Beyond the limit nothing new is asked; what waits can still be used."""
    clients = [one.id for one in running.sandbox.state.clients][:6]
    ids = [asked(on, "delete_client", {"id": client}).id for client in clients[:5]]
    result = on.result("delete_client", {"id": clients[5]})
    assert result.error is not None
    assert (result.error.kind, result.error.approval) == (ErrorKind.APPROVAL_REQUIRED, None)
    assert "5 calls" in result.error.message
    on.connector.grant("other", NAME, scopes=["*:*"], user=USER)
    asked(on, "delete_client", {"id": clients[5]}, persona="other")
    on.connector.approvals.approve(ids[0], user=BOSS)
    assert on.result("delete_client", {"id": clients[0]}).outcome is Outcome.SUCCEEDED
    asked(on, "delete_client", {"id": clients[5]})


# What a person sees


@pytest.mark.requirement("policy.approvals.shown")
def test_a_person_sees_exactly_what_would_happen(on: Ground, running: RunningSandbox) -> None:
    """Who asks, why, the request, and what goes with it, counted now and under their own name."""
    client = a_client(running)
    only = Terms(scopes=("clients:delete",))
    on.connector.grant(PERSONA, NAME, user=USER, terms=only)
    approval = asked(on, "delete_client", {"id": client})
    view = on.run(on.connector.approvals.show(approval.id, user=BOSS))
    assert view.approval == approval
    assert (view.prompt, view.arguments, view.note) == (PROMPT, {"id": client}, "")
    assert view.preview is not None
    sent = (view.preview.method, view.preview.url)
    assert sent == ("DELETE", f"{running.url}/api/v2/clients/{client}")
    state = running.sandbox.state
    projects = sum(one.client_id == client for one in state.projects)
    counts = {one.resource: one.count for one in view.preview.cascade}
    assert counts["projects"] == projects > 0
    assert None not in counts.values()
    entries = on.connector.log.page(limit=50).entries
    (opened,) = (one for one in entries if one.kind == "read")
    assert (opened.user, opened.facts["approval"]) == (BOSS, approval.id)
    reads = [one for one in entries if one.kind == "call"]
    assert {(one.user, one.persona, one.effect) for one in reads} == {(BOSS, "(approver)", "read")}
    assert json.dumps(view.to_json())


@pytest.mark.requirement("policy.approvals.shown")
def test_money_is_shown_with_the_digits_that_would_be_sent(on: Ground) -> None:
    """What is approved is what is sent, to the digit."""
    on.connector.grant(PERSONA, NAME, user=USER, terms=Terms(scopes=("*:*",), approve="always"))
    arguments = {"amount": Decimal("10.10"), "incurred_on": "2026-05-01", "description": "Flour"}
    approval = asked(on, "create_expense", arguments)
    view = on.run(on.connector.approvals.show(approval.id, user=BOSS))
    assert view.preview is not None
    assert view.arguments == arguments
    assert str(view.preview.body["expense"]["amount"]) == "10.10"


@pytest.mark.requirement("policy.approvals.shown")
def test_what_was_said_with_a_decision_is_shown(on: Ground, running: RunningSandbox) -> None:
    """Also once the approval has ended; then there is no request any more."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS, note="Agreed by phone")
    on.result("delete_client", {"id": client})
    view = on.run(on.connector.approvals.show(approval.id, user=BOSS))
    assert (view.note, view.preview, view.approval.state) == ("Agreed by phone", None, "used")
    assert view.to_json()["preview"] is None


# The log, and what lies in the vault


@pytest.mark.requirement("policy.approvals.log")
def test_the_log_says_who_asked_who_decided_and_which_call_it_was(
    on: Ground, running: RunningSandbox
) -> None:
    """The intent names the approval, and the line of its use names the intent."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)
    result = on.result("delete_client", {"id": client})
    assert events(on) == [("asked", USER), ("given", BOSS), ("used", USER)]
    entries = {
        (one.kind, one.outcome): one
        for one in on.connector.log.page(limit=50, user="auditor").entries
    }
    line = entries["approval", "asked"]
    assert (line.prompt, line.arguments, line.persona) == (PROMPT, {"id": client}, PERSONA)
    assert entries["approval", "used"].facts["call"] == result.log_id
    assert entries["call", "succeeded"].facts["approval"] == approval.id
    assert entries["refusal", "refused"].facts["approval"] == approval.id
    assert on.connector.log.verify().ok


@pytest.mark.requirement("policy.approvals.sealed")
def test_nothing_of_what_an_approval_is_about_lies_open(on: Ground, tmp_path: Path) -> None:
    """Arguments, prompt and note are sealed, and the mark of a call is gone once it ended."""
    on.connector.grant(PERSONA, NAME, user=USER, terms=Terms(scopes=("*:*",), approve="always"))
    arguments = {"name": "Zebedee Quux"}
    approval = asked(on, "create_client", arguments, prompt="Take Zebedee in, please")
    on.connector.approvals.approve(approval.id, user=BOSS, note="Zebedee has called me")
    record = stored(on, approval)
    assert record.name is not None
    assert on.result("create_client", arguments).outcome is Outcome.SUCCEEDED
    after = stored(on, approval)
    assert after.name is None
    assert record.name not in json.dumps({**after.body})
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not [data for data in files if b"Zebedee" in data]


@pytest.mark.requirement("policy.approvals.sealed")
def test_what_was_erased_can_neither_be_shown_nor_approved(
    on: Ground, running: RunningSandbox
) -> None:
    """A person cannot say yes to what nobody can see any more."""
    approval = asked(on, "delete_client", {"id": a_client(running)})
    on.connector.log.erasing.erase(USER, asked_by=BOSS, reason="asked to")
    view = on.run(on.connector.approvals.show(approval.id, user=BOSS))
    assert (view.prompt, view.arguments, view.preview) == (None, None, None)
    with pytest.raises(ApprovalEndedError, match="was erased"):
        on.connector.approvals.approve(approval.id, user=BOSS)
    assert on.connector.approvals.approval(approval.id).state == "expired"
    assert events(on)[-1] == ("expired", "")


@pytest.mark.requirement("policy.approvals.sealed")
def test_an_erasure_ends_what_the_user_waits_for_and_nothing_else(
    on: Ground, running: RunningSandbox, time: Time
) -> None:
    """A yes that was given goes too; another user's, and what was asked for later, stay."""
    client = a_client(running)
    given = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(given.id, user=BOSS)
    others = asked(on, "delete_client", {"id": client}, user="ada")
    moment = time.now + timedelta(minutes=1)
    time.passes(minutes=2)
    later = asked(on, "delete_client", {"id": a_client(running, 1)})
    on.connector.log.erasing.erase(USER, before=moment, asked_by=BOSS, reason="asked to")
    states = {one.id: one.state for one in on.connector.approvals.all()}
    assert states == {given.id: "expired", others.id: "pending", later.id: "pending"}
    assert stored(on, given).name is None
    assert kind_of(on.result("delete_client", {"id": client})) is ErrorKind.APPROVAL_REQUIRED


@pytest.mark.requirement("policy.approvals.sealed")
def test_an_approval_whose_text_is_gone_is_over(on: Ground, running: RunningSandbox) -> None:
    """Also where the text went without an erasure that was asked for here; tending ends it."""
    approval = asked(on, "delete_client", {"id": a_client(running)})
    Eraser(cast("Vault", on.vault)).erase(USER, asked_by=BOSS, reason="")
    assert on.connector.approvals.pending() == ()
    items = on.run(on.connector.tend(user=BOSS)).items
    assert [(one.what, one.outcome) for one in items] == [("approval", "done")]
    assert stored(on, approval).body["state"] == "expired"


@pytest.mark.requirement("policy.approvals.sealed")
def test_a_note_that_was_erased_is_left_out(on: Ground, running: RunningSandbox) -> None:
    """The no stands all the same."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.deny(approval.id, user=BOSS, note="Ask Zebedee")
    on.connector.log.erasing.erase(BOSS, asked_by=USER, reason="asked to")
    result = on.result("delete_client", {"id": client})
    assert result.error is not None
    assert result.error.message == f"{BOSS} has denied this call."


@pytest.mark.requirement("policy.approvals.needed")
def test_a_question_that_cannot_be_written_is_refused_for_what_is_wrong(
    on: Ground, running: RunningSandbox
) -> None:
    """Nothing is sent, and no approval is named that is not there."""

    def lock(kind: str) -> None:
        if kind == "approval":
            raise VaultLockedError("The key service gives no answer.")

    on.vault.before_draft = lock
    result = on.result("delete_client", {"id": a_client(running)})
    assert result.error is not None
    assert (result.error.kind, result.error.approval) == (ErrorKind.VAULT_LOCKED, None)
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.approvals.race")
def test_the_same_call_asked_twice_at_once_is_one_question(
    on: Ground, running: RunningSandbox
) -> None:
    """Both are told of the one approval."""
    arguments = {"id": a_client(running)}
    calls = [on.call("delete_client", arguments, operation=f"op_{number}") for number in range(8)]

    async def together() -> list[Result]:
        return await asyncio.gather(*map(on.connector.run, calls))

    results = on.run(together())
    approvals = {result.error.approval for result in results if result.error is not None}
    assert len(approvals) == 1
    assert [one for one, _ in events(on)] == ["asked"]


@pytest.mark.requirement("policy.approvals.once")
def test_a_yes_that_was_used_and_is_put_back_in_the_database_is_not_used_again(
    on: Ground, running: RunningSandbox
) -> None:
    """The row was right once, and the log knows of a newer one."""
    client = a_client(running)
    approval = asked(on, "delete_client", {"id": client})
    on.connector.approvals.approve(approval.id, user=BOSS)
    with closing(connect(on.vault.path, "full")) as file:
        mine = (approval.id,)
        given = file.execute("SELECT * FROM records WHERE id = ?", mine).fetchall()[0]
        assert on.result("delete_client", {"id": client}).outcome is Outcome.SUCCEEDED
        file.execute("DELETE FROM records WHERE id = ?", mine)
        file.execute(f"INSERT INTO records VALUES ({', '.join('?' * len(given))})", given)  # noqa: S608 - question marks only
    assert kind_of(on.result("delete_client", {"id": client})) is ErrorKind.INTEGRITY
    assert len(running.sandbox.requests) == 1


@pytest.mark.requirement("policy.approvals.shown")
def test_what_would_be_refused_by_now_says_why(on: Ground) -> None:
    """As where a condition over the record does not hold any more."""
    client = on.data("create_client", {"name": "Old Mill"})["id"]
    only = ('for delete_client: name == "Old Mill"',)
    terms = Terms(scopes=("clients:*",), conditions=only)
    on.connector.grant(PERSONA, NAME, user=USER, terms=terms)
    approval = asked(on, "delete_client", {"id": client})
    on.data("update_client", {"id": client, "name": "New Mill"})
    view = on.run(on.connector.approvals.show(approval.id, user=BOSS))
    assert view.preview is not None
    assert view.preview.error is not None
    assert view.preview.error.kind is ErrorKind.DENIED
    on.connector.approvals.approve(approval.id, user=BOSS)
    assert kind_of(on.result("delete_client", {"id": client})) is ErrorKind.DENIED
    assert on.connector.approvals.approval(approval.id).state == "given"


def _second(on: Ground, running: RunningSandbox) -> str:
    """Connects the same account under a second name."""
    secret = Secret(running.key)
    on.run(on.connector.connect("second", secret=secret, user=USER, sandbox=running.url))
    on.connector.grant(PERSONA, "second", scopes=["*:*"], user=USER)
    running.sandbox.forget()
    return "second"
