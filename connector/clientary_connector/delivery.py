"""Delivers notices to one plugin, in their order, in a thread of its own."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any, Final

#: Tells a plugin how many notices it missed.
LOST: Final = "connector_notices_lost"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a plugin is to be told, and what it takes to keep that until then."""

    hook: str
    #: Makes the arguments of the hook.
    making: Callable[[], Mapping[str, Any]]
    #: Bytes that it keeps in memory.
    size: int = 0


class Delivery:
    """The queue of one plugin, bounded by number and by bytes, and the thread that empties it."""

    def __init__(
        self,
        name: str,
        call: Callable[[str, Mapping[str, Any]], None],
        *,
        most: int,
        most_bytes: int,
        sealed: bool,
    ) -> None:
        """Takes how the plugin is called; the thread starts with the first notice."""
        self.name = name
        self.sealed = sealed
        self.told = 0
        self.lost = 0
        self.failed = 0
        self.error: str | None = None
        self._call = call
        self._most = most
        self._most_bytes = most_bytes
        self._queue: deque[Notice] = deque()
        self._bytes = 0
        self._missed = 0
        self._thread: Thread | None = None
        self._ending = False
        self._change = Condition()

    @property
    def waiting(self) -> int:
        """How many notices were not told yet."""
        return len(self._queue)

    def put(self, notice: Notice) -> None:
        """Lets a notice wait for its turn, or leaves it out where there is no room."""
        with self._change:
            full = len(self._queue) >= self._most or (
                bool(self._queue) and self._bytes + notice.size > self._most_bytes
            )
            if full or self._ending:
                self.lost += 1
                self._missed += 1
                return
            self._queue.append(notice)
            self._bytes += notice.size
            if self._thread is None:
                self._thread = Thread(target=self._work, name=f"tell {self.name}", daemon=True)
                self._thread.start()
            self._change.notify()

    def end(self) -> None:
        """Takes nothing more; what waits is still told."""
        with self._change:
            self._ending = True
            self._change.notify()

    def close(self, deadline: float) -> None:
        """Does the same and waits until all was told, or until a moment of `time.monotonic`.

        A plugin that hangs is left behind, and what waits for it counts as lost.
        """
        self.end()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._change:
            self.lost += len(self._queue)
            self._queue.clear()

    def _work(self) -> None:
        """Tells one notice after the other, until there is none left and none will come."""
        while True:
            with self._change:
                while not self._queue and not self._missed and not self._ending:
                    self._change.wait()
                missed, self._missed = self._missed, 0
                notice = self._queue.popleft() if self._queue else None
                self._bytes -= 0 if notice is None else notice.size
            if missed:
                self._tell(Notice(LOST, _count(missed)))
            if notice is not None:
                self.told += self._tell(notice)
            elif not missed:
                return

    def _tell(self, notice: Notice) -> bool:
        """Tells a notice; whatever the plugin does, the next one is told too."""
        try:
            self._call(notice.hook, notice.making())
        except BaseException as error:  # noqa: BLE001 - the outermost edge of another's code
            self.failed += 1
            self.error = type(error).__name__
            return False
        return True


def _count(missed: int) -> Callable[[], Mapping[str, Any]]:
    """Returns how many notices were missed, as arguments of a hook."""
    return lambda: {"count": missed}
