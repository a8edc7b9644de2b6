"""Proves the page of tokens: who holds which, one made and shown once, one ended for good."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from clientary_connector.errors import TokenRefusedError
from clientary_connector.frontends.console.pages.paging import PAGE
from tests.console.chromium import Chromium, grave_faults
from tests.console.ground import NAME, PERSONA, Ground, Page, stage

pytestmark = pytest.mark.requirement("console.tokens")

TEXT = re.compile(r"cct_[0-9A-Za-z]{49}")
FOR_MCP = {"connection": NAME, "persona": PERSONA, "user": "dana", "days": "7"}


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection and a grant."""
    with stage(tmp_path_factory.mktemp("tokens")) as made:
        made.join()
        yield made


def make(ground: Ground, kind: str, values: Mapping[str, str]) -> Page:
    """Makes a token by the form of its kind, as ada."""
    page = ground.browser("admin", name="ada").open("/tokens")
    form = next(one for one in page.forms if ("kind", kind) in one.fields)
    kept = [(name, value) for name, value in form.fields if name not in values]
    return page.browser.post(form.action, [*kept, *values.items()])


def text_of(page: Page) -> str:
    """Returns the token that a page shows."""
    found = set(TEXT.findall(page.html))
    assert len(found) == 1
    return str(found.pop())


def test_a_token_for_mcp_is_shown_once_and_works_as_its_persona(ground: Ground) -> None:
    """It stands on that one page alone: not in the list, an address or the log."""
    page = make(ground, "mcp", FOR_MCP)
    text = text_of(page)
    assert (page.status, page.response.headers["cache-control"]) == (200, "no-store")
    token = ground.run(ground.connector.tokens.admit(text, kind="mcp"))
    assert (token.user, token.made_by, token.persona) == ("dana", "ada", PERSONA)
    assert token.connection_name == NAME
    listed = page.browser.open("/tokens")
    assert token.id in listed.text
    assert f"MCP, as {PERSONA} over {NAME}" in listed.text
    for other in (listed, page.browser.open(f"/tokens/{token.id}/revoke")):
        assert TEXT.search(other.html) is None
    assert text not in str([one.to_json() for one in ground.connector.log.export()])
    assert text not in str(page.response.url)


def test_a_token_for_the_api_opens_it_in_its_role_until_it_is_revoked(ground: Ground) -> None:
    """In the same moment; who ended it, and why, stands in the log."""
    text = text_of(make(ground, "admin", {"role": "viewer", "user": "dana"}))
    assert asked(ground, text, "/api/status").status_code == 200
    assert asked(ground, text, "/api/tokens").status_code == 403
    (token, *_) = ground.connector.tokens.all(kind="admin")
    page = ground.browser("admin", name="otto").open("/tokens").follow(f"{token.id}/revoke")
    assert "uses the admin API for dana as viewer" in page.text
    done = page.send({"reason": "it lay in a mail"}, action="/revoke")
    assert f"The token {token.id} of dana is revoked." in done.text
    assert asked(ground, text, "/api/status").status_code == 401
    (row,) = ground.connector.log.page(limit=1).entries
    assert (row.kind, row.user, row.facts["reason"]) == ("token", "otto", "it lay in a mail")
    again = page.send(action="/revoke")
    assert (again.status, "counts no more: it is revoked" in again.text) == (409, True)
    assert page.browser.open("/tokens/tok_nothing/revoke").status == 404


def test_a_token_of_a_connection_that_was_revoked_is_shown_as_ended(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """It counts no more, and nothing is left to do about it."""
    with stage(tmp_path_factory.mktemp("ended")) as ground:
        assert "Connect an account first" in ground.browser("admin").open("/tokens").text
        ground.join()
        text = text_of(make(ground, "mcp", FOR_MCP))
        ground.run(ground.connector.revoke(NAME, user="ada"))
        with pytest.raises(TokenRefusedError):
            ground.run(ground.connector.tokens.admit(text, kind="mcp"))
        page = ground.browser("admin").open("/tokens")
        assert "ended" in page.text
        assert not any(link.endswith("/revoke") for link in page.links)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("mcp", {**FOR_MCP, "connection": "none"}, "no connection"),
        ("mcp", {**FOR_MCP, "persona": " "}, "persona has no name"),
        ("mcp", {**FOR_MCP, "user": "x" * 300}, "There is no user"),
        ("mcp", {**FOR_MCP, "days": "0"}, "whole days"),
        ("mcp", {**FOR_MCP, "days": "٣"}, "whole days"),
        ("admin", {"role": "viewer", "days": "3651"}, "whole days"),
        ("admin", {"role": "owner", "user": "dana"}, "no such role"),
        ("admin", {"kind": "root"}, "no such kind"),
    ],
)
def test_what_makes_no_token_is_said_beside_its_form(
    ground: Ground, kind: str, values: Mapping[str, str], said: str
) -> None:
    """Nothing is made, and what was typed stays."""
    before = ground.connector.tokens.all()
    page = make(ground, kind, values)
    assert (page.status, said in page.text) == (422, True)
    assert ground.connector.tokens.all() == before
    if "persona" in values and values["persona"].strip():
        assert f'value="{PERSONA}"' in page.html


def test_a_token_of_a_persona_without_a_grant_says_so(ground: Ground) -> None:
    """It leads to where the grant is given; names are shown and never obeyed."""
    nasty = "<script>alert(1)</script>"
    page = make(ground, "mcp", {**FOR_MCP, "persona": nasty, "user": nasty})
    assert f"{nasty} holds no grant over {NAME}" in page.text
    assert nasty not in page.html
    assert any("/grant/edit?persona=%3Cscript" in link for link in page.links)
    listed = page.browser.open("/tokens")
    assert nasty in html.unescape(listed.text)
    assert nasty not in listed.html


def test_tokens_stand_on_pages_those_that_count_first(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """However many were ever made."""
    with stage(tmp_path_factory.mktemp("many")) as ground:
        tokens = ground.connector.tokens
        ids = [tokens.for_admin(role="viewer", user="ada").token.id for _ in range(PAGE + 2)]
        tokens.revoke(ids[-1], user="ada")
        first = ground.browser("admin").open("/tokens")
        assert first.text.count("tok_") == 2 * PAGE
        assert ids[-1] not in first.text
        second = first.follow("?skip=50")
        assert ids[-1] in second.text
        assert second.follow("?skip=0").status == 200
        assert second.browser.open("/tokens?skip=x").status == 200


@pytest.mark.slow
def test_a_new_token_is_copied_by_a_button_where_a_script_runs(
    ground: Ground, chromium: Chromium
) -> None:
    """Without one it stands in a field, and no button promises what it cannot do."""
    for script in (True, False):
        tab = chromium.tab(ground, "admin", script=script, width=390)
        tab.goto(ground.at("/tokens"))
        tab.get_by_label("Persona").fill(PERSONA)
        tab.get_by_role("button", name="Make a token for MCP").click()
        shown = tab.get_by_role("textbox", name="Token").input_value()
        assert TEXT.fullmatch(shown)
        button = tab.get_by_role("button", name="Copy it")
        assert button.is_visible() is script
        if script:
            tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
            button.click()
            tab.get_by_text("Copied.").wait_for()
            assert tab.evaluate("navigator.clipboard.readText()") == shown
            assert grave_faults(tab) == []


def asked(ground: Ground, text: str, path: str) -> httpx.Response:
    """Asks the admin API as a program does, with a token."""
    headers = {"Authorization": f"Bearer {text}"}
    return ground.browser().client.get(path, headers=headers)
