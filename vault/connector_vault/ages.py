"""Says how old the text of a row may become, by the row's kind and effect.

Ages have names: `KIND:EFFECT` for rows of a kind that have an effect, `KIND` for the others of that
kind, and `*` for all that no other name is for. An intent and its outcome are the kind `call`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

#: The name of the age that is for all rows which no other one is for.
ANY: Final = "*"
CALL: Final = "call"
_CALLS: Final = ("intent", "outcome")


class Aged(Protocol):
    """What the age of a row depends on."""

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    @property
    def effect(self) -> str | None:
        """The effect of its action."""
        ...


def name_for(row: Aged, names: Collection[str]) -> str | None:
    """Gives the name among some that a row's age has: the one that says most of it."""
    kind = CALL if row.kind in _CALLS else row.kind
    return next((name for name in (f"{kind}:{row.effect}", kind, ANY) if name in names), None)


def condition(name: str, names: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Gives the same as a condition on a row of the log, and the values in it."""
    if name == ANY:
        return _none_of([one for one in names if one != ANY])
    kind, _, effect = name.partition(":")
    kinds = _CALLS if kind == CALL else (kind,)
    is_kind = f"kind IN ({', '.join('?' * len(kinds))})"
    if effect:
        return f"({is_kind} AND coalesce(effect, '') = ?)", (*kinds, effect)
    special, values = _none_of([one for one in names if one.startswith(f"{kind}:")])
    return f"({is_kind} AND {special})", (*kinds, *values)


def _none_of(names: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Gives the condition that a row's age has none of some names."""
    parts = [condition(name, ()) for name in names]
    texts = "".join(f" AND NOT {text}" for text, _ in parts)
    return f"(1 = 1{texts})", tuple(value for _, values in parts for value in values)
