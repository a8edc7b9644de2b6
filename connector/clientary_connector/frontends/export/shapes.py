"""Gives a schema the shape that others read: without our own keys, or narrowed to one type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.call.kinds import is_list, is_mapping

Schema: TypeAlias = dict[str, Any]

DECIMAL: Final = "decimal"
#: What a format says that the schema of a provider cannot.
_SPELLED: Final = {
    "date": "As YYYY-MM-DD.",
    "date-time": "As ISO 8601 with a zone.",
    DECIMAL: "Decimal, as 12.50.",
}


def plain(schema: Mapping[str, Any]) -> Schema:
    """Copies a schema without what only the engine reads; of an enum the names stay."""
    copy: Schema = {
        key: _plain_part(key, part) for key, part in schema.items() if not key.startswith("x-")
    }
    if "x-enum" in schema:
        copy = {"type": "string", **copy, "enum": names_of(schema)}
    if copy.get("format") == DECIMAL:
        del copy["format"]
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


def _plain_part(key: str, part: object) -> object:
    if key == "properties" and is_mapping(part):
        return {name: plain(field) for name, field in part.items()}
    if is_mapping(part):
        return plain(part)
    if is_list(part):
        return [plain(item) if is_mapping(item) else item for item in part]
    return part
