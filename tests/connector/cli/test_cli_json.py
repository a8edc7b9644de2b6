"""Proves how JSON from a person is read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from clientary_connector.frontends.jsontext import JsonTextError, parse_json, parse_object

pytestmark = pytest.mark.requirement("cli.json")


def test_numbers_are_exact_and_a_byte_order_mark_is_no_fault() -> None:
    """A fraction keeps its digits; a mark that some editors write is passed over."""
    found = parse_object(b'\xef\xbb\xbf{"price": 125.00, "count": 3, "name": "\xc3\x9c"}')
    assert found == {"price": Decimal("125.00"), "count": 3, "name": "Ü"}
    assert str(found["price"]) == "125.00"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1,\n "b": }', "line 2, column 7"),
        (b'{"a": "\xff"}', "bad UTF-8 at line 1, byte 8"),
        (b'{\n\n"\xff"}', "bad UTF-8 at line 3, byte 2"),
        (b'{"a": 1, "a": 2}', "names a key twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"[" * 200_000, "nested too deeply"),
        (b"9" * 5000, "too many digits"),
        (b"", "line 1, column 1"),
    ],
)
def test_a_fault_is_named_by_its_place_and_never_quoted(data: bytes, message: str) -> None:
    """The message says where to look; the text itself may hold what is nobody's business."""
    with pytest.raises(JsonTextError, match=message) as caught:
        parse_json(data)
    assert caught.value.__cause__ is None
    assert len(str(caught.value)) < 100


def test_only_an_object_can_hold_arguments() -> None:
    """A list is JSON, but no set of named arguments."""
    with pytest.raises(JsonTextError, match="expected an object"):
        parse_object(b"[1]")
