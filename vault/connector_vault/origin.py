"""Remembers the process in which something was opened: it serves no other one."""

from __future__ import annotations

import os
from typing import Final

from connector_vault.errors import ForkedError


class _Process:
    """The process that this is, known without asking the kernel each time."""

    __slots__ = ("id",)

    def __init__(self) -> None:
        self.id = os.getpid()

    def forked(self) -> None:
        """Takes in that this is a child now."""
        self.id = os.getpid()


_HERE: Final = _Process()
os.register_at_fork(after_in_child=_HERE.forked)


class Origin:
    """The process in which this was made."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        """Takes in which process this is."""
        self._process = _HERE.id

    @property
    def here(self) -> bool:
        """Whether this is still that process, and no child that a fork has made."""
        return _HERE.id == self._process

    def check(self) -> None:
        """Refuses any other process.

        Raises:
            ForkedError: This is another one.
        """
        if _HERE.id != self._process:
            raise ForkedError("The vault was opened in another process; open it in this one.")
