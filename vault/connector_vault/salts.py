"""Draws random bytes ahead, for names and salts: what has to be unlike, and is no secret.

Each draw asks the kernel, and gives up Python's lock meanwhile: a busy process then waits for
another thread, several times a call. Keys are never drawn here, as what was drawn stays in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector_vault.origin import Origin

if TYPE_CHECKING:
    from connector_vault.cipher import Entropy

#: So many are drawn at once: enough for some forty rows of the log.
AHEAD_BYTES: Final = 2_048


class Salts:
    """Random bytes, none of which are given twice, not even in a child of a fork.

    Any thread may ask, and nobody waits: what is taken off a list is taken once.
    """

    __slots__ = ("_drawn", "_entropy", "_origin")

    def __init__(self, entropy: Entropy) -> None:
        """Takes where they are drawn from; nothing is drawn yet."""
        self._entropy = entropy
        self._origin = Origin()
        #: What was drawn ahead, by its length.
        self._drawn: dict[int, list[bytes]] = {}

    def __call__(self, count: int) -> bytes:
        """Gives so many bytes."""
        if not self._origin.here:
            self._drawn, self._origin = {}, Origin()
        try:
            return self._drawn[count].pop()
        except LookupError:
            many = max(1, AHEAD_BYTES // count)
            drawn = self._entropy(many * count)
            pieces = [drawn[at : at + count] for at in range(0, len(drawn), count)]
            given = pieces.pop()
            self._drawn[count] = pieces
            return given
