"""Shows the rules what they judge: one action, its inlined schemas, and its peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from clientary_connector.manifest import Schema, inlined

# The field that breaks a rule, and what is wrong with it and what to do.
Finding: TypeAlias = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Broken:
    """A broken rule: the action and field it lies in, if any, and what to do."""

    action: str | None
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One action that fits the schema of manifests; `known` names all, `peers` those that fit."""

    raw: Schema
    input: Schema
    output: Schema
    known: frozenset[str]
    peers: Mapping[str, Subject]

    @property
    def id(self) -> str:
        """The name of the action."""
        return str(self.raw["id"])

    @property
    def arguments(self) -> dict[str, Schema]:
        """The schema of each argument."""
        arguments: dict[str, Schema] = self.input["properties"]
        return arguments

    @property
    def required(self) -> list[str]:
        """The arguments that every call must give."""
        required: list[str] = self.input.get("required", [])
        return required

    @property
    def fields(self) -> dict[str, Schema]:
        """The fields of the record that it answers with, or of the records of its list."""
        record: Schema = self.output.get("items", self.output)
        fields: dict[str, Schema] = record.get("properties", {})
        return fields

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return bool(self.raw["effect"] == "read")


def subjects(definitions: Schema, actions: list[Schema], known: frozenset[str]) -> list[Subject]:
    """Shows each action among its peers."""
    peers: dict[str, Subject] = {}
    shown: list[Subject] = []
    for raw in actions:
        given, answered = (inlined(raw[key], definitions) for key in ("input", "output"))
        shown.append(Subject(raw, given, answered, known, peers))
        peers[raw["id"]] = shown[-1]
    return shown


def schemas_in(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Walks a schema and all that it holds, each with its place; references stay as they are."""
    yield path, schema
    parts: list[tuple[str, Any]] = [
        *(
            (f"{path}.properties.{name}", part)
            for name, part in schema.get("properties", {}).items()
        ),
        *((f"{path}.anyOf[{index}]", part) for index, part in enumerate(schema.get("anyOf", ()))),
        *((f"{path}.{key}", schema.get(key)) for key in ("items", "additionalProperties")),
    ]
    for place, part in parts:
        if isinstance(part, dict):
            yield from schemas_in(part, place)  # pyright: ignore[reportUnknownArgumentType]
