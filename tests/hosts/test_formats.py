"""Proves what every format of tools says and leaves out, and how arguments find their way back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import pytest

from clientary_connector import Manifest, load_manifest
from clientary_connector.errors import InvalidValueError
from clientary_connector.frontends import export as exports
from clientary_connector.frontends.export import DOCUMENTS, FORMATS, export, tools
from clientary_connector.frontends.export.restoring import ArgumentsTextError, parsed
from tests.actions.world import is_list, is_object

pytestmark = pytest.mark.requirement("host.export.formats")

MANIFEST: Final[Manifest] = load_manifest()
USABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
#: What OpenAI and Azure both heed in strict mode.
STRICT_KEYS: Final = {
    "type",
    "enum",
    "items",
    "properties",
    "required",
    "additionalProperties",
    "description",
}
#: The fields of a Gemini schema.
GEMINI_KEYS: Final = {
    "type",
    "format",
    "description",
    "nullable",
    "enum",
    "items",
    "properties",
    "required",
}


def test_the_public_names_come_when_they_are_asked_for() -> None:
    """And no others."""
    assert sorted(exports.__all__) == dir(exports)
    for name in exports.__all__:
        assert getattr(exports, name)
    with pytest.raises(AttributeError):
        getattr(exports, "nothing_like_it")  # noqa: B009 - checkers know that it fails


@pytest.mark.parametrize("name", [*FORMATS, *DOCUMENTS])
def test_no_format_holds_references_or_keys_of_our_own(name: str) -> None:
    """What only the engine reads stays here, and every reference is inlined."""
    keys = set(_keys(export(MANIFEST, format=name)))
    ours = {key for key in keys if key.startswith("x-")}
    references = {"$ref"} if name != "airbyte" else set[str]()
    assert ours | (keys & references) == set()


@pytest.mark.parametrize("name", FORMATS)
def test_every_action_is_a_tool_of_its_name(name: str) -> None:
    """57 tools, in order, each under a name that every provider takes, with its description."""
    found = _tools(name)
    assert list(found) == list(MANIFEST.actions)
    assert all(USABLE.fullmatch(tool) for tool in found)
    assert [tool["description"] for tool in found.values()] == [
        action.description for action in MANIFEST.actions.values()
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_every_argument_of_every_action_is_offered(name: str) -> None:
    """No argument is lost on the way into a format; what the engine requires is required."""
    for action, tool in _tools(name).items():
        schema = _schema(tool)
        ours = MANIFEST.action(action).input
        assert set(schema["properties"]) - {"clear"} == set(ours["properties"])
        assert set(ours.get("required", ())) <= set(schema.get("required", ()))


def test_strict_tools_are_strict_at_every_level() -> None:
    """Every object is closed, requires all it has, and uses no keyword that is left unheeded."""
    for tool in export(MANIFEST, format="openai"):
        assert tool["strict"] is True
        assert tool["parameters"]["type"] == "object"
        for schema in _schemas(tool["parameters"]):
            assert set(schema) <= STRICT_KEYS, tool["name"]
            if "properties" in schema:
                assert schema["additionalProperties"] is False
                assert schema["required"] == list(schema["properties"])


def test_what_is_optional_is_nullable_in_a_strict_tool_and_what_is_required_is_not() -> None:
    """Null means "not given", so only what may be left out can be null."""
    for name, tool in _tools("openai").items():
        ours = MANIFEST.action(name).input
        for argument, part in tool["parameters"]["properties"].items():
            optional = argument not in ours.get("required", ())
            assert ("null" in part["type"]) is optional or "null" in _types(
                ours["properties"][argument]
            )
            assert (None in part.get("enum", [None])) or not optional


def test_a_strict_tool_says_how_a_text_of_a_narrowed_value_looks() -> None:
    """Dates and decimals are texts there, and their form is in the description."""
    properties = _tools("openai")["create_invoice"]["parameters"]["properties"]
    assert properties["date"] == {"type": "string", "description": "Date. As YYYY-MM-DD."}
    assert properties["tax"]["description"] == "Tax in percent. Decimal, as 12.50."


def test_only_a_change_offers_to_empty_fields_and_names_those_that_can_be() -> None:
    """Where null means "not given", a field is emptied by its name."""
    found = _tools("openai")
    offered = {name for name, tool in found.items() if "clear" in tool["parameters"]["properties"]}
    assert offered == {
        name
        for name, action in MANIFEST.actions.items()
        if action.method == "PUT"
        and any("null" in _types(part) for part in action.input["properties"].values())
    }
    assert found["update_task"]["parameters"]["properties"]["clear"]["items"]["enum"] == [
        "description",
        "project_id",
        "client_id",
        "assignee_id",
        "due_date",
    ]


def test_no_tool_says_that_null_empties_a_field_where_it_does_not() -> None:
    """The words of a strict tool agree with what null means there."""
    for tool in export(MANIFEST, format="openai"):
        said = [part.get("description", "") for part in _schemas(tool["parameters"])]
        told = [text for text in (tool["description"], *said) if "null" in text]
        assert told in ([], ["Fields to empty. A field that is null stays as it is."])


def test_gemini_is_given_one_type_a_value_and_no_field_that_it_lacks() -> None:
    """Unions become the type that can hold them all, and text has no format but enum."""
    for tool in export(MANIFEST, format="gemini")[0]["functionDeclarations"]:
        for schema in _schemas(tool["parameters"]):
            assert set(schema) <= GEMINI_KEYS
            assert schema["type"] in {"STRING", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT"}
            assert schema.get("format", "enum") == "enum"


def test_what_a_model_is_offered_is_what_the_engine_takes() -> None:
    """Types, unions and names stay; only bounds, and null for a new record, are left out."""
    task = _tools("mcp")["update_task"]["inputSchema"]["properties"]
    assert task["due_date"] == {
        "type": ["string", "null"],
        "format": "date",
        "description": "Day it is due.",
    }
    made = _tools("mcp")["create_project"]["inputSchema"]
    assert made["properties"]["rate"]["type"] == ["number", "string"]
    assert made["properties"]["end_date"]["type"] == "string"
    assert made["properties"]["budget_type"] == {
        "type": "string",
        "enum": ["hours", "amount"],
    }, "its name says it all, and where a field says more, it is told"
    assert made["properties"]["number"]["description"] == "Your own reference; unique."
    assert made["additionalProperties"] is False


def test_anthropic_is_given_no_choice_at_the_top() -> None:
    """Its API refuses a tool whose schema is a union."""
    for tool in export(MANIFEST, format="anthropic"):
        assert not {"anyOf", "oneOf", "allOf"} & set(tool["input_schema"])


def test_both_hints_of_mcp_follow_from_the_effect() -> None:
    """Reads are read-only; deletions and changes destroy; making and sending only adds."""
    found = {name: tool["annotations"] for name, tool in _tools("mcp").items()}
    expected = {
        name: (
            name.startswith(("get_", "list_")),
            name.startswith(("delete_", "update_")),
        )
        for name in MANIFEST.actions
    }
    assert {
        name: (hints["readOnlyHint"], hints["destructiveHint"]) for name, hints in found.items()
    } == expected
    assert [name for name, hints in found.items() if hints["openWorldHint"]] == [
        "send_invoice_message"
    ]
    assert all(
        hints.get("idempotentHint", False) is (n[:7] == "delete_") for n, hints in found.items()
    )


def test_a_prefix_tells_the_tools_of_two_connections_apart() -> None:
    """Every name starts with it; one that makes unusable names is refused."""
    found = export(MANIFEST, format="openai", prefix="north_")
    assert [tool["name"] for tool in found] == [f"north_{name}" for name in MANIFEST.actions]
    for bad in ("9", "a b", "n" * 64):
        with pytest.raises(InvalidValueError, match="no usable name"):
            export(MANIFEST, format="mcp", prefix=bad)


def test_a_format_that_does_not_exist_is_named_with_those_that_do() -> None:
    """The caller sees what there is."""
    with pytest.raises(InvalidValueError) as error:
        export(MANIFEST, format="cobol")
    assert "openai" in error.value.hint
    with pytest.raises(InvalidValueError):
        tools(None, format="openapi", connection="", persona="", user="")  # type: ignore[arg-type] # it is not looked at


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_every_action_comes_back_as_it_was(name: str) -> None:
    """A model that asks for the example gets the example's arguments through to the engine."""
    for action in MANIFEST.actions.values():
        assert FORMATS[name].arguments(action, action.example) == action.example


