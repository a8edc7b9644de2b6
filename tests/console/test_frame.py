"""Proves in a real browser what every page shares: colours, keyboard, width, moments, messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.chromium import Chromium, grave_faults, overflow
from tests.console.ground import Ground, stage

pytestmark = [pytest.mark.requirement("console.frame"), pytest.mark.slow]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection, a grant and some calls."""
    with stage(tmp_path_factory.mktemp("frame")) as made:
        made.join()
        for _ in range(3):
            made.call("list_clients")
        yield made


@pytest.mark.parametrize("script", [True, False])
def test_colours_are_switched_with_and_without_a_script(
    ground: Ground, chromium: Chromium, *, script: bool
) -> None:
    """And kept on the next page, and given back to the system again."""
    tab = chromium.tab(ground, "viewer", script=script, dark=True)
    tab.get_by_role("button", name="Light").click()
    assert tab.locator("html").get_attribute("data-theme") == "light"
    tab.goto(ground.at("/"))
    assert tab.locator("html").get_attribute("data-theme") == "light"
    tab.get_by_role("button", name="Auto").click()
    assert tab.locator("html").get_attribute("data-theme") == "auto"


def test_the_first_key_leads_past_the_navigation(ground: Ground, chromium: Chromium) -> None:
    """To the content of the page, which has the focus then."""
    tab = chromium.tab(ground, "viewer")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_frame_and_the_overview_can_be_read_by_all(
    ground: Ground, chromium: Chromium, *, dark: bool, width: int
) -> None:
    """Axe finds nothing grave, and nothing is wider than the window."""
    tab = chromium.tab(ground, "admin", dark=dark, width=width)
    assert grave_faults(tab) == []
    assert overflow(tab) == 0
    tab.goto(ground.at("/nowhere"))
    assert grave_faults(tab) == []


def test_moments_are_shown_in_the_zone_of_the_reader(ground: Ground, chromium: Chromium) -> None:
    """The exact one stays at hand; without a script it is shown itself."""
    tab = chromium.tab(ground, "viewer")
    moment = tab.locator("time").first
    assert "UTC" not in (moment.text_content() or "")
    assert "UTC" in (moment.get_attribute("title") or "")
    plain = chromium.tab(ground, "viewer", script=False)
    assert "UTC" in (plain.locator("time").first.text_content() or "")


def test_a_page_that_breaks_the_policy_is_heard_of(ground: Ground, chromium: Chromium) -> None:
    """The ground of these tests would notice a style or a script that stands in a page."""
    tab = chromium.tab(ground, "viewer")
    tab.evaluate("document.body.setAttribute('onclick', 'window.told = 1')")
    tab.locator("h1").click()
    assert tab.evaluate("window.told") is None
    assert any("Content Security Policy" in one for one in chromium.complaints)
    chromium.complaints.clear()
