"""Checks the whole log, row by row, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from connector_vault.erased import Erasures
from connector_vault.log import (
    LogFault,
    LogReport,
    LogSeal,
    chain_hash,
    fault,
    leaf_hash,
    payload_hash,
)
from connector_vault.postings import BLOCK
from connector_vault.rows import SPAN_ROWS, LogColumns, Rows
from connector_vault.store import Store

Progress = Callable[[int, int], None]

#: So many runs of rows are read in one snapshot, so that a long check does not hold the journal.
_RUNS: Final = 10
#: So many columns of a row are hashed to its leaf; and where some of the others stand.
_HASHED: Final = 17
_LEAF, _CHAIN, _MAC, _HEAD, _PAYLOAD = range(_HASHED, _HASHED + 5)
REMOVED: Final = "the payload was removed, and nothing says that it was erased"
#: So many faults are told one by one.
_TOLD: Final = 1_000


def verify(store: Store, seal: LogSeal, progress: Progress | None) -> LogReport:
    """Checks every row; tells how far it is after every few thousand."""
    check = _Check(seal)
    while not store.read(check.some):
        if progress is not None:
            progress(check.seq, check.end)
    return LogReport(
        rows=check.rows,
        faults=tuple(check.faults),
        open=tuple(sorted(check.open)),
        erased=check.erased,
    )


class _Check:
    """One walk along the log: where it is, and what was wrong so far."""

    def __init__(self, seal: LogSeal) -> None:
        """Starts before the first row."""
        self._seal = seal
        self._chain = seal.start[1]
        self._span = 0
        self.seq = 0
        self.end = 0
        self.rows = 0
        self.faults: list[LogFault] = []
        self.open: set[int] = set()
        self.erased = 0
        self._erasures: Erasures | None = None

    def some(self, rows: Rows) -> bool:
        """Checks a few runs of rows; True says that the log ends there."""
        self.end = rows.last_seq()
        # Text may be erased while the check goes on: what says so is read with the rows.
        self._erasures = Erasures.of(rows, self._seal)
        for _ in range(_RUNS):
            self._run(rows.log_span(self._span), rows.span_times(self._span))
            self._compare_postings(rows, self._span * SPAN_ROWS)
            if (self._span + 1) * SPAN_ROWS > self.end:
                self._compare_open(rows.open_intents())
                return True
            self._span += 1
        return False

    def _run(self, found: list[tuple[Any, ...]], times: tuple[int, int] | None) -> None:
        """Checks one run of rows, and that a search by time would find them."""
        if found and self._is_sound(found):
            self.seq, self._chain = found[-1][0], found[-1][_CHAIN]
            for columns in found:
                self._follow(columns[0], columns[3], columns[4])
        else:
            for columns in found:
                self._row(LogColumns._make(columns))
        self.rows += len(found)
        if found and (times is None or not _covers(times, found)):
            self._fault(found[0][0], "the times for searching were altered from here on")

    def _row(self, row: LogColumns) -> None:
        """Checks one row, and goes on from what it says of itself."""
        if row.seq != self.seq + 1:
            self._fault(self.seq + 1, f"missing, up to row {row.seq - 1}")
        what = fault(self._seal, row, self._chain) or self._removed(row)
        if what is not None:
            self._fault(row.seq, what)
        self._follow(row.seq, row.kind, row.ref)
        self.seq, self._chain = row.seq, row.chain

    def _removed(self, row: LogColumns) -> str | None:
        """Says what is wrong with text that is missing, unless it was erased."""
        if row.payload is not None or row.payload_hash is None:
            return None
        if self._erasures is None or not self._erasures.cover(row):
            return REMOVED
        self.erased += 1
        return None

    def _follow(self, seq: int, kind: str, ref: int | None) -> None:
        """Takes in which intent a row opens or settles."""
        if kind == "intent":
            self.open.add(seq)
        elif kind == "outcome" and ref is not None:
            self.open.discard(ref)

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

    def _compare_open(self, listed: list[int]) -> None:
        """Checks the list of open intents against the log."""
        for seq in sorted(self.open.symmetric_difference(listed)):
            self._fault(seq, "the list of open intents was altered")

    def _fault(self, seq: int, what: str) -> None:
        """Notes a fault, unless there are too many to tell."""
        if len(self.faults) < _TOLD:
            self.faults.append(LogFault(seq=seq, what=what))


def _covers(times: tuple[int, int], found: list[tuple[Any, ...]]) -> bool:
    """Says whether all rows were written between two times."""
    written = [columns[2] for columns in found if isinstance(columns[2], int)]
    return bool(written and times[0] <= min(written) and max(written) <= times[1])
