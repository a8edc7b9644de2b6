"""Finds what is wrong with the terms of a grant, and which actions they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from clientary_connector import terms
from clientary_connector.call.idtext import MAX_ID_CHARS, usable
from clientary_connector.conditions.checking import Checked, check
from clientary_connector.conditions.sources import Sources
from clientary_connector.errors import ConditionError, InvalidValueError
from clientary_connector.grants import Ready
from clientary_connector.manifest import Manifest
from clientary_connector.terms import Terms


class GrantCheck:
    """Checks terms against one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        """Takes the manifest."""
        self._manifest = manifest
        self._sources = Sources(manifest)

    def ready(self, persona: str, given: Terms, *, now: datetime) -> Ready:
        """Returns terms in their plain form, and what they come to.

        Raises:
            CallerError: Something in them cannot be used, or the persona cannot.
        """
        if not usable(persona, longest=MAX_ID_CHARS):
            raise InvalidValueError("The persona has no name that can stand in the log.")
        return self._conditioned(terms.checked(given, self._manifest, now=now))

    def _conditioned(self, plain: Terms) -> Ready:
        """Returns terms with their conditions checked, and the actions that can meet them."""
        covered = terms.resolved(plain, self._manifest)
        found = [self._checked(text, covered) for text in dict.fromkeys(plain.conditions)]
        untold = {name for one in found for name in one.untold}
        if covered and untold.issuperset(covered):
            raise ConditionError("No action of the grant tells enough to meet its conditions.")
        by_text = {one.text: one for one in found}
        return Ready(
            terms=replace(plain, conditions=tuple(by_text)),
            rules=tuple(one.form for one in by_text.values()),
            actions=tuple(name for name in covered if name not in untold),
            left_out=tuple(name for name in covered if name in untold),
        )

    def _checked(self, text: str, covered: Iterable[str]) -> Checked:
        from clientary_connector.conditions.grammar import parse  # noqa: PLC0415 - 80 ms of lark

        condition = parse(text)
        for target in condition.targets:
            terms.check_target(target, self._manifest)
        actions = [self._manifest.actions[name] for name in covered]
        meant = [
            one for one in actions if not condition.targets or terms.means(condition.targets, one)
        ]
        found = check(condition, meant, self._sources)
        named = sorted({*condition.targets} & {*found.untold})
        if named:
            raise ConditionError(f"{named[0]} does not tell enough to meet `{found.text}`.")
        return found
