"""Tells who has the database open from who is gone, so that nobody waits for the dead.

1. Whoever has it open holds a lock on a file of its own, named by a random id, from the moment at
   which anybody is told that id.
2. The kernel drops the lock of a process that dies. A process that was stopped keeps it.
3. An id is used once; whoever finds the file of one that is gone removes it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final

from connector_vault.errors import StoreUnavailableError
from connector_vault.lock_file import lock_file

_ID_BYTES: Final = 8


class Attendance:
    """Those who have one database open; one object for each of them."""

    def __init__(self, database: Path) -> None:
        """Names the folder; it is made by the first who is asked for an id."""
        self._folder = database.with_name(f"{database.name}.present")
        self._lock = Lock()
        self._id = ""
        self._file: int | None = None

    @property
    def me(self) -> str:
        """The id under which others find out whether this one is still there.

        Raises:
            StoreError: The file cannot be made.
        """
        # Read without the lock on every call; it is set once, after the file is locked.
        return self._id or self._arrived()

    def is_present(self, id: str) -> bool:  # noqa: A002 - the word for it
        """Says whether the one of that id still has the database open.

        Raises:
            StoreError: Its file cannot be opened.
        """
        path = self._folder / Path(id).name
        if not id or not path.is_file():
            return False
        file = lock_file(path)
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            path.unlink(missing_ok=True)
            return False
        finally:
            os.close(file)

    def close(self) -> None:
        """Leaves, if anybody was told of this one."""
        with self._lock:
            if self._file is not None:
                with suppress(OSError):
                    (self._folder / self._id).unlink()
                os.close(self._file)
                self._file = None

    def _arrived(self) -> str:
        with self._lock:
            if not self._id:
                name = secrets.token_hex(_ID_BYTES)
                self._file = self._locked(name)
                self._id = name
            return self._id

    def _locked(self, name: str) -> int:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            reason = error.strerror
            raise StoreUnavailableError(f"{self._folder} cannot be made: {reason}.") from None
        file = lock_file(self._folder / name)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file
