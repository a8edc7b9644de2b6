"""Makes a backup: the database as it is at one moment, while others go on using it.

It holds what the database holds: sealed values and wrapped keys, and never the key that opens the
vault. Without that key a backup is of no use, to a thief as to its owner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from connector_vault.errors import (
    FileTakenError,
    StoreCorruptError,
    StoreFullError,
    StoreUnavailableError,
)
from connector_vault.files import NO_ROOM, appearing
from connector_vault.log import LogDraft
from connector_vault.records import Record
from connector_vault.store import Store
from connector_vault.view import Transaction, View

#: The record that says when the last backup was made.
KIND: Final = "vault"
ID: Final = "backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What is in a backup."""

    path: Path
    #: In bytes.
    size: int
    #: The last row of the log that it holds.
    seq: int


def back_up(
    store: Store, path: Path, told: Callable[[int, int], None] | None = None
) -> BackupReport:
    """Copies a database that is in use, checks the copy, and only then gives it its name.

    Raises:
        FileTakenError: There is a file at the path.
        StoreError: The copy cannot be made, or the database is damaged.
    """
    try:
        with appearing(path) as fresh:
            store.copy_to(fresh, told)
            seq = _checked(fresh)
    except FileExistsError:
        raise FileTakenError(f"There is a file at {path} already; name another.") from None
    except OSError as error:
        kind = StoreFullError if error.errno in NO_ROOM else StoreUnavailableError
        raise kind(f"No backup can be made at {path}: {error.strerror}.") from None
    return BackupReport(path=path, size=path.stat().st_size, seq=seq)


def note(
    change: Transaction, report: BackupReport, at: int, draft: Callable[..., LogDraft]
) -> None:
    """Stores and logs when the last backup was made, and what it holds."""
    held = change.record(KIND, ID)
    body = {"at": at, "file": report.path.name, "size": report.size, "seq": report.seq}
    record = Record(kind=KIND, id=ID, body=body)
    kept = change.put(record, expect=None if held is None else held.revision)
    subject = f"{kept.kind}:{kept.id}"
    row = draft(kind=ID, subject=subject, revision=kept.revision, facts=kept.body)
    change.append(row)


def last(view: View) -> dict[str, Any] | None:
    """Gives when the last backup was made (`at`, microseconds), its `file`, `size` and `seq`."""
    held = view.record(KIND, ID)
    return None if held is None else dict(held.body)


def _checked(fresh: Path) -> int:
    """Refuses a copy that is damaged; gives the last row of its log."""
    copied = Store(fresh, "full")
    try:
        faults = copied.faults()
        if faults:
            raise StoreCorruptError(f"The vault's file is damaged: {faults[0]}. Run verify.")
        return copied.read(lambda rows: rows.last_seq())
    finally:
        copied.close()
