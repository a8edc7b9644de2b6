"""Gives a schema the shape that others read: without our own keys, or narrowed to one type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.call.kinds import is_list, is_mapping
from clientary_connector.manifest import Action

Schema: TypeAlias = dict[str, Any]

DECIMAL: Final = "decimal"
_BOUNDS: Final = frozenset(
    {
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
    }
)
#: What a format says that the schema of a provider cannot.
_SPELLED: Final = {
    "date": "As YYYY-MM-DD.",
    "date-time": "As ISO 8601 with a zone.",
    DECIMAL: "Decimal, as 12.50.",
}


def offered(action: Action) -> Schema:
    """Returns what a model is offered as the arguments of an action.

    Bounds are left out, which cost a model more than they tell it; the engine checks them.
    """
    schema = plain(action.input)
    if action.method == "POST":
        _without_null(schema)
    return schema


def plain(schema: Mapping[str, Any]) -> Schema:
    """Copies a schema without our own keys and without bounds; of an enum the names stay."""
    copy: Schema = {
        key: _plain_part(key, part)
        for key, part in schema.items()
        if key not in _BOUNDS and not key.startswith("x-")
    }
    if "x-enum" in schema:
        copy = {"type": "string", **copy, "enum": names_of(schema)}
    if copy.get("format") == DECIMAL:
        del copy["format"]
    if "x-plain" in schema:
        copy.pop("description", None)
    return copy


def names_of(schema: Mapping[str, Any]) -> list[str]:
    """Returns the values of an enum that are names; the numbers behind them are the service's."""
    return [value for value in schema["enum"] if isinstance(value, str)]


def kind_of(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """Narrows a schema to one type, and says whether null is allowed beside it.

    A text can hold what every other type can, a decimal to its last digit, so it goes first.
    """
    if "enum" in schema:
        return "string", None in schema["enum"]
    given: str | list[str] = schema["type"]
    types = [given] if isinstance(given, str) else given
    others = [name for name in types if name != "null"]
    return "string" if "string" in others else others[0], "null" in types


def is_open(schema: Mapping[str, Any]) -> bool:
    """Tells whether a schema is, once narrowed, an object with any fields."""
    return kind_of(schema)[0] == "object" and "properties" not in schema


def described(schema: Mapping[str, Any]) -> str:
    """Returns the description, with what else a model has to know about the form of the value."""
    spelled = _SPELLED.get(schema.get("format", ""), "")
    return " ".join(text for text in (schema.get("description", ""), spelled) if text)


def fields_of(schema: Mapping[str, Any]) -> dict[str, Schema]:
    """Returns the fields of an object that a narrowed schema can hold."""
    fields: dict[str, Schema] = schema.get("properties", {})
    return {name: part for name, part in fields.items() if not is_open(part)}


def _field(name: str, schema: Mapping[str, Any]) -> Schema:
    """Leaves out a description that says the name again and no more."""
    copy = plain(schema)
    if copy.get("description", "").lower() == f"{name.replace('_', ' ')}.":
        del copy["description"]
    return copy


def _without_null(schema: Schema) -> None:
    """Takes null away from optional fields: of a new record, null is what is not given."""
    required = schema.get("required", ())
    for name, part in schema["properties"].items():
        if name not in required and isinstance(part.get("type"), list):
            kinds = [kind for kind in part["type"] if kind != "null"]
            part["type"] = kinds[0] if len(kinds) == 1 else kinds


def _plain_part(key: str, part: object) -> object:
    if key == "properties" and is_mapping(part):
        return {name: _field(name, field) for name, field in part.items()}
    if is_mapping(part):
        return plain(part)
    if is_list(part):
        return [plain(item) if is_mapping(item) else item for item in part]
    return part
