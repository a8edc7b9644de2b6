"""Keeps records: rows that decide something, each with a MAC under a key of the vault.

The MAC covers the vault, every column and the revision. The log holds the revision too, for
records whose changes are logged, so that an older row that was valid once is refused. Of a record
that was closed for good the anchor holds it as well, outside the database.

A row that was checked once is not checked again while every column of it, its MAC and what the
log says of it are the same to the byte; where one differs, it is a row never seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from connector_vault import cipher
from connector_vault.cipher import Key
from connector_vault.columns import RecordRow
from connector_vault.encoding import json_object, json_text
from connector_vault.errors import IntegrityError


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record; `revision` counts its changes, and `name` is unique in its kind if given.

    A record that was read has a body that nobody can write to: all who read it have the same.
    """

    kind: str
    id: str
    parent: str | None = None
    name: str | None = None
    revision: int = 0
    body: Mapping[str, Any]


#: So many rows are remembered; a process at work uses a connection and a grant at a time or few.
KNOWN_ROWS: Final = 4096


class KnownRows:
    """Remembers the records in rows that were checked, for one vault; any thread may use it."""

    __slots__ = ("_found", "_key", "_vault")

    def __init__(self, vault: str, key: Key) -> None:
        """Takes what rows are checked with."""
        self._vault = vault
        self._key = key
        self._found: dict[tuple[str, str], tuple[RecordRow, Record]] = {}

    def opened(self, row: RecordRow, *, floor: int) -> Record:
        """Gives the record in a row, as `opened_row` does: one object for as long as it is known.

        Raises:
            IntegrityError: The row was edited, or is older than the log or the floor says.
        """
        known = self._found.get((row.kind, row.id))
        if known is None or known[0] != row or row.revision < floor:
            record = opened_row(row, vault=self._vault, key=self._key, floor=floor)
            if len(self._found) >= KNOWN_ROWS:
                self._found.clear()
            self._found[row.kind, row.id] = (row, record)
            return record
        return known[1]


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
        body=MappingProxyType(json_object(row.body)),
    )


def _bound(row: RecordRow, vault: str) -> bytes:
    """Gives what the MAC of a row is made of."""
    return cipher.context("record", vault, *row[:6])
