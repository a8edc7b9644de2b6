"""Turns the arguments of a tool call back into those of the action.

What a provider's format could not say is undone here; the check of the arguments is the engine's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeGuard

from clientary_connector.call.kinds import is_list, is_mapping

JSON: TypeAlias = Any
Schema: TypeAlias = Mapping[str, Any]

#: The argument of a strict tool that names the fields to empty; null there means "not given".
CLEAR: Final = "clear"
MAX_DIGITS: Final = 30


class ArgumentsTextError(ValueError):
    """The arguments are no JSON object."""


def parsed(given: object) -> dict[str, Any]:
    """Returns arguments that came as an object, or as its text; numbers keep their digits.

    Raises:
        ArgumentsTextError: They are neither.
    """
    if isinstance(given, str):
        try:
            # A tool without arguments is called with none at all by some models.
            given = json.loads(given, parse_float=Decimal) if given.strip() else {}
        except (ValueError, RecursionError):
            raise ArgumentsTextError from None
    if given is None:
        return {}
    if not is_mapping(given):
        raise ArgumentsTextError
    return dict(given)


def restored(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out optional arguments that are null and must not be, and makes 42.0 a 42 again."""
    return _fields(schema, given, strict=False)


def restored_strict(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out every optional argument that is null, and empties the fields that `clear` names.

    A strict tool has to give every argument; null is how it gives none.
    """
    values = dict(given)
    cleared = values.pop(CLEAR, None) if CLEAR not in schema.get("properties", {}) else None
    found = _fields(schema, values, strict=True)
    if is_list(cleared):
        found |= {str(name): None for name in cleared}
    elif cleared is not None:
        found[CLEAR] = cleared
    return found


def clearable(schema: Schema) -> list[str]:
    """Names the optional fields that may be null, where null means to empty them."""
    required = schema.get("required", ())
    return [
        name
        for name, part in schema.get("properties", {}).items()
        if name not in required and _nullable(part)
    ]


def _fields(schema: Schema, given: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    parts: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    return {
        name: _value(parts.get(name, {}), value, strict=strict)
        for name, value in given.items()
        if value is not None
        or name in required
        or name not in parts
        or (_nullable(parts[name]) and not strict)
    }


def _value(schema: Schema, value: object, *, strict: bool) -> JSON:
    if is_mapping(value) and "properties" in schema:
        return _fields(schema, value, strict=strict)
    if is_list(value) and "items" in schema:
        return [_value(schema["items"], item, strict=strict) for item in value]
    return int(value) if "integer" in _types(schema) and _is_whole(value) else value


def _is_whole(value: object) -> TypeGuard[float | Decimal]:
    """Tells whether a number with a point is a whole one: some providers know no other numbers."""
    if isinstance(value, float):
        return value.is_integer()
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    # What is longer would fill the memory when written out, and is no id.
    return value.adjusted() < MAX_DIGITS and value == value.to_integral_value()


def _nullable(schema: Schema) -> bool:
    return "null" in _types(schema) or None in schema.get("enum", ())


def _types(schema: Schema) -> list[str]:
    given: str | list[str] = schema.get("type", [])
    return [given] if isinstance(given, str) else given
