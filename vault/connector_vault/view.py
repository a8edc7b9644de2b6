"""Shows the vault's rows, checked: what was altered without the key is an error and no row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from connector_vault import ended, records, walks
from connector_vault.anchor import Anchor
from connector_vault.cipher import Entropy, Key, context
from connector_vault.columns import LogColumns, RecordRow, SecretRow
from connector_vault.encoding import Value
from connector_vault.erased import Erasures
from connector_vault.errors import ConflictError, DegradedError, IntegrityError, MisuseError
from connector_vault.growth import MonthGrowth, growth
from connector_vault.keyring import Keyring
from connector_vault.keyshelf import KeyShelf
from connector_vault.latch import Latch
from connector_vault.log import UID_BYTES, LogDraft, LogRow, LogSeal, change_draft
from connector_vault.records import Record
from connector_vault.rows import Rows
from connector_vault.sealed import SecretRows
from connector_vault.search import LogQuery, as_asked, search
from connector_vault.secret import Secret
from connector_vault.stages import SecretVersion, Stage, Stages
from connector_vault.tail import Tail
from connector_vault.texts import Texts


@dataclass(frozen=True, slots=True)
class Tools:
    """What reading and writing rows takes, for one unlocked vault."""

    keyring: Keyring
    record_mac: Key
    seal: LogSeal
    secrets: SecretRows
    anchor: Anchor
    entropy: Entropy
    #: Records whose rows were checked before.
    known: records.KnownRows


class View:
    """The vault at one moment; it is used inside the work that it is given to."""

    __slots__ = ("_erasures", "_rows", "_tools")

    def __init__(self, rows: Rows, tools: Tools) -> None:
        """Takes the rows of one transaction."""
        self._rows = rows
        self._tools = tools
        self._erasures: Erasures | None = None

    @property
    def epoch(self) -> object:
        """The same object for as long as no record can have become another one."""
        return self._rows.epoch

    def record(self, kind: str, id: str) -> Record | None:  # noqa: A002 - the column's own name
        """Gives a record by its id, or None.

        Raises:
            IntegrityError: It was altered, put back or removed without the key.
        """
        row = self._rows.record(kind, id)
        if row is None:
            if self._rows.logged_revision(f"{kind}:{id}") is not None:
                raise IntegrityError(f"records {kind} {id}", "is gone, and the log holds it")
            return None
        return self._opened(row)

    def record_named(self, kind: str, name: str) -> Record | None:
        """Gives a record by its name, or None.

        Raises:
            IntegrityError: It was altered or put back without the key.
        """
        row = self._rows.record_named(kind, name)
        # The index that led here is not authenticated: the row is checked as what was asked for.
        if row is not None and (row.kind, row.name) != (kind, name):
            row = row._replace(kind=kind, name=name)
        return row and self._opened(row)

    def records(self, kind: str, *, parent: str | None = None) -> list[Record]:
        """Gives all records of a kind, or those under one parent, in the order of their ids.

        Raises:
            IntegrityError: One of them was altered or put back without the key.
        """
        found = self._rows.records(kind, parent)
        return [
            self._opened(row._replace(kind=kind, parent=row.parent if parent is None else parent))
            for row in found
        ]

    def log_row(self, seq: int) -> LogRow | None:
        """Gives one row of the log, or None if it has not come to that number.

        Raises:
            IntegrityError: It, or the row before it, was altered or removed without the key.
        """
        row = self._rows.log_row(seq)
        if row is None and 0 < seq <= max(self._rows.last_seq(), self._tools.seal.seen[0]):
            raise IntegrityError(f"log {seq}", "is gone")
        return self._public(row)

    def log_rows(
        self, where: LogQuery, *, after: int = 0, before: int | None = None, limit: int = 50
    ) -> list[LogRow]:
        """Gives heads, newest first: intents, refusals and what admins did.

        `after` and `before` are numbers of rows between which they stand.

        Raises:
            IntegrityError: One of them, or the row before it, was altered without the key.
        """
        found = search(self._rows, where, after=after, before=before, limit=limit)
        return [self._checked(as_asked(where, row)) for row in found]

    def outcome_of(self, seq: int) -> LogRow | None:
        """Gives the outcome of an intent, or None while it has none.

        Raises:
            IntegrityError: It, or the row before it, was altered without the key.
        """
        row = self._rows.outcome_of(seq)
        return self._public(row and row._replace(kind="outcome", ref=seq))

    def outcomes_of(self, seqs: Iterable[int]) -> dict[int, LogRow]:
        """Gives the outcomes of many intents; those without one are left out."""
        found = ((seq, self.outcome_of(seq)) for seq in seqs)
        return {seq: row for seq, row in found if row is not None}

    def mark(self, *values: Value) -> str:
        """Gives a name for values: equal for equal ones, and guessed by nobody without the key."""
        tools = self._tools
        return tools.record_mac.mac(context("mark", tools.keyring.vault, *values)).hex()

    def count_records(self) -> int:
        """Counts the records of every kind."""
        return walks.count_records(self._rows)

    def last_seq(self) -> int:
        """Gives the number of the log's newest row."""
        return self._rows.last_seq()

    def growth(self) -> tuple[MonthGrowth, ...]:
        """Says how the log has grown, month by month, the newest first."""
        return growth(self._rows)

    def open_intents(self) -> list[int]:
        """Gives the intents that have no outcome, oldest first."""
        return self._rows.open_intents()

    def intent_of_operation(self, connection: str, persona: str, operation: str) -> LogRow | None:
        """Gives the intent that claimed an operation, in its newest round, or None.

        Raises:
            IntegrityError: It, or the row before it, was altered without the key.
        """
        row = self._rows.intent(operation, connection, persona)
        asked_for = row and row._replace(
            kind="intent", operation=operation, connection=connection, persona=persona
        )
        return self._public(asked_for)

    def secret_versions(self, owner: str, field: str) -> tuple[SecretVersion, ...]:
        """Gives a secret's versions in use and the last retired one, oldest first, without values.

        Raises:
            IntegrityError: One of them was altered without the key.
        """
        return self._stages(owner, field).versions()

    def open_secret(self, owner: str, field: str, *, stage: Stage = "current") -> Secret:
        """Opens the version of a secret that is in a stage.

        Raises:
            NotFoundError: There is none, or it was destroyed.
            IntegrityError: It was altered, moved or put back without the key.
        """
        return self._stages(owner, field).open(stage)

    def holds_secret(self, owner: str, field: str, secret: Secret, *, stage: Stage) -> bool:
        """Says, in constant time, whether a secret is the version that is in a stage.

        Raises:
            IntegrityError: That version was altered, moved or put back without the key.
        """
        return self._stages(owner, field).holds(stage, secret)

    @property
    def keys(self) -> KeyShelf:
        """The wrapped keys, for those who rotate and count them."""
        return KeyShelf(self._rows, self._tools.keyring, self._tools.secrets)

    @property
    def texts(self) -> Texts:
        """The sealed text of the log, for those who erase it."""
        return Texts(self._rows)

    @property
    def tail(self) -> Tail:
        """The log from any place on, for those who add it up."""
        return Tail(self._rows, self._tools.seal)

    def revision_of(self, kind: str, id: str) -> int | None:  # noqa: A002 - the column's own name
        """Gives the newest revision of a record that the log tells of, cheaply; None without."""
        return self._rows.logged_revision(f"{kind}:{id}")

    def _stages(self, owner: str, field: str) -> Stages:
        """Gives the stages of one secret."""
        return Stages(self._tools.secrets, self._rows, owner, field)

    def _opened(self, row: RecordRow) -> Record:
        """Gives the record in a row."""
        tools = self._tools
        floor = tools.anchor.floors.records.get((row.kind, row.id), 0)
        return tools.known.opened(row, floor=floor)

    def _public(self, row: LogColumns | None) -> LogRow | None:
        """Gives a stored row as callers see it."""
        return row and self._checked(row)

    def _checked(self, row: LogColumns) -> LogRow:
        """Gives it, unless its text is missing and nothing says that it was erased."""
        if row.payload is None and row.payload_hash is not None:
            self._erasures = self._erasures or Erasures.of(self._rows, self._tools.seal)
            if not self._erasures.cover(row):
                raise IntegrityError(f"log {row.seq}", "lacks its payload, and nobody erased it")
        return self._tools.seal.public(row)


