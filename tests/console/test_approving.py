"""Approvals at the console: what waits, exactly what it is, and a person's yes or no."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import pytest

from clientary_connector import Terms
from clientary_connector.frontends.console.pages.paging import PAGE
from clientary_connector.hooks import hookimpl
from clientary_connector.logentry import LogFilter
from tests.console.ground import Ground, stage

pytestmark = pytest.mark.requirement("console.approvals")

SCRIPT = "<script>alert('why')</script>"


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection, and a persona whose deletions wait."""
    with stage(tmp_path_factory.mktemp("approving")) as made:
        made.join()
        made.connector.grant("bookkeeper", "books", user="maria", terms=Terms(scopes=("*:*",)))
        yield made


def asked(ground: Ground, action: str = "delete_client", **arguments: Any) -> str:  # noqa: ANN401 - any arguments
    """Runs a call that waits, and returns its approval's id."""
    first = next(iter(ground.sandbox.sandbox.state.clients)).id
    result = ground.call(action, arguments or {"id": first}, prompt=SCRIPT)
    assert result.error is not None
    assert result.error.approval is not None
    return result.error.approval


def readers(ground: Ground) -> list[str | None]:
    """Returns who has read what is sealed, as the log says it."""
    page = ground.connector.log.page(LogFilter(kind="read"), limit=50)
    return [entry.user for entry in page.entries]


def test_what_waits_is_listed_and_shown_exactly_with_what_goes_with_it(ground: Ground) -> None:
    """Reading it stands in the log under the reader's name."""
    one = asked(ground)
    approver = ground.browser("approver", name="grace")
    listed = approver.open("/approvals")
    assert "delete_client" in listed.text
    assert readers(ground) == []
    page = listed.follow(f"/approvals/{one}")
    for said in ("bookkeeper, for maria", "DELETE http://127.0.0.1", "counted now", "projects: 13"):
        assert said in page.text
    assert SCRIPT in html.unescape(page.html)
    assert SCRIPT not in page.html
    assert readers(ground) == ["grace"]
    assert ground.sandbox.key not in page.html


def test_a_yes_lets_the_call_happen_once_and_is_seen_with_who_gave_it(ground: Ground) -> None:
    """Then the approval is used, and nothing about it can be decided."""
    one = asked(ground)
    approver = ground.browser("approver", name="grace")
    page = approver.open(f"/approvals/{one}")
    note = f"go ahead {SCRIPT}"
    done = page.send({"note": note}, action="/decide", button=("decision", "approve"))
    assert "delete_client of bookkeeper is approved" in done.text
    given = approver.open(f"/approvals/{one}")
    assert (note in given.text, SCRIPT in given.html) == (True, False)
    assert "It is approved, and not used yet" in given.text
    first = next(iter(ground.sandbox.sandbox.state.clients)).id
    assert ground.call("delete_client", {"id": first}, prompt=SCRIPT).outcome == "succeeded"
    used = approver.open(f"/approvals/{one}")
    assert ("used" in used.text, "grace" in used.text, used.forms) == (True, True, [])
    late = page.send(action="/decide", button=("decision", "deny"))
    assert (late.status, "is used" in late.text) == (409, True)


def test_a_no_is_told_to_the_persona_and_can_be_thought_over(ground: Ground) -> None:
    """With its note; a yes that was not used is taken back the same way."""
    one = asked(ground)
    approver = ground.browser("approver", name="grace")
    page = approver.open(f"/approvals/{one}")
    page.send({"note": "ask them first"}, action="/decide", button=("decision", "deny"))
    first = next(iter(ground.sandbox.sandbox.state.clients)).id
    refused = ground.call("delete_client", {"id": first}, prompt=SCRIPT)
    assert refused.error is not None
    assert "grace has denied this call: ask them first" in refused.error.message
    for decision, state in (("approve", "given"), ("deny", "denied")):
        page = approver.open(f"/approvals/{one}")
        page.send(action="/decide", button=("decision", decision))
        assert ground.connector.approvals.approval(one).state == state


