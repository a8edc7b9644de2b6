"""Keeps watch over calls under way, and stops those whose permission was taken away.

1. A read is stopped wherever it is; a change only while nothing of it was sent. What was sent
   runs to its end, and its outcome says that it ended after the revoke.
2. The process that revokes looks at once. Every other process looks by itself while calls are
   under way, so that a slow service does not hold a revoked call for long.
3. This is for speed. What keeps a revoked call from being sent is the gate of each send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock
from types import TracebackType
from typing import Any, Final
from weakref import WeakKeyDictionary

from clientary_connector.call.clock import Clock, utc_now
from clientary_connector.call.policy import Permit, still_holds
from connector_vault import Vault, VaultError, View

#: Between two looks of a process that has calls under way.
LOOK_S: Final = 0.25


class StoppedError(Exception):
    """The call was stopped by a revoke."""


@dataclass(eq=False, slots=True)
class Watch:
    """The calls under way in one event loop, and whether a look at them is due."""

    flights: set[Flight] = field(default_factory=set["Flight"])
    due: bool = False


class Flight:
    """One call under way in one event loop; a class, as a generator costs a call more time."""

    __slots__ = (
        "_cancelling",
        "_cut",
        "_may_stop",
        "_task",
        "_watch",
        "landed",
        "permit",
        "stopped",
    )

    def __init__(self, permit: Permit, may_stop: Callable[[], bool], watch: Watch) -> None:
        """Takes what permits the call, whether stopping it is harmless, and who watches."""
        self.permit = permit
        self.stopped = False
        self.landed = False
        self._may_stop = may_stop
        self._watch = watch
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._cut = False

    def __enter__(self) -> None:
        """Puts the call under watch."""
        self._task = asyncio.current_task()
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._watch.flights.add(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the watch.

        Raises:
            StoppedError: A revoke has stopped the call.
        """
        self.landed = True
        self._watch.flights.discard(self)
        if self._task is None or not self._cut:
            return
        # Who else has cancelled the task in the meantime goes first, as `asyncio.timeout` has it.
        others = self._task.uncancel() > self._cancelling
        if not others and isinstance(error, asyncio.CancelledError):
            raise StoppedError from None

    def stop(self) -> None:
        """Stops the call where that is still harmless; runs in the call's own loop."""
        if not self.landed and not self.stopped and self._may_stop():
            self.stopped = True
            # Not at once: an answer that has come by now is taken first.
            asyncio.get_running_loop().call_soon(self._cut_off)

    def _cut_off(self) -> None:
        if not self.landed and self._task is not None:
            self._cut = True
            self._task.cancel()


class Underway:
    """The calls under way of one connector."""

    def __init__(self, vault: Vault, clock: Clock = utc_now) -> None:
        """Takes the vault whose records permit them, and a clock: permits end."""
        self._vault = vault
        self._clock = clock
        self._lock = Lock()
        self._watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()

    def flight(self, permit: Permit, *, may_stop: Callable[[], bool]) -> Flight:
        """Gives the watch over a call, for the length of a `with` block.

        Leaving the block raises StoppedError where a revoke has stopped the call.
        """
        return Flight(permit, may_stop, self._watch(asyncio.get_running_loop()))

    def look(self) -> None:
        """Looks at every call under way in this process; any thread may ask."""
        with self._lock:
            found = list(self._watches.items())
        for loop, watch in found:
            # A loop that ends in this moment has ended its calls too.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._check, watch)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> Watch:
        """Gives the watch of a loop, with a look due."""
        watch = self._watches.get(loop)
        if watch is None:
            with self._lock:
                watch = self._watches.setdefault(loop, Watch())
        if not watch.due:
            watch.due = True
            loop.call_later(LOOK_S, self._look_again, loop, watch)
        return watch

    def _look_again(self, loop: asyncio.AbstractEventLoop, watch: Watch) -> None:
        """Looks from time to time, as long as there is something to look at."""
        self._check(watch)
        watch.due = bool(watch.flights)
        if watch.due:
            loop.call_later(LOOK_S, self._look_again, loop, watch)

    def _check(self, watch: Watch) -> None:
        if not watch.flights:
            return
        permits = {flight.permit for flight in watch.flights}
        # A vault that cannot be read stops the next send; it does not stop an answer.
        with suppress(VaultError):
            now = self._clock().timestamp()
            gone = self._vault.look(lambda view: _gone(view, permits, now))
            for flight in list(watch.flights):
                if flight.permit in gone:
                    flight.stop()


def _gone(view: View, permits: Iterable[Permit], now: float) -> set[Permit]:
    """Gives the permits that no longer hold; one that cannot be read stops nothing yet."""
    gone: set[Permit] = set()
    for permit in permits:
        with suppress(VaultError):
            if not still_holds(view, permit, now=now):
                gone.add(permit)
    return gone
