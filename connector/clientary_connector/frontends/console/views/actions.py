"""Shapes actions for the pages that show them: rows, arguments, what a result holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from clientary_connector.call.kinds import is_object
from clientary_connector.frontends.schematext import type_text, types_of
from clientary_connector.manifest import Action, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One action in a list."""

    id: str
    title: str
    about: str
    resource: str
    effect: str
    cost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One argument of an action, or one field of its result; those of a list come below it."""

    name: str
    depth: int
    type: str
    required: bool
    about: str
    #: Ids of the actions that find it.
    found_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSheet:
    """One action in full."""

    action: Action
    arguments: tuple[Part, ...]
    output: tuple[Part, ...]
    #: In words, where some values of an argument move money.
    money: str
    takes_along: tuple[str, ...]


def rows_of(actions: Sequence[Action], allowed: AbstractSet[str] | None) -> tuple[ActionRow, ...]:
    """Returns the rows of a list; with `allowed` only those are in it."""
    return tuple(
        ActionRow(
            id=one.id,
            title=one.title,
            about=one.description.partition(". ")[0].rstrip("."),
            resource=one.resource,
            effect=one.effect.value,
            cost=one.cost,
        )
        for one in actions
        if allowed is None or one.id in allowed
    )


def resources_of(manifest: Manifest) -> tuple[str, ...]:
    """Returns the resources that there are actions on, each once."""
    return tuple(sorted({one.resource for one in manifest.actions.values()}))


def sheet_of(action: Action) -> ActionSheet:
    """Returns all that a page shows of an action."""
    return ActionSheet(
        action=action,
        arguments=tuple(_parts(action.input, action.ids)),
        output=tuple(_parts(_record(action.output), {})),
        money=_money(action),
        takes_along=tuple(step.resource for step in action.cascade),
    )


def _parts(
    schema: Mapping[str, Any], ids: Mapping[str, tuple[str, ...]], depth: int = 0
) -> Iterator[Part]:
    required = schema.get("required", ())
    for name, about in schema.get("properties", {}).items():
        yield Part(
            name=name,
            depth=depth,
            type=_said(about),
            required=name in required,
            about=about.get("description", ""),
            found_by=tuple(ids.get(name, ())) if not depth else (),
        )
        inner = about.get("items", about)
        yield from _parts(inner, ids, depth + 1)


def _said(schema: Mapping[str, Any]) -> str:
    """Returns the type of a part, and whether nothing may stand in its place."""
    if "const" in schema:
        return str(schema["const"]).lower()
    items = schema.get("items")
    if "array" in types_of(schema) and (items is None or "properties" in items):
        text = "list" if items is None else "list of objects"
    else:
        text = type_text(_one_of(schema))
    return f"{text} or null" if "null" in types_of(schema) else text


def _one_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the first way of a schema that has several, for its names."""
    ways = [one for one in schema.get("anyOf", ()) if is_object(one)]
    return {**ways[0], **schema} if ways and "x-enum" not in schema else schema


def _record(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the schema of one record, also where the result is a list of them."""
    found: Mapping[str, Any] = schema.get("items", schema)
    return found


def _money(action: Action) -> str:
    if action.money is None:
        return ""
    values = " or ".join(str(value) for value in action.money.values if isinstance(value, str))
    return f"{action.money.argument} {values} moves money."
