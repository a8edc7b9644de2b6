"""Calls under conditions, over real HTTP against the sandbox: refused, filtered, and read for."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import ErrorKind, LogFilter, Outcome, Result, Terms
from clientary_connector.errors import ConditionError
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.engine.far_side import far_side, reply
from tests.connector.engine.ground import KEY, NAME, PERSONA, USER, Ground, ground, staff_or


@pytest.fixture(name="running")
def _running() -> Generator[RunningSandbox]:
    with serve(Sandbox(key=KEY)) as served:
        yield served


@pytest.fixture(name="on")
def _on(tmp_path: Path, running: RunningSandbox) -> Generator[Ground]:
    with ground(tmp_path) as made:
        made.join(running.url)
        yield made


@pytest.fixture(name="ours")
def _ours(on: Ground) -> dict[str, int]:
    """Returns a client, and a project of it; the grant is for that client alone from now on."""
    project = on.data("list_projects")[0]
    return {"client": project["client"]["id"], "project": project["id"]}


@pytest.fixture(name="theirs")
def _theirs(on: Ground, ours: dict[str, int], running: RunningSandbox) -> dict[str, int]:
    """Returns another client with a project; the grant is narrowed now, and the log begins."""
    clients = [one["id"] for one in on.data("list_clients")]
    other = next(one for one in clients if one != ours["client"])
    made = on.data("create_project", {"name": "Other", "rate": "1", "client_id": other})
    narrow(on, f"client_id in [{ours['client']}]")
    running.sandbox.forget()
    return {"client": other, "project": made["id"]}


def narrow(on: Ground, *conditions: str, scopes: tuple[str, ...] = ("*:*",)) -> None:
    """Gives the usual persona everything, under conditions."""
    terms = Terms(scopes=scopes, conditions=conditions, approve="never")
    on.connector.grants.give(PERSONA, NAME, terms, user=USER)


def denied(result: Result) -> str:
    """Returns what a call was denied with; nothing was sent."""
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    assert result.error.kind is ErrorKind.DENIED
    return result.error.message


@pytest.mark.requirement("policy.conditions.calls")
def test_an_argument_outside_a_condition_is_refused_and_nothing_is_sent(
    on: Ground, theirs: dict[str, int], running: RunningSandbox
) -> None:
    """The message names the condition, so that a model can keep to it."""
    other = theirs["client"]
    calls: list[tuple[str, dict[str, Any]]] = [
        ("get_client", {"id": other}),
        ("delete_client", {"id": other}),
        ("list_client_projects", {"client_id": other}),
        ("create_contact", {"client_id": other, "name": "x", "email": "x@example.com"}),
        ("create_task", {"title": "x"}),
    ]
    for action, arguments in calls:
        assert "client_id in [" in denied(on.result(action, arguments))
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.conditions.calls")
def test_what_cannot_tell_is_not_in_the_grant(
    on: Ground, theirs: dict[str, int], running: RunningSandbox
) -> None:
    """Such actions are left out, said so, not seen, and refused."""
    del theirs
    grant = on.connector.grants.one(PERSONA, NAME)
    assert {"list_staff", "create_client", "list_leads", "list_payments"} <= set(grant.left_out)
    assert not {one.id for one in on.connector.allowed(PERSONA, NAME)} & set(grant.left_out)
    assert grant.new == ()
    assert "list_staff" in denied(on.result("list_staff"))
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.conditions.calls")
def test_a_list_is_cut_down_and_says_so(
    on: Ground, ours: dict[str, int], theirs: dict[str, int]
) -> None:
    """How many records there are in all is not said: it would tell of the others."""
    clients = on.result("list_clients", {"limit": 100})
    projects = on.result("list_projects", {"fields": ["name"]})
    assert [one["id"] for one in clients.data] == [ours["client"]]
    assert clients.page is not None
    assert projects.page is not None
    assert clients.page.filtered > 0
    assert projects.page.to_json()["filtered"] == projects.page.filtered > 0
    assert (clients.page.total, clients.page.pages, projects.page.total) == (None, None, None)
    assert "Other" not in {one["name"] for one in projects.data}
    again = on.result("list_client_projects", {"client_id": ours["client"]})
    assert again.page is not None
    assert again.page.filtered == 0
    assert theirs["project"] not in {one["id"] for one in again.data}


@pytest.mark.requirement("policy.conditions.calls")
def test_a_record_that_was_read_and_does_not_fit_is_not_shown(
    on: Ground, ours: dict[str, int], theirs: dict[str, int]
) -> None:
    """Neither in the result nor in the log."""
    assert on.result("get_project", {"id": ours["project"]}).outcome is Outcome.SUCCEEDED
    hidden = on.result("get_project", {"id": theirs["project"]})
    assert (hidden.outcome, hidden.data) == (Outcome.FAILED, None)
    assert hidden.error is not None
    assert hidden.error.kind is ErrorKind.DENIED
    assert "Other" not in str(on.connector.log.entry(hidden.log_id or 0, user="auditor").to_json())


@pytest.mark.requirement("policy.conditions.records")
def test_a_record_is_read_before_it_is_changed(
    on: Ground, ours: dict[str, int], theirs: dict[str, int], running: RunningSandbox
) -> None:
    """One of another client is not changed; the read stands in the log, with its own cost."""
    changed = {"name": "Mine", "rate": "2"}
    assert "client_id in [" in denied(
        on.result("update_project", {"id": theirs["project"], **changed})
    )
    assert [one.method for one in running.sandbox.requests] == ["GET"]
    refusal, read = on.connector.log.page(LogFilter(persona=PERSONA)).entries[:2]
    assert (refusal.kind, read.kind, read.action, read.cost) == (
        "refusal",
        "call",
        "get_project",
        1,
    )
    assert on.connector.log.entry(read.id, user="auditor").prompt == on.call("list_staff").prompt
    running.sandbox.forget()
    assert on.result("update_project", {"id": ours["project"], **changed}).outcome == "succeeded"
    assert [one.method for one in running.sandbox.requests][:2] == ["GET", "PUT"]


@pytest.mark.requirement("policy.conditions.records")
def test_a_record_that_a_call_names_is_read_before_it(
    on: Ground, ours: dict[str, int], theirs: dict[str, int], running: RunningSandbox
) -> None:
    """Hours go on a project; whose project it is tells the project alone."""
    hours = {"title": "x", "hours": "1", "date": "2026-02-01"}
    denied(on.result("create_project_hours", {"project_id": theirs["project"], **hours}))
    assert [one.method for one in running.sandbox.requests] == ["GET"]
    made = on.result("create_project_hours", {"project_id": ours["project"], **hours})
    assert made.outcome is Outcome.SUCCEEDED
    running.sandbox.forget()
    deleted = on.result("delete_hour_entry", {"id": made.data["id"]})
    assert deleted.outcome is Outcome.SUCCEEDED
    assert [one.method for one in running.sandbox.requests] == ["GET", "GET", "DELETE"]
    assert on.result("list_project_hours", {"project_id": ours["project"]}).outcome == "succeeded"
    denied(on.result("list_project_hours", {"project_id": theirs["project"]}))


@pytest.mark.requirement("policy.conditions.records")
def test_what_is_not_there_reads_like_what_is_not_allowed(
    on: Ground, theirs: dict[str, int], running: RunningSandbox
) -> None:
    """So that nobody can try out ids."""
    given = {"name": "Mine", "rate": "2"}
    absent = denied(on.result("update_project", {"id": 999_999_999, **given}))
    assert absent == denied(on.result("update_project", {"id": theirs["project"], **given}))
    assert {one.method for one in running.sandbox.requests} == {"GET"}


@pytest.mark.requirement("policy.conditions.records")
def test_a_repeat_of_a_done_operation_reads_nothing(
    on: Ground, ours: dict[str, int], theirs: dict[str, int], running: RunningSandbox
) -> None:
    """The project is gone; the first result is given again all the same."""
    del theirs
    call = on.call("delete_project", {"id": ours["project"]}, operation="op-1")
    first = on.run(on.connector.run(call))
    assert first.outcome is Outcome.SUCCEEDED, first.error
    running.sandbox.forget()
    again = on.run(on.connector.run(call))
    assert (again.outcome, again.replayed) == (Outcome.SUCCEEDED, True)
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.conditions.records")
def test_a_record_that_cannot_be_read_stops_the_call(tmp_path: Path) -> None:
    """It is said why, and that the call may be made again."""
    with (
        far_side(staff_or(lambda _: reply(status=503))) as side,
        ground(tmp_path) as on,
    ):
        on.join(side.url)
        narrow(on, "client_id in [42]")
        side.seen.clear()
        stopped = on.result("delete_project", {"id": 7})
        assert stopped.outcome is Outcome.REFUSED
        assert stopped.error is not None
        assert stopped.error.kind is ErrorKind.UPSTREAM_ERROR
        assert stopped.error.retryable
        assert "could not be checked" in stopped.error.message
        assert {one.method for one in side.seen} == {"GET"}
        side.answer = staff_or(lambda _: reply(body=[1, 2]))
        unread = on.result("delete_project", {"id": 7})
        assert (unread.outcome, unread.error and unread.error.kind) == ("refused", "bad_response")


@pytest.mark.requirement("policy.conditions.calls")
def test_a_preview_is_judged_as_the_call_would_be(
    on: Ground, ours: dict[str, int], theirs: dict[str, int], running: RunningSandbox
) -> None:
    """What would be refused is shown as refused; nothing but reads goes out."""
    fine = on.run(on.connector.preview(on.call("delete_project", {"id": ours["project"]})))
    assert fine.error is None
    refused = on.run(on.connector.preview(on.call("delete_project", {"id": theirs["project"]})))
    assert refused.error is not None
    assert refused.error.kind is ErrorKind.DENIED
    assert {one.method for one in running.sandbox.requests} == {"GET"}


@pytest.mark.requirement("policy.conditions.calls")
def test_a_condition_may_be_limited_to_some_actions(on: Ground, running: RunningSandbox) -> None:
    """The others go on as without it."""
    narrow(on, "for expenses:write, delete_expense: amount <= 500", "for *:send: send_copy == true")
    running.sandbox.forget()
    expense = {"amount": "500.01", "incurred_on": "2026-02-01", "description": "x"}
    denied(on.result("create_expense", expense))
    assert running.sandbox.requests == []
    assert on.result("create_expense", {**expense, "amount": 500}).outcome == "succeeded"
    assert on.result("list_staff").outcome is Outcome.SUCCEEDED
    assert on.connector.grants.one(PERSONA, NAME).left_out == ()


@pytest.mark.requirement("policy.conditions.calls")
def test_a_condition_that_was_changed_on_the_way_stops_the_call(
    on: Ground, running: RunningSandbox
) -> None:
    """Where the intent is written, and at the last look before a send."""
    narrow(on, "client_id in [1, 2]")
    running.sandbox.forget()
    on.vault.before_draft = lambda kind: (
        narrow(on, "client_id in [2]") if kind == "intent" else None
    )
    assert "changed" in denied(on.result("get_client", {"id": 1}))
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.conditions.calls")
def test_a_retry_under_other_conditions_is_not_sent(tmp_path: Path) -> None:
    """A grant that was widened without touching its conditions lets it go on."""
    with far_side(staff_or(lambda _: reply(status=503))) as side, ground(tmp_path) as on:
        on.join(side.url)
        narrow(on, "client_id in [1]", scopes=("clients:read",))
        side.seen.clear()
        on.nap = lambda: narrow(on, "client_id in [1]", scopes=("clients:*",))
        on.result("get_client", {"id": 1})
        assert len(side.seen) > 1
        side.seen.clear()
        on.nap = lambda: narrow(on, "client_id in [2]")
        assert on.result("get_client", {"id": 1}).outcome is Outcome.FAILED
        assert len(side.seen) == 1


@pytest.mark.requirement("policy.conditions.checked")
@pytest.mark.parametrize(
    ("scopes", "condition", "said"),
    [
        (("clients:read",), "amount <= 5", "'amount'"),
        (("clients:read",), "for invoices:send: client_id == 1", "no action of the grant"),
        (("clients:read",), "for invoices:sent: client_id == 1", "'invoices:sent'"),
        (("*:*",), "for sendinvoice: client_id == 1", "'sendinvoice'"),
        (("*:*",), "for list_staff, list_clients: client_id == 1", "list_staff does not tell"),
        (("expenses:write", "tasks:write"), "amount < 1 and complete == true", "No action"),
    ],
)
def test_a_condition_is_checked_against_the_actions_of_the_grant(
    on: Ground, scopes: tuple[str, ...], condition: str, said: str
) -> None:
    """A condition that could never hold is an error, and nothing is written."""
    before = on.connector.grants.one(PERSONA, NAME)
    with pytest.raises(Exception, match=said) as caught:
        narrow(on, condition, scopes=scopes)
    assert isinstance(caught.value, ConditionError) or "for" in condition
    assert on.connector.grants.one(PERSONA, NAME) == before


@pytest.mark.requirement("policy.conditions.calls")
def test_conditions_of_a_version_to_come_refuse_every_call(
    on: Ground, running: RunningSandbox
) -> None:
    """What cannot be understood is not ignored."""
    narrow(on, "client_id in [1]")

    def change(log: Any) -> None:  # noqa: ANN401 - a transaction
        grant = on.connector.grants.one(PERSONA, NAME)
        record = log.record("grant", f"{grant.connection}/{PERSONA}")
        log.put(replace(record, body={**record.body, "rules": [["later"]]}), expect=record.revision)

    on.vault.write(change)
    running.sandbox.forget()
    denied(on.result("get_client", {"id": 1}))
    assert running.sandbox.requests == []


@pytest.mark.requirement("policy.conditions.calls")
def test_a_hundred_conditions_are_one_grant(on: Ground, running: RunningSandbox) -> None:
    """All of them have to hold; one that is said twice stands once."""
    narrow(on, *(f"client_id != {100 + at}" for at in range(99)), "client_id != 100")
    grant = on.connector.grants.one(PERSONA, NAME)
    assert len(grant.terms.conditions) == 99
    running.sandbox.forget()
    denied(on.result("get_client", {"id": 150}))
    assert running.sandbox.requests == []
