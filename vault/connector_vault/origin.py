"""Remembers the process in which something was opened: it serves no other one.

Hosts fork in C too, where no hook of Python runs. So a child is known by a page of memory that the
kernel empties in it, which is read in a third of the time of asking for the process's id:
https://man7.org/linux/man-pages/man2/madvise.2.html, MADV_WIPEONFORK. Where there is no such page
the id is asked for.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Final

from connector_vault.errors import ForkedError

#: The number that Linux gives it (4.14 and later); Python has no name for it.
_WIPE_ON_FORK: Final = 18
#: No kernel knows this one.
_NO_ADVICE: Final = -1


class _Asked:
    """Stands for such a page where there is none."""

    __slots__ = ("_id",)

    def __init__(self) -> None:
        self._id = -1

    def __getitem__(self, at: int) -> int:
        return int(os.getpid() == self._id)

    def __setitem__(self, at: int, value: int) -> None:
        self._id = os.getpid()


def _page() -> mmap.mmap | _Asked:
    """Gives what is 0 at its begin in a child, until it is set there."""
    if sys.platform == "linux":
        page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if _takes(page, _WIPE_ON_FORK) and not _takes(page, _NO_ADVICE):
            return page
        page.close()
    return _Asked()


def _takes(page: mmap.mmap, advice: int) -> bool:
    """Says whether the kernel takes an advice; an emulator that takes any keeps to none."""
    try:
        page.madvise(advice)
    except OSError:
        return False
    return True


class _Here:
    """The process that this is: another object in each child."""

    __slots__ = ("process",)

    def __init__(self) -> None:
        self.process = object()


_HERE: Final = _Here()
_MARK: Final = _page()
_MARK[0] = 1


class Origin:
    """The process in which this was made."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        """Takes in which process this is."""
        if not _MARK[0]:
            process = object()
            # Of two threads that come here first in a child, one is first: nothing lets the other
            # in between. A lock might be held for ever by a thread that the parent has kept.
            if not _MARK[0]:
                _HERE.process = process
                _MARK[0] = 1
        self._process = _HERE.process

    @property
    def here(self) -> bool:
        """Whether this is still that process, and no child that a fork has made."""
        return bool(_MARK[0]) and _HERE.process is self._process

    def check(self) -> None:
        """Refuses any other process.

        Raises:
            ForkedError: This is another one.
        """
        if not _MARK[0] or _HERE.process is not self._process:
            raise ForkedError("The vault was opened in another process; open it in this one.")
