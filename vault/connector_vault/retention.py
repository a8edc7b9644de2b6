"""Ends how long the text of the log is kept: prompt, arguments, request and response.

Rows fall into classes, each kept for a number of days: changes, reads and refusals. What admins
did has no text and stays for ever, as do all rows themselves and what is proven by them.

1. One row of the log says, before anything goes, up to which time the text of each class goes.
2. Then it goes in batches of a run of rows, each one transaction; readers never wait or fail.
3. The keys of a month go once the month is older than every class that ends, and no text is left
   that they seal: first their shred keys, so that no older backup opens that text any more.

Each step can be run again, and one that was cut short goes on at the next run. How far each class
is stands in a record, so that a run looks at no row twice in vain.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from connector_vault.erased import CLASSES, RETENTION
from connector_vault.records import Record
from connector_vault.rotation_run import OnStep, nothing
from connector_vault.texts import bounds_of, month_of
from connector_vault.vault import Vault
from connector_vault.view import Transaction, View

T = TypeVar("T")

#: Kind of the row that says so, and of the record that says how far it is.
LOG_KIND: Final = "tend"
KIND: Final = RETENTION
ID: Final = "log"
DAY_S: Final = 86_400.0
#: A run writes one row: more often than this none is begun.
PAUSE_S: Final = DAY_S

_ARROWS: Final = ("note", "drop", "keys", "scrub")
#: The steps of a run, in their order; `drop` comes once a batch, `keys` once a month.
STEPS: Final = tuple(f"{side} {arrow}" for arrow in _ARROWS for side in ("before", "after"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReport:
    """What a run did."""

    #: The row of the log that says so.
    log_id: int
    #: Rows of each class whose text went, and months whose keys were looked at.
    rows: Mapping[str, int]
    #: Keys that were destroyed.
    keys: int


class Retention:
    """Ends how long the text of one vault's log is kept. It blocks; give it a thread."""

    def __init__(
        self,
        vault: Vault,
        *,
        clock: Callable[[], float] = time.time,
        on_step: OnStep = nothing,
    ) -> None:
        """Takes the vault; `on_step` is told of every step."""
        self._vault = vault
        self._clock = clock
        self._on_step = on_step

    def run(self, days: Mapping[str, int], *, user: str | None = None) -> RetentionReport | None:
        """Ends what is older than so many days, by class; 0 is for ever. None: nothing is due.

        Raises:
            ShredError: Shred keys cannot be destroyed now; the text is gone from the database.
            StoreError: It cannot be written now; what was begun goes on later.
        """
        now = self._clock()
        until = {
            name: int((now - days[name] * DAY_S) * 1_000_000) for name in CLASSES if days.get(name)
        }
        kept = self._vault.read(_stored)
        if kept["begun"] is None:
            rested = now - kept["ended_at"] >= PAUSE_S
            if not (rested and any(self._is_due(name, until[name]) for name in until)):
                return None
            self._step("note", lambda: self._note(until, user))
        begun: dict[str, Any] | None = self._vault.read(_stored)["begun"]
        if begun is None:
            return None  # another process has done it by now
        for name, before in begun["until"].items():
            while self._step("drop", partial(self._drop, name, before)):
                pass
        keys = self._keys(begun["until"])
        self._step("scrub", self._vault.scrub)
        self._vault.write(lambda log: _change(log, begun=None, ended_at=now))
        return RetentionReport(log_id=begun["seq"], rows=begun["rows"], keys=keys)

    def _is_due(self, name: str, before: int) -> bool:
        """Says whether a text of a class is older than it is to be kept."""
        return any(self._counts(name, before))

    def _counts(self, name: str, before: int) -> Iterator[int]:
        """Counts the rows of a class whose text goes, each run on a snapshot of its own."""
        at: int = self._vault.read(_stored)["floors"].get(name, 0)
        while (span := self._vault.read(partial(_next_span, at, before))) is not None:
            yield self._vault.read(partial(_count, name, span, before))
            at = span[1]

    def _note(self, until: Mapping[str, int], user: str | None) -> None:
        """Writes into the log what goes, before it goes."""
        rows = {name: sum(self._counts(name, until[name])) for name in until}
        draft = self._vault.draft(
            kind=LOG_KIND,
            user=user,
            outcome="succeeded",
            subject=f"{RETENTION}:{ID}",
            facts={"what": RETENTION, "until": until, "rows": rows},
        )

        def note(log: Transaction) -> None:
            kept = _stored(log)
            if kept["begun"] is None:
                at = {name: kept["floors"].get(name, 0) for name in until}
                seq = log.append(draft)
                _change(log, begun={"until": until, "at": at, "seq": seq, "rows": rows})

        self._vault.write(note)

    def _drop(self, name: str, before: int) -> bool:
        """Drops the text of one run of rows; False at the end of what is old enough."""

        def drop(log: Transaction) -> bool:
            kept = _stored(log)
            begun, floors = kept["begun"], kept["floors"]
            if begun is None:
                return False  # another process has ended the run
            span = log.texts.next_span(begun["at"][name], before=before)
            if span is None or span[0] >= begun["seq"]:
                return False
            log.texts.drop_class(name, (span[0], min(span[1], begun["seq"])), before)
            # A run of rows that is not old as a whole is looked at again by the next one.
            if span[0] <= floors.get(name, 0) and span[1] <= begun["seq"]:
                floors = {**floors, name: span[1]} if log.texts.is_before(span, before) else floors
            at = {**begun["at"], name: span[1]}
            _change(log, floors=floors, begun={**begun, "at": at})
            return True

        return self._vault.write(drop)

    def _keys(self, until: Mapping[str, int]) -> int:
        """Destroys the keys of months of which no text is left; gives how many."""
        bound = month_of(min(until.values()))
        months = self._vault.read(lambda view: view.texts.months(bound))
        return sum(self._step("keys", partial(self._month_keys, month)) for month in months)

    def _month_keys(self, month: str) -> int:
        """Destroys the keys of one month that seal nothing any more."""
        held = self._vault.read(lambda view: view.texts.keys_of_month(month))
        used = set(self._used(month))
        gone = [row for row in held if row.id not in used]
        if gone:
            self._vault.shreds.destroy(row.id for row in gone)
            self._vault.write(lambda log: log.texts.destroy_keys(gone))
        return len(gone)

    def _used(self, month: str) -> Iterator[str]:
        """Gives the keys under which a month's rows still hold text, run by run."""
        spans = self._vault.read(lambda view: view.texts.spans(*bounds_of(month)))
        for span in spans:
            yield from self._vault.read(partial(_sealing, span))

    def _step(self, arrow: str, work: Callable[[], T]) -> T:
        """Does one step, and tells of it."""
        self._on_step(f"before {arrow}")
        done = work()
        self._on_step(f"after {arrow}")
        return done


def _next_span(at: int, before: int, view: View) -> tuple[int, int] | None:
    return view.texts.next_span(at, before=before)


def _count(name: str, span: tuple[int, int], before: int, view: View) -> int:
    return view.texts.count_class(name, span, before)


def _sealing(span: tuple[int, int], view: View) -> list[str]:
    return view.texts.sealing(span)


def _stored(view: View) -> dict[str, Any]:
    """Reads how far it is."""
    record = view.record(KIND, ID)
    empty: dict[str, Any] = {"floors": {}, "begun": None, "ended_at": 0.0}
    return empty if record is None else dict(record.body)


def _change(log: Transaction, **changes: object) -> None:
    """Stores how far it is."""
    record = log.record(KIND, ID)
    body = {**_stored(log), **changes}
    expect = None if record is None else record.revision
    log.put(Record(kind=KIND, id=ID, body=body), expect=expect)
