"""Proves that requests are built exactly, from data alone."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector import load_manifest
from clientary_connector.call.request import PathPartError, Request, Requests, canonical, wire
from tests.connector.engine.ground import ALMANAC

pytestmark = pytest.mark.requirement("engine.request")

MANIFEST = load_manifest()
SKY = load_manifest(ALMANAC)
MONEY = {"type": ["number", "string", "null"], "format": "decimal"}


def built(action: str, **arguments: Any) -> Request:  # noqa: ANN401 - any arguments
    """Returns the request of an action of the shipped manifest."""
    return Requests(MANIFEST.actions[action], base_path=MANIFEST.base_path).build(arguments)


def sky(action: str, **arguments: Any) -> Request:  # noqa: ANN401 - any arguments
    """Returns the request of an action of the made-up service."""
    return Requests(SKY.actions[action], base_path=SKY.base_path).build(arguments)


def test_a_record_goes_into_its_wrapper() -> None:
    """Path, method and wrapped body come from the manifest."""
    request = built("update_contact", id=7, email="a@b.example")
    assert request == Request(
        method="PUT",
        path="/api/v2/contacts/7",
        body=b'{"client_user":{"email":"a@b.example"}}',
    )


def test_a_flat_body_has_no_wrapper() -> None:
    """A message goes out as its fields are."""
    request = sky("announce_event", id=3, words="Mind the tide")
    assert (request.path, request.document) == (
        "/sky/v7/events/3/announcement",
        {"words": "Mind the tide"},
    )


def test_names_of_the_wire_are_put_in_place_of_ours() -> None:
    """What the manifest calls otherwise on the wire is sent so, in lists of records too."""
    request = built("update_invoice", id=1, invoice_items_attributes=[{"id": 5, "destroy": True}])
    assert request.document == {
        "invoice": {"invoice_items_attributes": [{"id": 5, "_destroy": True}]}
    }
    assert sky("create_event", caption="x", day="2026-01-01", public=False).document == {
        "caption": "x",
        "day": "2026-01-01",
        "public!": False,
    }


def test_names_of_a_list_go_out_as_their_numbers() -> None:
    """A name and its number make the same request, in a body and in a query."""
    assert sky("update_event", id=1, kind="eclipse") == sky("update_event", id=1, kind=20)
    assert sky("list_events", kind="tide").query == (("kind", "10"),)


def test_what_the_engine_honours_itself_is_not_sent() -> None:
    """Limit and fields stay here."""
    assert sky("list_events", leaf=2, limit=5, fields=["id"]).resource == "/sky/v7/events?leaf=2"


@pytest.mark.parametrize(
    ("given_value", "sent"),
    [(0.1, "0.1"), ("0.10", "0.10"), (Decimal("1.50"), "1.50"), (3, "3"), ("-7", "-7"),
     (1e21, "1E+21"), (123456789012345678901234567890, "123456789012345678901234567890")],
)  # fmt: skip
def test_money_goes_out_with_the_digits_that_were_given(given_value: object, sent: str) -> None:
    """No number passes through a binary fraction."""
    request = built("create_expense", amount=given_value)
    assert request.body == b'{"expense":{"amount":' + sent.encode() + b"}}"


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12
    )
)
def test_every_decimal_arrives_as_it_left(amount: Decimal) -> None:
    """Text and decimal make the same request, and it reads back to the same number."""
    as_text, as_number = wire(MONEY)(str(amount)), wire(MONEY)(amount)
    assert as_text == as_number
    body = built("create_expense", amount=amount).body
    assert body is not None
    assert json.loads(body, parse_float=Decimal)["expense"]["amount"] == amount


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9
    )
)
def test_equal_numbers_look_equal_in_the_canonical_form(amount: Decimal) -> None:
    """Trailing zeros and the kind of number make no difference."""
    spellings: list[object] = [amount, str(amount), f"{amount}0"]
    if amount == int(amount):
        spellings.append(int(amount))
    assert len({canonical(MONEY)(one) for one in spellings}) == 1


def test_a_number_of_absurd_size_keeps_its_exponent() -> None:
    """It is not written out, which could fill the memory."""
    assert canonical(MONEY)(Decimal("1E+999999")) == "1E+999999"
    assert canonical(MONEY)(None) is None


def test_canonical_arguments_are_ordered_and_numbered() -> None:
    """Order, names of lists and spelling of numbers make no difference; values do."""
    requests = Requests(SKY.actions["create_event"], base_path="")
    first = requests.canonical({"kind": "tide", "fee": "2.50", "caption": "x"})
    assert first == requests.canonical({"caption": "x", "fee": 2.5, "kind": 10})
    assert list(first) == ["caption", "fee", "kind"]
    assert first != requests.canonical({"caption": "y", "fee": 2.5, "kind": 10})


@pytest.mark.parametrize("part", ["a/b", "a?b", "a#b", "a b", "ä", "%2e%2e", "..x"])
def test_an_id_never_leaves_its_place_in_the_path(part: str) -> None:
    """Whatever stands in it is quoted."""
    path = built("get_client", id=part).path
    assert path.startswith("/api/v2/clients/")
    assert path.count("/") == 4
    assert not set("?# ") & set(path)


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_an_id_that_would_lead_upward_is_refused(part: str) -> None:
    """Dots alone are no id."""
    with pytest.raises(PathPartError) as caught:
        built("get_client", id=part)
    assert caught.value.name == "id"


def test_query_values_are_written_as_text() -> None:
    """Booleans, lists and nothing each have their form."""
    action = SKY.actions["list_events"]
    requests = Requests(action, base_path="")
    assert requests.build({"leaf": [1, True, None]}).query == (
        ("leaf", "1"),
        ("leaf", "true"),
    )
    assert wire({"properties": {"fee": MONEY}})("no object") == "no object"
    assert wire({"items": {"format": "decimal"}})("no list") == "no list"


def test_a_request_is_shown_without_its_body() -> None:
    """The body may hold what a log line should not."""
    request = built("create_client", name="Hidden Ltd")
    assert "Hidden" not in repr(request)
    assert request.to_json()["method"] == "POST"
    assert built("get_client", id=1).to_json()["body"] is None
    assert built("get_client", id=1).document is None
