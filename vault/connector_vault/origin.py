"""Remembers the process in which something was opened: it serves no other one."""

from __future__ import annotations

import os

from connector_vault.errors import ForkedError


class Origin:
    """The process in which this was made."""

    __slots__ = ("_process",)

    def __init__(self) -> None:
        """Takes in which process this is."""
        self._process = os.getpid()

    @property
    def here(self) -> bool:
        """Whether this is still that process, and no child that a fork has made."""
        return os.getpid() == self._process

    def check(self) -> None:
        """Refuses any other process.

        Raises:
            ForkedError: This is another one.
        """
        if os.getpid() != self._process:
            raise ForkedError("The vault was opened in another process; open it in this one.")
