"""What a persona may do, explained rule by rule: the same that a call comes to."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import ErrorKind, Terms
from clientary_connector.errors import UnknownActionError, UnknownConnectionError
from clientary_connector.explaining import Verdict
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.ground import NAME, NOW, PERSONA, USER, Ground, ground, staff_or

CONDITIONS = ("for expenses:*, invoices:*: client_id in [42]", "for create_expense: amount <= 500")
TERMS = Terms(
    scopes=("expenses:*", "invoices:*"),
    allow=("get_lead",),
    deny=("delete_expense",),
    conditions=CONDITIONS,
    approve="never",
    approve_for=(("create_expense", "above 200"),),
    budget=5000,
    rate=60,
    expires_at="2026-03-02T12:00:00",
)
EXPENSE = {"amount": "300", "incurred_on": "2026-02-01", "client_id": 42, "description": "x"}


@pytest.fixture(name="now")
def _now() -> list[Any]:
    return [NOW]


@pytest.fixture(name="side")
def _side() -> Generator[FarSide]:
    with far_side(staff_or(lambda _: reply(body={"id": 7, "client_id": 42}))) as side:
        yield side


@pytest.fixture(name="on")
def _on(tmp_path: Path, side: FarSide, now: list[Any]) -> Generator[Ground]:
    with ground(tmp_path, clock=lambda: now[0]) as made:
        made.join(side.url)
        made.connector.grants.give(PERSONA, NAME, TERMS, user=USER)
        side.seen.clear()
        yield made


def asked(on: Ground, action: str, arguments: dict[str, Any] | None = None) -> Verdict:
    """Asks what the usual persona may do."""
    return on.connector.grants.can(PERSONA, action, NAME, arguments or {})


def failing(verdict: Verdict) -> list[tuple[str, str]]:
    """Returns the rules that a call does not pass, and why."""
    return [(one.rule, one.why) for one in verdict.checks if one.passed is False]


@pytest.mark.requirement("policy.grants.can")
def test_what_is_allowed_names_every_rule_that_it_passes(on: Ground, side: FarSide) -> None:
    """Nothing is sent, and nothing is logged."""
    before = on.connector.log.page().entries[0].id
    verdict = asked(on, "create_expense", EXPENSE)
    assert verdict.allowed is True
    assert verdict.needs_approval
    assert [one.rule for one in verdict.checks] == [
        "connection",
        "grant",
        "scope",
        "condition",
        "condition",
        "approval",
        "rate",
        "budget",
    ]
    assert verdict.to_json()["checks"][1]["why"] == "it is active, until 2026-03-02T12:00:00+00:00"
    assert (side.seen, on.connector.log.page().entries[0].id) == ([], before)


@pytest.mark.requirement("policy.grants.can")
@pytest.mark.parametrize(
    ("action", "arguments", "rule", "why"),
    [
        ("create_expense", {**EXPENSE, "amount": 501}, "condition", "does not hold"),
        ("create_expense", {**EXPENSE, "amuont": 5}, "arguments", "$.amuont"),
        ("delete_expense", {"id": 7}, "scope", "denied by name"),
        ("get_client", {"id": 7}, "scope", "nothing covers clients:read"),
        ("list_staff", {}, "scope", "nothing covers staff:read"),
    ],
)
def test_what_is_refused_names_the_rule(
    on: Ground, action: str, arguments: dict[str, Any], rule: str, why: str
) -> None:
    """The call itself is refused too."""
    verdict = asked(on, action, arguments)
    assert verdict.allowed is False
    assert [name for name, _ in failing(verdict)] == [rule]
    assert why in failing(verdict)[0][1]
    error = on.result(action, arguments).error
    assert error is not None
    assert error.kind in {ErrorKind.DENIED, ErrorKind.INVALID_ARGUMENTS}


@pytest.mark.requirement("policy.grants.can")
def test_what_depends_on_more_says_so(on: Ground) -> None:
    """On arguments that were not given, or on the record."""
    blank = asked(on, "create_expense")
    named = asked(on, "update_invoice", {"id": 7})
    assert (blank.allowed, named.allowed) == (None, None)
    assert "the arguments decide" in str(blank.checks)
    assert "the record decides" in str(named.checks)
    partly = asked(on, "create_expense", {"client_id": 42})
    assert [one.rule for one in partly.checks if one.passed is None] == ["condition", "arguments"]
    by_name = asked(on, "get_lead", {"id": 7})
    assert (by_name.allowed, by_name.checks[2].why) == (True, "get_lead is allowed by name")


@pytest.mark.requirement("policy.grants.can")
def test_the_state_of_grant_and_connection_is_told(on: Ground, now: list[Any]) -> None:
    """Over time, after a change of the grant, and after a revoke."""
    now[0] = NOW + timedelta(days=1)
    assert failing(asked(on, "get_lead")) == [("grant", "it has ended")]
    now[0] = NOW
    terms = Terms(scopes=("*:*",), conditions=("client_id in [42]",))
    on.connector.grants.give(PERSONA, NAME, terms, user=USER)
    assert "too little" in failing(asked(on, "list_staff"))[0][1]
    on.run(on.connector.revoke(NAME, persona=PERSONA, user=USER))
    assert ("grant", "it is closed") in failing(asked(on, "get_client"))
    stranger = on.connector.grants.can("nobody", "get_client", NAME, {})
    assert failing(stranger) == [("grant", "nobody holds no grant over books")]
    on.run(on.connector.revoke(NAME, user=USER))
    assert ("connection", "books is revoked") in failing(asked(on, "get_client"))


@pytest.mark.requirement("policy.grants.can")
def test_an_action_that_came_later_is_explained(on: Ground) -> None:
    """It is in the scope, and not in the grant."""
    held = on.connector.grants.one(PERSONA, NAME)

    def age(log: Any) -> None:  # noqa: ANN401 - a transaction
        record = log.record("grant", f"{held.connection}/{PERSONA}")
        actions = [one for one in record.body["actions"] if one != "get_invoice"]
        log.put(replace(record, body={**record.body, "actions": actions}), expect=record.revision)

    on.vault.write(age)
    assert "came after the grant" in failing(asked(on, "get_invoice"))[0][1]


@pytest.mark.requirement("policy.grants.can")
def test_what_is_not_there_cannot_be_asked_about(on: Ground) -> None:
    """An unknown action or connection is an error."""
    with pytest.raises(UnknownActionError):
        on.connector.grants.can(PERSONA, "get_cleint", NAME, {})
    with pytest.raises(UnknownConnectionError):
        on.connector.grants.can(PERSONA, "get_client", "nowhere", {})


@pytest.mark.requirement("policy.grants.can", "policy.budget.usage")
def test_what_is_used_of_budgets_is_said_and_too_much_is_no(on: Ground, now: list[Any]) -> None:
    """Of the grant, the persona, the connection and the account, as far as they have one."""

    def said() -> list[tuple[bool | None, str]]:
        checks = asked(on, "create_expense", EXPENSE).checks
        return [(one.passed, one.why) for one in checks if one.rule == "budget"]

    now[0] = datetime.now(UTC)
    terms = Terms(scopes=("expenses:*",), approve="never", budget=5000)
    on.connector.grants.give(PERSONA, NAME, terms, user=USER)
    cost = on.connector.manifest.action("create_expense").cost
    of, costs = "credits a month of the", f"are used, this costs {cost}"
    assert said() == [(True, f"0 of 5,000 {of} grant {costs}")]
    on.data("create_expense", EXPENSE)
    spent = cost
    on.connector.budgets.set("persona", PERSONA, spent + cost, user=USER)
    on.connector.budgets.set("account", "", spent + cost - 1, user=USER)
    assert said() == [
        (False, f"{spent} of {spent + cost - 1} {of} account {costs}"),
        (True, f"{spent} of {spent + cost} {of} persona {costs}"),
        (True, f"{spent} of 5,000 {of} grant {costs}"),
    ]
    assert asked(on, "create_expense", EXPENSE).allowed is False