def test_null_in_a_strict_call_means_not_given() -> None:
    """At every level; a required argument stays as it came, for the engine to judge."""
    action = MANIFEST.action("update_invoice")
    line = {"id": 7, "title": None, "quantity": "2", "destroy": None}
    given = {"id": 3, "note": None, "clear": None, "invoice_items_attributes": [line]}
    assert FORMATS["openai"].arguments(action, given) == {
        "id": 3,
        "invoice_items_attributes": [{"id": 7, "quantity": "2"}],
    }
    assert FORMATS["openai"].arguments(action, {"id": None}) == {"id": None}


def test_clear_empties_the_fields_that_it_names() -> None:
    """They reach the engine as null; what it names wrongly reaches the engine too."""
    task = MANIFEST.action("update_task")
    arguments = FORMATS["openai"].arguments
    assert arguments(task, {"id": 1, "title": None, "clear": ["due_date", "nonsense"]}) == {
        "id": 1,
        "due_date": None,
        "nonsense": None,
    }
    assert arguments(task, {"id": 1, "clear": "due_date"}) == {"id": 1, "clear": "due_date"}


@pytest.mark.parametrize("name", ["anthropic", "gemini", "mcp", "langchain"])
def test_null_elsewhere_is_left_out_only_where_it_may_not_be(name: str) -> None:
    """A field that can be empty is emptied; one that cannot was simply not given."""
    task = MANIFEST.action("update_task")
    given = {"id": 1, "title": None, "due_date": None, "unknown": None}
    assert FORMATS[name].arguments(task, given) == {"id": 1, "due_date": None, "unknown": None}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (42.0, 42),
        (Decimal("42.0"), 42),
        (42.5, 42.5),
        (Decimal("1e400"), Decimal("1e400")),
        (Decimal("Infinity"), Decimal("Infinity")),
        (True, True),
    ],
)
def test_a_whole_number_loses_the_point_that_it_came_with(value: object, expected: object) -> None:
    """Some providers know only numbers with a point, and ids have none."""
    found = FORMATS["gemini"].arguments(MANIFEST.action("get_client"), {"id": value})["id"]
    assert (found, type(found)) == (expected, type(expected))


