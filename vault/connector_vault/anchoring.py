"""Gives checkpoints to anchors, each in a thread of its own, so that none of them holds anybody up.

1. An anchor gets the newest checkpoint; those that it has missed are in the database.
2. One that fails is asked again after a while, and gets the newest one then.
3. One that does not answer in time counts as stale, and holds nothing up: not a call, not another
   anchor, and the end of the vault for a limited time only.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Condition, Thread
from typing import Final, Protocol

from connector_vault.errors import AnchorError

#: So long is an anchor left alone that has failed.
RETRY_S: Final = 30.0


class CheckpointAnchor(Protocol):
    """A place outside the database that remembers checkpoints.

    `keep` makes a checkpoint last there and returns; it may take its time, and is called by one
    thread. It raises AnchorError where it cannot, or where what the place has held before is
    gone, changed or further than this checkpoint; it must not write over that. `held` gives all
    that the place holds, as text, or None where it can only take and not give.
    """

    @property
    def name(self) -> str:
        """Where it is, as it stands in the settings."""
        ...

    def keep(self, note: str, size: int) -> None:
        """Keeps a checkpoint of a size."""
        ...

    def held(self) -> str | None:
        """Gives what is kept there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorState:
    """How an anchor is."""

    name: str
    #: Of the last checkpoint that it has kept for this process.
    size: int = 0
    #: Why it is behind, if it is.
    stale: str | None = None


class Anchoring:
    """The anchors of one open vault."""

    def __init__(self, anchors: Sequence[CheckpointAnchor], *, limit_s: float) -> None:
        """Takes the anchors, and how long one of them is waited for."""
        self._lines = [_Line(anchor, limit_s) for anchor in anchors]
        self._limit_s = limit_s

    def send(self, note: str, size: int) -> None:
        """Hands a checkpoint to every anchor, and waits for none."""
        for line in self._lines:
            line.send(note, size)

    def states(self) -> tuple[AnchorState, ...]:
        """Says how each anchor is."""
        return tuple(line.look() for line in self._lines)

    def close(self) -> None:
        """Waits for what is under way, for the limit in all, and gives up the rest."""
        until = time.monotonic() + self._limit_s
        for line in self._lines:
            line.close(until)


class _Line:
    """One anchor, its thread, and the checkpoint that it is to have."""

    def __init__(self, anchor: CheckpointAnchor, limit_s: float) -> None:
        """Starts with nothing to do; the first checkpoint starts the thread."""
        self._anchor = anchor
        self._limit_s = limit_s
        self._ready = Condition()
        self._state = AnchorState(name=anchor.name)
        self._next: tuple[str, int] | None = None
        self._since: float | None = None
        self._urgent = self._closed = False
        self._thread: Thread | None = None

    def send(self, note: str, size: int) -> None:
        """Puts a checkpoint in place of an older one that still waits."""
        with self._ready:
            if size <= self._state.size and self._state.stale is None:
                return
            self._next = (note, size)
            self._urgent = True
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="vault-anchor", daemon=True)
                self._thread.start()
            self._ready.notify_all()

    def look(self) -> AnchorState:
        """Says how the anchor is; one that is at work for too long is stale."""
        with self._ready:
            if self._since is not None and time.monotonic() - self._since > self._limit_s:
                return replace(self._state, stale=f"It gives no answer for {self._limit_s:g} s.")
            return self._state

    def close(self, until: float) -> None:
        """Waits until the anchor has what it is to have, or until a time."""
        with self._ready:
            self._ready.wait_for(self._rests, max(0.0, until - time.monotonic()))
            self._closed = True
            self._ready.notify_all()

    def _rests(self) -> bool:
        """Says whether nothing is under way; what has failed is not waited for again."""
        return self._since is None and not self._urgent

    def _serve(self) -> None:
        """Hands over one checkpoint after the other until the vault closes."""
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._closed or self._next is not None)
                if self._next is None:
                    return
                (note, size), self._next = self._next, None
                self._urgent = False
                self._since = time.monotonic()
            stale = self._kept(note, size)
            with self._ready:
                self._since = None
                kept = self._state.size if stale else size
                self._state = replace(self._state, size=kept, stale=stale)
                if stale and self._next is None:
                    self._next = (note, size)
                self._ready.notify_all()
                if stale:
                    self._ready.wait_for(lambda: self._closed or self._urgent, RETRY_S)
                if self._closed:
                    return

    def _kept(self, note: str, size: int) -> str | None:
        """Has the anchor keep a checkpoint; says why it did not, if so."""
        try:
            self._anchor.keep(note, size)
        except AnchorError as error:
            return str(error)
        return None
