"""Fills the disk, as far as one process can tell."""

from __future__ import annotations

import resource
from collections.abc import Generator
from contextlib import contextmanager


class FullDisk:
    """Lets no file of this process hold a byte beyond a place, until there is room again.

    The kernel refuses each write as it does on a full disk, wherever in the file it would begin.
    """

    def __init__(self) -> None:
        """Notes how it was before."""
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, most: int = 0) -> None:
        """Leaves room for so many bytes a file."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, self._before[1]))

    def clear(self) -> None:
        """Makes room."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def full_disk(most: int = 0) -> Generator[FullDisk]:
    """Leaves room for so many bytes a file, for the length of a `with` block at most."""
    disk = FullDisk()
    disk.fill(most)
    try:
        yield disk
    finally:
        disk.clear()
