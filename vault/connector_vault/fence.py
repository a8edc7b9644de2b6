"""Closes the gap between the last look at a permission and the act that it permits.

1. Whoever acts enters the fence, looks once more, acts, and leaves. Many may be inside at once,
   in any number of threads and processes; what happens inside is short and waits for nobody.
2. The look may be at what this process saw up to `RECALL_S` before.
3. Whoever takes a permission away commits that first, and then clears the fence: it waits until
   what was seen before the commit is older than that, and until everybody who was inside by then
   has left.
4. So, once the fence was cleared, nobody acts on what was seen before the commit.

The fence is a lock on a file beside the database; the kernel drops the lock of a process that
dies. A process that was stopped inside keeps it, and `clear` says so when its time is up.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from threading import Lock
from typing import Final

from connector_vault.lock_file import lock_file
from connector_vault.origin import Origin

#: So old may be what is recalled: about as long as a group of calls takes, from one to the next.
RECALL_S: Final = 0.05
#: How long a try to clear the fence waits before the next one.
PAUSE_S: Final = 0.001


class Fence:
    """One fence around the acts that the vault's records permit."""

    def __init__(self, database: Path) -> None:
        """Names the file; it is opened by the first who enters or clears."""
        self._path = database.with_name(f"{database.name}.fence")
        self._origin = Origin()
        self._lock = Lock()
        self._inside = 0
        self._file: int | None = None

    def entered(self) -> Inside:
        """Stays inside the fence for the length of a `with` block, which must be short.

        Entering the block raises as `enter` does.
        """
        return Inside(self)

    def enter(self) -> None:
        """Goes inside; whoever does so leaves again, whatever happens.

        Raises:
            ForkedError: The vault was opened in another process.
            StoreError: The file cannot be opened.
        """
        self._origin.check()
        with self._lock:
            opened = self._file is None
            if self._file is None:
                self._file = lock_file(self._path)
            # A file that was opened anew has no lock, whoever is still inside behind the old one.
            if opened or self._inside == 0:
                fcntl.flock(self._file, fcntl.LOCK_SH)
            self._inside += 1

    def leave(self) -> None:
        """Goes outside again."""
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def clear(self, *, limit_s: float) -> bool:
        """Waits until nobody acts on what was seen before; False if the time was up first.

        The limit is for those who are inside; until nobody recalls it takes `RECALL_S` in any case.

        Raises:
            StoreError: The file cannot be opened.
        """
        file = lock_file(self._path)
        try:
            time.sleep(RECALL_S)
            return _alone(file, until=time.monotonic() + limit_s)
        finally:
            os.close(file)

    def close(self) -> None:
        """Closes the file, if it was opened."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None


class Inside:
    """A stay inside the fence; a class, as a generator costs a send more time."""

    __slots__ = ("_fence",)

    def __init__(self, fence: Fence) -> None:
        """Takes the fence."""
        self._fence = fence

    def __enter__(self) -> None:
        """Goes inside."""
        self._fence.enter()

    def __exit__(self, *error: object) -> None:
        """Goes outside again."""
        self._fence.leave()


def _alone(file: int, *, until: float) -> bool:
    """Holds the lock alone for a moment; False if that was not to be had in time."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(PAUSE_S)
        else:
            return True
