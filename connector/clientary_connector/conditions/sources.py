"""Says where a call tells what a condition names.

1. The argument of that name.
2. The record that the call's `id` names: read before a change; of a read it is the answer itself,
   and of a list each record in it.
3. For an id (`client_id`), `id` where it is such an id itself, and the records that the other ids
   of the call name, or that the record of `id` names.
4. For `project.client_id`, the record that `project_id` names, and the same over the record of
   `id`.

Everything that is told has to meet the condition, and something has to be told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector.conditions.kinds import Kind, Schema, kind_of
from clientary_connector.manifest import Action, Effect, Manifest

ID: Final = "id"
SUFFIX: Final = "_id"
NOTHING: Final[Schema] = {}


@dataclass(frozen=True, slots=True)
class Hop:
    """One record that has to be read: the action that reads it, and where its id stands."""

    action: str
    #: The argument of the call or, from the second hop on, the field of the record before.
    given: str


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One way in which a call tells a value."""

    path: tuple[str, ...]
    kind: Kind
    #: The records on the way; empty for an argument and for an answer.
    hops: tuple[Hop, ...] = ()
    #: Whether the answer to the call itself tells it.
    answer: bool = False


class Sources:
    """Finds the sources of names, by what the manifest says of its actions."""

    def __init__(self, manifest: Manifest) -> None:
        """Works out which ids name which records, and which actions read them."""
        self._actions = manifest.actions
        self._getters = {one.resource: one for one in manifest.actions.values() if _reads_one(one)}
        self._stems = _stems(manifest.actions)

    def of(self, action: Action, path: tuple[str, ...]) -> tuple[Source, ...]:
        """Returns every way in which a call of an action tells what a path names."""
        if len(path) > 1 and path[0] in self._stems and path[0] not in action.input["properties"]:
            return tuple(self._of_record(action, path[0], path[1:]))
        found = [Source(path, kind) for kind in _kinds(action.input, path)]
        if len(path) == 1:
            found += self._of_field(action, path[0])
        return tuple(found)

    def names(self, action: Action) -> tuple[str, ...]:
        """Returns the plain names that a call of an action can tell, for advice."""
        fields = {name for shape in self._shapes(action) for name in _fields(shape)}
        arguments = _fields(action.input)
        known = sorted({*fields, *arguments, *(f"{stem}{SUFFIX}" for stem in self._stems)})
        return tuple(name for name in known if self.of(action, (name,)))

    def _shapes(self, action: Action) -> list[Schema]:
        """Returns the schema of the record that `id` names, or that a list is made of."""
        if action.paging is not None:
            return [action.output.get("items", NOTHING)]
        getter = self._getters.get(action.resource)
        return [getter.output] if getter is not None and ID in action.input["properties"] else []

    def _of_field(self, action: Action, name: str) -> list[Source]:
        stem = name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else ""
        resource = self._stems.get(stem)
        if resource == action.resource and ID in action.input["properties"]:
            return [Source((ID,), kind) for kind in _kinds(action.input, (ID,))]
        found: list[Source] = []
        for shape in self._shapes(action):
            own = () if _is_answer(action, shape) else self._own(action)
            for path, kind in self._fields(shape, action.resource, (name,)):
                found.append(Source(path, kind, own, answer=not own))
        if resource is not None:
            found += self._over_ids(action, stem, (name,), direct=bool(found))
        return found

    def _of_record(self, action: Action, stem: str, path: tuple[str, ...]) -> list[Source]:
        """Returns the sources of a field of the record that an id names."""
        resource = self._stems[stem]
        found: list[Source] = []
        if resource == action.resource:
            for shape in self._shapes(action):
                own = () if _is_answer(action, shape) else self._own(action)
                for inner, kind in self._fields(shape, resource, path):
                    found.append(Source(inner, kind, own, answer=not own))
        getter = self._getters.get(resource)
        if getter is None:
            return found
        wanted = f"{stem}{SUFFIX}"
        ways: list[tuple[Hop, ...]] = []
        if wanted in action.input["properties"]:
            ways.append((Hop(getter.id, wanted),))
        ways += (
            [(*self._own(action), Hop(getter.id, wanted))] if self._tells(action, wanted) else []
        )
        for way in ways:
            found += [
                Source(inner, kind, way)
                for inner, kind in self._fields(getter.output, resource, path)
            ]
        return found

    def _over_ids(
        self, action: Action, stem: str, path: tuple[str, ...], *, direct: bool
    ) -> list[Source]:
        """Returns what the records tell that the other ids name, of the call and of its record."""
        found: list[Source] = []
        for other, resource in self._stems.items():
            getter = self._getters.get(resource)
            if other == stem or getter is None:
                continue
            wanted = f"{other}{SUFFIX}"
            ways: list[tuple[Hop, ...]] = []
            if wanted in action.input["properties"]:
                ways.append((Hop(getter.id, wanted),))
            reads = action.effect is Effect.READ
            if self._tells(action, wanted) and not (reads and direct):
                ways.append((*self._own(action), Hop(getter.id, wanted)))
            for way in ways:
                found += [
                    Source(inner, kind, way)
                    for inner, kind in self._fields(getter.output, resource, path)
                ]
        return found

    def _own(self, action: Action) -> tuple[Hop, ...]:
        """Returns the way to the record that `id` names, if there is one."""
        getter = self._getters.get(action.resource)
        if getter is None or action.paging is not None or ID not in action.input["properties"]:
            return ()
        return (Hop(getter.id, ID),)

    def _tells(self, action: Action, field: str) -> bool:
        """Tells whether the record that `id` names has a field."""
        own = self._own(action)
        return bool(own) and field in _fields(self._actions[own[0].action].output)

    def _fields(
        self, shape: Schema, resource: str, path: tuple[str, ...]
    ) -> list[tuple[tuple[str, ...], Kind]]:
        """Returns where a record tells a field: itself, by its id, or by what it holds in short."""
        found = [(path, kind) for kind in _kinds(shape, path)]
        stem = path[0].removesuffix(SUFFIX) if path[0].endswith(SUFFIX) else ""
        if len(path) == 1 and stem:
            found += [((stem, ID), kind) for kind in _kinds(shape, (stem, ID))]
            if self._stems.get(stem) == resource:
                found += [((ID,), kind) for kind in _kinds(shape, (ID,))]
        return found


