"""An admin's whole day at the console, in a real browser: with a script, and without one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from starlette.applications import Starlette

from clientary_connector import Connector, Outcome, Result, Settings
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.rehearsal import Rehearsal
from tests.console.chromium import Chromium, look_again
from tests.console.ground import NAME, PERSONA, PROMPT, Ground, stage

pytestmark = [pytest.mark.requirement("console.day"), pytest.mark.slow]

LINE = "tbody tr[data-entry]"


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console over a vault in which nothing is yet."""

    def made(connector: Connector) -> Starlette:
        return console(connector, rehearsal=Rehearsal())

    # The old key may be asked about at once: calls that were sent with it are over.
    settings = Settings(rotation_overlap_s=0)
    with stage(tmp_path_factory.mktemp("day"), settings=settings, make=made) as ready:
        yield ready


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without one"])
def test_an_admin_connects_grants_watches_approves_rotates_revokes_and_verifies(
    ground: Ground, chromium: Chromium, *, script: bool
) -> None:
    """Everything by what stands on the pages; what the persona gets follows it at once."""
    tab = chromium.tab(ground, "admin", script=script)
    connect(tab, ground)
    grant(tab)
    client = watch(tab, ground, script=script)
    approve(tab, ground, client)
    rotate(tab, ground)
    revoke(tab, ground)
    verify(tab, script=script)


def connect(tab: Page, ground: Ground) -> None:
    """A wrong key first: nothing typed is lost but the key, and nothing is saved."""
    tab.get_by_role("navigation").get_by_role("link", name="Connect").click()
    fill(tab, ground, key="wrong-0123456789-abcdefgh")
    assert ground.connector.connections() == ()
    expect(tab.get_by_role("textbox", name="Name")).to_have_value(NAME)
    expect(tab.get_by_role("textbox", name="API key")).to_have_value("")
    fill(tab, ground, key=ground.sandbox.key)
    expect(tab.get_by_role("heading", level=1)).to_contain_text(NAME)
    assert ground.sandbox.key not in tab.content()


def fill(tab: Page, ground: Ground, *, key: str) -> None:
    """Fills the form of a connection, and sends it."""
    tab.get_by_role("textbox", name="Name").fill(NAME)
    tab.get_by_role("textbox", name="API key").fill(key)
    address = tab.get_by_label("Address of a simulated account")
    if not address.is_visible():
        tab.locator("summary", has_text="More").click()
    address.fill(ground.sandbox.url)
    tab.get_by_role("button", name="Test and connect").click()


def grant(tab: Page) -> None:
    """What it means is shown first, and saved then."""
    tab.get_by_role("link", name="Grant a persona").click()
    tab.get_by_role("textbox", name="Persona").fill(PERSONA)
    tab.get_by_role("checkbox", name="clients: all").check()
    tab.get_by_role("button", name="Show what this changes").click()
    expect(tab.get_by_text("Nothing is saved yet.")).to_be_visible()
    tab.get_by_role("button", name="Save it").click()
    expect(tab.get_by_role("heading", name=re.compile(PERSONA))).to_be_visible()


def watch(tab: Page, ground: Ground, *, script: bool) -> int:
    """A call appears by itself, or where somebody looks again; returns a client of the account."""
    tab.goto(ground.at("/log?kind=call"))
    called = ground.call("list_clients", {"limit": 1})
    assert called.outcome is Outcome.SUCCEEDED
    if not script:
        tab.get_by_role("link", name="Look for newer ones").click()
    expect(tab.locator(LINE).first).to_contain_text("list_clients")
    return int(called.data[0]["id"])


def approve(tab: Page, ground: Ground, client: int) -> None:
    """A deletion waits; the page shows what goes with it, and a yes lets it happen once."""
    assert refused(delete(ground, client)) == "approval_required"
    tab.get_by_role("navigation").get_by_role("link", name="Approvals").click()
    tab.get_by_role("link", name=re.compile("delete_client|Delete")).first.click()
    expect(tab.get_by_text(PROMPT)).to_be_visible()
    expect(tab.get_by_label("Method, address and headers")).to_contain_text("DELETE")
    expect(tab.get_by_role("heading", name="What goes with it, counted now")).to_be_visible()
    tab.get_by_role("textbox", name="Note").fill("Agreed on the phone.")
    tab.get_by_role("button", name="Approve, once").click()
    assert delete(ground, client).outcome is Outcome.SUCCEEDED
    assert refused(delete(ground, client)) == "approval_required"


def delete(ground: Ground, client: int) -> Result:
    """Asks for the deletion of a client."""
    return ground.call("delete_client", {"id": client})


def rotate(tab: Page, ground: Ground) -> None:
    """The new key is tested and comes into use; the old one goes once it is dead."""
    old, new = ground.sandbox.key, ground.sandbox.sandbox.add_key()
    tab.get_by_role("navigation").get_by_role("link", name="Overview").click()
    tab.get_by_role("link", name=NAME, exact=True).first.click()
    tab.get_by_role("link", name="Rotate the key").click()
    tab.get_by_role("textbox", name="New API key").fill(new)
    tab.get_by_role("button", name="Test it and bring it into use").click()
    expect(tab.get_by_role("heading", name="The new key is in use")).to_be_visible()
    ground.sandbox.sandbox.revoke_key(old)
    tab.get_by_role("button", name="Check that the old key no longer works").click()
    expect(tab.get_by_role("heading", name="The old key no longer works")).to_be_visible()
    assert ground.call("list_clients", {"limit": 1}).outcome is Outcome.SUCCEEDED


def revoke(tab: Page, ground: Ground) -> None:
    """It has to be meant, says what it does, and the next call is refused."""
    tab.goto(ground.at(f"/connections/{ground.connector.connection(NAME).id}"))
    tab.get_by_role("link", name="Revoke", exact=True).click()
    tab.get_by_label(f"Type {NAME}").fill("something else")
    tab.get_by_role("button", name="Revoke it").click()
    assert ground.connector.connection(NAME).active
    tab.get_by_label(f"Type {NAME}").fill(NAME)
    tab.get_by_label("Reason").fill("The day is over.")
    tab.get_by_role("button", name="Revoke it").click()
    expect(tab.get_by_role("main")).to_contain_text("revoked")
    assert refused(ground.call("list_clients", {"limit": 1})) == "revoked"


def verify(tab: Page, *, script: bool) -> None:
    """The log of the day is whole: said by itself, or once somebody looks again."""
    tab.get_by_role("navigation").get_by_role("link", name="Log").click()
    tab.get_by_role("link", name="Verify the log").click()
    tab.get_by_role("button", name="Verify the log now").click()
    if not script:
        look_again(tab)
    expect(tab.get_by_role("heading", name="The log is whole")).to_be_visible(timeout=15_000)


def refused(result: Result) -> str:
    """Returns why a call was refused."""
    assert result.outcome is Outcome.REFUSED
    assert result.error is not None
    return str(result.error.kind)