def test_arguments_as_text_keep_their_digits() -> None:
    """No number goes through a binary fraction on its way in."""
    assert parsed('{"hours": 123456789012.123456}') == {"hours": Decimal("123456789012.123456")}
    assert parsed("") == parsed("null") == parsed(None) == {}


@pytest.mark.parametrize("given", ["{", "[]", '"text"', 7, ["a"], "[" * 100_000])
def test_arguments_that_are_no_object_are_told_from_none_at_all(given: object) -> None:
    """A cut-off text must not become a call without arguments."""
    with pytest.raises(ArgumentsTextError):
        parsed(given)


def _tools(name: str) -> dict[str, dict[str, Any]]:
    document = export(MANIFEST, format=name)
    listed = {
        "mcp": lambda: document["tools"],
        "gemini": lambda: document[0]["functionDeclarations"],
    }
    found: list[dict[str, Any]] = listed.get(name, lambda: document)()
    return {tool["name"]: tool for tool in found}


def _schema(tool: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"parameters", "input_schema", "inputSchema", "args_schema"}
    found: dict[str, Any] = tool[next(iter(keys & set(tool)))]
    return found


def _types(schema: Mapping[str, Any]) -> list[str]:
    given: str | list[str] = schema.get("type", [])
    return [given] if isinstance(given, str) else given


def _schemas(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for part in schema.get("properties", {}).values():
        yield from _schemas(part)
    if "items" in schema:
        yield from _schemas(schema["items"])


def _keys(value: object) -> Iterator[str]:
    if is_object(value):
        for key, part in value.items():
            yield key
            yield from _keys(part)
    elif is_list(value):
        for part in value:
            yield from _keys(part)
