"""Takes pictures of every page of the console: `python -m tests.console.screenshots`.

Without a folder it writes the two of the README; with one, every page there, light and dark, on a
wide screen and on a phone, to be looked at. The account is the simulated one, and what stands in
the log was called while the pictures were prepared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page
from starlette.applications import Starlette

from clientary_connector import Connector, Terms
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.rehearsal import Rehearsal
from tests.console.chromium import Chromium, started
from tests.console.ground import NAME, PERSONA, Ground, stage

PICTURES: Final = Path(__file__).parents[2] / "pictures"
#: The pictures of the README, each of the top of a page.
README: Final = {"console-overview": "overview", "console-grants": "connection"}
DARK: Final = frozenset({"console-grants"})
WIDTHS: Final = {"wide": 1280, "phone": 390}
PERSONAS: Final = {"planner": ("projects:*", "tasks:*", "hours:read"), "reader": ("*:read",)}


@dataclass(frozen=True, slots=True)
class Shot:
    """A page to be taken."""

    name: str
    path: str
    #: What is done on it first.
    first: Callable[[Page], None] | None = None


def main(arguments: list[str]) -> int:
    """Takes the pictures; the status is 1 where there is no browser."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, help="where every page goes")
    folder: Path | None = parser.parse_args(arguments).folder
    try:
        with tempfile.TemporaryDirectory() as place, started() as chromium:
            _take(Path(place), chromium, folder)
    except pytest.skip.Exception as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - a command's own word
        return 1
    return 0


def _take(place: Path, chromium: Chromium, folder: Path | None) -> None:
    with stage(place, make=_made) as ground:
        shots = list(_prepared(ground))
        if folder is None:
            _for_readme(ground, chromium, {shot.name: shot for shot in shots})
        else:
            folder.mkdir(parents=True, exist_ok=True)
            _all(ground, chromium, shots, folder)


def _made(connector: Connector) -> Starlette:
    return console(connector, rehearsal=Rehearsal())


def _prepared(ground: Ground) -> Iterator[Shot]:
    """Fills the vault with what an account has after some days, and names the pages."""
    ground.join(scopes=("clients:*", "invoices:*", "expenses:*", "payments:read"))
    terms = Terms(scopes=("clients:*", "invoices:*", "expenses:*", "payments:read"), budget=2000)
    ground.connector.grants.give(PERSONA, NAME, terms, user="maria")
    for persona, scopes in PERSONAS.items():
        ground.connector.grants.give(persona, NAME, Terms(scopes=scopes), user="maria")
    ground.connector.budgets.set("account", "", 5000, user="maria")
    client = ground.call("list_clients", {"limit": 3}).data[0]["id"]
    for action in ("list_projects", "list_tasks", "list_projects"):
        ground.call(action, {"limit": 2}, persona="planner", prompt="What is open this week?")
    ground.call("get_client", {"id": client})
    ground.call("get_invoice", {"id": 1}, prompt="Has invoice 1 been paid?")
    ground.call("create_client", {"name": "Ground floor"}, persona="reader")
    asked = ground.call("delete_client", {"id": client}, prompt="Remove the test client.")
    assert asked.error is not None
    one = ground.connector.connection(NAME).id
    yield Shot("overview", "/")
    yield Shot("connect", "/connect")
    yield Shot("connection", f"/connections/{one}")
    yield Shot("grant", f"/connections/{one}/grant?persona={PERSONA}")
    yield Shot("grant-edit", f"/connections/{one}/grant/edit?persona={PERSONA}")
    yield Shot("rotate", f"/connections/{one}/rotate")
    yield Shot("revoke", f"/connections/{one}/revoke")
    yield Shot("approvals", "/approvals")
    yield Shot("approval", f"/approvals/{asked.error.approval}")
    yield Shot("actions", "/actions")
    yield Shot("action", "/actions/create_invoice")
    yield Shot("try", f"/actions/create_invoice/try?persona={PERSONA}&connection={NAME}")
    yield Shot("log", "/log")
    yield Shot("entry", f"/log/{asked.log_id}", _opened)
    yield Shot("verify", "/log/verify", _verified)
    yield Shot("search", "/log/search")
    yield Shot("usage", "/usage")
    yield Shot("tokens", "/tokens")
    yield Shot("token-made", "/tokens", _minted)
    yield Shot("missing", "/nowhere")


def _opened(tab: Page) -> None:
    tab.get_by_role("button", name="Show what is sealed").click()


def _minted(tab: Page) -> None:
    tab.get_by_label("Persona").fill(PERSONA)
    tab.get_by_role("button", name="Make a token for MCP").click()


def _verified(tab: Page) -> None:
    tab.get_by_role("button", name="Verify the log now").click()
    tab.get_by_role("heading", name="The log is whole").wait_for()


def _for_readme(ground: Ground, chromium: Chromium, shots: dict[str, Shot]) -> None:
    PICTURES.mkdir(exist_ok=True)
    for name, page in README.items():
        tab = chromium.tab(ground, "admin", dark=name in DARK)
        tab.goto(ground.at(shots[page].path))
        tab.screenshot(path=PICTURES / f"{name}.png")
        chromium.close_tabs()


def _all(ground: Ground, chromium: Chromium, shots: list[Shot], folder: Path) -> None:
    for (size, width), dark in product(WIDTHS.items(), (False, True)):
        tab = chromium.tab(ground, "admin", dark=dark, width=width)
        for shot in shots:
            tab.goto(ground.at(shot.path))
            if shot.first is not None:
                shot.first(tab)
            kind = f"{size}-{'dark' if dark else 'light'}"
            tab.screenshot(path=folder / f"{shot.name}-{kind}.png", full_page=True)
        chromium.close_tabs()
    out = chromium.tab(ground)
    out.goto(ground.at("/"))
    out.screenshot(path=folder / "sign-in-wide-light.png", full_page=True)
    chromium.close_tabs()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
