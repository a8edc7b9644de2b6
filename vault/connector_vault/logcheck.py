"""Checks the whole log, row by row, in memory that does not grow with it.

Three things are told apart. Integrity: every row is as it was written, where it was written.
Coverage: every row has a MAC of the vault, and a signed checkpoint stands over it. Completeness:
nothing is gone that an anchor has seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector_vault import walks
from connector_vault.claims import Tally
from connector_vault.columns import LogColumns
from connector_vault.encoding import json_facts
from connector_vault.ended import Standing
from connector_vault.erased import Erasures
from connector_vault.errors import IntegrityError
from connector_vault.log import UNWRITTEN, LogFault, LogReport, fault
from connector_vault.marks import Held, Marks
from connector_vault.merkle import Tree
from connector_vault.note import PublicKey
from connector_vault.postings import BLOCK, RUN, Gathered
from connector_vault.rows import Rows
from connector_vault.runs import Run
from connector_vault.spans import SPAN_ROWS
from connector_vault.store import Store
from connector_vault.view import Tools

Progress = Callable[[int, int], None]

#: So many blocks of rows are read in one snapshot, so that a long check does not hold the journal.
_BLOCKS: Final = 2
#: Of the number that the claims of two sides are compared by.
_POINT_BYTES: Final = 17
REMOVED: Final = "the payload was removed, and nothing says that it was erased"
#: Kind of the rows that say to which row an older backup has put the log back.
_RESTORE: Final = "restore"
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
        self._block = 0
        #: To which row the log was put back, by the epoch that began so.
        self._restored: dict[int, int] = {}
        self.seq = 0
        self.end = 0
        self.rows = 0
        self.faults: list[LogFault] = []
        self.open: set[int] = set()
        self.erased = 0
        self._erasures: Erasures | None = None
        #: What the intents have claimed.
        self._claims = Tally(int.from_bytes(tools.entropy(_POINT_BYTES)))

    def some(self, rows: Rows) -> bool:
        """Checks a few blocks of rows; True says that the log ends there."""
        self.end = rows.last_seq()
        # Text may be erased while the check goes on: what says so is read with the rows.
        self._erasures = Erasures.of(rows, self._seal)
        for _ in range(_BLOCKS):
            self._check_block(rows, self._block)
            self._block += 1
            if self._block * BLOCK > self.end:
                self._compare_claims(rows)
                self._compare_open(rows.open_intents())
                return True
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

    def _check_block(self, rows: Rows, block: int) -> None:
        """Checks the rows that share their postings, and these."""
        after, gathered = self.seq, Gathered(block)
        seqs, leaves = list[int](), list[object]()
        for span in range(block * BLOCK // SPAN_ROWS, (block + 1) * BLOCK // SPAN_ROWS):
            for run in self._check_span(rows, span):
                seqs += run.seqs
                leaves += run.leaves
                gathered.add(run.searched)
        self._meet(rows, after, seqs, leaves)
        if not rows.postings.fit(gathered):
            self._fault(block * BLOCK or 1, "the postings for searching were altered from here on")

    def _check_span(self, rows: Rows, span: int) -> Iterator[Run]:
        """Checks the rows that share their times, and that a search by time would find them."""
        written, first = list[Any](), 0
        for start in range(span * SPAN_ROWS, (span + 1) * SPAN_ROWS, RUN):
            if found := walks.run(rows, start, start + RUN):
                run = Run(found)
                self._check_run(run)
                written += run.ats
                first = first or run.seqs[0]
                yield run
        times = rows.span_times(span)
        if first and (times is None or not _covers(times, written)):
            self._fault(first, "the times for searching were altered from here on")

    def _check_run(self, run: Run) -> None:
        """Checks rows that are looked at together, and takes in what they say of others."""
        if run.is_sound(self._seal, (self.seq, self._chain)):
            for row in run.bare():
                if not self._is_erased(row):
                    self._fault(row.seq, REMOVED)
            self.seq, self._chain = run.end
        else:
            for columns in run.rows:
                self._row(LogColumns(*columns))
        self.rows += len(run.rows)
        self._follow(run)
        self._claims.add(run.claims())

    def _row(self, row: LogColumns) -> None:
        """Checks one row, and goes on from what it says of itself."""
        if row.seq != self.seq + 1:
            self._fault(self.seq + 1, f"missing, up to row {row.seq - 1}")
        what = fault(self._seal, row, self._chain)
        if what is None and row.lacks_text and not self._is_erased(row):
            what = REMOVED
        if what is not None:
            self._fault(row.seq, what, covered=what != UNWRITTEN)
        self.seq, self._chain = row.seq, row.chain

    def _is_erased(self, row: LogColumns) -> bool:
        """Says whether text that is missing was erased with cause."""
        erased = self._erasures is not None and self._erasures.cover(row)
        self.erased += erased
        return erased

    def _follow(self, run: Run) -> None:
        """Takes in what rows say of others: an intent's outcome, a log that was put back."""
        for seq, kind, ref, facts in zip(run.seqs, run.kinds, run.refs, run.facts, strict=True):
            if kind == "intent":
                self.open.add(seq)
            elif kind == "outcome":
                self.open.discard(ref)
            elif kind == _RESTORE:
                told = json_facts(facts) or {}
                if "rows" in told:
                    self._restored[told["epoch"]] = told["rows"]

    def _meet(self, rows: Rows, after: int, seqs: list[int], leaves: list[object]) -> None:
        """Lets the tree grow by a block, and compares it with the checkpoints over its rows."""
        sound = [leaf if isinstance(leaf, bytes) else b"" for leaf in leaves]
        done = 0
        for size, stored in sorted(self._marks.between(rows, after, self.seq).items()):
            upto = bisect_right(seqs, size)
            self._tree.extend(sound[done:upto])
            done = upto
            for what in self._marks.meet(size, self._tree.root(), stored):
                self._fault(size, what, covered=False)
        self._tree.extend(sound[done:])

    def _compare_claims(self, rows: Rows) -> None:
        """Checks that no operation can be claimed again."""
        for seq in rows.claims.lost(self._claims, self.seq):
            self._fault(seq, "the claim of its operation was altered")

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


def _covers(times: tuple[Any, Any], written: list[Any]) -> bool:
    """Says whether all rows were written between two times; damaged ones say no time."""
    told = [at for at in written if isinstance(at, int)]
    are_times = all(isinstance(time, int) for time in times)
    return bool(are_times and told and times[0] <= min(told) and max(told) <= times[1])
