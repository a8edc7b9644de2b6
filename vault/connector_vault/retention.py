"""Ends how long the text of the log is kept: prompt, arguments, request and response.

Each kind of row may reach an age of its own (ages.py). Rows themselves stay for ever, and so does
what is proven by them. An intent and its outcome go together, once both are old enough.

1. One row of the log says, before anything goes, up to which time the text of each age goes.
2. Then it goes in batches of a run of rows, each one transaction; readers never wait or fail.
3. The keys of a month go once the month is older than every age that ends, and no text is left
   that they seal: first their shred keys, so that no older backup opens that text any more.

Each step can be run again, and one that was cut short goes on at the next run. How far each age
is stands in a record, so that a run looks at no row twice in vain; other ages begin anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from connector_vault.erased import RETENTION
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
    #: Rows whose text went, by the name of their age.
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
        """Ends what is older than so many days, by the names of ages; 0 is for ever.

        None says that nothing is due.

        Raises:
            ShredError: Shred keys cannot be destroyed now; the text is gone from the database.
            StoreError: It cannot be written now; what was begun goes on later.
        """
        now = self._clock()
        # What is kept for ever goes up to the beginning of time: its name is taken, by nothing.
        until = {
            name: int((now - age * DAY_S) * 1_000_000 * bool(age)) for name, age in days.items()
        }
        kept = self._vault.read(_stored)
        if kept["begun"] is None:
            rested = now - kept["ended_at"] >= PAUSE_S
            floors = _floors(kept, days)
            if not (rested and any(any(self._counts(name, until, floors)) for name in until)):
                return None
            self._step("note", lambda: self._note(days, until, user))
        begun: dict[str, Any] | None = self._vault.read(_stored)["begun"]
        if begun is None:
            return None  # another process has done it by now
        for name in begun["until"]:
            while self._step("drop", partial(self._drop, name)):
                pass
        keys = self._keys(begun["until"])
        self._step("scrub", self._vault.scrub)
        self._vault.write(lambda log: _change(log, begun=None, ended_at=now))
        return RetentionReport(log_id=begun["seq"], rows=begun["rows"], keys=keys)

    def _counts(
        self, name: str, until: Mapping[str, int], floors: Mapping[str, int]
    ) -> Iterator[int]:
        """Counts the rows of an age whose text goes, each run on a snapshot of its own."""
        at = floors.get(name, 0)
        while (span := self._vault.read(partial(_next_span, at, until[name]))) is not None:
            yield self._vault.read(partial(_count, name, until, span, floors.get(name, 0)))
            at = span[1]

    def _note(self, days: Mapping[str, int], until: Mapping[str, int], user: str | None) -> None:
        """Writes into the log what goes, before it goes."""
        floors = _floors(self._vault.read(_stored), days)
        rows = {name: sum(self._counts(name, until, floors)) for name in until}
        draft = self._vault.draft(
            kind=LOG_KIND,
            user=user,
            outcome="succeeded",
            subject=f"{RETENTION}:{ID}",
            facts={"what": RETENTION, "until": until, "rows": rows},
        )

        def note(log: Transaction) -> None:
            if _stored(log)["begun"] is None:
                at = {name: floors.get(name, 0) for name in until}
                seq = log.append(draft)
                begun = {"until": until, "at": at, "seq": seq, "rows": rows}
                _change(log, days=dict(days), floors=floors, begun=begun)

        self._vault.write(note)

    def _drop(self, name: str) -> bool:
        """Drops the text of one run of rows; False at the end of what is old enough."""

        def drop(log: Transaction) -> bool:
            kept = _stored(log)
            begun, floors = kept["begun"], kept["floors"]
            if begun is None:
                return False  # another process has ended the run
            until = begun["until"]
            before = until[name]
            span = log.texts.next_span(begun["at"][name], before=before)
            if span is None or span[0] >= begun["seq"]:
                return False
            log.texts.drop_aged(name, until, (span[0], min(span[1], begun["seq"])))
            # A run of rows that is not old as a whole is looked at again by the next one.
            if span[0] <= floors.get(name, 0) and span[1] <= begun["seq"]:
                floors = {**floors, name: span[1]} if log.texts.is_before(span, before) else floors
            at = {**begun["at"], name: span[1]}
            _change(log, floors=floors, begun={**begun, "at": at})
            return True

        return self._vault.write(drop)

    def _keys(self, until: Mapping[str, int]) -> int:
        """Destroys the keys of months of which no text is left; gives how many."""
        bound = month_of(min((before for before in until.values() if before), default=0))
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


def _count(
    name: str, until: Mapping[str, int], span: tuple[int, int], floor: int, view: View
) -> int:
    return view.texts.count_aged(name, until, span, floor=floor)


def _sealing(span: tuple[int, int], view: View) -> list[str]:
    return view.texts.sealing(span)


def _stored(view: View) -> dict[str, Any]:
    """Reads how far it is."""
    record = view.record(KIND, ID)
    empty: dict[str, Any] = {"days": {}, "floors": {}, "begun": None, "ended_at": 0.0}
    return empty if record is None else {**empty, **record.body}


def _floors(kept: Mapping[str, Any], days: Mapping[str, int]) -> dict[str, int]:
    """Gives up to which row nothing is left to do; with other ages that begins anew."""
    return dict(kept["floors"]) if kept["days"] == days else {}


def _change(log: Transaction, **changes: object) -> None:
    """Stores how far it is."""
    record = log.record(KIND, ID)
    body = {**_stored(log), **changes}
    expect = None if record is None else record.revision
    log.put(Record(kind=KIND, id=ID, body=body), expect=expect)
