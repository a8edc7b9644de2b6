"""Reads whole tables in pieces, for those who look at everything: the check and the restore."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from connector_vault.columns import LOG_COLUMNS, KeyRow, LogColumns, RecordRow
from connector_vault.rows import LOG_CHECKED, RECORD, Rows

#: So many rows are read in one snapshot, so that a long walk does not hold the journal.
PIECE: Final = 500

_KEYS: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE (id, wrapper) > (?, ?) ORDER BY id, wrapper LIMIT ?"
)
_KEYS_FOR: Final = (
    "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
    "WHERE purpose = ? AND state = 'current' LIMIT ?"
)
_ABOUT: Final = f"SELECT {LOG_CHECKED} FROM log l WHERE l.subject > ? AND l.subject < ?"  # noqa: S608 - constants only
_RECORDS: Final = RECORD + "WHERE (r.kind, r.id) > (?, ?) ORDER BY r.kind, r.id LIMIT ?"
_SECRETS: Final = (
    "SELECT DISTINCT owner, field FROM secrets WHERE (owner, field) > (?, ?) "
    "ORDER BY owner, field LIMIT ?"
)
_SUBJECTS: Final = (
    "SELECT subject, max(revision) FROM log WHERE subject > ? "
    "GROUP BY subject ORDER BY subject LIMIT ?"
)
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM keys), (SELECT count(*) FROM records), "
    "(SELECT count(*) FROM secrets), (SELECT count(DISTINCT subject) FROM log WHERE subject > '')"
)

_RUN: Final = f"SELECT {LOG_COLUMNS} FROM log WHERE seq >= ? AND seq < ? ORDER BY seq"  # noqa: S608 - constants only
_LEAVES: Final = "SELECT seq, leaf, chain, mac FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
_NAMED: Final = RECORD + "WHERE r.kind = ? AND r.id > ? AND r.id <= ? ORDER BY r.id"


class Mark(NamedTuple):
    """Where a walk stands: the key of the last row that was read."""

    first: str = ""
    second: str = ""


class Counts(NamedTuple):
    """How many rows each walk passes."""

    keys: int
    records: int
    secrets: int
    subjects: int


def counts(rows: Rows) -> Counts:
    """Counts what the walks pass."""
    return Counts._make(rows.select(_COUNTS, ())[0])


def count_keys(rows: Rows) -> list[tuple[str, str, int]]:
    """Counts the keys of each purpose and state."""
    return rows.select("SELECT purpose, state, count(*) FROM keys GROUP BY 1, 2 ORDER BY 1, 2", ())


def count_keys_under(rows: Rows, wrapper: str) -> int:
    """Counts the keys that hang on a wrapper."""
    statement = "SELECT count(*) FROM keys WHERE wrapper = ? AND sealed IS NOT NULL"
    return int(rows.select(statement, (wrapper,))[0][0])


def count_secrets_under(rows: Rows, key_id: str) -> int:
    """Counts the versions of secrets that are sealed under a key."""
    return int(rows.select("SELECT count(*) FROM secrets WHERE key_id = ?", (key_id,))[0][0])


def count_secrets(rows: Rows) -> list[tuple[str, int]]:
    """Counts the versions of secrets in each stage."""
    return rows.select("SELECT stage, count(*) FROM secrets GROUP BY 1 ORDER BY 1", ())


def count_records(rows: Rows) -> int:
    """Counts the records."""
    return int(rows.select("SELECT count(*) FROM records", ())[0][0])


def keys(rows: Rows, after: Mark) -> list[tuple[Mark, KeyRow]]:
    """Gives the next wrapped keys."""
    found = rows.select(_KEYS, (*after, PIECE))
    return [(Mark(row[0], row[1]), KeyRow._make(row)) for row in found]


def records(rows: Rows, after: Mark) -> list[tuple[Mark, RecordRow]]:
    """Gives the next records."""
    found = rows.select(_RECORDS, (*after, PIECE))
    return [(Mark(row[0], row[1]), RecordRow._make(row)) for row in found]


def secrets(rows: Rows, after: Mark) -> list[tuple[Mark, bool]]:
    """Gives the next secrets, and whether names are what their names are."""
    return [
        (Mark(*names), all(isinstance(name, str) for name in names))
        for names in rows.select(_SECRETS, (*after, PIECE))
    ]


def subjects(rows: Rows, after: Mark) -> list[tuple[Mark, int | None]]:
    """Gives what the next log rows are about, with the newest revision of each."""
    found = rows.select(_SUBJECTS, (after.first, PIECE))
    return [(Mark(str(name)), revision) for name, revision in found]


def leaves(rows: Rows, after: int, limit: int) -> list[tuple[int, bytes, bytes, bytes]]:
    """Gives number, leaf, chain and MAC of the next rows of the log."""
    return rows.select(_LEAVES, (after, limit))


def run(rows: Rows, first: int, end: int) -> list[tuple[Any, ...]]:
    """Gives the rows of the log from one up to before another, as they are stored."""
    return rows.select(_RUN, (first, end))


def records_named(rows: Rows, kind: str, after: str, last: str) -> list[RecordRow]:
    """Gives the records of a kind whose ids stand after one, up to and with another."""
    return [RecordRow._make(row) for row in rows.select(_NAMED, (kind, after, last))]


def about(rows: Rows, kind: str) -> list[LogColumns]:
    """Gives every row of the log that is about something of a kind."""
    found = rows.select(_ABOUT, (f"{kind}:", f"{kind};"))
    return [LogColumns._make(row) for row in found]


def keys_for(rows: Rows, purpose: str, limit: int) -> list[KeyRow]:
    """Gives some of the keys of a purpose that are in use."""
    return [KeyRow._make(row) for row in rows.select(_KEYS_FOR, (purpose, limit))]


def strangers(rows: Rows) -> list[str]:
    """Names what stands in the vault's own table and is not of the vault."""
    return [str(name) for (name,) in rows.select("SELECT name FROM vault WHERE name <> 'id'", ())]
