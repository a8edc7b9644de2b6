"""Proves how `-a key=value` becomes an argument."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import click
import pytest

from clientary_connector.frontends.cli.arguments import parse_arguments
from clientary_connector.frontends.schematext import type_text
from clientary_connector.manifest import load_manifest

pytestmark = pytest.mark.requirement("cli.arguments")

SCHEMA: Final[dict[str, Any]] = {
    "properties": {
        "id": {"type": "integer"},
        "owner": {"type": ["integer", "null"]},
        "number": {"type": ["string", "integer", "null"]},
        "rate": {"type": ["number", "string"], "format": "decimal"},
        "done": {"type": "boolean"},
        "status": {"type": ["string", "integer"], "enum": ["active", "archived", 1, 2]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "ids": {"type": "array", "items": {"type": "integer"}},
        "lines": {"type": "array", "items": {"type": "object"}},
        "extra": {"type": ["object", "string", "null"]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    }
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id=42", {"id": 42}),
        ("id=-1", {"id": -1}),
        ("id=four", {"id": "four"}),
        ("id=" + "9" * 5000, {"id": "9" * 5000}),
        ("id=٤٢", {"id": "٤٢"}),
        ("owner=", {"owner": None}),
        ("owner=null", {"owner": None}),
        ("owner=7", {"owner": 7}),
        ("either=null", {"either": None}),
        ("number=007", {"number": "007"}),
        ("number=null", {"number": "null"}),
        ("rate=125.00", {"rate": Decimal("125.00")}),
        ("rate=0.1", {"rate": Decimal("0.1")}),
        ("rate=1e400", {"rate": "1e400"}),
        ("rate=NaN", {"rate": "NaN"}),
        ("done=yes", {"done": True}),
        ("done=FALSE", {"done": False}),
        ("done=maybe", {"done": "maybe"}),
        ("status=active", {"status": "active"}),
        ("status=2", {"status": 2}),
        ("tags=a, b", {"tags": ["a", "b"]}),
        ("tags=", {"tags": []}),
        ('tags=["a,b"]', {"tags": ["a,b"]}),
        ("ids=1,2", {"ids": [1, 2]}),
        ('lines=[{"price": 1.10}]', {"lines": [{"price": Decimal("1.10")}]}),
        ('lines={"price": 2}', {"lines": [{"price": 2}]}),
        ("lines=one", {"lines": "one"}),
        ('extra={"a": 1}', {"extra": {"a": 1}}),
        ("extra=plain", {"extra": "plain"}),
        ("unheard_of=1", {"unheard_of": "1"}),
        ("id:=null", {"id": None}),
        ('number:="007"', {"number": "007"}),
        ("number=a=b", {"number": "a=b"}),
        ("number=:=", {"number": ":="}),
    ],
)
def test_a_value_is_read_by_the_type_of_its_argument(text: str, expected: dict[str, Any]) -> None:
    """What fits the type becomes it, exactly; what does not is left for the engine to judge."""
    found = parse_arguments([text], SCHEMA)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(v) for v in expected.values()]


def test_an_exact_decimal_keeps_its_digits() -> None:
    """Money is never read through a float."""
    assert str(parse_arguments(["rate=125.00"], SCHEMA)["rate"]) == "125.00"


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["name"], "key=value"),
        (["=value"], "key=value"),
        ([":=1"], "key=value"),
        (["id=1", "id=2"], "given twice"),
        (["lines=[{]"], "line 1, column 3"),
        (["id:={"], "id: bad JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(texts: list[str], message: str) -> None:
    """A fault of form stops the command before anything is called."""
    with pytest.raises(click.BadParameter, match=message.replace("[", r"\[")):
        parse_arguments(texts, SCHEMA)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "integer", "minimum": 1}, "integer from 1"),
        ({"type": "integer", "maximum": 9}, "integer up to 9"),
        ({"type": ["integer", "null"], "minimum": 1, "maximum": 9}, "integer 1 to 9"),
        ({"type": ["string", "number"], "format": "decimal"}, "decimal"),
        ({"enum": ["a", 1], "x-enum": {"a": 1, "b": 2}}, "a | b"),
        ({"type": "string", "enum": ["x", "y"]}, "x | y"),
        ({"type": "array", "items": {"type": "string"}}, "list of string"),
    ],
)
def test_a_type_is_said_in_a_few_words(schema: dict[str, Any], expected: str) -> None:
    """`clientary action` says of each argument what it takes."""
    assert type_text(schema) == expected


def test_every_argument_of_every_action_has_a_type_in_words() -> None:
    """No argument of the 57 is shown without what it takes."""
    empty = [
        (action.id, name)
        for action in load_manifest().actions.values()
        for name, schema in action.input["properties"].items()
        if not type_text(schema)
    ]
    assert empty == []
