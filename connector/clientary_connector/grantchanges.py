"""Describes what a file of grants would change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.grants import Grant, Ready
from clientary_connector.terms import Terms


class Step(StrEnum):
    """What happens to one grant."""

    GIVE = "give"
    CHANGE = "change"
    KEEP = "keep"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One grant as somebody wants it, in a file for instance."""

    persona: str
    #: Id or name of the connection.
    connection: str
    terms: Terms
    #: Where it stands, for faults: `Line 3`.
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to the grant of one persona over one connection."""

    persona: str
    #: Id and name of the connection.
    connection: str
    connection_name: str
    #: As it is; None where there never was one.
    before: Grant | None
    #: As it will be; None where it ends.
    after: Ready | None

    @property
    def key(self) -> tuple[str, str]:
        """What tells one grant from every other: connection and persona."""
        return self.connection, self.persona

    @property
    def step(self) -> Step:
        """What happens."""
        if self.after is None:
            return Step.CLOSE
        if self.before is None or not self.before.active:
            return Step.GIVE
        same = self.before.terms == self.after.terms and self.before.actions == self.after.actions
        return Step.KEEP if same else Step.CHANGE

    def lines(self) -> tuple[str, ...]:
        """Returns the difference, a line a part: what goes with -, what comes with +."""
        before = self.before.terms if self.before is not None and self.before.active else Terms()
        after = Terms() if self.after is None else self.after.terms
        old, new = before.to_json(), after.to_json()
        said = [line for name in old for line in _differing(name, old[name], new[name])]
        if self.after is None:
            return tuple(line for line in said if line.startswith("-"))
        held = set(self.before.actions or ()) if self.before is not None else set[str]()
        if self.step is Step.CHANGE and before == after:
            said += [f"+ action: {one}" for one in self.after.actions if one not in held]
        return tuple(said)

    def to_json(self) -> dict[str, Any]:
        """Returns the change as a JSON object."""
        return {
            "persona": self.persona,
            "connection": self.connection_name,
            "step": self.step.value,
            "before": None if self.before is None else self.before.terms.to_json(),
            "after": None if self.after is None else self.after.terms.to_json(),
            "difference": list(self.lines()),
        }


def _differing(name: str, old: Any, new: Any) -> list[str]:  # noqa: ANN401 - a part of terms
    if old == new:
        return []
    if is_object(old) and is_object(new):
        gone = [f"{key}: {rule}" for key, rule in old.items() if new.get(key) != rule]
        come = [f"{key}: {rule}" for key, rule in new.items() if old.get(key) != rule]
    elif is_list(old) and is_list(new):
        gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    else:
        gone, come = [] if old is None else [old], [] if new is None else [new]
    return [f"- {name}: {one}" for one in gone] + [f"+ {name}: {one}" for one in come]
