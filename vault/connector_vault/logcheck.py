"""Checks the whole log, row by row, in memory that does not grow with it.

Three things are told apart. Integrity: every row is as it was written, where it was written.
Coverage: every row has a MAC of the vault, and a signed checkpoint stands over it. Completeness:
nothing is gone that an anchor has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector_vault.claims import number_of
from connector_vault.columns import LogColumns
from connector_vault.encoding import json_facts
from connector_vault.ended import Standing
from connector_vault.erased import Erasures
from connector_vault.errors import IntegrityError
from connector_vault.log import (
    UNWRITTEN,
    LogFault,
    LogReport,
    chain_hash,
    fault,
    leaf_hash,
    payload_hash,
)
from connector_vault.marks import Held, Marks
from connector_vault.merkle import Tree
from connector_vault.note import PublicKey
from connector_vault.postings import BLOCK
from connector_vault.rows import SPAN_ROWS, Rows
from connector_vault.store import Store
from connector_vault.view import Tools

Progress = Callable[[int, int], None]

#: So many runs of rows are read in one snapshot, so that a long check does not hold the journal.
_RUNS: Final = 10
#: So many columns of a row are hashed to its leaf; and where some of the others stand.
_HASHED: Final = 17
_PERSONA, _CONNECTION, _OPERATION, _ROUND = 6, 7, 10, 13
_LEAF, _CHAIN, _MAC, _HEAD, _PAYLOAD = range(_HASHED, _HASHED + 5)
REMOVED: Final = "the payload was removed, and nothing says that it was erased"
#: Kind of the rows that say to which row an older backup has put the log back.
_RESTORE: Final = "restore"
#: So many claims are compared at once: in the order of their table, of which few pages stay.
_CLAIMS: Final = 65_536
#: So many faults are told one by one.
_TOLD: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What the log is compared with; by default with itself alone."""

    #: The key that has to have signed the checkpoints; None if nothing can have been signed.
    key: PublicKey | None = None
    #: Up to this row a checkpoint has to cover the log.
    signed: int = 0
    #: Why the newest rows could not be signed, if so.
    trouble: str | None = None
    held: Sequence[Held] = ()


def verify(store: Store, tools: Tools, against: Against, progress: Progress | None) -> LogReport:
    """Checks every row; tells how far it is after every few thousand."""
    check = _Check(tools, against)
    while not store.read(check.some):
        if progress is not None:
            progress(check.seq, check.end)
    return store.read(check.report)


