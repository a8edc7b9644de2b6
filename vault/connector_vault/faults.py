"""Maps the errors of SQLite to the errors of the vault, at one place."""

from __future__ import annotations

from typing import Final

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

_BUSY: Final = (StoreBusyError, "Another process holds the vault; try again.")
_FULL: Final = (StoreFullError, "The disk that holds the vault is full; make room.")
_READ_ONLY: Final = (StoreReadOnlyError, "The vault, or its disk, is read-only.")
_UNAVAILABLE: Final = (
    StoreUnavailableError,
    "The vault's files cannot be opened, read or written.",
)
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

#: What the store layer may see: errors of apsw, and text in the file that is not UTF-8.
FOREIGN: Final = (apsw.Error, UnicodeDecodeError)


def meaning(error: Exception) -> VaultError:
    """Gives the vault's own error for a foreign one; other errors of the vault pass."""
    if isinstance(error, UnicodeDecodeError):
        kind, message = _CORRUPT
        return kind(message)
    kind, message = MEANING.get(type(error), _OTHER)
    return kind(f"{message} ({type(error).__name__})")
