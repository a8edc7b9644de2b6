"""Proves that pages stay light: all of them, and those of the log whatever stands in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from clientary_connector.call.idtext import MAX_ID_CHARS
from clientary_connector.frontends.console.pages.log import LINES
from clientary_connector.frontends.console.views.usage import MOST_ROWS
from tests.console.ground import PERSONA, Ground, stage

pytestmark = pytest.mark.requirement("console.weight")

#: With its style, scripts and picture, and without any compression.
MOST_BYTES: Final = 100 * 1024


def weight(ground: Ground, path: str) -> int:
    """Returns the bytes of a page and of all that it is drawn with."""
    page = ground.browser("admin").open(path)
    assert page.status == 200
    files = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.html))
    assert len(files) >= 3
    browser = page.browser
    return len(page.response.content) + sum(
        len(browser.open(one).response.content) for one in files
    )


def test_full_pages_are_light(tmp_path: Path) -> None:
    """A list of as many lines as fit, by names as long as can be; a table of as many rows."""
    with stage(tmp_path) as ground:
        ground.join()
        for number in range(max(LINES, MOST_ROWS) + 5):
            name = f"{number:03}".ljust(MAX_ID_CHARS // 2, "x")
            ground.call("list_clients", {"limit": 1}, user=name)
        for path in ("/log", "/usage"):
            assert weight(ground, path) <= MOST_BYTES, path


def test_every_page_is_light(tmp_path: Path) -> None:
    """Those of the navigation, and what they lead to."""
    with stage(tmp_path) as ground:
        ground.join()
        asked = ground.call("delete_client", {"id": 1}, persona="another")
        one = ground.connector.connection("books").id
        under = f"/connections/{one}"
        for path in (
            *("/", "/connect", "/approvals", "/actions", "/log", "/usage", "/tokens"),
            *(under, f"{under}/grant?persona={PERSONA}", f"{under}/grant/edit?persona={PERSONA}"),
            *(f"{under}/rotate", f"{under}/revoke", f"/log/{asked.log_id}", "/log/verify"),
            *("/log/search", "/actions/create_invoice", "/actions/create_invoice/try"),
        ):
            assert weight(ground, path) <= MOST_BYTES, path
