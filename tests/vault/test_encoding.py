"""Proves that no two rows of values share their bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_vault.encoding import Value, encode, json_object, json_text
from tests.vault.by_hand import by_hand

pytestmark = pytest.mark.requirement("vault.encoding")

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=40).filter(lambda text: "\ud800" not in text),
    st.binary(max_size=40),
)


@given(st.lists(VALUES, max_size=15))
def test_the_form_is_the_documented_one(values: list[Value]) -> None:
    """A second writer, made from the specification of MessagePack, gives the same bytes."""
    assert encode(*values) == by_hand(*values)


@given(st.lists(VALUES, max_size=6), st.lists(VALUES, max_size=6))
def test_other_values_have_other_bytes(one: list[Value], other: list[Value]) -> None:
    """Equal bytes mean equal values of equal types."""
    same = [(type(value), value) for value in one] == [(type(value), value) for value in other]
    assert (encode(*one) == encode(*other)) is same


@pytest.mark.requirement("threat.6")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "bc"), ("ab", "c")),
        (("a",), ("a", "")),
        (("",), (None,)),
        (("1",), (1,)),
        (("a",), (b"a",)),
        (("con_1", "op"), ("con_\u0661", "op")),
        (("admin",), ("аdmin",)),  # noqa: RUF001 - the look-alike is the point
        (("e\u0301",), ("\u00e9",)),
    ],
)
def test_splits_types_and_look_alikes_are_told_apart(
    one: tuple[Value, ...], other: tuple[Value, ...]
) -> None:
    """The classic confusions give different bytes."""
    assert encode(*one) != encode(*other)


def test_equal_objects_give_equal_json() -> None:
    """The order in which keys were set does not show."""
    assert json_text({"b": 1, "a": {"d": 2, "c": "é"}}) == '{"a":{"c":"é","d":2},"b":1}'
    assert json_object('{"b":1,"a":null}') == {"a": None, "b": 1}
