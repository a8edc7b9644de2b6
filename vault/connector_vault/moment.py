"""Lets looks at a file that follow each other within a moment count as one.

It is for what anybody may change right after a look at it, and where a moment so makes no
difference: what was seen is used some time later anyway.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

#: A call takes longer than this from one step to the next; a busy process looks once for several.
MOMENT_S: Final = 0.005


class Moment:
    """Says whether something was looked at just now. Any thread may ask."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        """Starts with nothing looked at."""
        self._until = 0.0

    @property
    def over(self) -> bool:
        """Whether it has to be looked at again."""
        return monotonic() >= self._until

    def end(self) -> None:
        """Takes in that it was changed just now."""
        self._until = 0.0

    def begin(self) -> None:
        """Takes in that it was looked at, and found to be right."""
        self._until = monotonic() + MOMENT_S
