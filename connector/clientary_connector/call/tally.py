"""Counts what one call has sent, and keeps when, and what came of each send."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

#: So many sends of one call are told one by one; what is past them is counted.
MAX_TOLD: Final = 20


TOO_MANY: Final = 429


class Tally:
    """Counts what one call has sent, and the time that it takes."""

    __slots__ = (
        "_began",
        "_begin",
        "_tries",
        "attempts",
        "pending",
        "rested",
        "sent",
        "status",
        "turned_away",
    )

    def __init__(self) -> None:
        """Begins now, with nothing sent."""
        self.attempts = 0
        #: Sends whose bytes may have left.
        self.sent = 0
        #: Sends that were answered with 429, which says that nothing was done.
        self.turned_away = 0
        self.status: int | None = None
        #: A send has passed its gate, and has no answer yet.
        self.pending = False
        #: Until when the call has rested, as the service asked for fewer requests.
        self.rested = 0.0
        self._tries: list[Mapping[str, Any]] = []
        self._began = self._begin = time.perf_counter()

    @property
    def spent_ms(self) -> float:
        """How long the call takes so far."""
        return (time.perf_counter() - self._began) * 1000

    @property
    def maybe_done(self) -> bool:
        """Whether the service may have done something of it by now."""
        return self.pending or self.sent > self.turned_away

    def begin(self) -> None:
        """Begins a send."""
        self.attempts += 1
        self._begin = time.perf_counter()

    def answered(self, status: int) -> None:
        """Takes in that a send was answered."""
        self.pending = False
        self.sent += 1
        self.turned_away += status == TOO_MANY
        self.status = status
        self._note(status=status)

    def failed(self, error: str, *, sent: bool) -> None:
        """Takes in that a send has no answer; `sent` says that bytes of it may have left."""
        self.pending = False
        self.sent += sent
        self._note(error=error)

    def told(self) -> tuple[Mapping[str, Any], ...]:
        """Returns the sends where there was more than one: the first ones, and the last."""
        tries = self._tries
        if len(tries) <= 1:
            return ()
        return tuple(tries if len(tries) <= MAX_TOLD else [*tries[: MAX_TOLD - 1], tries[-1]])

    def _note(self, **what: Any) -> None:  # noqa: ANN401 - a status, or what went wrong
        now = time.perf_counter()
        spent = {
            "after_ms": round((self._begin - self._began) * 1000, 1),
            "took_ms": round((now - self._begin) * 1000, 1),
        }
        if len(self._tries) > MAX_TOLD:
            self._tries.pop()
        self._tries.append({**what, **spent})
