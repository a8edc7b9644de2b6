"""Draws one line of progress on a terminal, and nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

WIDTH: Final = 24
#: Redrawing more often is not seen, and costs time.
INTERVAL_S: Final = 0.1
#: Back to the start of the line, and erase it.
ERASE: Final = "\r\x1b[K"


class Bar:
    """A line at the foot of the terminal on stderr that leaves nothing behind."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Looks once whether stderr is a terminal."""
        self._clock = clock
        self._on = sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def show(self, text: str, *, done: int, total: int | None) -> None:
        """Draws the line anew, if the last time was long enough ago."""
        if not self._on or self._clock() < self._next:
            return
        self._next = self._clock() + INTERVAL_S
        self._shown = True
        self._write(f"{ERASE}{_drawn(done, total)} {text}")

    def hide(self) -> None:
        """Erases the line, so that something else can be printed."""
        if self._shown:
            self._shown = False
            self._write(ERASE)

    def end(self) -> None:
        """Erases the line for good."""
        self.hide()
        self._on = False

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def _drawn(done: int, total: int | None) -> str:
    if not total:
        return ""
    share = min(done / total, 1.0)
    filled = round(share * WIDTH)
    return f"[{'#' * filled}{'.' * (WIDTH - filled)}] {share:4.0%}"
