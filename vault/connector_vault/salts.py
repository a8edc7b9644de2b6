"""Draws random bytes ahead, for names and salts: what has to be unlike, and is no secret.

Each draw asks the kernel, and gives up Python's lock meanwhile: a busy process then waits for
another thread, several times a call. Keys are never drawn here, as what was drawn stays in memory.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from connector_vault.cipher import Entropy

#: So many are drawn at once: enough for some forty rows of the log.
AHEAD_BYTES: Final = 2_048


class Salts:
    """Random bytes, none of which are given twice. Any thread may ask."""

    __slots__ = ("_at", "_drawn", "_entropy", "_lock")

    def __init__(self, entropy: Entropy) -> None:
        """Takes where they are drawn from; nothing is drawn yet."""
        self._entropy = entropy
        self._lock = Lock()
        self._drawn = b""
        self._at = 0

    def forget(self) -> None:
        """Drops what was drawn ahead: a child of a fork would give it a second time."""
        self._lock = Lock()
        self._drawn, self._at = b"", 0

    def __call__(self, count: int) -> bytes:
        """Gives so many bytes."""
        with self._lock:
            if self._at + count > len(self._drawn):
                self._drawn, self._at = self._entropy(max(count, AHEAD_BYTES)), 0
            begin = self._at
            self._at += count
            return self._drawn[begin : self._at]
