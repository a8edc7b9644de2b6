"""Refuses new intents once an outcome could not be stored, in all that have the vault open.

1. The process that failed remembers why, until it opens the vault anew. No disk is needed for it.
2. It also makes a file beside the database, which needs next to no room: whoever had the vault
   open by then sees it before it writes the next group, and refuses from then on until it opens
   it anew.
3. Who opens the vault later goes on: it writes what could not be written. Once that has
   succeeded, and the process that failed is gone, the file goes.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from connector_vault.attendance import Attendance
from connector_vault.errors import StoreError

_ELSEWHERE: Final = "An outcome could not be written by another process."
_READ_BYTES: Final = 4_096


class Latch:
    """The latch of one database, as one of those who have it open sees it."""

    def __init__(self, database: Path, attendance: Attendance) -> None:
        """Looks what stands there now: that is from before, and refuses nothing here."""
        self._path = database.with_name(f"{database.name}.degraded")
        self._name = str(self._path)
        self._attendance = attendance
        self._met = self._mark()
        #: What the last look has found.
        self.known: str | None = None

    @property
    def reason(self) -> str | None:
        """Why new intents are refused here, if they are; costs a look at a file."""
        self.look()
        return self.known

    def look(self) -> None:
        """Takes in whether another process has shut it since the last time."""
        if self.known is None:
            mark = self._mark()
            if mark is not None and mark != self._met:
                self.known = self.standing or _ELSEWHERE

    @property
    def standing(self) -> str | None:
        """Why they are refused wherever the vault was open by then, if they are."""
        found = self._read()
        return None if found is None else found[1] or _ELSEWHERE

    def shut(self, reason: str) -> None:
        """Refuses from now on; the first reason stays."""
        self.known = self.known or reason
        with suppress(OSError, StoreError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(self._path, flags, 0o600)
            try:
                os.write(file, f"{self._attendance.me}\n{reason}".encode())
            finally:
                os.close(file)

    def lift(self) -> str | None:
        """Takes the file away, if who made it is gone; gives why it stood there.

        Raises:
            StoreError: It cannot be told who is gone.
        """
        found = self._read()
        if found is None or self._attendance.is_present(found[0]):
            return None
        with suppress(OSError):
            self._path.unlink()
        return found[1] or _ELSEWHERE

    def _read(self) -> tuple[str, str] | None:
        """Reads who made the file, and why; on a full disk it may be empty."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            maker, _, reason = os.read(file, _READ_BYTES).decode(errors="replace").partition("\n")
        finally:
            os.close(file)
        return maker, reason

    def _mark(self) -> tuple[int, int] | None:
        """Tells one file from any other that had its name."""
        try:
            status = os.stat(self._name)  # noqa: PTH116 - a third of the time of Path.stat, at every intent
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns
