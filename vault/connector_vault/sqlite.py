"""Meets SQLite: a connection as the vault uses it, and what its errors mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol, TypeAlias, cast

import apsw

from connector_vault.errors import (
    ConflictError,
    MisuseError,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
    VaultError,
)

Durability: TypeAlias = Literal["full", "normal"]

SqlValue: TypeAlias = str | int | bytes | None

#: How long to wait for another process that writes.
BUSY_MS: Final = 10_000
#: A backup goes on in steps of so many pages.
_COPIED_PAGES: Final = 256
#: Of each connection; a larger one stays in memory and makes nothing faster that was measured.
_CACHE_KIB: Final = 2_048
#: The journal is copied into the database after so many pages of 4 KiB.
_CHECKPOINT_PAGES: Final = 4_000
#: What every connection is set to.
_SETTINGS: Final[tuple[tuple[str, str | int], ...]] = (
    ("secure_delete", "ON"),
    ("trusted_schema", "OFF"),
    ("cell_size_check", "ON"),
    ("temp_store", "MEMORY"),
    ("cache_size", -_CACHE_KIB),
    ("wal_autocheckpoint", _CHECKPOINT_PAGES),
)

_BUSY: Final = (StoreBusyError, "Another process holds the vault; try again.")
_FULL: Final = (StoreFullError, "The disk that holds the vault is full; make room.")
_READ_ONLY: Final = (StoreReadOnlyError, "The vault, or its disk, is read-only.")
_UNAVAILABLE: Final = (StoreUnavailableError, "The vault's files cannot be opened or used.")
_CORRUPT: Final = (StoreCorruptError, "The vault's file is damaged; restore a backup.")
_CONFLICT: Final = (ConflictError, "The vault holds something else in that place already.")
_MISUSE: Final = (MisuseError, "The database was used in a way that it does not allow.")
_OTHER: Final = (StoreError, "The database refused.")

#: What each error of apsw means here; a test walks apsw to see that none is left out.
MEANING: Final[dict[type[Exception], tuple[type[VaultError], str]]] = {
    apsw.AbortError: _OTHER,
    apsw.AuthError: _UNAVAILABLE,
    apsw.BindingsError: _MISUSE,
    apsw.BusyError: _BUSY,
    apsw.CantOpenError: _UNAVAILABLE,
    apsw.ConnectionClosedError: _MISUSE,
    apsw.ConnectionNotClosedError: _MISUSE,
    apsw.ConstraintError: _CONFLICT,
    apsw.CorruptError: _CORRUPT,
    apsw.CursorClosedError: _MISUSE,
    apsw.EmptyError: _OTHER,
    apsw.Error: _OTHER,
    apsw.ExecTraceAbort: _MISUSE,
    apsw.ExecutionCompleteError: _MISUSE,
    apsw.ExtensionLoadingError: _MISUSE,
    apsw.ForkingViolationError: _MISUSE,
    apsw.FormatError: _CORRUPT,
    apsw.FullError: _FULL,
    apsw.IOError: _UNAVAILABLE,
    apsw.IncompleteExecutionError: _MISUSE,
    apsw.InternalError: _CORRUPT,
    apsw.InterruptError: _OTHER,
    apsw.InvalidContextError: _MISUSE,
    apsw.LockedError: _BUSY,
    apsw.MismatchError: _CORRUPT,
    apsw.MisuseError: _MISUSE,
    apsw.NoFTS5Error: _OTHER,
    apsw.NoLFSError: _UNAVAILABLE,
    apsw.NoMemError: _UNAVAILABLE,
    apsw.NotADBError: _CORRUPT,
    apsw.NotFoundError: _OTHER,
    apsw.PermissionsError: _UNAVAILABLE,
    apsw.ProtocolError: _BUSY,
    apsw.RangeError: _MISUSE,
    apsw.ReadOnlyError: _READ_ONLY,
    apsw.SQLError: _CORRUPT,
    apsw.SchemaChangeError: _BUSY,
    apsw.ThreadingViolationError: _MISUSE,
    apsw.TooBigError: _MISUSE,
    apsw.VFSFileClosedError: _MISUSE,
    apsw.VFSNotImplementedError: _OTHER,
}

BusyError: Final = apsw.BusyError
ConstraintError: Final = apsw.ConstraintError
#: What may come out of a connection: errors of apsw, and text in the file that is not UTF-8.
FOREIGN: Final = (apsw.Error, UnicodeDecodeError)


class Cursor(Protocol):
    """The rows that a statement gives."""

    def __iter__(self) -> Iterator[Any]:
        """Gives one row after the other, as they are read."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - the database says what it is
        """Gives the next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """Gives all rows that are left."""
        ...


class Connection(Protocol):
    """One connection; `connect` makes it."""

    @property
    def in_transaction(self) -> bool:
        """Says whether a transaction is open."""
        ...

    def execute(self, statements: str, bindings: Sequence[SqlValue] = ()) -> Cursor:
        """Runs statements."""
        ...

    def executemany(self, statement: str, bindings: Iterable[Sequence[SqlValue]]) -> Cursor:
        """Runs a statement once for each of many values."""
        ...

    def set_busy_timeout(self, milliseconds: int) -> None:
        """Says how long to wait for another process."""
        ...

    def close(self) -> None:
        """Closes the connection."""
        ...


def connect(path: Path, durability: Durability) -> Connection:
    """Opens a database that exists, with the settings that every connection has."""
    opened = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection = cast("Connection", opened)
    connection.set_busy_timeout(BUSY_MS)
    # One at a time: the first that answers would end a text of several.
    for setting, value in (("synchronous", durability), *_SETTINGS):
        connection.execute(f"PRAGMA {setting} = {value}").fetchall()
    return connection


def version_seen(connection: Connection) -> int:
    """Gives a number that is another one after each commit of any other connection.

    It is that of the transaction's own moment: https://sqlite.org/pragma.html#pragma_data_version
    """
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def copy(source: Connection, target: Path, told: Callable[[int, int], None] | None) -> None:
    """Copies a database into an empty file, as it is at one moment, while others use it.

    The source is inside a read transaction, so that no page changes under the copy. `told` is
    told pages done and pages in all.
    """
    opened = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        with opened.backup("main", cast("apsw.Connection", source), "main") as backup:
            while not backup.done:
                backup.step(_COPIED_PAGES)
                if told is not None:
                    told(backup.page_count - backup.remaining, backup.page_count)
        # One file that needs no journal beside it.
        cast("Connection", opened).execute("PRAGMA journal_mode = DELETE")
    finally:
        opened.close()


def damage(connection: Connection) -> list[str]:
    """Says what is wrong with the file itself; empty if nothing is."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(100)").fetchall()]
    return [] if found == ["ok"] else found


def shape(connection: Connection) -> set[tuple[str, str, str]]:
    """Gives the tables, indexes and triggers of a database, each with its statement."""
    statement = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"
    return {(kind, name, sql) for kind, name, sql in connection.execute(statement).fetchall()}


def in_memory() -> Connection:
    """Opens an empty database that no file holds."""
    return cast("Connection", apsw.Connection(":memory:"))


def meaning(error: Exception) -> VaultError:
    """Gives the vault's own error for a foreign one."""
    kind, message = MEANING.get(type(error), _CORRUPT)
    return kind(f"{message} ({type(error).__name__})")
