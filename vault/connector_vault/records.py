"""Keeps records: rows that decide something, each with a MAC under a key of the vault.

The MAC covers the vault, every column and the revision. The log holds the revision too, for
records whose changes are logged, so that an older row that was valid once is refused. Of a record
that was closed for good the anchor holds it as well, outside the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector_vault import cipher
from connector_vault.cipher import Key
from connector_vault.encoding import json_object, json_text
from connector_vault.errors import IntegrityError
from connector_vault.rows import RecordRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record; `revision` counts its changes, and `name` is unique in its kind if given."""

    kind: str
    id: str
    parent: str | None = None
    name: str | None = None
    revision: int = 0
    body: dict[str, Any]


def sealed_row(record: Record, revision: int, *, vault: str, key: Key) -> RecordRow:
    """Gives the row that stores a new revision of a record."""
    body = json_text(record.body)
    row = RecordRow(record.kind, record.id, record.parent, record.name, revision, body, b"")
    return row._replace(mac=key.mac(_bound(row, vault)))


def opened_row(row: RecordRow, *, vault: str, key: Key, floor: int = 0) -> Record:
    """Gives the record in a row; `floor` is the revision in which it was closed for good.

    Raises:
        IntegrityError: The row was edited, or is older than the log or the floor says.
    """
    if not key.recognizes(_bound(row, vault), row.mac):
        raise IntegrityError(f"records {row.kind} {row.id}")
    if row.logged is not None and not (isinstance(row.logged, int) and row.logged <= row.revision):
        raise IntegrityError(f"records {row.kind} {row.id}", "is older than the log says")
    if row.revision < floor:
        raise IntegrityError(f"records {row.kind} {row.id}", "was closed for good and is put back")
    return Record(
        kind=row.kind,
        id=row.id,
        parent=row.parent,
        name=row.name,
        revision=row.revision,
        body=json_object(row.body),
    )


def _bound(row: RecordRow, vault: str) -> bytes:
    """Gives what the MAC of a row is made of."""
    return cipher.context("record", vault, *row[:6])
