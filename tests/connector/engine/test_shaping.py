"""Proves that a result has the size that was asked for and stays valid JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientary_connector import Page
from clientary_connector.call.shaping import fit, pick, shortened, size_of

pytestmark = pytest.mark.requirement("engine.shaping")


def page(**facts: Any) -> Page:  # noqa: ANN401 - any facts of a page
    """Returns the first page of a list of fifty."""
    usual: dict[str, Any] = {
        "number": 1, "size": 10, "total": 50, "pages": 5, "next_page": 6, "limit": 50,
        "complete": True,
    }  # fmt: skip
    return Page(**(usual | facts))


def test_only_the_named_fields_are_kept() -> None:
    """In a record and in each of a list; a name that is nowhere is told, with its nearest."""
    record = {"id": 1, "name": "Acme", "city": "X"}
    assert pick(record, ["id", "name"]) == ({"id": 1, "name": "Acme"}, ())
    data, warnings = pick([record, "odd"], ["id", "nam"])
    assert data == [{"id": 1}, "odd"]
    assert warnings == ("No record has a field nam. Did you mean name?",)
    assert pick(record, ["zzz"])[1] == ("No record has a field zzz.",)
    assert pick([], ["anything"]) == ([], ())
    assert pick(None, ["anything"]) == (None, ())


def test_what_fits_is_not_touched() -> None:
    """Data below the cap comes through as it is."""
    assert fit([{"id": 1}], page(), most=100) == ([{"id": 1}], page(), ())


def test_a_list_keeps_what_fits_and_says_where_to_go_on() -> None:
    """The page on which the cut fell is named, so that nothing is lost."""
    data = [{"id": number, "text": "x" * 20} for number in range(50)]
    kept, cut, warnings = fit(data, page(), most=1000)
    assert kept == data[: len(kept)]
    assert size_of(kept) <= 1000
    assert cut is not None
    assert (cut.next_page, cut.complete) == (1 + len(kept) // 10, False)
    assert f"{50 - len(kept)} of 50 records were left out" in warnings[0]
    assert f"page {cut.next_page}" in warnings[0]


def test_a_list_without_pages_says_how_to_get_the_rest() -> None:
    """There is no page to name; fewer fields help."""
    unpaged = page(number=None, size=None, next_page=None)
    kept, cut, warnings = fit([{"id": n, "t": "x" * 50} for n in range(50)], unpaged, most=500)
    assert cut is not None
    assert (cut.next_page, cut.complete) == (None, False)
    assert "`fields`" in warnings[0]
    assert kept


def test_a_record_loses_its_largest_fields() -> None:
    """What is left out is named, and the id stays."""
    record = {"id": 1, "name": "Acme", "note": "x" * 5000, "items": list(range(1000))}
    kept, none, warnings = fit(record, None, most=200)
    assert (kept, none) == ({"id": 1, "name": "Acme"}, None)
    assert "note, items" in warnings[0]


@pytest.mark.parametrize(
    ("value", "begins"),
    [("x" * 5000, "xxxx"), (list(range(5000)), [0, 1, 2]), ({"a": "x" * 5000}, None)],
)
def test_one_field_that_is_too_large_alone_is_shortened(value: Any, begins: Any) -> None:  # noqa: ANN401 - any JSON value
    """A text and a list keep their beginning; an object becomes null."""
    kept, _, warnings = fit({"id": 1, "big": value}, None, most=300)
    assert size_of(kept) <= 300
    assert kept["id"] == 1
    if begins is None:
        assert kept["big"] is None
    else:
        assert kept["big"][: len(begins)] == begins
    assert warnings


def test_a_single_record_of_a_list_that_is_too_large_is_cut_down() -> None:
    """The list is never empty for want of room."""
    kept, cut, warnings = fit([{"id": 1, "big": "x" * 5000}, {"id": 2}], page(), most=300)
    assert kept[0]["id"] == 1
    assert len(kept) == 1
    assert cut is not None
    assert not cut.complete
    assert len(warnings) == 2
    kept, cut, warnings = fit([{"id": 1, "big": "x" * 5000}], page(), most=300)
    assert (cut, len(warnings)) == (page(), 1)


def test_what_is_no_record_is_shortened() -> None:
    """A text where a record should be keeps its beginning."""
    kept, _, warnings = fit("x" * 500, None, most=300)
    assert kept == "x" * 298
    assert warnings


LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=200)
NAMES = st.text(max_size=10).filter(lambda name: name != "id")
PARTS = st.recursive(LEAVES, lambda part: st.lists(part) | st.dictionaries(NAMES, part))


@settings(max_examples=40)
@given(st.dictionaries(NAMES, PARTS) | st.lists(PARTS), st.integers(256, 2000))
def test_no_result_is_larger_than_its_cap(data: dict[str, Any] | list[Any], most: int) -> None:
    """Whatever comes, a record or list, is valid JSON below it, and a cut is told."""
    kept, _, warnings = fit(data, page() if isinstance(data, list) else None, most=most)
    assert size_of(kept) <= most
    assert (json.loads(json.dumps(kept)) == data) is (warnings == ())


def test_a_text_is_cut_at_whole_signs() -> None:
    """No sign is halved, whatever it takes in UTF-8."""
    assert shortened("äöü€" * 100, 20) == "äöü€äöü€"
    assert shortened(5, 20) is None
