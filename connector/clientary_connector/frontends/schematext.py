"""Says in a few words what an argument takes, from its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

FORMATS: Final[Mapping[str, str]] = {
    "decimal": "decimal",
    "date": "date (YYYY-MM-DD)",
    "date-time": "date and time (ISO 8601)",
    "email": "e-mail address",
}


def type_text(schema: Mapping[str, Any]) -> str:
    """Returns the type of one argument, as a person would say it."""
    names: Mapping[str, Any] = schema.get("x-enum", {})
    if names:
        return " | ".join(names)
    if (known := FORMATS.get(schema.get("format", ""))) is not None:
        return known
    types = [name for name in types_of(schema) if name != "null"]
    if types == ["array"]:
        return f"list of {type_text(schema['items'])}"
    if schema.get("enum"):
        return " | ".join(map(str, schema["enum"]))
    return f"{' or '.join(types)}{_bounds(schema)}"


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the names of the JSON types that a schema allows."""
    if "type" in schema:
        names = schema["type"]
        return (names,) if isinstance(names, str) else tuple(names)
    branches = schema.get("anyOf", ())
    return tuple(dict.fromkeys(name for branch in branches for name in types_of(branch)))


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    match low, high:
        case None, None:
            return ""
        case _, None:
            return f" from {low}"
        case None, _:
            return f" up to {high}"
        case _:
            return f" {low} to {high}"
