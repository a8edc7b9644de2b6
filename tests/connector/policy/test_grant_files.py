"""Grants as a file: read and written, compared with what is held, and applied in one go."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientary_connector import Grant, LogFilter, Terms
from clientary_connector.errors import (
    GrantFileError,
    GrantsChangedError,
    InvalidValueError,
    UnknownConnectionError,
)
from clientary_connector.grantchanges import Entry, Step
from clientary_connector.grantfile import MAX_BYTES, as_document, as_yaml, load
from tests.connector.engine.far_side import FarSide, far_side, reply
from tests.connector.engine.ground import NAME, PERSONA, USER, Ground, ground, staff_or

FULL = Terms(
    scopes=("clients:read", "expenses:*"),
    allow=("get_lead",),
    deny=("delete_expense",),
    conditions=("for clients:*, expenses:*: client_id in [42, 43]",),
    approve="never",
    approve_for=(("expenses:write", "above 200"),),
    budget=5000,
    expires_at="2026-12-31T23:59:59+00:00",
    rate=60,
)


@pytest.fixture(name="side")
def _side() -> Generator[FarSide]:
    with far_side(staff_or(lambda _: reply(body={"id": 7}))) as side:
        yield side


@pytest.fixture(name="on")
def _on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    with ground(tmp_path) as made:
        made.join(side.url)
        yield made


def entry(persona: str, terms: Terms, *, connection: str = NAME) -> Entry:
    """Returns an entry as a file would have it."""
    return Entry(persona=persona, connection=connection, terms=terms, place="Line 2")


@pytest.mark.requirement("policy.grants.file")
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_written_is_read_back(on: Ground, form: str) -> None:
    """As YAML and as JSON; applying it changes nothing."""
    on.connector.grants.give("reader", NAME, FULL, user=USER)
    on.connector.grants.give("writer", NAME, Terms(scopes=("leads:write",)), user=USER)
    held = on.connector.grants.all()
    text = as_yaml(held) if form == "yaml" else json.dumps(as_document(held))
    entries = load(text.encode())
    assert [(one.persona, one.connection, one.terms) for one in entries] == [
        (one.persona, NAME, one.terms) for one in held
    ]
    changes = on.connector.grants.compare(entries, close_others=True)
    assert {one.step for one in changes} == {Step.KEEP}
    assert on.connector.grants.apply(changes, user=USER) == ()
    assert on.connector.grants.all() == held


@pytest.mark.requirement("policy.grants.file")
def test_a_file_is_compared_line_by_line_and_applied_in_one_go(on: Ground) -> None:
    """What is new, what changes, what stays, and what ends only where that is asked."""
    on.connector.grants.give("same", NAME, Terms(scopes=("leads:read",)), user=USER)
    on.connector.grants.give("changed", NAME, FULL, user=USER)
    wanted = [
        entry("same", Terms(scopes=("leads:read",))),
        entry("new", Terms(scopes=("tasks:*",), budget=5)),
        entry(
            "changed",
            Terms(scopes=("clients:read",), approve_for=(("clients:read", "never"),), rate=30),
        ),
    ]
    kept = on.connector.grants.compare(wanted)
    assert [one.step for one in kept] == [Step.KEEP, Step.GIVE, Step.CHANGE]
    changes = on.connector.grants.compare(wanted, close_others=True)
    assert [(one.persona, one.step) for one in changes[3:]] == [(PERSONA, Step.CLOSE)]
    assert changes[1].lines() == ("+ scopes: tasks:*", "+ budget: 5")
    assert set(changes[2].lines()) == {
        "- scopes: expenses:*",
        "- allow: get_lead",
        "- deny: delete_expense",
        "- conditions: for clients:*, expenses:*: client_id in [42, 43]",
        "- approve: never",
        "+ approve: default",
        "- approve_for: expenses:write: above 200",
        "+ approve_for: clients:read: never",
        "- budget: 5000",
        "- expires_at: 2026-12-31T23:59:59+00:00",
        "- rate: 60",
        "+ rate: 30",
    }
    assert changes[3].lines() == ("- scopes: *:*", "- approve: never")
    given = on.connector.grants.apply(changes, user="ada")
    assert [(one.persona, one.state) for one in given] == [
        ("new", "active"),
        ("changed", "active"),
        (PERSONA, "closed"),
    ]
    assert on.connector.allowed(PERSONA, NAME) == ()
    entries = on.connector.log.page(LogFilter(user="ada")).entries
    assert [(one.kind, one.persona) for one in entries] == [
        ("grant", PERSONA),
        ("grant", "changed"),
        ("grant", "new"),
    ]
    assert changes[3].to_json()["after"] is None
    again = on.connector.grants.compare([entry(PERSONA, FULL)])[0]
    assert (again.step, again.to_json()["step"]) == (Step.GIVE, "give")


@pytest.mark.requirement("policy.grants.file")
def test_a_grant_that_was_changed_since_stops_the_whole_file(on: Ground) -> None:
    """Nothing of it is applied, not even what came before."""
    wanted = [entry("new", FULL), entry(PERSONA, FULL)]
    changes = on.connector.grants.compare(wanted)
    on.connector.grant(PERSONA, NAME, scopes=["leads:read"], user=USER)
    with pytest.raises(GrantsChangedError):
        on.connector.grants.apply(changes, user=USER)
    assert {one.persona for one in on.connector.grants.all()} == {PERSONA}
    with pytest.raises(InvalidValueError):
        on.connector.grants.apply(changes, user="")
    changes = on.connector.grants.compare(wanted)
    on.run(on.connector.revoke(NAME, user=USER))
    with pytest.raises((GrantsChangedError, UnknownConnectionError)):
        on.connector.grants.apply(changes, user=USER)


@pytest.mark.requirement("policy.grants.file")
def test_every_fault_of_a_file_is_told_with_its_place(on: Ground) -> None:
    """An unknown connection, scope or condition, and a grant that stands there twice."""
    wanted = [
        entry(PERSONA, FULL),
        entry(PERSONA, FULL),
        entry("a", FULL, connection="nowhere"),
        entry("b", Terms(scopes=("client:read",))),
        entry("c", Terms(scopes=("clients:read",), conditions=("client_id ==",))),
        entry("", FULL),
    ]
    with pytest.raises(GrantFileError) as caught:
        on.connector.grants.compare(wanted)
    assert len(caught.value.faults) == 5
    assert all(fault.startswith("Line 2: ") for fault in caught.value.faults)
    assert "clients:read" in caught.value.faults[2]


@pytest.mark.requirement("policy.grants.file")
def test_a_grant_from_before_is_brought_up_by_its_own_file(on: Ground) -> None:
    """The actions that get in by it are shown."""
    held = on.connector.grants.one(PERSONA, NAME)

    def age(log: Any) -> None:  # noqa: ANN401 - a transaction
        record = log.record("grant", f"{held.connection}/{PERSONA}")
        actions = [one for one in record.body["actions"] if one != "get_lead"]
        log.put(replace(record, body={**record.body, "actions": actions}), expect=record.revision)

    on.vault.write(age)
    (change,) = on.connector.grants.compare(load(as_yaml(on.connector.grants.all()).encode()))
    assert (change.step, change.lines()) == (Step.CHANGE, ("+ action: get_lead",))
    assert on.connector.grants.apply([change], user=USER)[0].new == ()


@pytest.mark.requirement("policy.grants.file")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "begin with `grants:`"),
        ("- a", "begin with `grants:`"),
        ("grants:\n\t- x", "Line 2, character 1"),
        ("grants:\n- persona: a\n  connection: b\n  scopes: [*:read]", "in quotes"),
        ("grants:\n- persona: &a x\n  connection: *a", "in quotes"),
        ("grants:\n- persona: a\n  connection: b\n  budget: lots", "Line 4: $.grants[0].budget"),
        ("grants:\n- persona: a\n  connection: b\n  scope: [x]", "Line 4: $.grants[0].scope"),
        ("grants:\n- persona: a", "Line 2: $.grants[0].connection"),
        ("grants:\n- persona: a\n  persona: b", "Line 3: persona stands there twice"),
        ("grants:\n- persona: !!python/name:os.system x", "tag"),
        ("grants: [[[[[[[[[[]]]]]]]]]]", "too many levels"),
        ("grants: []\n---\ngrants: []", "Line 2"),
        ("grants: {a: 1}", "Line 1: $.grants: a list"),
        ("grants:\n- persona: 007\n  connection: b", "Line 2: $.grants[0].persona: a string"),
        ("\x00", "signs"),
        (b"\xff", "UTF-8"),
        (b" " * (MAX_BYTES + 1), "1,048,576"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(text: str | bytes, said: str) -> None:
    """With the line, and what to do."""
    with pytest.raises(GrantFileError) as caught:
        load(text.encode() if isinstance(text, str) else text)
    assert said in caught.value.message


@pytest.mark.requirement("policy.grants.file")
def test_values_stay_what_they_are_written_as() -> None:
    """A day is a text, `no` is a name, and what says nothing is left out."""
    text = """
    grants:
    - persona: no
      connection: '12'
      expires_at: 2026-12-31
      budget: ~
      rate: 5
      approve_for: {tasks:write: above 5}
    """
    (one,) = load(text.encode())
    assert (one.persona, one.connection, one.place) == ("no", "12", "Line 3")
    assert one.terms == Terms(
        expires_at="2026-12-31", rate=5, approve_for=(("tasks:write", "above 5"),)
    )


@pytest.mark.requirement("policy.grants.file")
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode())))
@settings(deadline=None)
def test_no_file_does_more_than_be_read_or_refused(data: bytes) -> None:
    """Whatever is in it."""
    try:
        load(data)
    except GrantFileError:
        return


@pytest.mark.requirement("policy.grants.file")
def test_names_of_every_kind_survive_a_file(on: Ground) -> None:
    """Those that YAML would take for something else, too."""
    for name in ("null", "true", "12", "- a", "a: b", "*x", "é", "'", "#", "1e5", "2026-01-01"):
        on.connector.grants.give(name, NAME, Terms(scopes=("leads:read",)), user=USER)
    held = on.connector.grants.all()
    entries = load(as_yaml(held).encode())
    assert [one.persona for one in entries] == [one.persona for one in held]
    assert isinstance(held[0], Grant)
