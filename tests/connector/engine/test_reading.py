"""Proves that answers are read by their schema, leniently, and never raise."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientary_connector import load_manifest
from clientary_connector.call.reading import Drift, kept, reader
from clientary_connector.call.redact import redactor
from tests.connector.engine.ground import ALMANAC

pytestmark = pytest.mark.requirement("engine.reading")

MANIFEST = load_manifest()
SKY = load_manifest(ALMANAC)
READERS = {name: reader(action.output) for name, action in MANIFEST.actions.items()}
EVENT = reader(SKY.actions["get_event"].output)

LEAVES = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False)
JSON = st.recursive(
    LEAVES, lambda part: st.lists(part) | st.dictionaries(st.text(max_size=12), part), max_leaves=20
)


def read(schema: dict[str, Any], value: object) -> tuple[Any, tuple[str, ...]]:
    """Returns a value as read by a schema, and the warnings."""
    drift = Drift()
    return reader(schema)(value, drift), drift.warnings(20)


@given(st.sampled_from(sorted(READERS)), JSON)
@settings(max_examples=300)
def test_no_answer_can_make_the_reading_raise(action: str, document: object) -> None:
    """Whatever comes is read, and what is read can be written as JSON."""
    drift = Drift()
    json.dumps(READERS[action](document, drift), allow_nan=True)
    assert len(drift.warnings(5)) <= 5


def test_a_record_is_read_into_our_forms() -> None:
    """Dates, numbers, names of lists and odd keys each get the form that was promised."""
    document = {
        "id": 4,
        "caption": None,
        "day": "2026/03/20",
        "kind": 20,
        "fee": Decimal("2.50"),
        "public!": True,
        "moon": {"age": Decimal("12.5")},
    }
    drift = Drift()
    assert EVENT(document, drift) == {
        "id": 4,
        "caption": None,
        "day": "2026-03-20",
        "kind": "eclipse",
        "fee": "2.50",
        "public": True,
        "moon": {"age": 12.5},
    }
    assert drift.warnings(20) == ()


@pytest.mark.parametrize(
    ("came", "is_read"),
    [(125, "125"), (Decimal("125.00"), "125.00"), ("49.99", "49.99"), (Decimal("1E+3"), "1000"),
     (Decimal("1E+99"), "1E+99"), (None, None)],
)  # fmt: skip
def test_money_keeps_its_digits(came: object, is_read: str | None) -> None:
    """Number or text, it becomes the text of the same digits."""
    assert read({"type": ["string", "null"], "format": "decimal"}, came) == (is_read, ())


@pytest.mark.parametrize(
    ("came", "is_read"),
    [
        ("2012-02-08T21:38:01-08:00", "2012-02-08T21:38:01-08:00"),
        ("2011/06/29 23:01:08 -0700", "2011-06-29T23:01:08-07:00"),
        ("2011-06-29 23:01:08 UTC", "2011-06-29T23:01:08Z"),
        ("2011-06-29T23:01:08Z", "2011-06-29T23:01:08Z"),
        ("2011/06/29 23:01:08", "2011-06-29T23:01:08"),
    ],
)
def test_moments_become_iso_8601(came: str, is_read: str) -> None:
    """Slashes, a space and a zone apart are put right."""
    assert read({"type": "string", "format": "date-time"}, came) == (is_read, ())


@pytest.mark.parametrize(
    ("schema", "came", "warning"),
    [
        ({"type": "string"}, 5, "$: a string was expected, a whole number came"),
        ({"type": "string"}, None, "$: null was not expected"),
        ({"type": "integer"}, Decimal("1.5"), "$: a whole number was expected, a number came"),
        ({"type": "integer"}, True, "$: a whole number was expected, true or false came"),
        ({"type": "string", "format": "date"}, "soon", "$: a date was expected, a string came"),
        ({"type": "string", "format": "date-time"}, "soon",
         "$: a date and time was expected, a string came"),
        ({"type": "string", "format": "date-time"}, "2011/99/29 23:01:08",
         "$: a date and time was expected, a string came"),
        ({"type": "string", "format": "decimal"}, "much",
         "$: a decimal was expected, a string came"),
        ({"type": "string", "format": "decimal"}, [],
         "$: a number or a whole number or a string was expected, a list came"),
        ({"x-enum": {"on": 1}}, 7, "$: a value that is not in the list came"),
        ({"type": "array", "items": {}}, {}, "$: a list was expected, an object came"),
        ({"type": "object", "properties": {}}, [], "$: an object was expected, a list came"),
    ],
)  # fmt: skip
def test_drift_is_noted_and_the_value_kept(
    schema: dict[str, Any], came: object, warning: str
) -> None:
    """The warning says what was expected and what came, and repeats no value."""
    value, warnings = read(schema, came)
    assert warnings == (warning,)
    assert value == (came if not isinstance(came, Decimal) else float(came))


def test_a_number_of_a_record_is_fit_for_json() -> None:
    """A fraction becomes the nearest number, or its digits where none is exact."""
    read = reader({"type": "object", "properties": {"n": {"type": "number"}}})
    seen = [read({"n": came}, Drift())["n"] for came in (2, Decimal("1.5"), Decimal("0.1"))]
    assert seen == [2, 1.5, 0.1]
    assert [type(one) for one in seen] == [int, float, float]


def test_a_missing_field_is_noted() -> None:
    """A record without what was promised says so."""
    assert read({"properties": {"id": {"type": "integer"}}, "required": ["id"]}, {}) == (
        {},
        ("$.id: missing",),
    )


def test_repeated_drift_is_told_once_with_its_count() -> None:
    """A hundred records with the same fault make one warning."""
    schema = {"type": "array", "items": {"type": "integer"}}
    assert read(schema, ["x"] * 100)[1] == (
        "$[]: a whole number was expected, a string came (100 times)",
    )


def test_warnings_are_cut_and_say_so() -> None:
    """More places than the limit are counted."""
    drift = Drift()
    for number in range(10):
        drift.note(f"$.{number}", "odd")
    assert drift.warnings(3) == ("$.0: odd", "$.1: odd", "8 more places differ")


def test_a_union_takes_each_of_its_kinds() -> None:
    """A field that may be an object or a text is read as either."""
    union = {"anyOf": [{"type": "object", "properties": {"n": {"format": "decimal"}}},
                       {"type": ["string", "null"]}]}  # fmt: skip
    assert read(union, {"n": 1}) == ({"n": "1"}, ())
    assert read(union, "text") == ("text", ())
    assert read(union, None) == (None, ())


def test_names_and_their_numbers_are_both_known() -> None:
    """The number, its text and the name itself lead to the name; null where it may be."""
    schema = {"anyOf": [{"enum": ["on"]}, {"type": ["integer", "null"]}], "x-enum": {"on": 1}}
    assert [read(schema, value) for value in (1, "1", "on", None)] == [
        ("on", ()), ("on", ()), ("on", ()), (None, ()),
    ]  # fmt: skip


def test_whole_numbers_may_come_with_a_point() -> None:
    """1.0 is 1 where a whole number is due."""
    assert read({"type": "integer"}, Decimal("1.0")) == (1, ())
    assert read({"type": ["number", "null"]}, Decimal("1.25")) == (1.25, ())


def test_numbers_that_no_schema_knows_stay_exact() -> None:
    """A number that a float cannot hold is kept as text."""
    assert kept([Decimal("0.1"), Decimal("0.1000000000000000000001"), Decimal("1E+999")]) == [
        0.1,
        "0.1000000000000000000001",
        "1E+999",
    ]


def test_sensitive_fields_are_redacted_wherever_they_stand() -> None:
    """In a record, in a list and behind a union; null and what is harmless stay."""
    one = redactor(SKY.actions["get_event"].output)
    many = redactor(SKY.actions["list_events"].output)
    assert one is not None
    assert many is not None
    secret = {"id": 1, "ticket_link": "https://x.example/opens"}
    hidden = {"id": 1, "ticket_link": "[redacted]"}
    assert one(secret) == hidden
    assert many([secret, {"ticket_link": None}, "odd"]) == [hidden, {"ticket_link": None}, "odd"]
    assert (many(None), one("odd")) == (None, "odd")
    assert redactor({"anyOf": [{"type": "null"}, {"x-sensitive": True}]}) is not None
    assert redactor(SKY.actions["delete_event"].output) is None
