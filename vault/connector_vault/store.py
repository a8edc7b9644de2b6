"""Opens the database: its files, its readers, its one writer.

1. File and directory are made closed to everybody else, whatever the umask.
2. A new database appears under its name only when it is whole.
3. Every commit reaches the disk before anybody is told, unless durability is "normal".
4. No handle is used in a process that it was not opened in.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, Literal, TypeAlias, TypeVar

import apsw

from connector_vault import schema
from connector_vault.errors import (
    ForkedError,
    StoreUnavailableError,
    VaultClosedError,
    VaultExistsError,
    VaultMissingError,
)
from connector_vault.faults import FOREIGN, meaning
from connector_vault.group import GroupWriter
from connector_vault.rows import Rows

T = TypeVar("T")
Durability: TypeAlias = Literal["full", "normal"]

#: How long to wait for another process that writes.
BUSY_MS: Final = 10_000
_IDLE_READERS: Final = 8
_CACHE_KIB: Final = 8_192
#: The journal is copied into the database after so many pages of 4 KiB.
_CHECKPOINT_PAGES: Final = 2_000


class Store:
    """One open database: reads from any thread, writes through one."""

    def __init__(self, path: Path, durability: Durability) -> None:
        """Opens a database that exists.

        Raises:
            VaultMissingError: There is none.
            StoreError: It cannot be opened, or is no vault.
        """
        if not path.exists():
            raise VaultMissingError(f"There is no vault at {path}.")
        self.path = path
        self._durability = durability
        self._process = os.getpid()
        self._closed = False
        self._lock = Lock()
        self._idle: deque[tuple[apsw.Connection, Rows]] = deque()
        self._writer: GroupWriter | None = None
        self._release(self._reader())

    def read(self, work: Callable[[Rows], T]) -> T:
        """Runs work on one snapshot, in this thread."""
        self._check()
        reader = self._reader()
        connection, rows = reader
        try:
            connection.execute("BEGIN")
            try:
                return work(rows)
            finally:
                connection.execute("ROLLBACK")
        except FOREIGN as error:
            raise meaning(error) from error
        finally:
            self._release(reader)

    def write(self, work: Callable[[Rows], T]) -> T:
        """Runs work in a transaction and waits for its commit."""
        return self._writing().write(work)

    async def write_async(self, work: Callable[[Rows], T]) -> T:
        """Runs work in a transaction and awaits its commit."""
        return await self._writing().write_async(work)

    def migrate(self) -> None:
        """Brings an older database up to date."""
        try:
            connection = _connect(self.path, self._durability)
            try:
                schema.migrate(connection)
            finally:
                connection.close()
        except FOREIGN as error:
            raise meaning(error) from error

    def close(self) -> None:
        """Finishes the writes and closes every connection.

        In another process than the one that opened it this does nothing: the files belong to
        the other one.
        """
        if os.getpid() != self._process:
            return
        with self._lock:
            self._closed = True
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        while self._idle:
            self._idle.pop()[0].close()

    def _check(self) -> None:
        """Refuses a handle that was closed, or came here by a fork."""
        if os.getpid() != self._process:
            raise ForkedError("The vault was opened in another process; open it in this one.")
        if self._closed:
            raise VaultClosedError("The vault was closed.")

    def _writing(self) -> GroupWriter:
        """Gives the writer, which the first write makes."""
        self._check()
        with self._lock:
            if self._writer is None:
                try:
                    self._writer = GroupWriter(_connect(self.path, self._durability))
                except FOREIGN as error:
                    raise meaning(error) from error
            return self._writer

    def _reader(self) -> tuple[apsw.Connection, Rows]:
        """Gives a connection that nobody else uses."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            connection = _connect(self.path, self._durability)
            schema.check_identity(connection)
            schema.version_of(connection)
        except FOREIGN as error:
            raise meaning(error) from error
        return connection, Rows(connection)

    def _release(self, reader: tuple[apsw.Connection, Rows]) -> None:
        """Takes a connection back."""
        if self._closed or len(self._idle) >= _IDLE_READERS:
            reader[0].close()
        else:
            self._idle.append(reader)


def create_database(path: Path, fill: Callable[[Rows], T]) -> T:
    """Makes a new database, fills it, and only then gives it its name.

    Raises:
        VaultExistsError: There is one.
        StoreError: It cannot be made.
    """
    fresh = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        _make_private(path, fresh)
        try:
            filled = _fill(fresh, fill)
            os.link(fresh, path)
        finally:
            fresh.unlink()
        _sync_directory(path.parent)
    except FileExistsError:
        raise VaultExistsError(f"There is a vault at {path} already.") from None
    except OSError as error:
        raise StoreUnavailableError(f"No vault can be made at {path}: {error.strerror}.") from None
    except FOREIGN as error:
        raise meaning(error) from error
    return filled


def _make_private(path: Path, fresh: Path) -> None:
    """Makes directory and file, closed to everybody else."""
    if path.exists():
        raise FileExistsError
    if not path.parent.exists():
        path.parent.mkdir(parents=True)
        path.parent.chmod(0o700)
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)


def _fill(path: Path, fill: Callable[[Rows], T]) -> T:
    """Lays the tables out and runs the first transaction."""
    connection = _connect(path, "full")
    try:
        connection.pragma("journal_mode", "wal")
        schema.migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        filled = fill(Rows(connection))
        connection.execute("COMMIT")
        return filled
    finally:
        connection.close()


def _connect(path: Path, durability: Durability) -> apsw.Connection:
    """Opens one connection, with the settings that every one has."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_MS)
    connection.execute(
        f"PRAGMA synchronous = {durability}; PRAGMA foreign_keys = ON; "
        f"PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; "
        f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}"
    )
    return connection


def _sync_directory(directory: Path) -> None:
    """Makes a new name in the directory last."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
