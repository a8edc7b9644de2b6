"""Puts a backup in the vault's place, and takes care that nothing comes back to life by it.

1. Nobody has the vault open, here or in another process, from the first look to the last.
2. The backup is copied beside the database, opened with its key and checked whole. It stays as
   it is, wherever it lies.
3. It is a backup of this vault. If the vault has had something since, or nothing outside the
   backup says whether it has, the restore is refused unless that is accepted.
4. What was closed or destroyed for good since is closed and destroyed in the copy, as the anchor
   and the database that is replaced say, whichever of them can be read. Text of the log that was
   erased since is erased in the copy, as the shred keys say.
5. The epoch is raised, so that no database from before can be put back; what was done is logged.
6. The copy takes the database's place in one step; the database stays under another name. Then
   the anchor follows. A crash before the step leaves all as it was.

A backup opens with the key that it was made under: keep an older key for as long as its backups.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector_vault.anchor import Ended, Head
from connector_vault.checkpoints import public_key
from connector_vault.closing import Closing
from connector_vault.ended import KIND, Standing
from connector_vault.errors import (
    AnchorError,
    RestoreRefusedError,
    StoreCorruptError,
    StoreUnavailableError,
    VaultError,
    VaultMissingError,
    VaultRolledBackError,
)
from connector_vault.files import beside, copy_into, keep, make_folder, replace
from connector_vault.inspection import inspect
from connector_vault.keyring import Keyring
from connector_vault.logcheck import Against, Progress
from connector_vault.presence import Presence
from connector_vault.providers import Means, load_key
from connector_vault.records import opened_row
from connector_vault.rotation_run import OnStep, nothing
from connector_vault.rows import Rows
from connector_vault.store import Store, make_ready, settle
from connector_vault.unlocking import Folders, identity_of, unlocked
from connector_vault.view import Tools, Transaction

#: The steps of a restore, in their order.
STEPS: Final = tuple(
    f"after {step}" for step in ("copy", "check", "fill", "keep", "replace", "anchor")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What a restore found and did."""

    path: Path
    vault: str
    #: How often the vault was restored, plus one.
    epoch: int
    #: Rows of the log in the backup.
    rows: int
    #: Rows of the log that the vault has had and the backup lacks; None if nothing says so.
    lost: int | None
    #: What was closed for good since the backup and was closed again, as "kind:id".
    closed: tuple[str, ...]
    #: Owners whose secrets were destroyed since the backup and were destroyed again.
    destroyed: tuple[str, ...]
    #: Audit keys that were erased since the backup and were destroyed again; and those whose shred
    #: keys are lost, so that nobody can read what they have sealed.
    erased: int
    unreadable: int
    #: Where the database lies that was replaced; None if there was none.
    kept: Path | None
    #: Whether an anchor said what has happened since the backup.
    anchored: bool


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the vault from outside the backup."""

    #: Of the anchor; None if it is missing or was altered.
    head: Head | None
    epoch: int
    lost: int | None
    ended: Sequence[Ended]


def restore(  # noqa: PLR0913 - what an operator may choose, all by name
    backup: Path,
    target: Path,
    *,
    key: str,
    accept: bool = False,
    anchors: Path | None = None,
    shreds: Path | None = None,
    clock: Callable[[], float] = time.time,
    means: Means | None = None,
    told: Progress | None = None,
    on_step: OnStep = nothing,
) -> RestoreReport:
    """Puts a backup in the place of a database, which may be gone or damaged.

    `accept` goes on although the vault has had something since the backup was made. `told` is
    told rows checked and rows in all, and `on_step` the steps.

    Raises:
        VaultMissingError: There is no backup.
        RestoreRefusedError: It is damaged, of another vault, or older, and that is not accepted.
        StoreBusyError: The vault is open.
        VaultLockedError: The key is not the one that the backup was made under.
        AnchorError: The backup is in place, and the anchor cannot be written.
        StoreError: Something cannot be read or written.
    """
    if not backup.is_file():
        raise VaultMissingError(f"There is no backup at {backup}.")
    used = means or Means()
    provider = load_key(key, used)
    try:
        make_folder(target.parent)
        with _alone(target) as presence, beside(target, "restored", alone=True) as fresh:
            copy_into(backup, fresh)
            _make_ready(fresh, backup)
            on_step("after copy")
            with closing(Store(fresh, "full")) as store:
                store.migrate()
                folders = Folders.of(target, anchors, shreds)
                identity = store.read(identity_of)
                keyring = Keyring(identity, provider, used.entropy, shreds=folders.shreds)
                tools = store.read(lambda rows: unlocked(rows, keyring, anchors=folders.anchors))
                work = _Restore(store, tools, target=target, presence=presence)
                known = work.known(accept=accept, told=told)
                on_step("after check")
                report = work.fill(known, int(clock() * 1_000_000))
                on_step("after fill")
            work.put_in_place(fresh, report, on_step)
    except OSError as error:
        raise StoreUnavailableError(f"The restore cannot go on: {error.strerror}.") from None
    return report


def _make_ready(fresh: Path, backup: Path) -> None:
    """Opens the copy for the first time: what is wrong here is wrong with the backup."""
    try:
        make_ready(fresh)
    except StoreCorruptError:
        damaged = f"{backup} is no backup of a vault, or is damaged. Take another."
        raise RestoreRefusedError(damaged) from None


@contextmanager
def _alone(target: Path) -> Generator[Presence]:
    """Keeps everybody else from opening the database."""
    presence = Presence(target, alone=True)
    try:
        yield presence
    finally:
        presence.close()


class _Restore:
    """One restore: a copy of the backup, and the database whose place it is to take."""

    def __init__(self, store: Store, tools: Tools, *, target: Path, presence: Presence) -> None:
        """Takes the copy, with the keys that it was opened with."""
        self._store = store
        self._tools = tools
        self._target = target
        self._presence = presence
        self._standing = Standing(tools.keyring.vault, tools.record_mac, tools.seal)
        self._head = store.read(lambda rows: self._standing.now(rows, 0))[0]

    def known(self, *, accept: bool, told: Progress | None) -> _Known:
        """Checks the copy, and looks at what the vault has had since.

        Raises:
            RestoreRefusedError: The copy is damaged, or lacks something, and that is not accepted.
        """
        against = Against(key=self._store.read(lambda rows: public_key(rows, self._tools.keyring)))
        found = inspect(self._store, self._tools, against, told, anchored=False)
        faults = [f"{one.place} {one.what}" for one in found.faults]
        faults += [f"log {one.seq} {one.what}" for one in found.log.faults]
        if faults:
            raise RestoreRefusedError(
                f"The backup is damaged at {len(faults)} places, first: {faults[0]}. Take another."
            )
        known = self._known()
        if not accept:
            self._check_complete(known)
        return known

    def fill(self, known: _Known, at: int) -> RestoreReport:
        """Ends in the copy what was ended since, in one transaction."""
        return self._store.write(lambda rows: self._ended(rows, known, at))

    def put_in_place(self, fresh: Path, report: RestoreReport, on_step: OnStep) -> None:
        """Replaces the database, and lets the anchor follow."""
        settle(self._target)
        keep(self._target, self._kept(report.epoch))
        on_step("after keep")
        replace(self._target, fresh)
        on_step("after replace")
        anchor = self._tools.anchor
        if not report.anchored:
            seq, chain = self._tools.seal.start
            anchor.create(Head(epoch=0, seq=seq, chain=chain))
        with closing(Store(self._target, "full", presence=self._presence)) as store:
            anchor.advance(lambda held: store.read(lambda rows: self._standing.now(rows, held)))
        on_step("after anchor")

    def _ended(self, rows: Rows, known: _Known, at: int) -> RestoreReport:
        """Does in one transaction what makes the copy the vault's next database."""
        change = Transaction(rows, self._tools, at=at, refusing=None)
        work = Closing(rows, self._tools, change, at)
        closed, destroyed = work.close(known.ended), work.destroy(known.ended)
        work.keep(known.ended)
        erased, unreadable = work.drop_unreadable()
        epoch = known.epoch + 1
        work.raise_epoch(
            epoch,
            {
                "rows": self._head.seq,
                "lost": known.lost,
                "closed": closed,
                "destroyed": destroyed,
                "erased": erased,
                "unreadable": unreadable,
                "anchored": known.head is not None,
            },
        )
        return RestoreReport(
            path=self._target,
            vault=self._tools.keyring.vault,
            epoch=epoch,
            rows=self._head.seq,
            lost=known.lost,
            closed=tuple(closed),
            destroyed=tuple(destroyed),
            erased=erased,
            unreadable=unreadable,
            kept=self._kept(epoch) if self._target.exists() else None,
            anchored=known.head is not None,
        )

    def _known(self) -> _Known:
        """Looks at the anchor, and at the database that is to be replaced."""
        anchor = self._tools.anchor
        head: Head | None = None
        ended: Sequence[Ended] = ()
        try:
            head, ended = anchor.head(), anchor.ended()
        except AnchorError:
            head = None
        lost = self._lost_since(head)
        epoch = max(self._head.epoch, 0 if head is None else head.epoch)
        try:
            with closing(Store(self._target, "full", presence=self._presence)) as current:
                self._check_same(current.read(identity_of))
                lost = self._lost(lost, current, head)
                epoch = max(epoch, current.read(self._standing.epoch))
                kept = current.read(self._entries)
                ended = kept if len(kept) > len(ended) else ended
        except RestoreRefusedError:
            raise
        except VaultError:
            # It is gone or damaged: that is what backups are for. The anchor has to do.
            pass
        return _Known(head, epoch, lost, ended or self._store.read(self._entries))

    def _check_same(self, vault: str) -> None:
        """Refuses to replace another vault."""
        if vault != self._tools.keyring.vault:
            raise RestoreRefusedError(f"At {self._target} is another vault than in the backup.")

    def _check_complete(self, known: _Known) -> None:
        """Refuses a backup that lacks something, or of which nobody knows whether it does."""
        if known.head is None:
            raise RestoreRefusedError(
                "The anchor is missing or was altered: nothing says what was revoked since the "
                "backup. Accept that to go on, and look at every connection after it."
            )
        if known.lost != 0:
            lost = "rows" if known.lost is None else f"{known.lost} rows"
            raise RestoreRefusedError(
                f"The backup ends at row {self._head.seq} of the log, and {lost} came after it: "
                "calls, changes and keys that would be lost. Accept that to go on."
            )

    def _lost_since(self, head: Head | None) -> int | None:
        """Counts what came after the backup, as the anchor says; None if it does not say."""
        if head is None:
            return None
        try:
            self._store.read(lambda rows: self._standing.compare(rows, head))
        except VaultRolledBackError:
            later = head.seq - self._head.seq
            return later if head.epoch == self._head.epoch and later > 0 else None
        return 0

    def _lost(self, since: int | None, current: Store, head: Head | None) -> int | None:
        """Counts what would be lost, by the database that is replaced and by the anchor."""
        later = current.read(self._lost_to)
        if head is None:
            return later
        try:
            current.read(lambda rows: self._standing.compare(rows, head))
        except VaultRolledBackError:
            # The database is not the newest one either.
            return None if since is None else max(since, later)
        return later

    def _lost_to(self, current: Rows) -> int:
        """Counts the rows that another database has after those that both have."""
        return self._store.read(lambda rows: current.last_seq() - _common(rows, current))

    def _entries(self, rows: Rows) -> list[Ended]:
        """Reads from a database what was ended."""
        vault, key = self._tools.keyring.vault, self._tools.record_mac
        found = rows.records_after(KIND, "")
        return [dict(opened_row(row, vault=vault, key=key).body) for row in found]

    def _kept(self, epoch: int) -> Path:
        """Names the database that is replaced; a restore never takes an epoch twice."""
        return self._target.with_name(f"{self._target.name}.before-{epoch}")


def _common(one: Rows, other: Rows) -> int:
    """Gives the last row that two logs share; a chain that is equal says so of all before it."""
    low, high = 0, min(one.last_seq(), other.last_seq())
    while low < high:
        middle = (low + high + 1) // 2
        if one.chain_at(middle) == other.chain_at(middle):
            low = middle
        else:
            high = middle - 1
    return low