class Transaction(View):
    """The vault while it is being changed; all of it commits, or nothing."""

    __slots__ = ("_at", "_ended_records", "_ended_secrets", "_live", "_refusing", "decisive")

    def __init__(self, rows: Rows, tools: Tools, *, at: int, refusing: Latch | None) -> None:
        """Takes the rows, the time, and what may refuse intents."""
        super().__init__(rows, tools)
        self._at = at
        self._refusing = refusing
        self._live = True
        self._ended_records: list[RecordRow] = []
        self._ended_secrets: list[SecretRow] = []
        #: Whether what was changed has to reach the anchor before anybody is told.
        self.decisive = False

    def put(self, record: Record, *, expect: int | None, final: bool = False) -> Record:
        """Stores a record if its revision is still the expected one; None means that it is new.

        A `final` revision closes the record for good: no older one is ever taken for true again,
        not even after an older backup was restored.

        Raises:
            ConflictError: It was changed, it exists, or its name is taken.
        """
        self._check()
        found = self.record(record.kind, record.id)
        if (found and found.revision) != expect:
            raise ConflictError(f"The {record.kind} {record.id} was changed by somebody else.")
        named = record.name and self._rows.record_named(record.kind, record.name)
        if named and named.id != record.id:
            raise ConflictError(f"There is a {record.kind} with that name already.")
        tools = self._tools
        row = records.sealed_row(
            record, (expect or 0) + 1, vault=tools.keyring.vault, key=tools.record_mac
        )
        if found is None:
            self._rows.insert_record(row)
        else:
            self._rows.update_record(row)
        if final:
            self._ended_records.append(row)
        return self._opened(row)

    @property
    def newest(self) -> tuple[int, bytes]:
        """The number and the chain of the log's newest row, as this transaction has it.

        Raises:
            IntegrityError: The end of the log was altered without the key.
        """
        if self._rows.tip is None:
            self._rows.tip = self._rows.left or self._tools.seal.tip(self._rows.last_row())
        return self._rows.tip

    def append(self, draft: LogDraft) -> int:
        """Appends a row to the log and gives its number.

        Raises:
            DegradedError: It is an intent, and an outcome could not be stored before.
            OperationClaimedError: It is an intent, and its operation has one.
            ConflictError: It is an outcome, and its intent has one.
            IntegrityError: The end of the log was altered without the key.
        """
        self._check()
        if self._refusing is not None and draft.kind == "intent":
            reason = self._refusing.known
            if reason is not None:
                raise DegradedError(f"No new calls until the vault is reopened: {reason}")
        row = self._tools.seal.row(draft, self.newest)
        self._rows.insert_log(row, self._tools.seal.macs)
        self._rows.tip = (row.seq, row.chain)
        self.decisive = self.decisive or draft.subject is not None
        return row.seq

    def store_secret(self, *, owner: str, field: str, secret: Secret) -> int:
        """Makes a secret the current version of a field, and gives the version.

        Raises:
            IntegrityError: An older version was altered without the key.
        """
        self._check()
        return self._tools.secrets.store(
            self._rows, owner, field, secret, at=self._at, note=self._note_secret
        )

    def store_pending_secret(self, *, owner: str, field: str, secret: Secret) -> int:
        """Keeps a candidate beside the current version of a field, and gives its version.

        Raises:
            NotFoundError: There is no current version.
            ConflictError: There is a candidate already.
            IntegrityError: An older version was altered without the key.
        """
        self._check()
        stages = self._stages(owner, field)
        return stages.store_pending(secret, at=self._at, note=self._note_secret)

    def promote_secret(self, owner: str, field: str, version: int) -> None:
        """Makes a candidate the current version; the current becomes the previous.

        Raises:
            NotFoundError: That version is no candidate, or nothing is current.
            IntegrityError: A version was altered without the key.
        """
        self._check()
        self._stages(owner, field).promote(version, note=self._note_secret)

    def retire_previous(self, owner: str, field: str) -> int | None:
        """Empties the previous version; gives its number, or None if there is none.

        Raises:
            IntegrityError: A version was altered without the key.
        """
        self._check()
        return self._stages(owner, field).retire("previous", note=self._note_secret)

    def drop_pending(self, owner: str, field: str) -> int | None:
        """Empties the candidate; gives its version, or None if there is none.

        Raises:
            IntegrityError: A version was altered without the key.
        """
        self._check()
        return self._stages(owner, field).retire("pending", note=self._note_secret)

    def destroy_secrets(self, owner: str) -> int:
        """Destroys an owner's data key and secrets, and gives the number of secrets.

        Raises:
            IntegrityError: One of them was altered without the key.
        """
        self._check()
        every = self._tools.secrets.destroy(self._rows, owner, note=self._note_secret)
        count = sum(row.sealed is not None for row in every)
        self._ended_secrets += every if count else []
        return count

    def finish(self) -> None:
        """Keeps what was closed or destroyed for good where the anchor is filled from."""
        if self._ended_records or self._ended_secrets:
            entry = ended.entry(self._ended_records, self._ended_secrets)
            stored = ended.number(self._rows.last_record(ended.KIND))
            # Entries that were removed from the database leave their numbers in the anchor.
            name = ended.name(max(stored, self._tools.anchor.count) + 1)
            self.put(Record(kind=ended.KIND, id=name, body=entry), expect=None)
            self.decisive = True

    def end(self) -> None:
        """Refuses further changes: the work is over."""
        self._live = False

    def _note_secret(self, subject: str, revision: int, facts: Mapping[str, Any]) -> None:
        """Writes a change of a secret's stages into the log."""
        uid = self._tools.entropy(UID_BYTES)
        draft = change_draft(
            kind="secret", uid=uid, at=self._at, subject=subject, revision=revision, facts=facts
        )
        self.append(draft)

    def _check(self) -> None:
        """Refuses a transaction that was kept after its work."""
        if not self._live:
            raise MisuseError("The transaction is over.")
