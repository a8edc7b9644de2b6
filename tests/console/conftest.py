"""Gives the tests of the console a browser, one for each module that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.chromium import Chromium, started


@pytest.fixture(scope="module")
def _browser() -> Iterator[Chromium]:
    """A browser, shared by the tests of a module."""
    with started() as chromium:
        yield chromium


@pytest.fixture
def chromium(_browser: Chromium) -> Iterator[Chromium]:
    """The browser, with tabs that end with the test; a page that complained fails it."""
    _browser.complaints.clear()
    yield _browser
    _browser.close_tabs()
    assert _browser.complaints == []
