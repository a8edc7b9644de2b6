"""Holds JSON against a schema, and says in words what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # it ships no types

from clientary_connector.manifest import Schema

# A message shows at most this much of what jsonschema says, which can hold the whole value.
SHOWN: Final = 160
ADVICE: Final = {
    "additionalProperties": "Remove it, or correct its name.",
    "dependentRequired": "Add it.",
    "required": "Add it.",
    "uniqueItems": "Keep one of the two.",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A place in a JSON document, what is wrong there and what to do."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class _Error:
    """What this module uses of an error of jsonschema."""

    path: tuple[str | int, ...]
    keyword: str
    value: Any
    message: str
    schema: Schema
    instance: Any


def misfits(document: object, schema: Schema) -> Iterator[Misfit]:
    """Finds all places where a document does not fit a schema of JSON Schema 2020-12."""
    for error in _errors(document, schema):
        problem = error.message[:SHOWN]
        advice = ADVICE.get(error.keyword) or error.schema.get("description", "")
        for key in _keys(error):
            yield Misfit((*error.path, *key), f"{problem}. {advice}".strip())


def written(path: tuple[str | int, ...]) -> str | None:
    """Writes a place in JSON as people do, such as `input.properties.id` or `show[0]`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".") or None


def _errors(document: object, schema: Schema) -> Iterator[_Error]:
    # Nothing that comes out of an untyped package has a type of its own.
    validator: Any = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.FormatChecker()
    )
    for error in validator.iter_errors(document):
        yield _Error(
            path=tuple(error.absolute_path),
            keyword=error.validator,
            value=error.validator_value,
            message=error.message,
            schema=error.schema,
            instance=error.instance,
        )


def _keys(error: _Error) -> list[tuple[str, ...]]:
    """Names the keys below the place of an error that it is about; often the place itself."""
    if error.keyword == "required":
        return [(name,) for name in error.value if error.message.startswith(repr(name))]
    if error.keyword == "additionalProperties" and error.value is False:
        known = error.schema.get("properties", {})
        return [(name,) for name in error.instance if name not in known]
    return [()]
