"""Puts the shared definitions of a manifest in the place of each reference to them."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final, TypeAlias, cast

Schema: TypeAlias = dict[str, Any]

DEFINITIONS: Final = "#/$defs/"


class Schemas:
    """The two schemas of one action, with every reference inlined when first asked for."""

    def __init__(self, raw: Schema, definitions: Schema) -> None:
        """Keeps the raw schemas of an action and the definitions that they point into."""
        self._raw = raw
        self._definitions = definitions

    @cached_property
    def input(self) -> Schema:
        """The schema of the arguments."""
        return inlined(self._raw["input"], self._definitions)

    @cached_property
    def output(self) -> Schema:
        """The schema of the data of a result."""
        return inlined(self._raw["output"], self._definitions)


def inlined(schema: Schema, definitions: Schema) -> Schema:
    """Copies a schema with the definition put in place of each reference.

    Keys that stand beside a `$ref` are annotations and win over those of the definition; that a
    name says it all (`x-plain`) goes with the description that it is said of.
    """
    copy = {key: _inlined_part(part, definitions) for key, part in schema.items()}
    reference = copy.pop("$ref", None)
    if reference is None:
        return copy
    target = inlined(definitions[str(reference).removeprefix(DEFINITIONS)], definitions)
    if "description" in copy:
        target.pop("x-plain", None)
    return {**target, **copy}


def _inlined_part(part: object, definitions: Schema) -> object:
    if isinstance(part, list):
        return [_inlined_part(item, definitions) for item in cast("list[object]", part)]
    if isinstance(part, dict):
        return inlined(cast("Schema", part), definitions)
    return part
