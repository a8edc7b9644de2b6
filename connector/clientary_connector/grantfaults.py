"""Finds every fault of the terms of a grant with the part in which it stands, for a form.

Each part is checked as if it stood alone, so that one fault does not hide the next. Conditions are
checked over the actions that the rest covers, once that is in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from clientary_connector.errors import CallerError
from clientary_connector.grantcheck import GrantCheck
from clientary_connector.terms import Terms

#: Stands for a grant in which everything else is in order.
ALL: Final = Terms(scopes=("*:*",))
SOMEBODY: Final = "somebody"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermFault:
    """One thing that is wrong with the terms of a grant."""

    #: Name of the field of the terms, or `persona`; empty where the parts do not fit together.
    part: str
    #: Which one, from 0, where the part is a list.
    at: int = 0
    message: str
    hint: str


def faults_of(
    check: GrantCheck, persona: str, given: Terms, *, now: datetime
) -> tuple[TermFault, ...]:
    """Returns all that is wrong; nothing where the terms can be given to the persona."""
    try:
        check.ready(persona, given, now=now)
    except CallerError as error:
        whole = _fault("", 0, error)
    else:
        return ()
    cover = Terms(scopes=given.scopes, allow=given.allow, deny=given.deny)
    covering = [*_alone(check, _cover(given), now)]
    found = [*_named(check, persona, now), *covering, *_alone(check, _rules(given), now)]
    if not covering and _holds(check, cover, now):
        found += _alone(check, _conditions(given, cover), now)
    return tuple(found) or (whole,)


def _named(check: GrantCheck, persona: str, now: datetime) -> Iterator[TermFault]:
    try:
        check.ready(persona, ALL, now=now)
    except CallerError as error:
        yield _fault("persona", 0, error)


def _cover(given: Terms) -> Iterator[tuple[str, int, Terms]]:
    """Gives every part that says which actions are covered, alone."""
    for at, scope in enumerate(given.scopes):
        yield "scopes", at, Terms(scopes=(scope,))
    for at, name in enumerate(given.allow):
        yield "allow", at, Terms(allow=(name,))
    for at, name in enumerate(given.deny):
        yield "deny", at, replace(ALL, deny=(name,))


def _rules(given: Terms) -> Iterator[tuple[str, int, Terms]]:
    """Gives every part that limits what is covered, alone."""
    yield "approve", 0, replace(ALL, approve=given.approve)
    for at, rule in enumerate(given.approve_for):
        yield "approve_for", at, replace(ALL, approve_for=(rule,))
    yield "budget", 0, replace(ALL, budget=given.budget)
    yield "expires_at", 0, replace(ALL, expires_at=given.expires_at)
    yield "rate", 0, replace(ALL, rate=given.rate)


def _conditions(given: Terms, cover: Terms) -> Iterator[tuple[str, int, Terms]]:
    for at, condition in enumerate(given.conditions):
        yield "conditions", at, replace(cover, conditions=(condition,))


def _alone(
    check: GrantCheck, parts: Iterator[tuple[str, int, Terms]], now: datetime
) -> Iterator[TermFault]:
    for part, at, terms in parts:
        try:
            check.ready(SOMEBODY, terms, now=now)
        except CallerError as error:
            yield _fault(part, at, error)


def _holds(check: GrantCheck, terms: Terms, now: datetime) -> bool:
    try:
        check.ready(SOMEBODY, terms, now=now)
    except CallerError:
        return False
    return True


def _fault(part: str, at: int, error: CallerError) -> TermFault:
    return TermFault(part=part, at=at, message=error.message, hint=error.hint)
