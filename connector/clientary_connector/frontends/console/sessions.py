"""Remembers who is signed in, in the memory of this process.

1. The id of a session is 256 random bits; what is kept is its SHA-256, so that nothing here opens
   a session.
2. A session ends when nobody has used it for a while, at the latest after its full length, when
   its person signs out, and when what it was begun under (`stamp`) is no longer so.
3. Sessions are not written down: a restart signs everybody out, no backup holds one, and no
   request waits for a write. A host of several processes signs its people in by itself.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from clientary_connector.people import Person

ID_BYTES: Final = 32
#: Beyond that the one that was unused longest ends: memory does not grow with sign-ins.
MOST: Final = 1000


@dataclass(slots=True, kw_only=True)
class Session:
    """One person signed in at one browser."""

    person: Person
    #: Id of the user that has signed in by a password; empty where a link was used.
    user: str
    #: What the user was when it began: where that has changed, the session is over.
    stamp: str
    began: float
    seen: float


class Sessions:
    """The sessions of one console."""

    def __init__(self, *, idle_s: float, longest_s: float, clock: Callable[[], float]) -> None:
        """Takes how long a session lasts unused and at most, and a clock that only runs on."""
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._clock = clock
        self._held: dict[str, Session] = {}
        self._lock = Lock()

    def begin(self, person: Person, *, user: str = "", stamp: str = "") -> str:
        """Begins a session and returns its id, which is to be had here alone."""
        token = secrets.token_urlsafe(ID_BYTES)
        now = self._clock()
        with self._lock:
            self._forget(now)
            self._held[_mark(token)] = Session(
                person=person, user=user, stamp=stamp, began=now, seen=now
            )
        return token

    def find(self, token: str, *, use: bool = True) -> Session | None:
        """Returns the session of an id; None where it has ended.

        It counts as used, unless nobody but a page has asked.
        """
        now, mark = self._clock(), _mark(token)
        with self._lock:
            found = self._held.get(mark)
            if found is None:
                return None
            if self._over(found, now):
                del self._held[mark]
                return None
            if use:
                found.seen = now
            return found

    def end(self, token: str) -> None:
        """Ends a session."""
        with self._lock:
            self._held.pop(_mark(token), None)

    def _over(self, session: Session, now: float) -> bool:
        return now - session.seen >= self._idle_s or now - session.began >= self._longest_s

    def _forget(self, now: float) -> None:
        for mark in [mark for mark, one in self._held.items() if self._over(one, now)]:
            del self._held[mark]
        while len(self._held) >= MOST:
            del self._held[min(self._held, key=lambda mark: self._held[mark].seen)]


def _mark(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
