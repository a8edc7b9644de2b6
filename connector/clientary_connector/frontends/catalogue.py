"""Finds actions in a manifest, for every frontend that lists them."""

from __future__ import annotations

from dataclasses import dataclass

from clientary_connector.manifest import Action, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which actions are wanted; what is empty leaves a side open."""

    #: In id, alias, title or description, upper and lower case alike.
    text: str = ""
    resource: str | None = None
    effect: str | None = None


def found_by(search: Search, manifest: Manifest) -> tuple[Action, ...]:
    """Returns the actions that fit, in the order of the manifest."""
    return tuple(one for one in manifest.actions.values() if _fits(one, search))


def _fits(action: Action, search: Search) -> bool:
    words = (action.id, action.alias, action.title, action.description)
    return (
        search.effect in {None, action.effect.value}
        and search.resource in {None, action.resource}
        and any(search.text.lower() in word.lower() for word in words)
    )
