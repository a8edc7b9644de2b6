"""Keeps what a connection has read, for as long as it stands."""

from __future__ import annotations

from typing import Any


class Kept(dict[tuple[str, str, str], Any]):
    """What was read, by what was asked: calls ask for the same few rows."""

    __slots__ = ("epoch",)

    def __init__(self) -> None:
        """Starts with nothing read."""
        super().__init__()
        #: The same object for as long as nothing was forgotten: all that is read stands together.
        self.epoch = object()

    def clear(self) -> None:
        """Forgets everything, as some of it may be another by now."""
        super().clear()
        self.epoch = object()
