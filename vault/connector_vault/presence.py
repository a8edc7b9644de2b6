"""Tells whether any process has a database open, so that a restore never pulls it away.

Every open store holds a shared lock on a file beside the database, for as long as it is open; a
restore takes it alone. The kernel drops the lock of a process that dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from connector_vault.errors import StoreBusyError
from connector_vault.lock_file import lock_file


class Presence:
    """A lock on the use of one database."""

    def __init__(self, database: Path, *, alone: bool = False) -> None:
        """Takes the lock, with others or alone; never waits.

        Raises:
            StoreBusyError: It was to be alone and is not, or another is.
            StoreError: The file beside the database cannot be used.
        """
        path = database.with_name(f"{database.name}.open")
        self._file = lock_file(path)
        wanted = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
        try:
            fcntl.flock(self._file, wanted | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise StoreBusyError(
                "The vault is open in a process; end it, and try again."
                if alone
                else "The vault is being restored; try again."
            ) from None

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._file)
