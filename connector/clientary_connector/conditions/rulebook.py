"""Keeps the conditions of grants ready for the actions that they apply to, each made once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from clientary_connector.conditions.parts import from_form
from clientary_connector.conditions.rules import Rule, rule
from clientary_connector.conditions.sources import Sources
from clientary_connector.manifest import Action, Manifest
from clientary_connector.terms import means

#: So many are kept ready; beyond that all are made anew.
MOST: Final = 4096


class Rulebook:
    """The rules of one manifest."""

    def __init__(self, manifest: Manifest) -> None:
        """Takes the manifest; nothing is made yet."""
        self._manifest = manifest
        self._sources: Sources | None = None
        self._made: dict[tuple[str, ...], tuple[Rule, ...]] = {}

    def rules(self, action: Action, body: Mapping[str, Any]) -> tuple[Rule, ...]:
        """Returns the conditions of a grant's record that apply to an action.

        Raises:
            ConditionError: One is kept in a form that cannot be read.
        """
        texts = body.get("conditions")
        if not texts:
            return ()
        key = (action.id, *texts)
        found = self._made.get(key)
        if found is None:
            made = (self._make(action, form) for form in body["rules"])
            found = tuple(one for one in made if one is not None)
            if len(self._made) >= MOST:
                self._made = {}
            self._made[key] = found
        return found

    def _make(self, action: Action, form: Any) -> Rule | None:  # noqa: ANN401 - what the vault kept
        condition = from_form(form)
        if condition.targets and not means(condition.targets, action):
            return None
        sources = self._sources = self._sources or Sources(self._manifest)
        return rule(condition, partial(sources.of, action))
