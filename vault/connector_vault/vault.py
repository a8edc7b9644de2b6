"""Joins keys, secrets, records and the log in one database that one key unlocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from connector_vault.anchor import Head
from connector_vault.asking import AskFirstError
from connector_vault.checkpoints import CheckpointPlan, Checkpoints
from connector_vault.cipher import Entropy
from connector_vault.drafting import Drafts
from connector_vault.encoding import microseconds
from connector_vault.errors import VaultExistsError
from connector_vault.fence import Fence
from connector_vault.follower import Done, Follower, transact
from connector_vault.keyring import Keyring
from connector_vault.latch import Latch
from connector_vault.log import LogDraft, LogReport, LogRow
from connector_vault.masking import mask_older
from connector_vault.payloads import Payloads
from connector_vault.provider import KeyProvider
from connector_vault.providers import Means, create_key, key_file, load_key
from connector_vault.rows import Rows
from connector_vault.secret import Secret
from connector_vault.shreds import Shreds
from connector_vault.sqlite import Durability
from connector_vault.stages import Stage
from connector_vault.store import Store, create_database
from connector_vault.trust import Trust
from connector_vault.unlocking import (
    Folders,
    KeySource,
    check_apart,
    identity_of,
    unlocked,
    uri_of,
)
from connector_vault.view import Tools, Transaction, View

if TYPE_CHECKING:
    from connector_vault.backup import BackupReport
    from connector_vault.inspection import VaultReport
    from connector_vault.logcheck import Progress
    from connector_vault.proofs import Proofs

T = TypeVar("T")
#: Gives the time in seconds since 1970.
Clock: TypeAlias = Callable[[], float]

_ID_BYTES: Final = 16


class Vault:
    """One open vault. Any thread and any event loop of one process may use it."""

    def __init__(
        self, store: Store, keyring: Keyring, tools: Tools, *, clock: Clock, plan: CheckpointPlan
    ) -> None:
        """Joins the parts; `create` and `open` are the ways in."""
        self.id = keyring.vault
        self.path = store.path
        #: Who else has the vault open, and whether they still are there.
        self.attendance = store.attendance
        self.latch = Latch(store.path, store.attendance)
        self._store = store
        self._keyring = keyring
        self._tools = tools
        self.checkpoints = Checkpoints(store, tools, plan)
        self._follower = Follower(store, tools, self.checkpoints.noted)
        self._clock = clock
        self.payloads = Payloads(store, keyring)
        #: Makes a row for the log, with what seals its payload.
        self.draft = Drafts(self.payloads, clock, tools.entropy).draft
        keyring.follow(store.read)

    @classmethod
    def create(  # noqa: PLR0913 - what a host may choose, all by name
        cls,
        path: Path,
        *,
        key: str,
        anchors: Path | None = None,
        shreds: Path | None = None,
        clock: Clock = time.time,
        durability: Durability = "full",
        means: Means | None = None,
        trust: Trust | None = None,
        checkpoints: CheckpointPlan | None = None,
    ) -> Vault:
        """Makes a vault, and its key if there is none at the URI.

        `anchors` is the folder of the vault's anchor: by default `anchors` beside the folder of
        the database. It belongs on another disk than the database, if there is one. `shreds` is
        the folder of its shred keys, by default `shreds` there. `means` is what the key's
        provider may use.

        Raises:
            VaultExistsError: There is a vault at the path.
            VaultLockedError: The key cannot be made or used, or lies beside the vault.
            AnchorError: The anchor cannot be made.
            StoreError: The database cannot be made.
        """
        if path.exists():
            raise VaultExistsError(f"There is a vault at {path} already.")
        check_apart(path, key_file(key))
        used = means or Means()
        provider = create_key(key, used)
        identity = f"vault_{used.entropy(_ID_BYTES).hex()}"
        folders = Folders.of(path, anchors, shreds)
        keyring = Keyring(identity, provider, used.entropy, shreds=folders.shreds)

        def fill(rows: Rows) -> None:
            rows.insert_identity(identity)
            keyring.found(rows, microseconds(clock))
            tools = unlocked(rows, keyring, anchors=folders.anchors)
            seq, chain = tools.seal.start
            tools.anchor.create(Head(epoch=1, seq=seq, chain=chain))

        create_database(path, fill)
        return cls._unlock(
            Store(path, durability),
            lambda: provider,
            folders=folders,
            clock=clock,
            entropy=used.entropy,
            trust=trust or Trust(),
            checkpoints=checkpoints or CheckpointPlan(),
        )

    @classmethod
    def open(  # noqa: PLR0913 - what a host may choose, all by name
        cls,
        path: Path,
        *,
        key: KeySource,
        anchors: Path | None = None,
        shreds: Path | None = None,
        clock: Clock = time.time,
        durability: Durability = "full",
        means: Means | None = None,
        trust: Trust | None = None,
        checkpoints: CheckpointPlan | None = None,
    ) -> Vault:
        """Opens a vault. Nothing is written unless the key is right.

        A `key` that can be called is asked for the URI, and again when the vault was rewrapped by
        another process. `trust` says how long what its provider has unwrapped counts, and
        `checkpoints` when the log is signed and where that is remembered.

        Raises:
            VaultMissingError: There is no vault at the path.
            VaultLockedError: The key is missing, wrong, unreadable or too open.
            VaultVersionError: The vault was written by a newer version.
            VaultRolledBackError: The database is older than its anchor has seen.
            AnchorError: The anchor is missing or was altered.
            IntegrityError: Its keys were altered.
            StoreError: The database cannot be opened.
        """
        used = means or Means()
        return cls._unlock(
            Store(path, durability),
            lambda: load_key(uri_of(key), used),
            folders=Folders.of(path, anchors, shreds),
            clock=clock,
            entropy=used.entropy,
            trust=trust or Trust(),
            checkpoints=checkpoints or CheckpointPlan(),
        )

    @classmethod
    def _unlock(  # noqa: PLR0913 - what `create` and `open` have in common
        cls,
        store: Store,
        find: Callable[[], KeyProvider],
        *,
        folders: Folders,
        clock: Clock,
        entropy: Entropy,
        trust: Trust,
        checkpoints: CheckpointPlan,
    ) -> Vault:
        """Opens the keys, and closes the store again if they do not open."""
        try:
            identity = store.read(identity_of)
            shreds = folders.shreds
            keyring = Keyring(identity, find(), entropy, shreds=shreds, find=find, trust=trust)
            tools = store.read(lambda rows: unlocked(rows, keyring, anchors=folders.anchors))
            store.migrate()
            mask_older(store, keyring)
            vault = cls(store, keyring, tools, clock=clock, plan=checkpoints)
            vault._follower.meet()
        except BaseException:
            store.close()
            raise
        return vault

    def close(self) -> None:
        """Finishes the writes, closes the files and drops the keys."""
        self.checkpoints.close()
        self._follower.close()
        self._store.close()
        self._keyring.forget()

    def __enter__(self) -> Self:
        """Gives the vault itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the vault."""
        self.close()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that wraps the vault's own keys."""
        return self._keyring.fingerprint

    @property
    def stale(self) -> str | None:
        """Why the anchor is behind the database, if it is; the next decisive write tries again."""
        return self._follower.stale

    @property
    def expired(self) -> bool:
        """Whether that key must be asked again before anything that is sealed opens."""
        return self._keyring.over

    def renew(self) -> None:
        """Asks that key again. Whoever opens something does so too; this one can be awaited.

        Raises:
            VaultLockedError: It gives no answer.
        """
        self._store.read(self._keyring.refresh)

    @property
    def fence(self) -> Fence:
        """The fence between a last look at the records and the act that they permit."""
        return self._store.fence

    def degrade(self, reason: str) -> None:
        """Refuses new intents from now on; the first reason stays."""
        self.latch.shut(reason)

    @property
    def degraded(self) -> str | None:
        """Why new intents are refused, if they are."""
        return self.latch.reason

    def read(self, work: Callable[[View], T]) -> T:
        """Runs work on a snapshot of the vault, in the thread that calls."""
        self._tools.anchor.refresh()
        return self._store.read(lambda rows: work(View(rows, self._tools)))

    def look(self, work: Callable[[View], T]) -> T:
        """Does the same with short work that looks at the same few rows; it may be run twice."""
        self._tools.anchor.refresh()
        return self._store.look(lambda rows: work(View(rows, self._tools)))

    def recall(self, work: Callable[[View], T]) -> T:
        """Does the same with what was seen a moment ago, if that is all it looks at.

        What others have committed within `RECALL_S` it may miss. So it is for what is looked at
        once more before it counts, and for whoever is inside the fence.
        """
        found = self._store.recall(lambda rows: work(View(rows, self._tools)))
        return self.look(work) if found is None else found[0]

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs work in a transaction, in the vault's own thread, and waits for the commit.

        If the work raises, what it changed is undone and the error is raised here. The work must
        not call the vault, and may be run a second time after all of its first run was undone.
        """
        done = self._store.write(lambda rows: self._transact(rows, work))
        if self._follower.is_due(done):
            self._follower.advance()
        return done.value

    async def write_async(
        self, work: Callable[[Transaction], T], *, draft: LogDraft | None = None
    ) -> T:
        """Does the same from an event loop. Cancelling it does not stop the work.

        A `draft` that the work appends is sealed before the transaction, with those of others.
        """
        ahead = None if draft is None or draft.payload is None else draft.payload.sealed

        def handed_in(rows: Rows) -> Done[T]:
            return self._transact(rows, work)

        try:
            done = await self._store.write_async(handed_in, ahead)
        except AskFirstError as needed:
            done = await self._store.write_patiently(handed_in, needed)
        if self._follower.is_due(done):
            await asyncio.to_thread(self._follower.advance)
        return done.value

    def open_secret(
        self, owner: str, field: str, *, stage: Stage = "current", lately: bool = False
    ) -> Secret:
        """Opens the version of a secret that is in a stage; nothing of it is kept in memory.

        With `lately` it may be the one that was there a moment ago, as `recall` has it.

        Raises:
            NotFoundError: There is none, or it was destroyed.
            VaultLockedError: The provider of the vault's key is out of reach for too long.
            IntegrityError: It was altered, moved or put back without the key.
        """
        if stage == "current":

            def work(rows: Rows) -> Secret:
                return self._tools.secrets.open(rows, owner, field)

            found = self._store.recall(work) if lately else None
            return self._store.look(work) if found is None else found[0]
        return self.read(lambda view: view.open_secret(owner, field, stage=stage))

    def open_payload(self, row: LogRow) -> bytes | None:
        """Opens what a row of the log holds sealed; None if it holds nothing.

        Raises:
            NotFoundError: Its key was destroyed.
            VaultLockedError: The provider of the vault's key is out of reach for too long.
            IntegrityError: It was altered or moved without the key.
        """
        return self.payloads.open(row)

    @property
    def shreds(self) -> Shreds:
        """The shred keys, for those who erase."""
        return self._keyring.shreds

    def sizes(self) -> tuple[int, int]:
        """Gives the bytes of the database and of its journal."""
        return self._store.sizes()

    def scrub(self) -> bool:
        """Empties the journal, so that no file holds what was overwritten; False if it is read."""
        return self._store.scrub()

    @property
    def proofs(self) -> Proofs:
        """What proves the log to others."""
        from connector_vault.proofs import Proofs  # noqa: PLC0415 - no call needs it

        return Proofs(self._store, self._tools, self.checkpoints)

    def verify_log(self, progress: Progress | None = None) -> LogReport:
        """Checks every row of the log; `progress` is told rows done and rows in all."""
        return self.proofs.verify(progress)

    def verify(self, told: Progress | None = None) -> VaultReport:
        """Checks every row of the vault; `told` is told rows done and rows in all.

        Raises:
            StoreError: The database cannot be read to its end.
        """
        from connector_vault.inspection import inspect  # noqa: PLC0415 - no call needs it

        return inspect(self._store, self._tools, self.proofs.against(), told)

    def back_up(
        self, path: Path, *, user: str | None = None, told: Progress | None = None
    ) -> BackupReport:
        """Makes a backup at the path, where nothing may be; `told` is told pages done and in all.

        Raises:
            FileTakenError: There is a file at the path.
            StoreError: It cannot be made, or the vault's own file is damaged.
        """
        from connector_vault.backup import back_up, note  # noqa: PLC0415 - no call needs it

        report = back_up(self._store, path, told)
        at = microseconds(self._clock)
        draft = partial(self.draft, user=user)
        self.write(lambda change: note(change, report, at, draft))
        return report

    def _transact(self, rows: Rows, work: Callable[[Transaction], T]) -> Done[T]:
        """Runs work inside the writer's transaction."""
        at = microseconds(self._clock)
        return transact(rows, self._tools, work, at=at, refusing=self.latch)