def _is_answer(action: Action, shape: Schema) -> bool:
    """Tells whether the answer to an action is made of records of a shape."""
    return action.effect is Effect.READ and (action.paging is not None or action.output is shape)


def _reads_one(action: Action) -> bool:
    """Tells whether an action reads one record by its id."""
    return action.effect is Effect.READ and action.paging is None and action.place.path == (ID,)


def _stems(actions: Mapping[str, Action]) -> dict[str, str]:
    """Returns which records `client` in `client_id` means, by what it is called when it is written.

    Where it is never written by that name: what the list shows in which its ids are found.
    """
    found = {one.wrapper: one.resource for one in actions.values() if one.wrapper is not None}
    for action in actions.values():
        for name, finders in action.ids.items():
            if name != ID and name.endswith(SUFFIX) and finders:
                found.setdefault(name.removesuffix(SUFFIX), actions[finders[0]].resource)
    return found


def _fields(schema: Schema) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = schema.get("properties", NOTHING)
    return fields


def _kinds(schema: Schema, path: tuple[str, ...]) -> list[Kind]:
    """Returns the kind of what a path leads to in a schema, or nothing; passes through lists."""
    many = False
    for name in path:
        if "array" in _types(schema):
            many, schema = True, schema.get("items", NOTHING)
        schema = _fields(schema).get(name, NOTHING)
    kind = kind_of(schema)
    if kind is None:
        return []
    return [Kind(kind.form, kind.many or many, kind.names)]


def _types(schema: Schema) -> tuple[str, ...]:
    named = schema.get("type", ())
    return (named,) if isinstance(named, str) else tuple(named)
