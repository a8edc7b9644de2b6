"""Counts what one call has sent, and keeps when, and what came of each send."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: So many sends of one call are told one by one; what is past them is counted.
MAX_TOLD: Final = 20


TOO_MANY: Final = 429


@dataclass(slots=True)
class Tally:
    """Counts what one call has sent."""

    attempts: int = 0
    #: Sends whose bytes may have left.
    sent: int = 0
    #: Sends that were answered with 429, which says that nothing was done.
    turned_away: int = 0
    status: int | None = None
    #: A send has passed its gate, and has no answer yet.
    pending: bool = False
    #: Until when the call has rested, as the service asked for fewer requests.
    rested: float = 0.0
    _began: float = field(default_factory=time.perf_counter)
    _tries: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    _begin: float = 0.0

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
