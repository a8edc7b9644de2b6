"""Rotating a key at the console: brought, tested, in use, and the old one gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from clientary_connector import Settings
from clientary_connector.frontends.console.views.keys import key_view, stations
from clientary_connector.rotations import STATES, Due, KeyStatus
from clientary_connector.sandbox import Fault, FaultKind
from tests.console.ground import Ground, Page, stage

pytestmark = pytest.mark.requirement("console.rotate")

WRONG_KEY = "canary-wrong-0123456789-abcdef"


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection; the old key may be asked about at once."""
    settings = Settings(rotation_overlap_s=0, max_attempts=1)
    with stage(tmp_path_factory.mktemp("rotating"), settings=settings) as made:
        made.join()
        yield made


def opened(ground: Ground) -> Page:
    """Opens the page of the rotation."""
    one = ground.connector.connection("books").id
    return ground.browser("admin").open(f"/connections/{one}").follow("/rotate")


def bring(page: Page, key: str) -> Page:
    """Pastes a new key, and presses the button."""
    form = page.form("/rotate")
    address = form.action
    return page.browser.post(address, [*form.fields, ("key", key), ("step", "new")])


def press(page: Page, step: str) -> Page:
    """Presses one of the buttons."""
    return page.browser.post(
        page.form("/rotate").action, [*page.form("/rotate").fields, ("step", step)]
    )


def test_a_key_is_replaced_step_by_step(ground: Ground) -> None:
    """It is tested, comes into use, and the old one goes once it is shown not to work."""
    old, new = ground.sandbox.key, ground.sandbox.sandbox.add_key()
    page = bring(opened(ground), new)
    assert page.status == 200
    assert "The new key is in use" in page.text
    assert "The new key answers, as the same account." in page.text
    assert "To do: Delete the old API key in Clientary" in page.text
    assert new not in page.html
    shown = page.browser.open(f"/connections/{ground.connector.connection('books').id}")
    assert "Delete the old API key in Clientary" in shown.text
    still = press(page, "check")
    assert "The old key still works, or could not be asked" in still.text
    ground.sandbox.sandbox.revoke_key(old)
    done = press(still, "check")
    assert "The old key no longer works" in done.text
    assert "✓ The old key no longer works, and is gone (done)" in done.text
    assert ground.connector.rotations()[0].rotation is None
    assert ground.call("list_staff").outcome == "succeeded"


def test_a_wrong_key_does_not_come_into_use_and_is_dropped(ground: Ground) -> None:
    """The old one stays, also where it is tried again."""
    page = bring(opened(ground), WRONG_KEY)
    assert "The new key is not in use; the old one stays" in page.text
    assert WRONG_KEY not in page.html
    again = press(page, "resume")
    assert "The new key is not in use" in again.text
    dropped = press(again, "drop")
    assert "The new key was dropped" in dropped.text
    assert ground.call("list_staff").outcome == "succeeded"
    assert "Bring a new key" in dropped.text


def test_the_right_key_takes_the_place_of_one_that_was_refused(ground: Ground) -> None:
    """Nothing has to be dropped before."""
    page = bring(opened(ground), WRONG_KEY)
    assert "Look whether the new key exists in Clientary" in page.text
    done = bring(page, ground.sandbox.sandbox.add_key())
    assert "The new key is in use" in done.text
    assert ground.call("list_staff").outcome == "succeeded"


def test_what_nobody_knows_of_the_new_key_lets_no_other_one_take_its_place(ground: Ground) -> None:
    """The page says how to go on, and the same page goes on once the service answers again."""
    faults = ground.sandbox.sandbox.faults
    faults.add(Fault(kind=FaultKind.STATUS, status=500, times=1000))
    page = bring(opened(ground), ground.sandbox.sandbox.add_key())
    assert "The new key is not in use" in page.text
    refused = bring(page, ground.sandbox.sandbox.add_key())
    assert (refused.status, "go on with it there, or drop" in refused.text) == (409, True)
    assert "clientary rotate" not in refused.text
    faults.clear()
    assert "The new key is in use" in press(refused, "resume").text


def test_a_rotation_that_was_cut_short_is_gone_on_with(ground: Ground) -> None:
    """The key that did not answer is made valid in Clientary, and tried again."""
    page = bring(opened(ground), WRONG_KEY)
    ground.sandbox.sandbox.add_key(WRONG_KEY)
    assert "The new key is in use" in press(page, "resume").text


def test_what_is_wrong_is_told_beside_its_field(ground: Ground) -> None:
    """No key, one that cannot be sent, the one in use, no rotation to drop, no such step."""
    page = opened(ground)
    for key, said in (("", "no key"), ("short", "16 or more"), (ground.sandbox.key, "in use")):
        told = bring(page, key)
        assert told.status == 422
        assert said in told.html.partition('id="key-fault">')[2].partition("<")[0]
    dropped = press(page, "drop")
    assert (dropped.status, "No rotation" in dropped.text) == (422, True)
    assert press(page, "checks").status == 422


def test_how_often_is_set_there(ground: Ground) -> None:
    """A number that makes no sense is told beside it."""
    page = opened(ground)
    assert "1 to 3650 days" in page.send({"days": "soon"}, action="/every").text
    done = page.send({"days": "30"}, action="/every")
    assert "The key of books is due every 30 days." in done.text
    assert ground.connector.rotations()[0].every_days == 30


def test_a_connection_that_was_revoked_has_no_key_to_rotate(ground: Ground) -> None:
    """Neither the page nor a form that was open does anything."""
    page = opened(ground)
    ground.run(ground.connector.revoke("books", user="maria"))
    assert bring(page, WRONG_KEY).status == 409
    assert "was revoked" in press(page, "check").text
    assert page.send({"days": "30"}, action="/every").status == 409


@pytest.mark.parametrize("state", STATES)
def test_every_state_of_a_rotation_has_its_words_and_its_next_step(state: str) -> None:
    """Nobody is left before a page on which there is nothing to do."""
    marks = [one.mark for one in stations(state)]
    assert marks == sorted(marks, key=["done", "now", "later"].index)
    if state in {"finished", "dropped"}:
        return
    status = KeyStatus(**_usual(), rotation=state, days_left=-1, due=Due.OVERDUE)
    view = key_view(status, title="Clientary")
    assert view.said == STATES[state]
    assert view.to_do or view.resumable
    assert (view.due, view.tone) == ("overdue by 1 day", "bad")


def _usual() -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "connection": "books",
        "id": "con_1",
        "version": 1,
        "made_at": now,
        "age_days": 91,
        "every_days": 90,
        "due_at": now,
        "reason": "",
        "left": "",
    }
