"""Checks the arguments of a call: all faults at once, none of them repeats a value."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

import jsonschema_rs

from clientary_connector.call.idtext import MAX_ID_CHARS, encodable, usable
from clientary_connector.call.result import ArgumentFault, Call

Path: TypeAlias = Sequence[str | int]
Schema: TypeAlias = Mapping[str, Any]

#: What every call must say about itself, beside its arguments.
IDENTITY: Final = {
    "action": "the id of an action",
    "connection": "the name or id of a connection",
    "user": "the user for whom the persona works",
    "persona": "the persona that calls",
    "prompt": "the prompt that led to this call",
    "operation": "an id of this logical step, minted by the host",
}
MAX_DEPTH: Final = 32
REQUIRED: Final = "It is required."
TYPES: Final = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
FORMATS: Final = {
    "date": "a date as YYYY-MM-DD",
    "date-time": "a date and time as ISO 8601 with a zone, such as 2026-01-31T12:00:00Z",
    "email": "an e-mail address",
    "decimal": "a decimal number, or one as a string, such as 125.50",
    "uri": "a URL",
}


class Arguments:
    """Checks arguments against the input schema of one action, compiled once."""

    def __init__(self, schema: Schema) -> None:
        """Compiles the closed input schema of an action."""
        self._schema = schema
        self._open = is_open(schema)
        self._validator = jsonschema_rs.validator_for(dict(schema), validate_formats=True)

    def faults(self, arguments: Mapping[str, Any]) -> tuple[ArgumentFault, ...]:
        """Returns every fault, ordered by path; nothing where the arguments can be used."""
        try:
            if self._validator.is_valid(arguments):
                return tuple(not_json(arguments, [])) if self._open else ()
            return self._all(arguments)
        except (ValueError, RecursionError):
            return self._not_json(arguments)

    def _not_json(self, arguments: object) -> tuple[ArgumentFault, ...]:
        found = tuple(not_json(arguments, []))
        return found or (ArgumentFault(path="$", expected="JSON values only"),)

    def _all(self, arguments: Mapping[str, Any]) -> tuple[ArgumentFault, ...]:
        found: dict[tuple[str, str], ArgumentFault] = {}
        for error in self._validator.iter_errors(arguments):
            for fault in self._faults_of(error):
                found.setdefault((fault.path, fault.expected), fault)
        return tuple(sorted(found.values(), key=lambda fault: fault.path))

    def _faults_of(self, error: jsonschema_rs.ValidationError) -> Iterable[ArgumentFault]:
        path, kind = error.instance_path, cast("Any", error.kind)
        schema = inside(self._schema, error.schema_path[:-1])
        if kind.name == "additionalProperties":
            for name in kind.unexpected:
                yield unknown_name(path, name=name, schema=schema)
        elif kind.name == "required":
            wanted: Schema = schema.get("properties", {}).get(kind.property, {})
            yield ArgumentFault(
                path=json_path([*path, kind.property]),
                expected=expected(wanted),
                hint=REQUIRED,
            )
        else:
            whole = schema if error.schema_path else self._schema
            yield ArgumentFault(path=json_path(path), expected=expected(whole))


def is_open(schema: Schema) -> bool:
    """Tells whether a schema lets values through that it does not describe."""
    types = {schema["type"]} if isinstance(schema.get("type"), str) else set(schema.get("type", ()))
    if "object" in types and "properties" not in schema:
        return True
    if "array" in types and "items" not in schema:
        return True
    parts = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    inner = [*schema.get("properties", {}).values(), *parts]
    if "items" in schema:
        inner.append(schema["items"])
    return any(is_open(part) for part in inner)


def identity_faults(call: Call) -> tuple[ArgumentFault, ...]:
    """Returns what a call fails to say about itself."""
    found = [
        ArgumentFault(path=f"$.{name}", expected=meaning)
        for name, meaning in IDENTITY.items()
        if not usable(getattr(call, name), longest=None if name == "prompt" else MAX_ID_CHARS)
    ]
    return tuple(found)


def not_json(value: object, path: list[str | int]) -> Iterable[ArgumentFault]:
    """Finds what JSON cannot hold."""
    if len(path) > MAX_DEPTH:
        yield ArgumentFault(path=json_path(path[:4]), expected="fewer levels")
    elif isinstance(value, str):
        if not encodable(value):
            yield ArgumentFault(path=json_path(path), expected="text that UTF-8 can hold")
    elif isinstance(value, Mapping):
        for name, part in cast("Mapping[object, object]", value).items():
            if isinstance(name, str) and encodable(name):
                yield from not_json(part, [*path, name])
            else:
                yield ArgumentFault(path=json_path(path), expected="names that are text")
    elif isinstance(value, list | tuple):
        for index, part in enumerate(cast("Sequence[object]", value)):
            yield from not_json(part, [*path, index])
    elif not is_scalar(value):
        yield ArgumentFault(path=json_path(path), expected="a JSON value")


def is_scalar(value: object) -> bool:
    """Tells whether a value is a null, a boolean or a finite number."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite()
    return value is None or isinstance(value, int)


def unknown_name(path: Path, *, name: str, schema: Schema) -> ArgumentFault:
    """Describes an argument that the action does not have."""
    known = list(schema.get("properties", {}))
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}?" if near else f"Known here: {', '.join(known)}."
    shown = name if len(name) <= MAX_ID_CHARS and name.isidentifier() else "an unknown name"
    return ArgumentFault(path=json_path([*path, shown]), expected="no such argument", hint=hint)


def json_path(parts: Path) -> str:
    """Writes a path as `$.items[0].price`."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def inside(schema: Any, path: Path) -> Schema:  # noqa: ANN401 - any JSON may lie on the path
    """Follows a path into a schema."""
    for step in path:
        schema = schema[step]
    return cast("Schema", schema)


def expected(schema: Schema) -> str:
    """Says in words what a schema wants, from the schema alone."""
    if "enum" in schema:
        return f"one of {', '.join(str(name) for name in schema['enum'])}"
    if "const" in schema:
        return str(schema["const"])
    for union in ("anyOf", "oneOf"):
        if union in schema and "type" not in schema:
            return " or ".join(expected(part) for part in schema[union])
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else list(types)
    kind = FORMATS.get(schema.get("format", "")) or " or ".join(TYPES[name] for name in names)
    return (kind or "another value") + bounds(schema) + needs(schema)


def needs(schema: Schema) -> str:
    """Says in words which fields an object needs, where there is a choice of them."""
    choices = [part["required"] for part in schema.get("anyOf", ()) if "required" in part]
    return f" with {', or with '.join(' and '.join(names) for names in choices)}" if choices else ""


def bounds(schema: Schema) -> str:
    """Says in words within which bounds a value must lie."""
    words = {
        "minimum": "at least {}",
        "exclusiveMinimum": "more than {}",
        "maximum": "at most {}",
        "exclusiveMaximum": "less than {}",
        "minLength": "{} characters or more",
        "maxLength": "{} characters or fewer",
        "minItems": "{} items or more",
        "maxItems": "{} items or fewer",
        "minProperties": "{} fields or more",
        "maxProperties": "{} fields or fewer",
    }
    said = [text.format(schema[name]) for name, text in words.items() if name in schema]
    if schema.get("uniqueItems"):
        said.append("none of them twice")
    return f", {', '.join(said)}" if said else ""