class _Check:
    """One walk along the log: where it is, and what was wrong so far."""

    def __init__(self, tools: Tools, against: Against) -> None:
        """Starts before the first row."""
        self._tools = tools
        self._seal = tools.seal
        self._against = against
        self._marks = Marks(tools, against.key, against.held)
        self._chain = self._seal.start[1]
        self._tree = Tree()
        self._span = 0
        #: To which row the log was put back, by the epoch that began so.
        self._restored: dict[int, int] = {}
        self.seq = 0
        self.end = 0
        self.rows = 0
        self.faults: list[LogFault] = []
        self.open: set[int] = set()
        self.erased = 0
        self._erasures: Erasures | None = None
        #: Numbers of claims, each with its intent, that are to be compared.
        self._claims: list[tuple[int, int]] = []

    def some(self, rows: Rows) -> bool:
        """Checks a few runs of rows; True says that the log ends there."""
        self.end = rows.last_seq()
        # Text may be erased while the check goes on: what says so is read with the rows.
        self._erasures = Erasures.of(rows, self._seal)
        for _ in range(_RUNS):
            found = rows.log_span(self._span)
            self._run(rows, found, rows.span_times(self._span))
            self._compare_postings(rows, self._span * SPAN_ROWS)
            self._note_claims(found)
            if (self._span + 1) * SPAN_ROWS > self.end:
                self._compare_claims(rows)
                self._compare_open(rows.open_intents())
                return True
            self._span += 1
        if len(self._claims) >= _CLAIMS:
            self._compare_claims(rows)
        return False

    def report(self, rows: Rows) -> LogReport:
        """Says what was found, at the end."""
        against, signed = self._against, self._marks.signed
        if signed < min(against.signed, self.seq):
            self._fault(signed + 1, "is not signed, nor is what follows", covered=False)
        if against.trouble is not None:
            self._fault(self.seq, f"cannot be signed: {against.trouble}", covered=False)
        if self._marks.newest_is_gone(rows):
            self._fault(self.seq, "the newest checkpoint is gone", covered=False)
        return LogReport(
            rows=self.rows,
            faults=tuple(self.faults),
            open=tuple(sorted(self.open)),
            erased=self.erased,
            signed=signed,
            anchors=self._marks.verdicts(self.seq, self._epoch(rows), self._restored),
        )

    def _epoch(self, rows: Rows) -> int:
        """Gives how often the vault was restored, plus one; 0 if that was altered."""
        tools = self._tools
        try:
            return Standing(tools.keyring.vault, tools.record_mac, tools.seal).epoch(rows)
        except IntegrityError:
            return 0

    def _run(self, rows: Rows, found: list[tuple[Any, ...]], times: tuple[int, int] | None) -> None:
        """Checks one run of rows, and that a search by time would find them."""
        after = self.seq
        if found and self._is_sound(found):
            self.seq, self._chain = found[-1][0], found[-1][_CHAIN]
        else:
            for columns in found:
                self._row(LogColumns._make(columns))
        self._follow(found)
        self.rows += len(found)
        if found and (times is None or not _covers(times, found)):
            self._fault(found[0][0], "the times for searching were altered from here on")
        self._meet(rows, found, after)

    def _row(self, row: LogColumns) -> None:
        """Checks one row, and goes on from what it says of itself."""
        if row.seq != self.seq + 1:
            self._fault(self.seq + 1, f"missing, up to row {row.seq - 1}")
        what = fault(self._seal, row, self._chain) or self._removed(row)
        if what is not None:
            self._fault(row.seq, what, covered=what != UNWRITTEN)
        self.seq, self._chain = row.seq, row.chain

    def _removed(self, row: LogColumns) -> str | None:
        """Says what is wrong with text that is missing, unless it was erased."""
        if row.payload is not None or row.payload_hash is None:
            return None
        if self._erasures is None or not self._erasures.cover(row):
            return REMOVED
        self.erased += 1
        return None

    def _follow(self, found: list[tuple[Any, ...]]) -> None:
        """Takes in what rows say of others: an intent's outcome, a log that was put back."""
        for columns in found:
            kind = columns[3]
            if kind == "intent":
                self.open.add(columns[0])
            elif kind == "outcome":
                self.open.discard(columns[4])
            elif kind == _RESTORE:
                facts = json_facts(columns[14]) or {}
                if "rows" in facts:
                    self._restored[facts["epoch"]] = facts["rows"]

    def _meet(self, rows: Rows, found: list[tuple[Any, ...]], after: int) -> None:
        """Lets the tree grow by a run of rows, and compares it with the checkpoints over them."""
        leaves = [one[_LEAF] if isinstance(one[_LEAF], bytes) else b"" for one in found]
        done = 0
        for size, stored in sorted(self._marks.between(rows, after, self.seq).items()):
            upto = sum(one[0] <= size for one in found)
            self._tree.extend(leaves[done:upto])
            done = upto
            for what in self._marks.meet(size, self._tree.root(), stored):
                self._fault(size, what, covered=False)
        self._tree.extend(leaves[done:])

    def _is_sound(self, found: list[tuple[Any, ...]]) -> bool:
        """Says whether nothing is wrong with a run of rows; what is wrong is looked for then.

        It does what `fault` does row by row, one thing at a time for all rows: half of the time
        of a check would go into the calls.
        """
        columns = list(zip(*found, strict=True))
        seqs, leaves, chains = columns[0], columns[_LEAF], columns[_CHAIN]
        try:
            return (
                seqs == tuple(range(self.seq + 1, self.seq + 1 + len(seqs)))
                and [leaf_hash(row[:_HASHED]) for row in found] == list(leaves)
                and [payload_hash(one) for one in columns[_PAYLOAD]] == list(columns[_HASHED - 1])
                and [*map(chain_hash, (self._chain, *chains), leaves)] == list(chains)
                and self._seal.wrote_all(seqs, chains, columns[_MAC])
                and all(
                    head == (seq if ref is None else ref if kind == "outcome" else None)
                    for seq, kind, ref, head in zip(
                        seqs, columns[3], columns[4], columns[_HEAD], strict=True
                    )
                )
            )
        except (TypeError, ValueError):
            # A damaged file gives anything in any column.
            return False

    def _compare_postings(self, rows: Rows, first: int) -> None:
        """Checks, once for each block of rows, what a search goes by."""
        if first % BLOCK == 0 and rows.postings.wrong(first // BLOCK):
            self._fault(first or 1, "the postings for searching were altered from here on")

    def _note_claims(self, found: list[tuple[Any, ...]]) -> None:
        """Takes in what the intents of a run of rows have claimed."""
        self._claims += [
            (
                number_of(one[_OPERATION], one[_CONNECTION], one[_PERSONA], one[_ROUND], one[0]),
                one[0],
            )
            for one in found
            if one[3] == "intent" and isinstance(one[_OPERATION], str)
        ]

    def _compare_claims(self, rows: Rows) -> None:
        """Checks that no operation of those rows can be claimed again."""
        for seq in sorted(rows.claims.missing(self._claims)):
            self._fault(seq, "the claim of its operation was altered")
        self._claims = []

    def _compare_open(self, listed: list[int]) -> None:
        """Checks the list of open intents against the log."""
        for seq in sorted(self.open.symmetric_difference(listed)):
            self._fault(seq, "the list of open intents was altered")

    def _fault(self, seq: int, what: str, *, covered: bool = True) -> None:
        """Notes a fault, unless there are too many to tell."""
        if len(self.faults) < _TOLD:
            self.faults.append(
                LogFault(seq=seq, what=what, verdict="integrity" if covered else "coverage")
            )


def _covers(times: tuple[int, int], found: list[tuple[Any, ...]]) -> bool:
    """Says whether all rows were written between two times."""
    written = [columns[2] for columns in found if isinstance(columns[2], int)]
    return bool(written and times[0] <= min(written) and max(written) <= times[1])
