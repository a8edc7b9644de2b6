"""Shows how far a grant reaches: whether, when and with whose yes each action may be called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from clientary_connector.call.failure import is_change
from clientary_connector.call.risk import ABOVE, ALWAYS, NEVER, RISKY
from clientary_connector.manifest import Action, Manifest
from clientary_connector.terms import Terms, approval_rule, means


class Asks(StrEnum):
    """Says whether a person has to say yes before a call."""

    NEVER = "never"
    #: Its arguments decide.
    SOMETIMES = "sometimes"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How a persona may call one action under a grant."""

    action: Action
    #: Whether the grant covers it at all; the rest says nothing where it does not.
    covered: bool
    #: The conditions that have to hold, without the `for` that limits them to others.
    conditions: tuple[str, ...]
    asks: Asks


def reaches(manifest: Manifest, terms: Terms, covered: Collection[str]) -> tuple[Reach, ...]:
    """Returns the reach of a grant over every action of a manifest, in its order.

    `covered` are the ids of the actions that the grant covers.
    """
    limited = tuple(map(_limited, terms.conditions))
    body = terms.to_json()
    return tuple(
        Reach(
            action=action,
            covered=action.id in covered,
            conditions=tuple(
                text for targets, text in limited if not targets or means(targets, action)
            ),
            asks=asks(action, approval_rule(body, action.id, action.scope)),
        )
        for action in manifest.actions.values()
    )


def asks(action: Action, rule: str) -> Asks:
    """Says whether calls of an action wait for a person under an approval rule."""
    if not is_change(action.effect) or rule == NEVER:
        return Asks.NEVER
    if rule == ALWAYS:
        return Asks.ALWAYS
    if rule.partition(" ")[0] == ABOVE and has_amount(action.input):
        return Asks.SOMETIMES
    if action.effect in RISKY:
        return Asks.ALWAYS
    return Asks.NEVER if action.money is None else Asks.SOMETIMES


def has_amount(schema: Mapping[str, Any]) -> bool:
    """Tells whether arguments of a schema may hold an exact number."""
    if schema.get("format") == "decimal":
        return True
    fields: Mapping[str, Any] = schema.get("properties", {})
    items: Mapping[str, Any] = schema.get("items", {})
    return any(has_amount(part) for part in (*fields.values(), *([items] if items else [])))


def _limited(text: str) -> tuple[tuple[str, ...], str]:
    """Returns the actions and scopes that a condition is limited to, and the condition itself."""
    from clientary_connector.conditions.grammar import parse  # noqa: PLC0415 - 80 ms of lark

    condition = parse(text)
    return condition.targets, str(replace(condition, targets=()))
