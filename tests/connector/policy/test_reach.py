"""How far a grant reaches, and which part of terms is at fault: what an admin is shown of both."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clientary_connector import Terms, load_manifest
from clientary_connector.call.risk import needs_yes
from clientary_connector.reach import Asks, asks, reaches
from clientary_connector.spans import end_of
from clientary_connector.terms import resolved
from tests.connector.engine.ground import PERSONA, Ground, ground

MANIFEST = load_manifest()


@pytest.fixture(name="on")
def _on(tmp_path: Path) -> Generator[Ground]:
    with ground(tmp_path) as made:
        yield made


def reached(terms: Terms) -> dict[str, tuple[bool, tuple[str, ...], str]]:
    """Returns, by action, whether it is covered, its conditions, and whether a person is asked."""
    found = reaches(MANIFEST, terms, resolved(terms, MANIFEST))
    return {one.action.id: (one.covered, one.conditions, one.asks.value) for one in found}


@pytest.mark.requirement("policy.grants.reach")
def test_reach_says_of_every_action_what_its_grant_makes_of_it() -> None:
    """Covered or not, under which conditions, and with whose yes."""
    found = reached(
        Terms(
            scopes=("invoices:*", "clients:read"),
            deny=("update_invoice",),
            conditions=("client_id in [42]", 'for invoices:send: recipients all endswith "@x"'),
            approve="above 500",
            approve_for=(("send_invoice_message", "always"),),
        )
    )
    assert len(found) == 57
    here = "client_id in [42]"
    assert found["get_client"] == (True, (here,), "never")
    assert found["create_invoice"] == (True, (here,), "sometimes")
    assert found["update_invoice"][0] is False
    assert found["send_invoice_message"][1:] == (
        (here, 'recipients all endswith "@x"'),
        "always",
    )
    assert found["delete_client"][0] is False


@pytest.mark.requirement("policy.grants.reach")
@pytest.mark.parametrize(
    ("action", "rule", "said"),
    [
        ("get_client", "always", Asks.NEVER),
        ("update_client", "always", Asks.ALWAYS),
        ("delete_client", "never", Asks.NEVER),
        ("delete_client", "default", Asks.ALWAYS),
        ("update_client", "default", Asks.NEVER),
        ("create_recurring_schedule", "default", Asks.SOMETIMES),
        ("create_expense", "above 5", Asks.SOMETIMES),
        ("delete_client", "above 5", Asks.ALWAYS),
        ("create_invoice", "above 5", Asks.SOMETIMES),
    ],
)
def test_whether_a_person_is_asked_is_said_for_each_rule(
    action: str, rule: str, said: Asks
) -> None:
    """Never, always, or as the arguments of the call decide."""
    assert asks(MANIFEST.action(action), rule) is said


@pytest.mark.requirement("policy.grants.reach")
@pytest.mark.parametrize("rule", ["default", "always", "never", "above 1"])
def test_what_is_said_of_a_rule_is_what_calls_meet(rule: str) -> None:
    """An action that never asks lets its example through; one that always does, does not."""
    for action in MANIFEST.actions.values():
        said = asks(action, rule)
        meets = needs_yes(action, action.example, rule)
        assert said is Asks.SOMETIMES or meets is (said is Asks.ALWAYS), action.id


@pytest.mark.requirement("policy.grants.faults")
def test_every_fault_of_terms_is_told_with_its_part(on: Ground) -> None:
    """One does not hide the next."""
    given = Terms(
        scopes=("clients:read", "client:read"),
        allow=("get_cleint",),
        deny=("nothing",),
        approve="sometimes",
        approve_for=(("clients:write", "always"), ("clients:write", "perhaps")),
        budget=-1,
        rate=0,
        expires_at="yesterday",
    )
    faults = on.connector.grants.faults("\n", given)
    assert {(one.part, one.at) for one in faults} == {
        ("persona", 0),
        ("scopes", 1),
        ("allow", 0),
        ("deny", 0),
        ("approve", 0),
        ("approve_for", 1),
        ("budget", 0),
        ("rate", 0),
        ("expires_at", 0),
    }


@pytest.mark.requirement("policy.grants.faults")
def test_a_condition_is_checked_over_what_is_granted(on: Ground) -> None:
    """Each one by itself, and only once the rest says what is covered."""
    wrong = ("client_id in [42]", "client_id in", "nonsense == 1")
    given = Terms(scopes=("invoices:read",), conditions=wrong)
    faults = on.connector.grants.faults(PERSONA, given)
    assert [(one.part, one.at) for one in faults] == [("conditions", 1), ("conditions", 2)]
    assert "character 13" in faults[0].message
    nothing = on.connector.grants.faults(PERSONA, Terms(conditions=wrong))
    assert [(one.part, one.message) for one in nothing] == [("", "There is nothing to grant.")]


@pytest.mark.requirement("policy.grants.faults")
def test_parts_that_do_not_fit_together_are_told_as_a_whole(on: Ground) -> None:
    """Each alone is in order; terms that fit have no fault."""
    both = Terms(scopes=("clients:read",), allow=("get_lead",), deny=("get_lead",))
    faults = on.connector.grants.faults(PERSONA, both)
    assert [(one.part, one.hint) for one in faults] == [("", "Choose one.")]
    assert on.connector.grants.faults(PERSONA, Terms(scopes=("clients:read",))) == ()


@pytest.mark.requirement("policy.grants.faults")
def test_an_end_is_said_as_a_span_too() -> None:
    """Hours, days or weeks from now; whatever else was said stays."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert end_of("12h", now=now) == (now + timedelta(hours=12)).isoformat()
    assert end_of(" 2w ", now=now) == (now + timedelta(days=14)).isoformat()
    assert end_of("2026-12-31", now=now) == "2026-12-31"
