"""The admin's pages in a real browser: read by eye, keyboard and screen reader, at any width."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page as Tab

from clientary_connector import Terms
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.rehearsal import Rehearsal
from tests.connector.oauth.provider_app import Client, Far
from tests.connector.oauth.stage import description
from tests.console.chromium import Chromium, grave_faults, overflow
from tests.console.ground import Ground, stage

pytestmark = [pytest.mark.slow, pytest.mark.requirement("console.frame")]

WIDTHS = (390, 1280)
FULL = Terms(
    scopes=("*:read", "invoices:*", "clients:*"),
    allow=("create_lead",),
    deny=("update_invoice",),
    conditions=('for invoices:send: recipients all endswith "@example.com"',),
    approve="above 500",
    approve_for=(("clients:write", "always"),),
    budget=5000,
    rate=60,
    expires_at="2099-12-31",
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection, a grant that says much, and an approval that waits."""
    provider = description(Far(Client(None, ""), url="http://127.0.0.1:9"))
    rehearsal = Rehearsal()
    with stage(
        tmp_path_factory.mktemp("admin"),
        make=lambda one: console(one, rehearsal=rehearsal, providers=[provider]),
    ) as made:
        made.join()
        made.connector.grant("bookkeeper", "books", terms=FULL, user="maria")
        yield made
    rehearsal.close()


@pytest.fixture(scope="module")
def pages(ground: Ground) -> dict[str, str]:
    """Where each page is."""
    one = f"/connections/{ground.connector.connection('books').id}"
    client = next(iter(ground.sandbox.sandbox.state.clients)).id
    waits = ground.call("delete_client", {"id": client}).error
    token = ground.connector.tokens.for_admin(role="viewer", user="maria").token.id
    assert waits is not None
    return {
        "connect": "/connect",
        "authorize": "/authorize/0",
        "connection": one,
        "grant": f"{one}/grant?persona=bookkeeper",
        "form": f"{one}/grant/edit?persona=bookkeeper",
        "end": f"{one}/grant/end?persona=bookkeeper",
        "rotate": f"{one}/rotate",
        "revoke": f"{one}/revoke",
        "tokens": "/tokens",
        "token end": f"/tokens/{token}/revoke",
        "approvals": "/approvals",
        "approval": f"/approvals/{waits.approval}",
    }


def check(tab: Tab, name: str) -> None:
    """Looks at a page as those do who cannot see it all, or not well."""
    assert (name, grave_faults(tab)) == (name, [])
    assert (name, overflow(tab)) == (name, 0)


@pytest.mark.parametrize("dark", [False, True])
def test_every_page_is_readable_for_everybody(
    ground: Ground, chromium: Chromium, pages: dict[str, str], *, dark: bool
) -> None:
    """Light on a wide screen, dark on a phone: no grave finding, nothing beside the window."""
    tab = chromium.tab(ground, "admin", dark=dark, width=WIDTHS[0] if dark else WIDTHS[1])
    for name, path in pages.items():
        tab.goto(ground.at(path))
        check(tab, name)
    # A page of less than a hundred kilobytes, the form with all 57 actions too.
    tab.goto(ground.at(pages["form"]))
    assert len(tab.content()) < 100_000


def test_what_follows_a_form_is_readable_too(
    ground: Ground, chromium: Chromium, pages: dict[str, str]
) -> None:
    """Faults beside their fields, a difference, a rotation, what somebody else has changed."""
    tab = chromium.tab(ground, "admin", width=390)
    tab.goto(ground.at("/connect"))
    tab.fill("#name", "no spaces")
    tab.fill("#key", "short")
    tab.click("text=Test and connect")
    check(tab, "connect with faults")
    assert tab.input_value("#key") == ""
    tab.goto(ground.at(pages["form"]))
    tab.fill("#condition-1", "client_id in")
    tab.click("text=Show what this changes")
    check(tab, "grant with faults")
    tab.fill("#condition-1", "")
    tab.uncheck('input[value="clients:*"]')
    tab.click("text=Show what this changes")
    check(tab, "difference")
    ground.connector.grant("bookkeeper", "books", terms=FULL, user="heidi")
    tab.click("text=Save it")
    check(tab, "changed meanwhile")
    tab.goto(ground.at(pages["rotate"]))
    tab.fill("#key", "canary-wrong-0123456789-abcdef")
    tab.click("text=Test it and bring it into use")
    check(tab, "rotation")


def test_the_way_from_connecting_to_revoking_needs_no_script(
    ground: Ground, chromium: Chromium
) -> None:
    """A browser without JavaScript, by keyboard where a person would use it."""
    tab = chromium.tab(ground, "admin", script=False)
    tab.goto(ground.at("/connect"))
    tab.click("text=Connect the simulated account")
    assert "This account is simulated." in tab.inner_text("main")
    tab.click("text=Grant a persona")
    tab.fill("#persona", "assistant")
    tab.check('input[value="clients:read"]')
    tab.press("#persona", "Enter")
    assert "+ get_client" in tab.inner_text("main")
    tab.click("text=Save it")
    assert "The grant of assistant was saved: 2 actions." in tab.inner_text("main")
    tab.click("text=Revoke")
    tab.fill("#name", "sandbox")
    tab.press("#name", "Enter")
    assert "sandbox is revoked" in tab.inner_text("main")
