"""What a grant covers: scopes, single actions, an end, and no action that came later."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from clientary_connector import Manifest, Outcome, Settings, Terms, load_manifest
from clientary_connector.errors import (
    InvalidValueError,
    UnknownActionError,
    UnknownGrantError,
    UnknownScopeError,
)
from clientary_connector.terms import approval_rule
from clientary_connector.wiring import joined
from connector_vault import Record, Transaction, Vault
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.ground import NAME, NOW, PERSONA, USER, Ground, ground, staff_or


@pytest.fixture(name="side")
def _side() -> Generator[FarSide]:
    with far_side(staff_or(lambda _: reply(body={"id": 7, "name": "x"}))) as side:
        yield side


@pytest.fixture(name="on")
def _on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    with ground(tmp_path) as made:
        made.join(side.url)
        side.seen.clear()
        yield made


def give(on: Ground, **terms: Any) -> Any:  # noqa: ANN401 - the fields of Terms
    """Gives the usual persona exactly these terms."""
    return on.connector.grants.give(PERSONA, NAME, Terms(**terms), user=USER)


def allowed(on: Ground) -> set[str]:
    """Returns the ids of what the usual persona may call."""
    return {action.id for action in on.connector.allowed(PERSONA, NAME)}


@pytest.mark.requirement("policy.grants.terms")
def test_single_actions_are_added_and_taken_away(on: Ground, side: FarSide) -> None:
    """What is denied is refused by its name; what is allowed needs no scope."""
    given = give(on, scopes=("clients:*",), allow=("get_lead",), deny=("delete_client",))
    assert allowed(on) == set(given.actions)
    assert allowed(on) == {
        "create_client",
        "update_client",
        "get_client",
        "list_clients",
        "get_lead",
    }
    assert on.result("get_lead", {"id": 7}).outcome is Outcome.SUCCEEDED
    side.seen.clear()
    for action in ("delete_client", "delete_lead"):
        refused = on.result(action, {"id": 7})
        assert (refused.outcome, refused.error and refused.error.kind) == ("refused", "denied")
    assert side.seen == []


@pytest.mark.requirement("policy.grants.terms")
def test_a_refusal_names_what_is_missing(on: Ground) -> None:
    """The action where its scope was granted, else the scope."""
    give(on, scopes=("clients:*",), deny=("delete_client",))
    by_name = on.result("delete_client", {"id": 7}).error
    by_scope = on.result("get_lead", {"id": 7}).error
    assert by_name is not None
    assert by_scope is not None
    assert "delete_client" in by_name.hint
    assert "leads:read" in by_scope.hint


@pytest.mark.requirement("policy.grants.terms")
@pytest.mark.parametrize(
    ("error", "terms"),
    [
        (InvalidValueError, {}),
        (InvalidValueError, {"deny": ("get_client",)}),
        (UnknownScopeError, {"scopes": ("client:read",)}),
        (UnknownActionError, {"allow": ("get_cleint",)}),
        (UnknownActionError, {"scopes": ("*:*",), "deny": ("get_cleint",)}),
        (InvalidValueError, {"allow": ("get_client",), "deny": ("get_client",)}),
        (InvalidValueError, {"scopes": ("*:*",), "budget": -1}),
        (InvalidValueError, {"scopes": ("*:*",), "budget": True}),
        (InvalidValueError, {"scopes": ("*:*",), "rate": 0}),
        (InvalidValueError, {"scopes": ("*:*",), "approve": "sometimes"}),
        (InvalidValueError, {"scopes": ("*:*",), "approve": "above"}),
        (UnknownScopeError, {"scopes": ("*:*",), "approve_for": (("leads:reed", "never"),)}),
        (UnknownActionError, {"scopes": ("*:*",), "approve_for": (("get_leed", "never"),)}),
        (
            InvalidValueError,
            {"scopes": ("*:*",), "approve_for": (("get_lead", "never"), ("get_lead", "always"))},
        ),
        (InvalidValueError, {"scopes": ("*:*",), "expires_at": "soon"}),
        (InvalidValueError, {"scopes": ("*:*",), "expires_at": "2026-02-28"}),
        (InvalidValueError, {"scopes": ("*:*",), "expires_at": "0001-01-01T00:00:00+14:00"}),
        (InvalidValueError, {"scopes": ("*:read",) * 101}),
    ],
)
def test_terms_that_cannot_be_used_are_refused_when_they_are_given(
    on: Ground, error: type[Exception], terms: dict[str, Any]
) -> None:
    """Nothing is written then."""
    before = on.connector.grants.one(PERSONA, NAME)
    with pytest.raises(error):
        give(on, **terms)
    assert on.connector.grants.one(PERSONA, NAME) == before


@pytest.mark.requirement("policy.grants.terms")
def test_terms_are_kept_in_their_plain_form(on: Ground) -> None:
    """Sorted, each once, an alias as its id, a day as its last second, an amount as a number."""
    given = give(
        on,
        scopes=("leads:read", "clients:read", "leads:read"),
        allow=("CLIENTARY_GET_TASK", "get_task"),
        approve="above 500.00",
        approve_for=(("invoices:send", "never"), ("*:write", "always")),
        budget=5000,
        expires_at="2026-12-31",
        rate=60,
    )
    assert given.terms == Terms(
        scopes=("clients:read", "leads:read"),
        allow=("get_task",),
        approve="above 500",
        approve_for=(("*:write", "always"), ("invoices:send", "never")),
        budget=5000,
        expires_at="2026-12-31T23:59:59+00:00",
        rate=60,
    )
    assert on.connector.grants.one(PERSONA, NAME).terms == given.terms
    assert Terms.of_body(given.terms.to_body()) == given.terms


@pytest.mark.requirement("policy.grants.terms")
def test_the_rule_for_an_approval_is_the_most_particular_one() -> None:
    """The action, its scope, its resource, its effect, everything, and then the rest."""
    names = ("send_invoice_message", "invoices:send", "invoices:*", "*:send", "*:*")
    rules = {name: f"above {at}" for at, name in enumerate(names)}
    for at in range(len(names)):
        body = {"approve": "never", "approve_for": dict(list(rules.items())[at:])}
        assert approval_rule(body, "send_invoice_message", "invoices:send") == f"above {at}"
    assert approval_rule({"approve": "never"}, "get_task", "tasks:read") == "never"
    assert approval_rule({}, "get_task", "tasks:read") == "default"


@pytest.mark.requirement("policy.grants.new_actions")
def test_an_action_of_a_later_manifest_is_in_no_grant(tmp_path: Path, side: FarSide) -> None:
    """It is shown as new, refused, and there once an admin gives the grant anew."""
    full = load_manifest()
    with ground(tmp_path, manifest=_without(full, "get_lead")) as before:
        before.join(side.url, scopes=("leads:*",))
        assert before.connector.grants.one(PERSONA, NAME).new == ()
        later = joined(
            cast("Vault", before.vault), manifest=full, settings=Settings(), clock=lambda: NOW
        )
        on = replace(before, connector=later)
        assert later.grants.one(PERSONA, NAME).new == ("get_lead",)
        assert "get_lead" not in allowed(on)
        refused = on.result("get_lead", {"id": 7}).error
        assert refused is not None
        assert "get_lead" in refused.hint
        assert give(on, scopes=("leads:*",)).new == ()
        assert on.result("get_lead", {"id": 7}).outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("policy.grants.ends")
def test_a_grant_ends_by_itself(tmp_path: Path, side: FarSide) -> None:
    """From that second on it covers nothing and is seen as expired; it can be given anew."""
    now = [NOW]
    with ground(tmp_path, clock=lambda: now[0]) as on:
        on.join(side.url)
        give(on, scopes=("*:*",), expires_at="2026-03-01T14:00:00+01:00")
        now[0] = NOW + timedelta(hours=1, seconds=-1)
        assert on.result("get_lead", {"id": 7}).outcome is Outcome.SUCCEEDED
        now[0] += timedelta(seconds=1)
        side.seen.clear()
        refused = on.result("get_lead", {"id": 7}).error
        assert refused is not None
        assert (refused.kind, refused.message) == ("denied", "This persona's grant has ended.")
        assert (allowed(on), side.seen) == (set(), [])
        ended = on.connector.grants.one(PERSONA, NAME)
        assert (ended.state, ended.active) == ("expired", False)
        give(on, scopes=("*:*",), expires_at="2026-03-02")
        assert on.result("get_lead", {"id": 7}).outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("policy.grants.ends")
def test_a_grant_that_ends_in_between_is_seen_where_the_intent_is_written(
    tmp_path: Path, side: FarSide
) -> None:
    """The decision was in time, the intent is not: nothing is sent."""
    now = [NOW]
    with ground(tmp_path, clock=lambda: now[0]) as on:
        on.join(side.url)
        give(on, scopes=("*:*",), expires_at="2026-03-01T12:00:01")
        side.seen.clear()
        on.vault.before_draft = lambda _: now.__setitem__(0, NOW + timedelta(seconds=1))
        refused = on.result("get_lead", {"id": 7})
        assert (refused.outcome, refused.error and refused.error.kind) == ("refused", "denied")
        assert "has ended" in str(refused.error)
        assert side.seen == []


@pytest.mark.requirement("policy.grants.ends")
def test_a_retry_after_the_end_is_not_sent(tmp_path: Path, side: FarSide) -> None:
    """The last look before each send sees that the time is over."""
    now = [NOW]
    with ground(tmp_path, clock=lambda: now[0]) as on:
        on.join(side.url)
        give(on, scopes=("*:*",), expires_at="2026-03-01T12:00:01")
        side.seen.clear()
        side.answer = lambda _: reply(status=503)
        on.nap = lambda: now.__setitem__(0, NOW + timedelta(seconds=1))
        ended = on.result("get_lead", {"id": 7})
        assert ended.outcome is Outcome.FAILED
        assert len(side.seen) == 1


@pytest.mark.requirement("policy.grants.old")
def test_a_grant_from_before_goes_on(on: Ground) -> None:
    """It covers what its scopes cover, and can be read, listed and given anew."""
    old = {"persona": PERSONA, "scopes": ["leads:read"], "state": "active", "user": USER}
    _put(on, {**old, "at": "2026-01-01T00:00:00+00:00"})
    grant = on.connector.grants.one(PERSONA, NAME)
    assert (grant.terms, grant.actions, grant.new) == (Terms(scopes=("leads:read",)), None, ())
    assert grant.to_json()["actions"] is None
    assert allowed(on) == {"get_lead", "list_leads"}
    assert on.result("get_lead", {"id": 7}).outcome is Outcome.SUCCEEDED
    assert give(on, scopes=("leads:read",)).actions == ("get_lead", "list_leads")


@pytest.mark.requirement("policy.grants.log")
def test_every_change_of_a_grant_stands_in_the_log_whole(on: Ground) -> None:
    """The terms, the actions, the state, and who did it."""
    given = give(on, scopes=("leads:read",), deny=("get_lead",), approve="never", rate=5)
    entry = on.connector.log.entry(given.log_id)
    assert (entry.kind, entry.user, entry.persona) == ("grant", USER, PERSONA)
    assert {**entry.facts, "at": ""} == {
        **given.terms.to_body(),
        "rules": [],
        "actions": ["list_leads"],
        "left_out": [],
        "state": "active",
        "at": "",
    }
    revoked = on.run(on.connector.revoke(NAME, persona=PERSONA, user="ada", reason="left"))
    entry = on.connector.log.entry(revoked.log_id)
    assert (entry.user, entry.facts["state"], entry.facts["reason"]) == ("ada", "closed", "left")
    assert entry.facts["deny"] == ["get_lead"]
    assert allowed(on) == set()


@pytest.mark.requirement("policy.grants.terms")
def test_a_grant_that_never_was_is_told(on: Ground) -> None:
    """There is no grant to show."""
    with pytest.raises(UnknownGrantError):
        on.connector.grants.one("nobody", NAME)


def _without(manifest: Manifest, action: str) -> Manifest:
    """Returns the manifest as it was before an action came."""
    kept = {name: one for name, one in manifest.actions.items() if name != action}
    return replace(manifest, actions=kept)


def _put(on: Ground, body: dict[str, Any]) -> None:
    """Writes the usual persona's grant as a version before this one did."""

    def put(log: Transaction) -> None:
        now = on.connector.grants.one(PERSONA, NAME)
        record = Record(
            kind="grant",
            id=f"{now.connection}/{PERSONA}",
            parent=now.connection,
            body=body,
        )
        log.put(record, expect=now.revision)

    on.vault.write(put)
