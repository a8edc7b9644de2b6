"""Drives a real browser over a console: Chromium, started once for a module of tests.

    def test_x(ground: Ground, chromium: Chromium) -> None:
        tab = chromium.tab(ground, "admin")          # script=False, dark=True, width=390
        tab.goto(ground.at("/connect"))

What a page asks for that it must not have is noted, and `Chromium.tab` fails the test for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from clientary_connector.people import Person, Role
from tests.console.ground import USER, Ground

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
#: What axe calls grave; the lesser ones are looked at by people.
GRAVE: Final = frozenset({"serious", "critical"})
HEIGHT: Final = 900
#: The library is a script for the page; the package brings it.
AXE: Final = files("axe_playwright_python") / "axe.min.js"


@dataclass(slots=True)
class Chromium:
    """A browser in which each test opens tabs of its own."""

    browser: Browser
    #: What pages have complained of: a breach of the content policy, an error of a script.
    complaints: list[str] = field(default_factory=list[str])
    _contexts: list[BrowserContext] = field(default_factory=list[BrowserContext])

    def tab(  # noqa: PLR0913 - how a reader may be set up, all by name
        self,
        ground: Ground,
        role: Role | str | None = None,
        *,
        name: str = USER,
        script: bool = True,
        dark: bool = False,
        width: int = 1280,
    ) -> Page:
        """Opens a tab; with a role it is signed in, by a one-time link."""
        context = self.browser.new_context(
            java_script_enabled=script,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": HEIGHT},
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: self._hear(message))  # noqa: PLW0108 - the library writes to what owns a method
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        if role is not None:
            token = ground.desk.links.make(Person(name, Role(role)))
            tab.goto(f"{ground.url}{ground.root}/sign-in/{token}")
        return tab

    def close_tabs(self) -> None:
        """Closes the tabs of a test."""
        for context in self._contexts:
            context.close()
        self._contexts.clear()

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that answers 4xx is reported too; tests look at the status themselves.
        if message.type == "error" and "the server responded with a status" not in message.text:
            self.complaints.append(message.text)


@contextmanager
def started() -> Generator[Chromium]:
    """Starts the browser, or skips and says why."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("No Chromium is on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            # Whoever runs tests in a container is root there, and its kernel lends no sandbox.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield Chromium(browser)
        finally:
            browser.close()


def grave_faults(tab: Page) -> list[str]:
    """Returns what axe finds on a page that keeps people from reading or using it."""
    tab.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = tab.evaluate("axe.run({resultTypes: ['violations']})")
    violations: list[dict[str, Any]] = found["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in violations
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def overflow(tab: Page) -> int:
    """Returns by how many pixels a page is wider than its window."""
    width: int = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def look_again(tab: Page) -> None:
    """Presses Look again for as long as a page without a script offers it."""
    link = tab.get_by_role("link", name="Look again")
    while link.count():
        # Counted before the next page is there, the link is one that has gone when it is pressed.
        with tab.expect_navigation():
            link.click()
