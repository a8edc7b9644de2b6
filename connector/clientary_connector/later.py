"""Keeps the making of a part for the moment when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """A part that is made once, by the first who asks for it, in whatever thread."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Takes how it is made."""
        self._make = make
        self._lock = Lock()
        #: The part, once it was made.
        self.made: T | None = None

    def __call__(self) -> T:
        """Gives the part."""
        if self.made is None:
            with self._lock:
                if self.made is None:
                    self.made = self._make()
        return self.made
