"""Tells whoever waits for a list how far it is, page by page."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Final, TypeAlias

#: Takes how many records were read, and how many there are if the service says it; it must
#: neither wait nor raise.
Told: TypeAlias = Callable[[int, int | None], None]

_told: Final[ContextVar[Told | None]] = ContextVar("told", default=None)


@contextlib.contextmanager
def followed(told: Told) -> Generator[None]:
    """Lets calls that begin within it tell how far they are.

    It goes with the task, and so passes through the way of a call untouched: a call that nobody
    waits for in this way costs one look.
    """
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


def tell(done: int, *, most: int, total: int | None) -> None:
    """Says how many records were read of those that are wanted, if anybody wants to know."""
    told = _told.get()
    if told is not None:
        told(done, None if total is None else min(most, total))
