"""States the rules for the schemas in a manifest: references, enumerations, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, cast

from clientary_connector.manifest import Schema, nearest
from clientary_connector.manifest_check.subject import Broken, Finding, Subject, schemas_in

PREFIX: Final = "#/$defs/"
# What bounds a value of each type; a boolean, and null, are bounded as they are.
BOUNDS: Final = {
    "string": frozenset({"maxLength", "format", "pattern", "enum", "const"}),
    "integer": frozenset({"minimum", "enum", "const"}),
    "number": frozenset({"minimum", "enum", "const"}),
    "array": frozenset({"maxItems", "uniqueItems"}),
    "object": frozenset({"additionalProperties"}),
}


def reference_faults(definitions: Schema, actions: list[Schema]) -> Iterator[Broken]:
    """Each reference leads to a definition, and no definition leads back to itself."""
    for action, path, schema in _schemas(definitions, actions):
        name = schema.get("$ref", PREFIX).removeprefix(PREFIX)
        if name and name not in definitions:
            near = nearest(name, sorted(definitions))
            hint = f"did you mean {near[0]!r}?" if near else "add it to `$defs`, or correct it."
            yield Broken(action, f"{path}.$ref", f"Leads to no definition {name!r}: {hint}")
    for name in definitions:
        if name in _reached(name, definitions):
            yield Broken(None, f"$defs.{name}", "Leads back to itself: break the circle.")


def unused_definitions(definitions: Schema, actions: object) -> Iterator[Broken]:
    """Each definition is used."""
    direct = {name for name in _references(actions) if name in definitions}
    used = direct.union(*(_reached(name, definitions) for name in direct))
    for name in definitions:
        if name not in used:
            yield Broken(None, f"$defs.{name}", "Is never used: remove it.")


def spelling_faults(definitions: Schema, actions: list[Schema]) -> Iterator[Broken]:
    """What a schema requires it has, and its names and its numbers are the same values."""
    for action, path, schema in _schemas(definitions, actions):
        for field, message in (*_required_faults(schema), *_enumeration_faults(schema)):
            yield Broken(action, f"{path}.{field}", message)


def argument_faults(subject: Subject) -> Iterator[Finding]:
    """Each argument, however deep, is described and bounded, and each object is closed."""
    for path, schema in schemas_in(subject.input, "input"):
        fields: dict[str, Schema] = schema.get("properties", {})
        for name, field in fields.items():
            place = f"{path}.properties.{name}"
            if "description" not in field:
                yield f"{place}.description", "Is missing: say what the argument is."
        for kind in _kinds(schema):
            bounds = BOUNDS.get(kind)
            if bounds is not None and not bounds & set(schema):
                yield path, f"Nothing bounds the {kind}: give it {' or '.join(sorted(bounds))}."


def output_faults(subject: Subject) -> Iterator[Finding]:
    """No part of an output is closed: a service may answer with more than anybody knew."""
    for path, schema in schemas_in(subject.output, "output"):
        if schema.get("additionalProperties") is False:
            yield f"{path}.additionalProperties", "Outputs are open: remove it."


def _required_faults(schema: Schema) -> Iterator[Finding]:
    fields = schema.get("properties")
    if fields is None:
        return
    needed: list[tuple[str, list[str]]] = [
        ("required", schema.get("required", [])),
        *((f"anyOf[{i}].required", part.get("required", [])) for i, part in _unions(schema)),
        *(
            (f"dependentRequired.{name}", [name, *others])
            for name, others in schema.get("dependentRequired", {}).items()
        ),
    ]
    for field, names in needed:
        for name in names:
            if name not in fields:
                yield field, f"{name!r} is none of `properties`: add it there, or remove it here."


def _enumeration_faults(schema: Schema) -> Iterator[Finding]:
    """An argument takes name or number; an answer names what it knows and keeps the rest."""
    numbers: dict[str, int] | None = schema.get("x-enum")
    if numbers is None:
        return
    if len(set(numbers.values())) < len(numbers):
        yield "x-enum", "Two names share a number: keep one of them."
    named = next((part["enum"] for _, part in _unions(schema) if "enum" in part), None)
    if "enum" in schema:
        if schema["enum"] != [*numbers, *numbers.values()]:
            yield "enum", "Does not agree with `x-enum`: list its names, then its numbers."
    elif named is None:
        yield "enum", "Is missing beside `x-enum`: list its names, then its numbers."
    elif named != list(numbers):
        yield "anyOf", "Does not agree with `x-enum`: list its names."


def _unions(schema: Schema) -> Iterator[tuple[int, Schema]]:
    return enumerate(cast("list[Schema]", schema.get("anyOf", [])))


def _kinds(schema: Schema) -> list[str]:
    kinds: str | list[str] = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _schemas(
    definitions: Schema, actions: list[Schema]
) -> Iterator[tuple[str | None, str, Schema]]:
    """Walks all schemas as they are spelled: the action they lie in if any, place, schema."""
    for name, definition in definitions.items():
        for path, schema in schemas_in(definition, f"$defs.{name}"):
            yield None, path, schema
    for action in actions:
        for key in ("input", "output"):
            for path, schema in schemas_in(action[key], key):
                yield action["id"], path, schema


def _reached(name: str, definitions: Schema) -> set[str]:
    """Follows the references of a definition to all others; to itself only in a circle."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        found = set(_references(definitions.get(ahead.pop(), {}))) - reached
        reached |= found
        ahead.extend(found)
    return reached


def _references(value: object) -> Iterator[str]:
    """Names the definitions that any part of a JSON value refers to."""
    if isinstance(value, list):
        for part in cast("list[object]", value):
            yield from _references(part)
    elif isinstance(value, dict):
        for key, part in cast("dict[str, object]", value).items():
            if key == "$ref" and isinstance(part, str):
                yield part.removeprefix(PREFIX)
            yield from _references(part)
