"""Revoking a connection at the console: typed, told, and final."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace

import pytest

from clientary_connector import Settings
from clientary_connector.frontends.console.views.connection import address_of, left_after
from connector_vault.fence import Fence
from tests.console.ground import Ground, Page, stage

pytestmark = pytest.mark.requirement("console.revoke")


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with a connection."""
    with stage(tmp_path_factory.mktemp("revoking")) as made:
        made.join()
        yield made


def opened(ground: Ground) -> Page:
    """Opens the page on which the connection is revoked."""
    one = ground.connector.connection("books").id
    return ground.browser("admin").open(f"/connections/{one}").follow("/revoke")


def test_a_connection_is_revoked_once_its_name_is_typed(ground: Ground) -> None:
    """The page says before and after what it comes to, and no call goes through any more."""
    page = opened(ground)
    for said in ("Calls under way are stopped", "grant of bookkeeper ends", "What is still to do"):
        assert said in page.text
    done = page.send({"name": "books", "reason": "the key has leaked"}, action="/revoke")
    assert done.status == 200
    for said in ("books is revoked", "Every process has confirmed it", "1 grant closed."):
        assert said in done.text
    assert "Nothing: the account was a simulated one." in done.text
    refused = ground.call("list_staff")
    assert refused.error is not None
    assert refused.error.kind == "revoked"
    again = page.send({"name": "books"}, action="/revoke")
    assert (again.status, "was revoked before" in again.text) == (409, True)
    one = ground.connector.connection("books").id
    shown = page.browser.open(f"/connections/{one}")
    assert (shown.status, "/revoke" in "".join(shown.links)) == (200, False)


def test_another_name_revokes_nothing(ground: Ground) -> None:
    """What was typed stays, with the reason."""
    page = opened(ground).send({"name": "Books", "reason": "it leaked"}, action="/revoke")
    assert page.status == 422
    assert "Type the name of the connection: books." in html.unescape(page.html)
    assert ("reason", "it leaked") in page.form("/revoke").fields
    assert ground.connector.connection("books").active


def test_somebody_who_revoked_it_meanwhile_is_told_of(ground: Ground) -> None:
    """A form that is open when another one is sent changes nothing."""
    page = opened(ground)
    ground.run(ground.connector.revoke("books", user="heidi"))
    late = page.send({"name": "books"}, action="/revoke")
    assert (late.status, "was revoked before" in late.text) == (409, True)


def test_a_process_that_cannot_confirm_a_revoke_is_told_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """It was let out to send and has not come back: what that means is said, of a grant too."""
    folder = tmp_path_factory.mktemp("stopped")
    elsewhere = Fence(folder / "state" / "vault" / "vault.db")
    with stage(folder, settings=Settings(revoke_wait_s=0.1)) as ground:
        ground.join()
        one = ground.connector.connection("books").id
        admin = ground.browser("admin")
        with elsewhere.entered():
            ending = admin.open(f"/connections/{one}/grant/end", persona="bookkeeper")
            ended = ending.send(action="/end")
            page = admin.open(f"/connections/{one}/revoke")
            done = page.send({"name": "books"}, action="/revoke")
        elsewhere.close()
    assert "A process that is stopped could not confirm it" in ended.text
    assert "Not every process has confirmed it within 0.1 seconds." in done.text


def test_what_is_left_in_the_service_is_said_for_each_kind(ground: Ground) -> None:
    """A key has to be deleted there; a token is given back; a simulated account is nothing."""
    ground.run(ground.connector.revoke("books", user="maria"))
    simulated = ground.connector.connection("books")
    assert left_after(ground.connector, simulated) == ""
    key = replace(simulated, sandbox=None, subdomain="acme")
    assert "Delete its API key in Clientary" in left_after(ground.connector, key)
    assert "the access is taken back" in left_after(ground.connector, replace(key, kind="oauth2"))
    assert left_after(ground.connector, replace(key, state="active")) == ""
    assert address_of(ground.connector, key) == "acme.clientary.com"
