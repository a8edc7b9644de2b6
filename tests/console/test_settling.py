"""Proves that what became of a change of unknown end is found out from its page, by admins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clientary_connector import Result, Settings
from clientary_connector.sandbox import Fault, FaultKind
from tests.console.chromium import Chromium, grave_faults
from tests.console.ground import Ground, Page, stage

pytestmark = pytest.mark.requirement("console.settle")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console whose changes can be looked up at once."""
    settings = Settings(settle_after_s=0, max_attempts=1)
    with stage(tmp_path_factory.mktemp("settling"), settings=settings) as made:
        made.join()
        yield made


def lost(ground: Ground, name: str, kind: FaultKind, *, client: int | None = None) -> int:
    """Makes or renames a client over a line that breaks; returns the entry of the call."""
    ground.sandbox.sandbox.faults.add(Fault(kind=kind, times=1))
    assert call(ground, name, client).outcome == "unknown"
    return ground.connector.settlements.unsettled()[-1].id


def call(ground: Ground, name: str, client: int | None = None) -> Result:
    """Makes a client of a name, or gives the name to one, under an operation of that name."""
    if client is None:
        return ground.call("create_client", {"name": name}, operation=f"op-{name}")
    return ground.call("update_client", {"id": client, "name": name}, operation=f"op-{name}")


def press(page: Page, what: str, **values: str) -> Page:
    """Presses one of the buttons, with what was typed beside it."""
    form = next(one for one in page.forms if ("what", what) in one.buttons)
    kept = [pair for pair in form.fields if pair[0] not in values]
    return page.browser.post(form.action, [*kept, *values.items(), ("what", what)])


@pytest.mark.parametrize(
    ("kind", "said", "done"),
    [
        (FaultKind.CUT_AFTER, "It was done: a repeat of the operation gets the record.", True),
        (FaultKind.CUT_BEFORE, "It was not done: a repeat of the operation runs.", False),
    ],
)
def test_a_change_is_looked_up_in_the_account(
    ground: Ground, kind: FaultKind, said: str, *, done: bool
) -> None:
    """From the overview over the log to its page; then there is nothing to do about it."""
    client = next(iter(ground.sandbox.sandbox.state.clients)).id
    one = lost(ground, f"Name {kind.value}", kind, client=client)
    home = ground.browser("admin", name="ada").open("/")
    assert "1 change of unknown end" in home.text
    page = home.follow("outcome=unknown").follow(f"/log/{one}")
    assert "it may have been done" in page.text
    settled = press(page, "look_up")
    assert (settled.status, said in settled.text) == (200, True)
    assert "What became of it is not known" not in settled.text
    assert "Settled byada" in settled.text
    again = call(ground, f"Name {kind.value}", client)
    assert (again.outcome, again.replayed) == ("succeeded", done)


def test_where_the_account_does_not_tell_a_person_does(ground: Ground) -> None:
    """Why it does not is said, and the form for a person's word is open."""
    one = lost(ground, "arrived", FaultKind.CUT_AFTER)
    page = press(ground.browser("admin").open(f"/log/{one}"), "look_up")
    assert "it may be an older one. Look in the account yourself" in page.text
    assert "<details open>" in page.html
    assert "It was done" in press(page, "found", reason="It is of today.").text
    assert ground.connector.settlements.unsettled() == ()


def test_a_person_says_what_they_have_seen_and_why_stands_in_the_log(ground: Ground) -> None:
    """Once: the second of two people is told that it is known."""
    one = lost(ground, "word", FaultKind.CUT_BEFORE)
    page = ground.browser("admin", name="ada").open(f"/log/{one}")
    done = press(page, "not_found", reason="I have looked.")
    assert "It was not done" in done.text
    row = ground.connector.log.page(limit=1).entries[0]
    assert (row.kind, row.user, row.facts["reason"]) == ("settle", "ada", "I have looked.")
    late = press(page, "found")
    assert 400 <= late.status < 500
    assert "What became of it is not known" not in late.text


def test_what_cannot_be_looked_up_says_so_and_settles_nothing(ground: Ground) -> None:
    """The service does not answer, there is no such entry, and no such word."""
    one = lost(ground, "later", FaultKind.CUT_BEFORE)
    page = ground.browser("admin").open(f"/log/{one}")
    ground.sandbox.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=500, times=1))
    failed = press(page, "look_up")
    assert failed.status == 502
    assert "What became of it is not known" in failed.text
    token = dict(page.forms[0].fields)["form_token"]
    for path, what, status in (
        (f"/log/{one}/settle", "perhaps", 422),
        ("/log/999999/settle", "found", 404),
    ):
        sent = page.browser.post(path, [("form_token", token), ("what", what)])
        assert sent.status == status
    assert [found.id for found in ground.connector.settlements.unsettled()] == [one]
    press(page, "not_found")


@pytest.mark.slow
def test_a_person_settles_it_in_a_browser_and_a_viewer_only_looks(
    ground: Ground, chromium: Chromium
) -> None:
    """Without a script as well; nothing grave is found on the page."""
    one = lost(ground, "seen", FaultKind.CUT_AFTER)
    tab = chromium.tab(ground, "admin", script=False, width=390)
    tab.goto(ground.at(f"/log/{one}"))
    viewer = chromium.tab(ground, "viewer")
    viewer.goto(ground.at(f"/log/{one}"))
    assert viewer.get_by_text("To settle it takes an admin.").is_visible()
    assert grave_faults(viewer) == []
    tab.get_by_text("Somebody has looked in the account").click()
    tab.get_by_label("How it is known").fill("It stands there.")
    tab.get_by_role("button", name="It was done").click()
    assert tab.get_by_text("It was done: a repeat").is_visible()