def test_the_second_of_two_tabs_is_told_what_the_first_has_decided(ground: Ground) -> None:
    """Nothing of the second counts; the page shows how it stands now."""
    one = asked(ground)
    first = ground.browser("approver", name="grace").open(f"/approvals/{one}")
    second = ground.browser("approver", name="heidi").open(f"/approvals/{one}")
    first.send(action="/decide", button=("decision", "approve"))
    late = second.send({"note": "no"}, action="/decide", button=("decision", "deny"))
    assert late.status == 409
    assert "is given by grace since you have looked at it" in late.text
    assert ground.connector.approvals.approval(one).state == "given"
    late.send(action="/decide", button=("decision", "deny"))
    assert ground.connector.approvals.approval(one).decided_by == "heidi"


def test_a_viewer_sees_who_asks_and_nothing_of_what_is_sealed(ground: Ground) -> None:
    """Nor is anything read for them at the service, and they have nothing to decide with."""
    one = asked(ground)
    ground.sandbox.sandbox.forget()
    viewer = ground.browser("viewer")
    page = viewer.open("/approvals").follow(f"/approvals/{one}")
    assert page.status == 200
    assert "bookkeeper, for maria" in page.text
    assert "What the call is about is hidden." in page.text
    assert "alert" not in page.html
    assert (page.forms, readers(ground), ground.sandbox.sandbox.requests) == ([], [], [])


def test_whom_the_host_lets_read_nothing_sealed_sees_that_it_is_hidden(ground: Ground) -> None:
    """They are given nothing to decide with, and what they send by hand is refused."""

    class Discreet:
        @hookimpl
        def connector_may_read(self, user: str) -> bool:
            return user != "grace"

    one = asked(ground)
    ground.connector.register(Discreet())
    page = ground.browser("approver", name="grace").open(f"/approvals/{one}")
    assert "does not let this user read" in page.text
    assert ("alert" in page.html, page.forms) == (False, [])
    heidi = ground.browser("approver", name="heidi").open(f"/approvals/{one}")
    assert "alert" in heidi.text
    address = heidi.form("/decide").action
    grace = page.browser
    token = next(pair for pair in page.all_forms[0].fields if pair[0] == "form_token")
    for said in ("approve", "deny"):
        refused = grace.post(address, [token, ("decision", said), ("seen", "0")])
        assert (refused.status, "does not let this user" in refused.text) == (403, True)
    assert ground.connector.approvals.approval(one).state == "pending"
    rows = [line for line in ground.connector.log.page().entries if line.outcome == "refused"]
    assert ("read", "grace") in [(line.kind, line.user) for line in rows]
    heidi.send(action="/decide", button=("decision", "approve"))
    assert ground.connector.approvals.approval(one).decided_by == "heidi"


def test_what_cannot_be_decided_any_more_is_said(ground: Ground) -> None:
    """A grant that was changed, an unknown approval, a persona that would decide for itself."""
    one = asked(ground)
    page = ground.browser("approver").open(f"/approvals/{one}")
    own = ground.browser("approver", name="bookkeeper").open(f"/approvals/{one}")
    told = own.send({"note": "kept"}, action="/decide", button=("decision", "approve"))
    assert told.status == 422
    assert "A persona cannot approve what it asks for." in told.text
    assert ("note", "kept") in told.form("/decide").fields
    assert page.send(action="/decide", button=("decision", "perhaps")).status == 422
    ground.connector.grant("bookkeeper", "books", scopes=["*:*"], user="maria")
    late = page.send(action="/decide", button=("decision", "approve"))
    assert (late.status, late.forms) == (409, [])
    assert "The approval is over" in late.text
    assert page.browser.open("/approvals/apr_nowhere").status == 404


def test_the_list_of_those_decided_has_parts(ground: Ground) -> None:
    """Newest first; a number that is none begins at the newest."""
    made = [asked(ground, id=number) for number in range(1, PAGE + 3)]
    for one in made:
        ground.connector.approvals.deny(one, user="grace")
    browser = ground.browser("viewer")
    page = browser.open("/approvals")
    assert "Nothing waits for a person." in page.text
    assert page.links.count(f"/approvals/{made[-1]}") == 1
    assert f"/approvals/{made[0]}" not in page.links
    older = page.follow(f"skip={PAGE}")
    assert f"/approvals/{made[0]}" in older.links
    assert older.follow("skip=0").links == browser.open("/approvals", skip="x").links
