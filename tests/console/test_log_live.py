"""Proves in a real browser that the pages of the log are live, and that they work without that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.console.chromium import Chromium, grave_faults, look_again, overflow
from tests.console.ground import PROMPT, Ground, stage

pytestmark = [pytest.mark.requirement("console.live"), pytest.mark.slow]

LINE = "tbody tr[data-entry]"
#: Tells a page that its tab was hidden, or is seen again.
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection that a persona may use."""
    with stage(tmp_path_factory.mktemp("live")) as made:
        made.join()
        made.call("list_clients", {"limit": 1})
        yield made


def test_calls_appear_on_an_open_page_as_they_are_made(ground: Ground, chromium: Chromium) -> None:
    """At the top, with nothing pressed, and once each; those that do not fit the choice do not."""
    tab = chromium.tab(ground, "viewer")
    tab.goto(ground.at("/log?kind=call"))
    lines = tab.locator(LINE)
    before = lines.count()
    ground.call("list_projects", {"limit": 1})
    ground.connector.budgets.set("account", "", 5000, user="maria")
    ground.call("list_tasks", {"limit": 1})
    expect(lines.first).to_contain_text("list_tasks")
    expect(lines).to_have_count(before + 2)
    expect(tab.locator("[data-live-said]")).to_contain_text("new entr")
    expect(tab.locator("time").first).not_to_contain_text("UTC")


def test_a_list_that_was_empty_fills(ground: Ground, chromium: Chromium) -> None:
    """The word that nothing fits goes."""
    tab = chromium.tab(ground, "viewer")
    tab.goto(ground.at("/log?action=list_expenses"))
    expect(tab.locator(".empty")).to_be_visible()
    ground.call("list_expenses", {"limit": 1})
    expect(tab.locator(LINE)).to_have_count(1)
    expect(tab.locator(".empty")).to_have_count(0)


def test_it_is_paused_and_goes_on(ground: Ground, chromium: Chromium) -> None:
    """What came meanwhile is there then."""
    tab = chromium.tab(ground, "viewer")
    tab.goto(ground.at("/log?action=list_leads"))
    live = tab.get_by_role("button", name="Live")
    live.click()
    expect(tab.locator("[data-live-said]")).to_have_text("Paused.")
    ground.call("list_leads", {"limit": 1})
    with tab.expect_request("**/log/new?*"):
        live.click()
    expect(tab.locator(LINE)).to_have_count(1)


def test_a_hidden_page_asks_nothing(ground: Ground, chromium: Chromium) -> None:
    """And looks at once when it is seen again."""
    tab = chromium.tab(ground, "viewer")
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    with tab.expect_response("**/log/new?*"):
        tab.goto(ground.at("/log?action=list_staff"))
    tab.evaluate(HIDE, True)  # noqa: FBT003 - what the page is told
    asked.clear()
    ground.call("list_staff", {"limit": 1})
    tab.wait_for_timeout(2_500)  # longer than it waits between two looks at first
    assert asked == []
    tab.evaluate(HIDE, False)  # noqa: FBT003 - the same
    expect(tab.locator(LINE)).to_have_count(1)


def test_it_says_that_nobody_answers_and_goes_on(ground: Ground, chromium: Chromium) -> None:
    """It asks again, later and later, and nothing is missed."""
    tab = chromium.tab(ground, "viewer")
    tab.goto(ground.at("/log?action=list_estimates"))
    tab.route("**/log/new?*", lambda route: route.fulfill(status=503))
    expect(tab.locator("[data-live-said]")).to_contain_text("looking again in")
    tab.unroute("**/log/new?*")
    ground.call("list_estimates", {"limit": 1})
    expect(tab.locator(LINE)).to_have_count(1, timeout=15_000)


def test_it_ends_with_the_session(ground: Ground, chromium: Chromium) -> None:
    """The page says so, and asks no more."""
    tab = chromium.tab(ground, "viewer")
    tab.goto(ground.at("/log"))
    tab.context.clear_cookies()
    expect(tab.locator("[data-live-said]")).to_contain_text("You are signed out.", timeout=15_000)
    expect(tab.get_by_role("button", name="Live")).to_be_hidden()


def test_a_verification_shows_its_end_by_itself(ground: Ground, chromium: Chromium) -> None:
    """Nothing is pressed but its beginning."""
    tab = chromium.tab(ground, "admin")
    tab.goto(ground.at("/log/verify"))
    tab.get_by_role("button", name="Verify the log now").click()
    expect(tab.get_by_role("heading", name="The log is whole")).to_be_visible(timeout=15_000)


@pytest.mark.requirement("console.log")
def test_without_a_script_all_of_it_works(ground: Ground, chromium: Chromium) -> None:
    """Choose, page, look again, open what is sealed, search, verify."""
    tab = chromium.tab(ground, "admin", script=False)
    tab.goto(ground.at("/log"))
    assert tab.get_by_role("button", name="Live").count() == 0
    expect(tab.locator("time").first).to_contain_text("UTC")
    tab.get_by_label("Action").fill("list_clients")
    tab.get_by_role("button", name="Show", exact=True).click()
    assert tab.url == ground.at("/log?action=list_clients")
    tab.get_by_role("link", name="Look for newer ones").click()
    tab.locator(LINE).first.get_by_role("link").click()
    tab.get_by_role("button", name="Show what is sealed").click()
    expect(tab.get_by_label("Prompt")).to_have_text(PROMPT)
    tab.goto(ground.at("/log/search"))
    tab.get_by_label("Text").fill("do the books")
    tab.get_by_role("button", name="Search").click()
    expect(tab.locator(LINE).first).to_contain_text(PROMPT)
    tab.goto(ground.at("/log/verify"))
    tab.get_by_role("button", name="Verify the log now").click()
    look_again(tab)
    expect(tab.get_by_role("heading", name="The log is whole")).to_be_visible()


@pytest.mark.requirement("console.log", "console.usage", "console.verify")
def test_every_page_can_be_read_by_all(ground: Ground, chromium: Chromium) -> None:
    """No grave fault for a screen reader, and nothing wider than the screen."""
    tab = chromium.tab(ground, "admin", dark=True, width=390)
    entry = ground.connector.log.page().entries[0].id
    for path in ("/log", f"/log/{entry}", "/log/verify", "/log/search", "/usage", "/log?since=x"):
        tab.goto(ground.at(path))
        assert grave_faults(tab) == [], path
        assert overflow(tab) == 0, path
