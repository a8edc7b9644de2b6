"""Proves that the pages of the actions find them, show each in full, and say who may call what."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest

from clientary_connector import load_manifest
from tests.console.chromium import Chromium, grave_faults, overflow
from tests.console.ground import NAME, PERSONA, Ground, stage

pytestmark = pytest.mark.requirement("console.actions")

NASTY = '"><script>alert(1)</script>'
PAGE_BYTES = 100 * 1024


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A console with one account, a persona that may do all and one that only reads."""
    with stage(tmp_path_factory.mktemp("actions")) as made:
        made.join()
        made.connector.grant("reader", NAME, scopes=["clients:read"], user="ada")
        yield made


def test_all_57_are_listed_with_what_they_do(ground: Ground) -> None:
    """A viewer sees them, and is not invited to try one."""
    page = ground.browser("viewer").open("/actions")
    assert "57 of 57 actions." in page.text
    links = [link for link in page.links if "/actions/" in link]
    assert [link.rpartition("/")[2] for link in links] == list(load_manifest().actions)
    shown = ground.browser("viewer").open("/actions/get_client")
    assert not [link for link in shown.links if link.endswith("/try")]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"effect": "send"}, 1),
        ({"resource": "leads"}, 5),
        ({"text": "e-mails AN INVOICE"}, 1),
        ({"text": "delete", "resource": "clients"}, 1),
        ({"persona": "reader", "connection": NAME}, 2),
        ({"persona": PERSONA, "connection": NAME}, 57),
    ],
)
def test_they_are_narrowed_by_words_resource_effect_and_what_a_persona_may_call(
    ground: Ground, query: dict[str, str], count: int
) -> None:
    """What was chosen stays in the form."""
    page = ground.browser("viewer").open(f"/actions?{urlencode(query)}")
    assert f"{count} of 57 actions." in page.text
    fields = dict(page.form("/actions").fields)
    assert {name: fields[name] for name in query} == query


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"text": "zzz"}, "No action fits."),
        ({"persona": "nobody", "connection": NAME}, "nobody may call none of these over books."),
        ({"persona": PERSONA}, "Choose a connection, too"),
        ({"persona": PERSONA, "connection": "gone"}, "There is no connection 'gone'."),
    ],
)
def test_a_list_that_is_empty_or_cannot_be_made_says_what_to_do(
    ground: Ground, query: dict[str, str], said: str
) -> None:
    """It is a page like every other."""
    page = ground.browser("viewer").open(f"/actions?{urlencode(query)}")
    assert page.status == 200
    assert said in unescape(page.text)


def test_each_action_is_shown_in_full(ground: Ground) -> None:
    """Every argument, field and warning, in a page that stays light."""
    viewer = ground.browser("viewer")
    for action in load_manifest().actions.values():
        page = viewer.open(f"/actions/{action.id}")
        assert page.status == 200, action.id
        assert len(page.response.content) < PAGE_BYTES
        assert action.description in page.text
        assert all(name in page.text for name in action.input["properties"])
    page = viewer.open("/actions/delete_client")
    assert "It takes along, for good: projects, invoices, estimates, contacts." in page.text
    page = viewer.open("/actions/create_recurring_schedule")
    assert "action autobill moves money." in page.text


def test_an_action_that_there_is_not_is_told_with_the_nearest(ground: Ground) -> None:
    """An alias leads to the action."""
    viewer = ground.browser("viewer")
    page = viewer.open("/actions/get_clinet")
    assert page.status == 404
    assert "Did you mean get_client" in page.text
    assert viewer.open("/actions/CLIENTARY_GET_CLIENT").status == 200


def test_what_is_typed_into_the_filters_is_shown_and_never_obeyed(ground: Ground) -> None:
    """In every filter, and as the name of a persona that holds a grant."""
    ground.connector.grant(NASTY, NAME, scopes=["leads:read"], user="ada")
    names = ("text", "resource", "effect", "persona", "connection")
    for query in [{name: NASTY} for name in names] + [dict.fromkeys(names, NASTY)]:
        page = ground.browser("viewer").open(f"/actions?{urlencode(query)}")
        assert page.status == 200
        assert "<script>alert" not in page.html
    assert ground.browser("viewer").open(f"/actions/{NASTY}").status == 404


@pytest.mark.slow
@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 390)])
def test_every_page_can_be_read_by_all(
    ground: Ground, chromium: Chromium, *, dark: bool, width: int
) -> None:
    """No grave finding of axe, and nothing is wider than the screen."""
    tab = chromium.tab(ground, "admin", dark=dark, width=width)
    for path in ("/actions", "/actions/create_invoice", "/actions/update_invoice/try?example=1"):
        tab.goto(ground.at(path))
        assert grave_faults(tab) == []
        assert overflow(tab) == 0
