"""Gives a schema the shape of what goes over the wire: the service's own names and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.frontends.export.shapes import DECIMAL, Schema

Parts: TypeAlias = Mapping[str, Any]

#: Forms in which we write texts and hand them on; the service answers in forms of its own.
_OUR_FORMATS: Final = frozenset({DECIMAL, "date", "date-time"})


def wire_name(name: str, schema: Parts) -> str:
    """Returns the name that a field has on the wire."""
    found: str = schema.get("x-name", name)
    return found


def sent(schema: Parts) -> Schema:
    """Returns the schema of what we send for a value: numbers for names, and exact decimals."""
    if "x-enum" in schema:
        return {**_about(schema), "type": "integer", "enum": list(schema["x-enum"].values())}
    made = _inside(schema, sent)
    if made.get("format") == DECIMAL:
        kinds = {"number"} | ({"null"} & set(made["type"]))
        kept = {key: part for key, part in made.items() if key not in {"format", "pattern"}}
        return {**kept, "type": sorted(kinds, reverse=True)}
    return made


def answered(schema: Parts) -> Schema:
    """Returns the schema of what the service answers for a value; it promises no more than that."""
    if "x-enum" in schema:
        return {**_about(schema), "type": ["integer", "string", "null"]}
    made = _inside(schema, answered)
    if made.get("format") in _OUR_FORMATS:
        numbers = {"number"} if made["format"] == DECIMAL else set[str]()
        kinds = {*_types(made), *numbers}
        return {**_about(made), "type": sorted(kinds)}
    return made


def _inside(schema: Parts, change: Callable[[Parts], Schema]) -> Schema:
    """Changes the parts of a schema, and leaves out what only the engine reads or checks."""
    made = {
        key: part
        for key, part in schema.items()
        if not key.startswith("x-") and key != "dependentRequired"
    }
    if "properties" in made:
        fields: Parts = made["properties"]
        made["properties"] = {wire_name(name, part): change(part) for name, part in fields.items()}
        if "required" in made:
            made["required"] = [wire_name(name, fields[name]) for name in made["required"]]
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), Mapping):
            made[key] = change(made[key])
    for key in ("anyOf", "oneOf"):
        if key in made:
            made[key] = [change(part) if "type" in part else part for part in made[key]]
    return made


def _about(schema: Parts) -> Schema:
    return {key: schema[key] for key in ("description",) if key in schema}


def _types(schema: Parts) -> list[str]:
    given: str | list[str] = schema["type"]
    return [given] if isinstance(given, str) else given
