"""Shapes what a grant reaches into a matrix of resources and effects that reads at a glance."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from clientary_connector.manifest import Action, Effect, Manifest
from clientary_connector.reach import Asks, Reach, reaches
from clientary_connector.terms import Terms

EFFECTS: Final = tuple(effect.value for effect in Effect)
ASKED: Final = {
    Asks.NEVER: "",
    Asks.SOMETIMES: "may ask",
    Asks.ALWAYS: "asks",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a persona may do with one effect on one resource."""

    effect: str
    #: How many actions there are, and how many of them are granted.
    total: int
    covered: int
    #: `all`, `some`, `none`, or `void` where there is no such action.
    mark: str
    #: What it says, in words and without a colour.
    word: str
    #: Whether a condition has to hold.
    conditional: bool
    #: `asks`, `may ask`, or empty.
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One resource."""

    resource: str
    title: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All resources, and how much of them is granted."""

    rows: tuple[Row, ...]
    covered: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One action, and in words how a persona may call it."""

    id: str
    title: str
    resource: str
    effect: str
    covered: bool
    said: str


def matrix(manifest: Manifest, terms: Terms, covered: Collection[str]) -> Matrix:
    """Returns what a grant reaches, by resource and effect."""
    found = reaches(manifest, terms, covered)
    return Matrix(
        rows=tuple(_row(resource, found) for resource in resources(manifest)),
        covered=sum(one.covered for one in found),
        total=len(found),
    )


def lines(manifest: Manifest, terms: Terms, covered: Collection[str]) -> tuple[Line, ...]:
    """Returns what a grant reaches, action by action, in the order of the resources."""
    found = reaches(manifest, terms, covered)
    shown = [
        Line(
            id=one.action.id,
            title=one.action.title,
            resource=one.action.resource,
            effect=one.action.effect.value,
            covered=one.covered,
            said=said(one),
        )
        for one in found
    ]
    return tuple(sorted(shown, key=lambda one: (one.resource, EFFECTS.index(one.effect))))


def said(reach: Reach) -> str:
    """Says in words how an action may be called."""
    if not reach.covered:
        return "no"
    parts = ["yes"]
    if reach.conditions:
        parts.append("if " + " and ".join(reach.conditions))
    if reach.asks is Asks.ALWAYS:
        parts.append("after a person's yes")
    elif reach.asks is Asks.SOMETIMES:
        parts.append("after a person's yes where its arguments call for it")
    return ", ".join(parts)


def resources(manifest: Manifest) -> tuple[str, ...]:
    """Returns the resources of a manifest, by name."""
    return tuple(sorted({one.resource for one in manifest.actions.values()}))


def in_order(manifest: Manifest) -> tuple[Action, ...]:
    """Returns the actions of a manifest by resource and effect."""
    actions = manifest.actions.values()
    return tuple(sorted(actions, key=lambda one: (one.resource, EFFECTS.index(one.effect.value))))


def titled(resource: str) -> str:
    """Returns the name of a resource as a person writes it."""
    return resource.replace("_", " ")


def _row(resource: str, found: Sequence[Reach]) -> Row:
    own = [one for one in found if one.action.resource == resource]
    cells = tuple(_cell(effect, own) for effect in EFFECTS)
    return Row(resource=resource, title=titled(resource), cells=cells)


def _cell(effect: str, found: Sequence[Reach]) -> Cell:
    here = [one for one in found if one.action.effect.value == effect]
    granted = [one for one in here if one.covered]
    asked = {one.asks for one in granted}
    asks = next(iter(asked)) if len(asked) == 1 else Asks.SOMETIMES if asked else Asks.NEVER
    mark, word = _mark(len(here), len(granted))
    return Cell(
        effect=effect,
        total=len(here),
        covered=len(granted),
        mark=mark,
        word=word,
        conditional=any(one.conditions for one in granted),
        asks=ASKED[asks],
    )


def _mark(total: int, covered: int) -> tuple[str, str]:
    if not total:
        return "void", "no such action"
    if not covered:
        return "none", "no"
    return ("all", "yes") if covered == total else ("some", f"{covered} of {total}")
