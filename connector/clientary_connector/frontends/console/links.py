"""Makes links that sign a person in once: printed on a terminal, opened in a browser beside it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from threading import Lock
from typing import Final

from clientary_connector.people import Person

TOKEN_BYTES: Final = 32


class Links:
    """The sign-in links of one console: each is good once, and not for long."""

    def __init__(self, *, life_s: float, clock: Callable[[], float]) -> None:
        """Takes how long a link is good, and a clock that only runs on."""
        self._life_s = life_s
        self._clock = clock
        self._held: dict[str, tuple[Person, float]] = {}
        self._lock = Lock()

    def make(self, person: Person) -> str:
        """Returns the token of a new link for a person."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        now = self._clock()
        with self._lock:
            for mark in [mark for mark, (_, ends) in self._held.items() if ends <= now]:
                del self._held[mark]
            self._held[_mark(token)] = (person, now + self._life_s)
        return token

    def use(self, token: str) -> Person | None:
        """Returns for whom a link is, and makes it worth nothing; None where it is that already."""
        with self._lock:
            person, ends = self._held.pop(_mark(token), (None, 0.0))
        return person if self._clock() < ends else None


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
