"""Checks the whole vault, row by row, in memory that does not grow with it.

1. The file: its pages, and that tables and triggers are those of this version.
2. The keys: each opens under the wrapper that it names, and has its shred key. What another
   provider has wrapped, as while the outermost key is being rotated, is counted and not opened.
3. The records: the MAC of each, and its revision against the log and the anchor.
4. The secrets: the same, and each version that has a value opens.
5. What the log says there is: none of it is gone, and none is older.
6. The log: every row, and what follows from it.
7. The anchor: it is there, and the database has all that it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from connector_vault import walks
from connector_vault.columns import KeyRow, RecordRow
from connector_vault.ended import Standing
from connector_vault.errors import AnchorError, ErasedError, IntegrityError, ShredError
from connector_vault.log import LogReport
from connector_vault.logcheck import Against, Progress, verify
from connector_vault.places import AUDIT, TERM
from connector_vault.records import opened_row
from connector_vault.rows import Rows
from connector_vault.sealed import SUBJECT
from connector_vault.store import Store
from connector_vault.view import Tools
from connector_vault.walks import Mark

#: So many faults are told one by one.
_TOLD: Final = 1_000

Walk: TypeAlias = Callable[[Rows, Mark], Sequence[tuple[Mark, Any]]]
Look: TypeAlias = Callable[[Rows, Mark, Any], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultFault:
    """What is wrong with the vault at one place; neither holds a secret."""

    place: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultReport:
    """What a check of the whole vault found."""

    epoch: int
    keys: int
    records: int
    secrets: int
    log: LogReport
    #: Keys that another provider has wrapped, and that were not opened.
    unopened: int
    faults: tuple[VaultFault, ...]

    @property
    def ok(self) -> bool:
        """Says whether the vault is whole, its log too."""
        return not self.faults and self.log.ok


def inspect(
    store: Store,
    tools: Tools,
    against: Against,
    told: Progress | None = None,
    *,
    anchored: bool = True,
) -> VaultReport:
    """Checks everything; `told` is told rows done and rows in all, and of the end too.

    `against` says what the log is compared with.

    `anchored` says whether the database is the one that the anchor stands for.

    Raises:
        StoreError: The database cannot be read to its end.
    """
    return _Inspection(store, tools, told).run(against, anchored=anchored)


class _Inspection:
    """One walk through the vault: how far it is, and what was wrong so far."""

    def __init__(self, store: Store, tools: Tools, told: Progress | None) -> None:
        """Starts before the first row."""
        self._store = store
        self._tools = tools
        self._told = told
        self._standing = Standing(tools.keyring.vault, tools.record_mac, tools.seal)
        self._faults: list[VaultFault] = []
        self._unopened = 0
        self._anchored = True
        self._done = 0
        self._end = 0

    def run(self, against: Against, *, anchored: bool) -> VaultReport:
        """Takes the walks one after the other."""
        for what in self._store.faults():
            self._fault("file", what)
        counts, last = self._store.read(lambda rows: (walks.counts(rows), rows.last_seq()))
        self._end = sum(counts) + last
        self._anchored = anchored
        for name in self._store.read(walks.strangers):
            self._fault(f"vault {name}", "is not of the vault")
        self._walk(walks.keys, self._key)
        self._walk(walks.records, self._record)
        self._walk(walks.secrets, self._secret)
        self._walk(walks.subjects, self._subject)
        epoch = self._anchor(anchored=anchored)
        log = verify(self._store, self._tools, against, self._tell)
        self._tell(self._end, self._end)
        return VaultReport(
            epoch=epoch,
            keys=counts.keys,
            records=counts.records,
            secrets=counts.secrets,
            log=log,
            unopened=self._unopened,
            faults=tuple(self._faults),
        )

    def _walk(self, walk: Walk, look: Look) -> None:
        """Looks at every row of one kind, each piece on a snapshot of its own."""
        mark: Mark | None = Mark()
        while mark is not None:
            at = mark
            mark = self._store.read(lambda rows: self._piece(rows, walk(rows, at), look))  # noqa: B023 - it is read at once

    def _piece(self, rows: Rows, found: Sequence[tuple[Mark, Any]], look: Look) -> Mark | None:
        """Looks at one piece, and gives where it ends; None is the end of all."""
        for mark, row in found:
            try:
                look(rows, mark, row)
            except IntegrityError as error:
                self._fault(error.row, error.reason)
            except (ErasedError, ShredError) as error:
                self._fault("shreds", str(error))
        self._done += len(found)
        self._tell(0, 0)
        return found[-1][0] if len(found) == walks.PIECE else None

    def _key(self, rows: Rows, mark: Mark, row: KeyRow) -> None:
        """Opens a key anew, whatever is kept in memory."""
        del mark
        keyring = self._tools.keyring
        if row.sealed is None:
            return
        if row.purpose != TERM.purpose:
            keyring.wrapping.unwrap(keyring.term(rows, row.wrapper), row)
            self._shred(row)
        elif row.wrapper == keyring.provider.id:
            keyring.wrapping.unwrap_term(keyring.provider, row)
        else:
            self._unopened += 1

    def _shred(self, row: KeyRow) -> None:
        """Checks that an audit key has its shred key; a backup may lack some."""
        if row.purpose == AUDIT and self._anchored:
            self._tools.keyring.shreds.check(row.id)

    def _record(self, rows: Rows, mark: Mark, row: RecordRow) -> None:
        """Checks one record."""
        del rows, mark
        tools = self._tools
        floor = tools.anchor.floors.records.get((row.kind, row.id), 0)
        opened_row(row, vault=tools.keyring.vault, key=tools.record_mac, floor=floor)
        if row.logged is not None and row.logged != row.revision:
            raise IntegrityError(f"records {row.kind} {row.id}", "is newer than the log says")

    def _secret(self, rows: Rows, mark: Mark, is_named: bool) -> None:  # noqa: FBT001 - what the walk gives
        """Checks all versions of one secret, and opens those that have a value."""
        if not is_named:
            raise IntegrityError(f"secrets {mark.first!r} {mark.second!r}", "has no name")
        secrets = self._tools.secrets
        for row in secrets.versions(rows, mark.first, mark.second):
            if row.sealed is not None:
                secrets.opened(rows, row).wipe()

    def _subject(self, rows: Rows, mark: Mark, revision: int | None) -> None:
        """Checks that what the log tells of is there."""
        kind, _, name = mark.first.partition(":")
        if revision is None:
            return
        if kind == SUBJECT:
            owner, _, field = name.rpartition("/")
            self._tools.secrets.versions(rows, owner, field)
        elif rows.record(kind, name) is None:
            raise IntegrityError(f"records {kind} {name}", "is gone, and the log holds it")

    def _anchor(self, *, anchored: bool) -> int:
        """Compares the database with its anchor; gives the epoch."""
        try:
            epoch = self._store.read(self._standing.epoch)
            if anchored:
                head = self._tools.anchor.head()
                self._store.read(lambda rows: self._standing.compare(rows, head))
                self._store.read(lambda rows: self._standing.check(rows, head))
        except (AnchorError, IntegrityError) as error:
            self._fault("anchor", str(error))
            return 0
        return epoch

    def _tell(self, done: int, end: int) -> None:
        """Says how far it is; the log's own count comes on top."""
        del end
        if self._told is not None:
            self._told(min(self._done + done, self._end), self._end)

    def _fault(self, place: str, what: str) -> None:
        """Notes a fault, unless there are too many to tell."""
        if len(self._faults) < _TOLD:
            self._faults.append(VaultFault(place=place, what=what))
