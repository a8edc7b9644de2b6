"""Proves that the faults of arguments are told at once, in words, and without their values."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector import ArgumentFault, Call, load_manifest
from clientary_connector.call.arguments import Arguments, expected, identity_faults
from tests.connector.engine.ground import ALMANAC

pytestmark = pytest.mark.requirement("engine.arguments")

MANIFEST = load_manifest()
SKY = load_manifest(ALMANAC)


def faults(action: str, arguments: Any) -> dict[str, str]:  # noqa: ANN401 - any arguments
    """Returns the faults of arguments by path."""
    found = Arguments(MANIFEST.actions[action].input).faults(arguments)
    return {fault.path: f"{fault.expected} {fault.hint}".strip() for fault in found}


@pytest.mark.parametrize("action", sorted(MANIFEST.actions))
def test_the_example_of_each_action_can_be_used(action: str) -> None:
    """What the manifest shows passes its own check."""
    assert faults(action, dict(MANIFEST.actions[action].example)) == {}


def test_all_faults_are_told_at_once() -> None:
    """Each with its path and what was expected; an unknown name with its nearest."""
    found = faults(
        "create_invoice",
        {
            "date": "tomorrow",
            "currency_codee": "EUR",
            "invoice_items_attributes": [{"title": "x", "quantity": "many", "price": 1}],
        },
    )
    assert found["$.date"] == "a date as YYYY-MM-DD"
    assert found["$.currency_codee"] == "no such argument Did you mean currency_code?"
    assert found["$.due_date"].endswith("It is required.")
    assert "$.currency_code" in found
    assert found["$.invoice_items_attributes[0].quantity"].startswith("a decimal number")


def test_no_fault_repeats_a_value() -> None:
    """What was given may be secret, so only names and schemas are spoken of."""
    canary = "s3cret-canary"
    arguments = {"name": [canary], "status": canary, "number": {"deep": canary}, canary: canary}
    found = Arguments(MANIFEST.actions["update_client"].input).faults(arguments)
    assert len(found) >= 3
    assert canary not in str(found)


def test_an_unknown_name_far_from_all_others_lists_what_is_known() -> None:
    """Without a near name, the known ones are named."""
    assert faults("get_client", {"id": 1, "zzzzzz": 1}) == {
        "$.zzzzzz": "no such argument Known here: id, fields."
    }


@pytest.mark.parametrize(
    ("value", "path", "meaning"),
    [
        (object(), "$.name", "a JSON value"),
        (float("nan"), "$.name", "a JSON value"),
        (Decimal("Infinity"), "$.name", "a JSON value"),
        ("\ud800", "$.name", "text that UTF-8 can hold"),
        ({"a": {1: 2}}, "$.name.a", "names that are text"),
        ([b"x"], "$.name[0]", "a JSON value"),
    ],
)
def test_what_json_cannot_hold_is_a_fault(value: object, path: str, meaning: str) -> None:
    """Python values that are no JSON are refused by path."""
    found = faults("create_client", {"name": value, "description": object()})
    assert found[path] == meaning


def test_endless_nesting_is_a_fault_and_no_crash() -> None:
    """A value that holds itself is refused."""
    loop: list[object] = []
    loop.append(loop)
    assert "fewer levels" in " ".join(faults("create_client", {"name": loop}).values())


def test_what_json_cannot_hold_is_found_where_no_schema_looks() -> None:
    """A free-form field lets any JSON through, and nothing else."""
    open_schema = {"type": "object", "properties": {"free": {"type": "object"}}}
    (fault,) = Arguments(open_schema).faults({"free": {"a": float("inf")}})
    assert fault == ArgumentFault(path="$.free.a", expected="a JSON value")


@given(
    st.dictionaries(
        st.text(max_size=8), st.none() | st.booleans() | st.text() | st.floats() | st.integers()
    )
)
def test_no_arguments_can_make_the_check_raise(arguments: dict[str, object]) -> None:
    """Whatever is given, faults come of it or none."""
    for fault in Arguments(MANIFEST.actions["create_invoice"].input).faults(arguments):
        assert fault.path.startswith("$")


@pytest.mark.parametrize(
    "field", ["action", "connection", "user", "persona", "prompt", "operation"]
)
@pytest.mark.parametrize("value", ["", "  ", None, 7, "\ud800"])
def test_a_call_must_say_who_why_and_through_what(field: str, value: object) -> None:
    """Each missing part is a fault of its own."""
    whole: dict[str, Any] = dict.fromkeys(
        ("action", "connection", "user", "persona", "prompt"), "x"
    )
    assert identity_faults(Call(**whole)) == ()
    (fault,) = identity_faults(replace(Call(**whole), **cast("dict[str, Any]", {field: value})))
    assert fault.path == f"$.{field}"


def test_an_identity_is_short_and_shown_in_one_line() -> None:
    """Ids of more than 256 signs, or with line breaks, are refused; a prompt may be long."""
    whole: dict[str, Any] = {
        "action": "x",
        "connection": "x",
        "persona": "x",
        "prompt": "long\n" * 1000,
    }
    assert identity_faults(Call(user="u" * 257, **whole))
    assert identity_faults(Call(user="u\nv", **whole))
    assert identity_faults(Call(user="u" * 256, **whole)) == ()


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"const": True}, "True"),
        ({"enum": ["a", 1]}, "one of a, 1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "a string or null"),
        ({"type": "array", "minItems": 1, "uniqueItems": True},
         "a list, 1 items or more, none of them twice"),
        ({"type": ["integer", "null"], "minimum": 1, "maximum": 9},
         "a whole number or null, at least 1, at most 9"),
        ({}, "another value"),
        ({"type": "object", "anyOf": [{"required": ["id"]}, {"required": ["a", "b"]}]},
         "an object with id, or with a and b"),
    ],
)  # fmt: skip
def test_what_is_expected_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    """The words come from the schema alone."""
    assert expected(schema) == words


def test_faults_are_data() -> None:
    """A fault can be written as JSON."""
    fault = ArgumentFault(path="$.a", expected="x", hint="y")
    assert fault.to_json() == {"path": "$.a", "expected": "x", "hint": "y"}
    assert Arguments(SKY.actions["update_event"].input).faults({"id": 1})[0].path == "$"
