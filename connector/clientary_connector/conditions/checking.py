"""Finds what is wrong with a condition when a grant is made, and to which actions it applies."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clientary_connector.conditions.parts import (
    Both,
    Condition,
    Node,
    Not,
    Test,
    tests_of,
    to_form,
)
from clientary_connector.conditions.rules import misfit
from clientary_connector.conditions.sources import Sources
from clientary_connector.errors import ConditionError
from clientary_connector.manifest import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A condition that can be used."""

    #: In its one form.
    text: str
    #: As the vault keeps it.
    form: list[Any]
    #: Ids of the actions that it applies to, and that can never meet it: nothing tells enough.
    untold: tuple[str, ...]


def check(condition: Condition, actions: Sequence[Action], sources: Sources) -> Checked:
    """Checks a condition against the actions that it applies to.

    Raises:
        ConditionError: A name is unknown to all of them, or is compared with what it cannot be.
    """
    if not actions:
        raise ConditionError(
            f"The condition `{condition}` applies to no action of the grant.",
            hint="Grant what stands behind `for`, or leave the condition out.",
        )
    for test in tests_of(condition.node):
        _check_test(test, actions, sources)
    untold = (one.id for one in actions if not _tellable(condition.node, one, sources))
    return Checked(text=str(condition), form=to_form(condition), untold=tuple(untold))


def _check_test(test: Test, actions: Iterable[Action], sources: Sources) -> None:
    reasons: list[str] = []
    for action in actions:
        found = sources.of(action, test.path)
        wrong = [reason for source in found if (reason := misfit(test, source.kind))]
        if found and not wrong:
            return
        reasons += wrong
    if reasons:
        raise ConditionError(f"The condition cannot be: {reasons[0]}.")
    known = sorted({name for action in actions for name in sources.names(action)})
    near = difflib.get_close_matches(test.path[0], known, n=2, cutoff=0.6)
    raise ConditionError(
        f"No action that the condition applies to tells {test.name[:64]!r}.",
        hint=f"Did you mean {' or '.join(near)}?" if near else f"Known here: {', '.join(known)}.",
    )


def _tellable(node: Node, action: Action, sources: Sources, *, opposite: bool = False) -> bool:
    """Tells whether an action tells enough for a condition to hold."""
    if isinstance(node, Test):
        found = sources.of(action, node.path)
        return bool(found) and not any(misfit(node, source.kind) for source in found)
    if isinstance(node, Not):
        return _tellable(node.part, action, sources, opposite=not opposite)
    told = [_tellable(part, action, sources, opposite=opposite) for part in node.parts]
    return all(told) if isinstance(node, Both) != opposite else any(told)
