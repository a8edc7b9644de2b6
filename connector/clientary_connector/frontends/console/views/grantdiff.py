"""Says what a change of a grant means: which actions come, go, or are asked for otherwise."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from clientary_connector.frontends.console.views.matrix import said
from clientary_connector.grantchanges import Change, Step
from clientary_connector.grants import Grant
from clientary_connector.manifest import Manifest
from clientary_connector.reach import Reach, reaches
from clientary_connector.terms import Terms, resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionChange:
    """What happens to one action."""

    id: str
    title: str
    effect: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a change means."""

    #: Nothing is changed by it.
    same: bool
    comes: tuple[ActionChange, ...]
    goes: tuple[ActionChange, ...]
    #: Stays, and may be called otherwise than before.
    alters: tuple[ActionChange, ...]
    #: The terms, a line a part: what goes with -, what comes with +.
    lines: tuple[str, ...]
    #: Actions in the scopes that tell too little for the conditions, and are not in it.
    left_out: tuple[str, ...]


def difference(manifest: Manifest, change: Change) -> Difference:
    """Returns what a change means, action by action."""
    before = reaches(manifest, *held(manifest, change.before))
    ready = change.after
    after = reaches(
        manifest,
        Terms() if ready is None else ready.terms,
        () if ready is None else ready.actions,
    )
    pairs = [
        (_change(old, new), old.covered, new.covered)
        for old, new in zip(before, after, strict=True)
    ]
    return Difference(
        same=change.step is Step.KEEP,
        comes=tuple(one for one, was, is_ in pairs if is_ and not was),
        goes=tuple(one for one, was, is_ in pairs if was and not is_),
        alters=tuple(one for one, was, is_ in pairs if was and is_ and one.before != one.after),
        lines=change.lines(),
        left_out=() if ready is None else ready.left_out,
    )


def held(manifest: Manifest, grant: Grant | None) -> tuple[Terms, Collection[str]]:
    """Returns the terms of a grant and the actions that it covers now; none where it has ended."""
    if grant is None or not grant.active:
        return Terms(), ()
    if grant.actions is None:
        return grant.terms, resolved(grant.terms, manifest)
    return grant.terms, grant.actions


def _change(old: Reach, new: Reach) -> ActionChange:
    return ActionChange(
        id=new.action.id,
        title=new.action.title,
        effect=new.action.effect.value,
        before=said(old),
        after=said(new),
    )
