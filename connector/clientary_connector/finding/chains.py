"""Chooses the lists to look through: those of the records, below those that find their parents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeAlias

from clientary_connector.manifest import Action, Manifest

#: Lists from the topmost down to the one that is looked for; each finds the ids for the next.
Chain: TypeAlias = tuple[Action, ...]

#: A list below a list below a list; what lies deeper nobody calls by name.
DEEPEST: Final = 3


def findable(manifest: Manifest, allowed: Iterable[Action] | None = None) -> tuple[str, ...]:
    """Returns the kinds of records that have names; of these actions, or of all there are."""
    actions = manifest.actions.values() if allowed is None else allowed
    return tuple(dict.fromkeys(one.resource for one in actions if one.find is not None))


def narrowing(manifest: Manifest, resources: Collection[str]) -> tuple[str, ...]:
    """Returns the arguments by which a search of these kinds can be narrowed: ids of parents."""
    lists = (one for resource in resources for one in _lists(manifest, resource))
    return tuple(dict.fromkeys(name for one in lists for name in one.place.path))


def chosen(
    manifest: Manifest, resource: str, within: Collection[str], allowed: Collection[str]
) -> Chain | None:
    """Returns the shortest way to all records of a kind that lie within what is given.

    One that the persona may go is taken before one that it may not, whose refusal says why.
    """
    lists = (one for one in _lists(manifest, resource) if set(within) <= set(one.place.path))
    ways = [way for one in lists for way in _ways(manifest, one, within, DEEPEST)]
    return min(ways, key=lambda way: (_barred(way, allowed), len(way)), default=None)


def _lists(manifest: Manifest, resource: str) -> Iterator[Action]:
    for one in manifest.actions.values():
        if one.find is not None and one.resource == resource:
            yield one


def _ways(
    manifest: Manifest, action: Action, within: Collection[str], depth: int
) -> Iterator[Chain]:
    """Gives every way to a list: by itself, or below the lists that find its parent."""
    lacking = [name for name in action.place.path if name not in within]
    if not lacking:
        yield (action,)
    if len(lacking) != 1 or depth == 1:
        return
    for finder in (manifest.actions[id_] for id_ in action.ids.get(lacking[0], ())):
        if finder.paging is not None:
            yield from ((*way, action) for way in _ways(manifest, finder, (), depth - 1))


def _barred(way: Chain, allowed: Collection[str]) -> int:
    return sum(one.id not in allowed for one in way)
