"""Lays out the database, and brings an older one up to date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connector_vault.claims import Claims
from connector_vault.errors import StoreCorruptError, VaultVersionError
from connector_vault.sqlite import Connection, in_memory, shape

#: Stands in the file's header and tells it from any other SQLite database ("CVLT").
APPLICATION_ID: Final = 0x43564C54

_FIRST: Final = """
CREATE TABLE vault (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for a key and the key that wraps it; two while a wrapper is being replaced.
CREATE TABLE keys (
  id      TEXT NOT NULL,
  wrapper TEXT NOT NULL,
  purpose TEXT NOT NULL,
  owner   TEXT NOT NULL,
  period  TEXT NOT NULL,
  state   TEXT NOT NULL CHECK (state IN ('current', 'staged', 'retired', 'destroyed')),
  made_at INTEGER NOT NULL,
  sealed  BLOB,
  CHECK ((sealed IS NULL) = (state = 'destroyed')),
  PRIMARY KEY (id, wrapper)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX keys_current ON keys (purpose, owner, period) WHERE state = 'current';
CREATE INDEX keys_wrapper ON keys (wrapper);
CREATE INDEX keys_terms ON keys (id) WHERE purpose = 'term';
CREATE INDEX keys_retired ON keys (purpose, id) WHERE state = 'retired';

-- The last destroyed version keeps its row, so that no number is used again. The revision counts
-- the changes of owner and field together; every row that holds a value has the newest one.
CREATE TABLE secrets (
  owner    TEXT NOT NULL,
  field    TEXT NOT NULL,
  version  INTEGER NOT NULL,
  stage    TEXT NOT NULL CHECK (stage IN ('pending', 'current', 'previous', 'retired')),
  made_at  INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  key_id   TEXT,
  sealed   BLOB,
  mac      BLOB NOT NULL,
  CHECK ((sealed IS NULL) = (key_id IS NULL)),
  PRIMARY KEY (owner, field, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX secrets_stage ON secrets (owner, field, stage) WHERE stage <> 'retired';
CREATE INDEX secrets_key ON secrets (key_id) WHERE key_id IS NOT NULL;

CREATE TABLE records (
  kind     TEXT NOT NULL,
  id       TEXT NOT NULL,
  parent   TEXT,
  name     TEXT,
  revision INTEGER NOT NULL,
  body     TEXT NOT NULL,
  mac      BLOB NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX records_name ON records (kind, name) WHERE name IS NOT NULL;
CREATE INDEX records_parent ON records (kind, parent) WHERE parent IS NOT NULL;

-- The payload stands last, so that a search never has to read past it. The head of a row is what
-- a search finds it by: an outcome by its intent, a row that refers to no other by itself. The
-- indexes hold all that a search asks of them, so that it reads only the rows it gives.
CREATE TABLE log (
  seq          INTEGER PRIMARY KEY,
  uid          BLOB NOT NULL,
  at           INTEGER NOT NULL,
  kind         TEXT NOT NULL,
  ref          INTEGER,
  user         TEXT,
  persona      TEXT,
  connection   TEXT,
  action       TEXT,
  effect       TEXT,
  operation    TEXT,
  outcome      TEXT,
  subject      TEXT,
  revision     INTEGER,
  facts        TEXT NOT NULL,
  key_id       TEXT,
  payload_hash BLOB,
  leaf         BLOB NOT NULL,
  chain        BLOB NOT NULL,
  mac          BLOB NOT NULL,
  head         INTEGER,
  payload      BLOB,
  CHECK (head IS CASE WHEN ref IS NULL THEN seq WHEN kind = 'outcome' THEN ref END)
) STRICT;
CREATE UNIQUE INDEX log_claim ON log (operation, connection, persona) WHERE kind = 'intent';
CREATE INDEX log_refused ON log (operation) WHERE kind = 'refusal';
CREATE UNIQUE INDEX log_settled ON log (ref) WHERE kind = 'outcome';
CREATE INDEX log_ref ON log (ref) WHERE ref IS NOT NULL AND kind <> 'outcome';
CREATE INDEX log_user ON log (user, ref) WHERE ref IS NULL;
CREATE INDEX log_persona ON log (persona, ref) WHERE ref IS NULL;
CREATE INDEX log_connection ON log (connection, ref) WHERE ref IS NULL;
CREATE INDEX log_action ON log (action, ref) WHERE ref IS NULL;
CREATE INDEX log_effect ON log (effect, ref) WHERE ref IS NULL;
CREATE INDEX log_outcome ON log (outcome, head) WHERE outcome IS NOT NULL;
CREATE INDEX log_subject ON log (subject, revision) WHERE subject IS NOT NULL;

-- The triggers stop accidents; what stops an editor is the chain.
CREATE TRIGGER log_kept BEFORE DELETE ON log
BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_fixed BEFORE UPDATE OF seq, uid, at, kind, ref, user, persona, connection,
  action, effect, operation, outcome, subject, revision, facts, key_id, payload_hash, leaf,
  chain, mac, head ON log
BEGIN SELECT raise(ABORT, 'the log is append-only'); END;
CREATE TRIGGER log_sealed BEFORE UPDATE OF payload ON log WHEN new.payload IS NOT NULL
BEGIN SELECT raise(ABORT, 'the log is append-only'); END;

-- Two helps for searching, derived from the log and compared with it by verify: which intents
-- have no outcome yet, and between which times each run of rows was written.
CREATE TABLE log_open (
  seq INTEGER PRIMARY KEY
) STRICT;
CREATE TABLE log_spans (
  span  INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  last  INTEGER NOT NULL
) STRICT;
"""

#: An operation can be claimed once in each round: the first has no number, the next has 2.
_ROUNDS: Final = """
DROP INDEX log_claim;
CREATE UNIQUE INDEX log_claim ON log (operation, connection, persona, coalesce(revision, 1))
  WHERE kind = 'intent';
"""

_SHREDS: Final = """
-- Audit keys that were wrapped whole; they are masked when the vault is opened.
UPDATE keys SET purpose = 'audit-whole' WHERE purpose = 'audit';
"""

#: Postings (postings.py) take the place of an index for each column that is searched by. What is
#: written under an operation beside its intents is found by it too, whatever its kind.
_POSTINGS: Final = """
DROP INDEX log_user;
DROP INDEX log_persona;
DROP INDEX log_connection;
DROP INDEX log_action;
DROP INDEX log_effect;
DROP INDEX log_outcome;
DROP INDEX log_refused;
CREATE INDEX log_operation ON log (operation)
  WHERE operation IS NOT NULL AND ref IS NULL AND kind <> 'intent';
CREATE TABLE log_postings (
  field TEXT NOT NULL,
  value TEXT NOT NULL,
  block INTEGER NOT NULL,
  heads BLOB NOT NULL,
  PRIMARY KEY (field, value, block)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_postings_block ON log_postings (block);
"""

#: Claims (claims.py) take the place of an index of long texts in an order that nobody knows.
_CLAIMS: Final = """
DROP INDEX log_claim;
CREATE TABLE log_claims (
  claim INTEGER PRIMARY KEY,
  seq   INTEGER NOT NULL
) STRICT;
"""

#: Blocks have become twice as long: their postings are made anew, as those of an older vault.
_LONGER_BLOCKS: Final = "DELETE FROM log_postings;"

#: Script n brings a database of version n up to version n + 1; none of them is ever changed.
MIGRATIONS: Final[tuple[str, ...]] = (
    _FIRST,
    _ROUNDS,
    _SHREDS,
    _POSTINGS,
    _CLAIMS,
    _LONGER_BLOCKS,
)


def migrate(connection: Connection, scripts: Sequence[str] = MIGRATIONS) -> bool:
    """Brings the database to the newest version, in one transaction; False if it is there.

    Raises:
        VaultVersionError: The database is newer than this package.
    """
    if version_of(connection, scripts) == len(scripts):
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in scripts[version_of(connection, scripts) :]:
            connection.execute(script)
        if _CLAIMS in scripts:
            # In the same transaction: an operation that was claimed is claimed at every moment.
            Claims(connection).fill()
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return True


def version_of(connection: Connection, scripts: Sequence[str] = MIGRATIONS) -> int:
    """Reads the version of the database.

    Raises:
        VaultVersionError: The database is newer than this package.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > len(scripts):
        raise VaultVersionError(
            f"The vault has format {found}, this package knows up to {len(scripts)}. "
            "Install a newer version of it."
        )
    return found


def check_identity(connection: Connection) -> None:
    """Refuses a database that is no vault.

    Raises:
        StoreCorruptError: It is empty, or belongs to something else.
    """
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION_ID,):
        raise StoreCorruptError("The file is not a vault.")


def strange(connection: Connection) -> list[str]:
    """Names what is in the database and is not of this version, or is missing or changed."""
    fresh = in_memory()
    try:
        for script in MIGRATIONS:
            fresh.execute(script)
        # A damaged file gives anything as a name.
        return sorted({str(name) for _, name, _ in shape(connection) ^ shape(fresh)})
    finally:
        fresh.close()
