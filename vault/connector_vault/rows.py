"""Reads and writes single rows: every statement but those of the log's search.

A `Rows` belongs to one connection and is used inside one transaction. A savepoint comes before
the first write of a piece of work, save a row of the log, which undoes itself if it fails. Work
that fails after such a row can only be undone with the whole transaction, and `bare` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Final, TypeVar, cast

from connector_vault.appending import Appending, Sign
from connector_vault.asking import AskFirstError
from connector_vault.claims import Claims, claim_of, span_of
from connector_vault.columns import LOG_COLUMNS, KeyRow, LogColumns, RecordRow, SecretRow
from connector_vault.kept import Kept
from connector_vault.postings import Postings
from connector_vault.spans import Spans
from connector_vault.sqlite import Connection, SqlValue, version_seen

T = TypeVar("T")

#: A log row with what is needed to check it.
LOG_CHECKED: Final = ", ".join(
    [f"l.{name}" for name in LOG_COLUMNS.split(", ")]
    + ["(SELECT p.chain FROM log p WHERE p.seq = l.seq - 1)"]
)
#: So many answers are kept at most from one transaction to the next.
KEPT_ANSWERS: Final = 4096

RECORD: Final = (
    "SELECT r.kind, r.id, r.parent, r.name, r.revision, r.body, r.mac, "
    "(SELECT max(l.revision) FROM log l WHERE l.subject = r.kind || ':' || r.id) FROM records r "
)
_CLAIMED: Final = (
    "l.seq IN (SELECT c.seq FROM log_claims c WHERE c.claim >= ? AND c.claim < ?) "
    "AND l.kind = 'intent' AND l.operation = ? AND l.connection = ? AND l.persona = ? "
    "ORDER BY coalesce(l.revision, 1) DESC LIMIT 1"
)
_KEY: Final = "SELECT id, wrapper, purpose, owner, period, state, made_at, sealed FROM keys "
_VERSION: Final = (
    "SELECT s.owner, s.field, s.version, s.stage, s.made_at, s.revision, s.key_id, s.sealed, "
    "s.mac, EXISTS (SELECT 1 FROM keys k WHERE k.id = s.key_id AND k.sealed IS NOT NULL), "
    "(SELECT max(l.revision) FROM log l WHERE l.subject = 'secret:' || s.owner || '/' || s.field) "
    "FROM secrets s "
)


class UnreadError(Exception):
    """What is asked for was not kept."""


class Rows:
    """The rows of the vault, as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        """Takes a connection on which a transaction is open whenever this is used."""
        self._connection = connection
        #: Whether the work under way has written, and so has a savepoint to go back to.
        self.marked = False
        #: Whether nobody may be asked meanwhile: others wait, or nothing can be read for it.
        self.writing = False
        #: Whether a savepoint comes before every first write, whatever it is.
        self.careful = False
        #: Whether the work under way has appended to the log before it had a savepoint.
        self.bare = False
        #: Whether rows of the log are stored together, by whoever commits.
        self.gathering = False
        #: The end of the log, while one transaction that appends to it goes on.
        self.tip: tuple[int, bytes] | None = None
        self._kept = Kept()
        #: The end of the log as this connection has left it, while nobody else has written.
        self.left: tuple[int, bytes] | None = None
        #: Whether no transaction is open: what was kept may be given, and nothing be read.
        self._resting = False
        #: The version of the database that it was read of.
        self._version: int | None = None
        #: When that was seen to be the newest one; None while more than that may be kept here.
        self.seen: float | None = None
        self._spans = Spans(connection)
        self.postings = Postings(connection)
        self.appended = Appending(connection, self.postings, self._spans)
        self.claims = Claims(connection, self.appended.store)

    def echo(self) -> Rows:
        """Gives rows that read nothing, and so use no connection: they know what is kept here."""
        echo = Rows(self._connection)
        echo._kept, echo._resting, echo.writing = self._kept, True, True
        return echo

    @property
    def epoch(self) -> object:
        """The same object for as long as no record can have become another one here."""
        return self._kept.epoch

    def snapshot(self, work: Callable[[Rows], T]) -> T:
        """Runs work that only reads, in a transaction of its own."""
        self._connection.execute("BEGIN")
        try:
            self.begin()
            return work(self)
        finally:
            self._connection.execute("ROLLBACK")

    def glance(self, work: Callable[[Rows], T]) -> T:
        """Does the same where nothing has to be read, or else begins anew in a transaction."""
        self.begin()
        writing, self.writing, self._resting = self.writing, True, True
        try:
            return work(self)
        except (UnreadError, AskFirstError):
            pass
        finally:
            self.writing, self._resting = writing, False
        return self.snapshot(work)

    def begin(self) -> None:
        """Takes in which version of the database the transaction sees, which fixes its moment.

        What was read of another version is forgotten; so is a memory that has grown.
        """
        # Before the look: what is seen by it is at least as new.
        seen = monotonic()
        version = version_seen(self._connection)
        if version != self._version or len(self._kept) > KEPT_ANSWERS:
            self._kept.clear()
            self.left = None
            self._version = version
        self.seen = seen

    def end(self) -> None:
        """Forgets what the transaction has done, as all of it was committed."""
        self.left = self.tip or self.left
        self.tip = None

    def renew(self) -> None:
        """Forgets what the transaction has done so far and what it has read, as it was undone."""
        self.end()
        self._spans.renew()
        self._kept.clear()
        self.left = None

    def identity(self) -> str | bytes | None:
        """Gives the id of the vault, which a damaged file may hold as anything."""
        return cast("str | bytes | None", self._first("SELECT value FROM vault WHERE name = 'id'"))

    def insert_identity(self, vault: str) -> None:
        """Stores the id of the vault."""
        self.write("INSERT INTO vault (name, value) VALUES ('id', ?)", (vault,))

    def keys(self, key_id: str) -> list[KeyRow]:
        """Gives a key, once for each wrapper."""
        return [KeyRow._make(row) for row in self._all(_KEY + "WHERE id = ?", (key_id,))]

    def terms(self) -> list[KeyRow]:
        """Gives the terms that are not destroyed."""
        where = "WHERE purpose = 'term' AND state <> 'destroyed'"
        return [KeyRow._make(row) for row in self._all(_KEY + where, ())]

    def current_key(self, purpose: str, owner: str, period: str) -> KeyRow | None:
        """Gives the key that new messages of this purpose are sealed under."""
        where = "WHERE purpose = ? AND owner = ? AND period = ? AND state = 'current'"
        row = self._one(_KEY + where, (purpose, owner, period))
        return KeyRow._make(row) if row else None

    def insert_key(self, row: KeyRow) -> None:
        """Stores a wrapped key."""
        self.write("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def keys_under(self, wrapper: str, after: str, limit: int) -> list[KeyRow]:
        """Gives the next keys that hang on a wrapper, by id."""
        where = "WHERE wrapper = ? AND id > ? AND sealed IS NOT NULL ORDER BY id LIMIT ?"
        return [KeyRow._make(row) for row in self._all(_KEY + where, (wrapper, after, limit))]

    def keys_retired(self, purpose: str, after: str, limit: int) -> list[KeyRow]:
        """Gives the next keys of a purpose that seal nothing new any more, by id."""
        where = "WHERE state = 'retired' AND purpose = ? AND id > ? ORDER BY id LIMIT ?"
        return [KeyRow._make(row) for row in self._all(_KEY + where, (purpose, after, limit))]

    def move_key(self, row: KeyRow, wrapper: str) -> None:
        """Stores a key that was under one wrapper as it is under another, or in another state."""
        self.write(
            "UPDATE keys SET wrapper = ?, state = ?, sealed = ? WHERE id = ? AND wrapper = ?",
            (row.wrapper, row.state, row.sealed, row.id, wrapper),
        )

    def delete_key(self, key_id: str, wrapper: str) -> None:
        """Removes one wrapping of a key; the database overwrites what is removed."""
        self.write("DELETE FROM keys WHERE id = ? AND wrapper = ?", (key_id, wrapper))

    def destroy_keys(self, purpose: str, owner: str) -> None:
        """Overwrites every wrapped key of this purpose and owner."""
        statement = (
            "UPDATE keys SET sealed = NULL, state = 'destroyed' WHERE purpose = ? AND owner = ?"
        )
        self.write(statement, (purpose, owner))

    def current_secret(self, owner: str, field: str) -> SecretRow | None:
        """Gives the version of a secret that is in use."""
        if (asked := ("secret", owner, field)) not in self._kept:
            where = "WHERE s.owner = ? AND s.field = ? AND s.stage = 'current'"
            row = self._one(_VERSION + where, (owner, field))
            self._kept[asked] = SecretRow._make(row) if row else None
        found: SecretRow | None = self._kept[asked]
        return found

    def secrets(self, owner: str, field: str | None = None) -> list[SecretRow]:
        """Gives the versions of an owner's secrets, oldest first."""
        where = "WHERE s.owner = ?1 AND (?2 IS NULL OR s.field = ?2) ORDER BY s.field, s.version"
        return [SecretRow._make(row) for row in self._all(_VERSION + where, (owner, field))]

    def secrets_under(self, key_id: str) -> list[SecretRow]:
        """Gives the versions that are sealed under a key."""
        found = self._all(_VERSION + "WHERE s.key_id = ?", (key_id,))
        return [SecretRow._make(row) for row in found]

    def insert_secret(self, row: SecretRow) -> None:
        """Stores a new version; a version that was ever used is refused."""
        self.write("INSERT INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row[:9])

    def restage_secret(self, row: SecretRow) -> None:
        """Stores a new revision of a version: another stage, another key, or emptied."""
        self.write(
            "UPDATE secrets SET stage = ?, revision = ?, key_id = ?, sealed = ?, mac = ? "
            "WHERE owner = ? AND field = ? AND version = ?",
            (row.stage, *row[5:9], row.owner, row.field, row.version),
        )

    def delete_secret(self, row: SecretRow) -> None:
        """Removes a version; the database overwrites what is removed."""
        self.write("DELETE FROM secrets WHERE owner = ? AND field = ? AND version = ?", row[:3])

    def record(self, kind: str, record_id: str) -> RecordRow | None:
        """Gives a record by its id."""
        if (asked := ("record", kind, record_id)) not in self._kept:
            row = self._one(RECORD + "WHERE r.kind = ? AND r.id = ?", asked[1:])
            self._kept[asked] = RecordRow._make(row) if row else None
        found: RecordRow | None = self._kept[asked]
        return found

    def record_named(self, kind: str, name: str) -> RecordRow | None:
        """Gives a record by its name."""
        if (asked := ("name", kind, name)) not in self._kept:
            row = self._one(RECORD + "WHERE r.kind = ? AND r.name = ?", asked[1:])
            self._kept[asked] = RecordRow._make(row) if row else None
        found: RecordRow | None = self._kept[asked]
        return found

    def records(self, kind: str, parent: str | None) -> list[RecordRow]:
        """Gives all records of a kind, or those under one parent, by id."""
        if parent is None:
            found = self._all(RECORD + "WHERE r.kind = ? ORDER BY r.id", (kind,))
        else:
            where = "WHERE r.kind = ? AND r.parent = ? ORDER BY r.id"
            found = self._all(RECORD + where, (kind, parent))
        return [RecordRow._make(row) for row in found]

    def insert_record(self, row: RecordRow) -> None:
        """Stores a new record."""
        self.write("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row[:7])

    def update_record(self, row: RecordRow) -> None:
        """Stores a new revision of a record."""
        self.write(
            "UPDATE records SET parent = ?, name = ?, revision = ?, body = ?, mac = ? "
            "WHERE kind = ? AND id = ?",
            (row.parent, row.name, row.revision, row.body, row.mac, row.kind, row.id),
        )

    def records_after(self, kind: str, record_id: str) -> list[RecordRow]:
        """Gives the records of a kind whose ids stand after one, by id."""
        where = "WHERE r.kind = ? AND r.id > ? ORDER BY r.id"
        return [RecordRow._make(row) for row in self._all(RECORD + where, (kind, record_id))]

    def last_record(self, kind: str) -> str | None:
        """Gives the id of a kind's last record."""
        statement = "SELECT max(id) FROM records WHERE kind = ?"
        return cast("str | None", self._first(statement, (kind,)))

    def logged_revision(self, subject: str) -> int | None:
        """Gives the newest revision of a subject that stands in the log."""
        if (asked := ("logged", subject, "")) not in self._kept:
            statement = "SELECT max(revision) FROM log WHERE subject = ?"
            self._kept[asked] = self._first(statement, (subject,))
        found: int | None = self._kept[asked]
        return found

    def logged_change(self, subject: str) -> tuple[int, str] | None:
        """Gives the newest revision of a subject that stands in the log, and its facts."""
        statement = (
            "SELECT revision, facts FROM log WHERE subject = ? AND revision IS NOT NULL "
            "ORDER BY revision DESC, seq DESC LIMIT 1"
        )
        row = self._one(statement, (subject,))
        return None if row is None else (row[0], row[1])

    def last_row(self) -> tuple[int, bytes, bytes] | None:
        """Gives seq, chain and MAC of the newest row of the log."""
        statement = "SELECT seq, chain, mac FROM log ORDER BY seq DESC LIMIT 1"
        return cast("tuple[int, bytes, bytes] | None", self._one(statement))

    def chain_at(self, seq: int) -> bytes | None:
        """Gives the chain of one row of the log."""
        return cast("bytes | None", self._first("SELECT chain FROM log WHERE seq = ?", (seq,)))

    def insert_log(self, row: LogColumns, sign: Sign) -> None:
        """Appends a row, which `sign` gives its MAC, and keeps the helps for searching up to date.

        Raises:
            OperationClaimedError: It is an intent whose operation has one already.
        """
        if self.careful or self.bare:
            self._mark()
        if row.kind == "intent" and row.operation is not None:
            self.claims.take(claim_of(row))
        # The first row of a piece of work pays for no savepoint.
        self.bare = self.bare or not self.marked
        if row.subject is not None:
            self._forget()
        self.appended.add(row, sign)
        if self.careful or not self.gathering:
            self.appended.store()

    def log_row(self, seq: int) -> LogColumns | None:
        """Gives one row of the log."""
        return self._log_row("l.seq = ?", (seq,))

    def outcome_of(self, seq: int) -> LogColumns | None:
        """Gives the outcome of an intent."""
        return self._log_row("l.ref = ? AND l.kind = 'outcome'", (seq,))

    def intent(self, operation: str, connection: str, persona: str) -> LogColumns | None:
        """Gives the intent that claimed an operation, in its newest round."""
        return self._log_row(_CLAIMED, (*span_of(operation), operation, connection, persona))

    def last_seq(self) -> int:
        """Gives the number of the newest row of the log."""
        return int(self._first("SELECT max(seq) FROM log") or 0)

    def open_intents(self) -> list[int]:
        """Gives the intents without an outcome, oldest first."""
        return [row[0] for row in self._all("SELECT seq FROM log_open ORDER BY seq", ())]

    def span_times(self, span: int) -> tuple[Any, Any] | None:
        """Gives the earliest and the latest time of a run of rows, as they are stored."""
        statement = "SELECT first, last FROM log_spans WHERE span = ?"
        return cast("tuple[Any, Any] | None", self._one(statement, (span,)))

    def select(self, statement: str, values: Sequence[SqlValue]) -> list[Any]:
        """Runs a statement of those who read many rows: searches, walks, erasures."""
        return self._all(statement, values)

    def write(self, statement: str, values: Sequence[SqlValue]) -> None:
        """Changes rows, which may be kept here."""
        self._mark()
        self.appended.store()
        self._forget()
        self._connection.execute(statement, values)

    def _log_row(self, where: str, values: Sequence[SqlValue]) -> LogColumns | None:
        """Gives the one row of the log that a condition names."""
        row = self._one(f"SELECT {LOG_CHECKED} FROM log l WHERE {where}", values)  # noqa: S608 - constants only
        return LogColumns._make(row) if row else None

    def _forget(self) -> None:
        """Forgets what was read, as it is being changed; what is read from now on may be undone."""
        self.seen = None
        self._kept.clear()

    def _mark(self) -> None:
        """Marks the point to go back to, before the first write."""
        if not self.marked:
            self.appended.store()
            self._connection.execute("SAVEPOINT work")
            self.marked = True

    def _one(self, statement: str, values: Sequence[SqlValue] = ()) -> tuple[Any, ...] | None:
        """Gives the first row, or None."""
        if self._resting:
            raise UnreadError
        self.appended.store()
        row: tuple[Any, ...] | None = self._connection.execute(statement, values).fetchone()
        return row

    def _all(self, statement: str, values: Sequence[SqlValue] = ()) -> list[tuple[Any, ...]]:
        """Gives all rows."""
        if self._resting:
            raise UnreadError
        self.appended.store()
        return self._connection.execute(statement, values).fetchall()

    def _first(self, statement: str, values: Sequence[SqlValue] = ()) -> Any:  # noqa: ANN401 - the database says what it is
        """Gives the first value of the first row, or None."""
        row = self._one(statement, values)
        return row[0] if row else None
