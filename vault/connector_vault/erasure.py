"""Erases the text of a user's rows in the log: prompt, arguments, request and response.

A key is that of a user and a month. Where only a part of a month is to be erased, its key is
narrowed: destroyed as well, save for what opens each of the rows that stay.

1. One transaction destroys the user's audit keys in the database, lets those that are to be
   narrowed seal nothing new, and writes who asked, why, and of what, as a row of kind `erase`.
2. The shred keys are destroyed. From then on nobody opens the text of whole months, with an older
   backup either.
3. In batches, the sealed text is dropped from the rows; the rows, and all that is proven by them,
   stay. An intent and its outcome go together: the call is as old as the younger of them.
4. What is left of a month that is erased in part keeps what opens it, and the key is destroyed.
   From then on nobody opens the other part, with an older backup either.
5. The journal is cleared of what was overwritten, and the erasure is marked as ended. While
   somebody reads the journal it cannot be cleared, and the erasure stays open.

Each step can be run again; one that was cut short goes on at the next tending.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from connector_vault.columns import KeyRow
from connector_vault.erased import ERASURE
from connector_vault.keyrun import Told, untold
from connector_vault.records import Record
from connector_vault.rotation_run import OnStep, nothing
from connector_vault.texts import Subject, bounds_of, month_of
from connector_vault.vault import Vault
from connector_vault.view import Transaction, View

#: Kind of the row that says so, and of the record that says how far it is.
LOG_KIND: Final = "erase"
KIND: Final = ERASURE
OPEN: Final = "open"
ENDED: Final = "ended"
#: Keys that are destroyed, and keys that are narrowed.
Keys: TypeAlias = tuple[list[KeyRow], list[KeyRow]]
#: So many rows are looked at in one transaction: others who write wait for some milliseconds.
BATCH: Final = 2_048
#: Who has sealed a row under a key just before it was to seal nothing new has written it by then.
WRITTEN_S: Final = 0.5
_ID_BYTES: Final = 8

_ARROWS: Final = ("note", "shred", "drop", "narrow", "scrub", "end")
#: The steps of an erasure, in their order; `drop` comes once a batch, `narrow` once a key.
STEPS: Final = tuple(f"{side} {arrow}" for arrow in _ARROWS for side in ("before", "after"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """What an erasure would do."""

    user: str
    #: Rows whose text goes, and among them those of a month of which only a part goes.
    rows: int
    partial_rows: int
    #: The months of which all goes, and the month of which only a part does.
    months: tuple[str, ...]
    partial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """What an erasure did."""

    id: str
    #: The row of the log that says so.
    log_id: int
    plan: ErasurePlan
    #: How many keys were destroyed, those among them that keep what opens the rest of a month.
    keys: int
    #: Whether nothing of it is left in the journal either; if not, the erasure stays open.
    scrubbed: bool


class Eraser:
    """Erases the text of users from the log of one vault. It blocks; give it a thread."""

    def __init__(
        self,
        vault: Vault,
        *,
        on_step: OnStep = nothing,
        batch: int = BATCH,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the vault; `on_step` is told of every step."""
        self._vault = vault
        self._sleep = sleep
        self._on_step = on_step
        self._batch = batch

    def plan(self, user: str, *, before: float | None = None) -> ErasurePlan:
        """Says what an erasure of all that was written before a time would do."""
        return self._vault.read(lambda view: _planned(view, user, _microseconds(before)))

    def erase(
        self,
        user: str,
        *,
        before: float | None = None,
        asked_by: str,
        reason: str,
        told: Told = untold,
    ) -> ErasureReport:
        """Erases all that was written of a user before a time, by default all there is.

        Raises:
            ShredError: The text is gone from here, and the shred keys cannot be destroyed now.
            StoreError: It cannot be written; what was begun goes on later.
        """
        name = secrets.token_hex(_ID_BYTES)
        bound = _microseconds(before)
        draft = self._vault.draft

        # Counting walks along the whole log: nobody who writes has to wait for it.
        plan = self.plan(user, before=before)

        def note(log: Transaction) -> tuple[int, int]:
            keys, narrowed = _keys(log, user, bound)
            log.texts.destroy_keys(keys)
            log.texts.retire_keys(narrowed)
            seq = log.append(
                draft(
                    kind=LOG_KIND,
                    user=asked_by,
                    outcome="succeeded",
                    subject=f"{ERASURE}:{name}",
                    facts=_facts(plan, (keys, narrowed), bound=bound, reason=reason),
                )
            )
            body = _body(user, bound, seq, (keys, narrowed))
            log.put(Record(kind=KIND, id=name, body=body), expect=None)
            return seq, len(keys) + len(narrowed)

        self._on_step("before note")
        seq, keys = self._vault.write(note)
        self._on_step("after note")
        scrubbed = self._go_on(name, told)
        return ErasureReport(id=name, log_id=seq, plan=plan, keys=keys, scrubbed=scrubbed)

    def open(self) -> tuple[str, ...]:
        """Names the erasures that were begun and not ended."""
        found = self._vault.read(lambda view: view.records(KIND))
        return tuple(record.id for record in found if record.body["state"] == OPEN)

    def resume(self) -> tuple[str, ...]:
        """Goes on with what was cut short; gives which.

        Raises:
            ShredError: The shred keys cannot be destroyed now.
            StoreError: It cannot be written now.
        """
        found = self.open()
        for name in found:
            self._go_on(name, untold)
        return found

    def _go_on(self, name: str, told: Told) -> bool:
        """Does all that follows after the row in the log; says whether the journal is clear."""
        body = self._read(name)
        self._step("shred", lambda: self._vault.shreds.destroy(body["keys"]))
        of = Subject(user=body["user"], before=body["before"], until=body["seq"] - 1)
        after: int = body["after"]
        while after < of.until:
            after = self._step("drop", lambda: self._dropped(name, of))
            told("rows looked at", after, of.until)
        narrowed: Sequence[tuple[str, str]] = body.get("narrowed", ())
        if narrowed:
            self._sleep(WRITTEN_S)
        for key_id, month in narrowed:
            self._step("narrow", partial(self._narrowed, key_id, month))
        scrubbed: bool = self._step("scrub", self._vault.scrub)
        if scrubbed:
            self._step("end", lambda: self._change(name, state=ENDED))
        return scrubbed

    def _dropped(self, name: str, of: Subject) -> int:
        """Drops one batch, and keeps where to go on."""

        def drop(log: Transaction) -> int:
            record = _record(log, name)
            after: int = record.body["after"]
            found = log.texts.drop(of, after, self._batch)
            log.put(_changed(record, after=found), expect=record.revision)
            return found

        return self._vault.write(drop)

    def _narrowed(self, key_id: str, month: str) -> None:
        """Destroys a key, save for what opens the rows that still hold text under it."""
        if self._vault.payloads.narrow(key_id, month):
            return

        def destroy(log: Transaction) -> None:
            log.texts.destroy_keys(log.texts.undestroyed([key_id]))

        self._vault.write(destroy)

    def _change(self, name: str, **changes: object) -> None:
        """Stores how far it is."""

        def change(log: Transaction) -> None:
            record = _record(log, name)
            log.put(_changed(record, **changes), expect=record.revision)

        self._vault.write(change)

    def _read(self, name: str) -> dict[str, Any]:
        return dict(self._vault.read(lambda view: _record(view, name)).body)

    def _step(self, arrow: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what the work gives
        """Does one step, and tells of it."""
        self._on_step(f"before {arrow}")
        done = work()
        self._on_step(f"after {arrow}")
        return done


def _keys(view: View, user: str, before: int | None) -> Keys:
    """Gives the keys of months that are erased as a whole, and those of the month after."""
    held, month = view.texts.keys(user), None if before is None else month_of(before)
    whole = [row for row in held if month is None or row.period < month]
    # Nothing was written before the first moment of a month that is of this month.
    begun = before is not None and bounds_of(month_of(before))[0] < before
    return whole, [row for row in held if begun and row.period == month]


def _planned(view: View, user: str, before: int | None) -> ErasurePlan:
    """Says what an erasure would do."""
    of = Subject(user=user, before=before, until=view.last_seq())
    month = None if before is None else month_of(before)
    partial = 0 if month is None else view.texts.count(of, since=bounds_of(month)[0])
    return ErasurePlan(
        user=user,
        rows=view.texts.count(of),
        partial_rows=partial,
        months=tuple(sorted({row.period for row in _keys(view, user, before)[0]})),
        partial=month if partial else None,
    )


def _facts(plan: ErasurePlan, keys: Keys, *, bound: int | None, reason: str) -> dict[str, Any]:
    """Says in the log what is erased; `user` and `before` decide which rows it covers."""
    return {
        "user": plan.user,
        "before": bound,
        "reason": reason,
        "rows": plan.rows,
        "months": list(plan.months),
        "partial": plan.partial,
        "keys": [row.id for row in keys[0]],
        "narrowed": [row.id for row in keys[1]],
    }


def _body(user: str, before: int | None, seq: int, keys: Keys) -> dict[str, Any]:
    """Keeps what is needed to go on."""
    return {
        "user": user,
        "before": before,
        "seq": seq,
        "keys": [row.id for row in keys[0]],
        "narrowed": [(row.id, row.period) for row in keys[1]],
        "after": 0,
        "state": OPEN,
    }


def _record(view: View, name: str) -> Record:
    """Reads how far an erasure is."""
    record = view.record(KIND, name)
    assert record is not None  # noqa: S101 - nobody removes one
    return record


def _changed(record: Record, **changes: object) -> Record:
    """Gives a record with some of its body changed."""
    return Record(kind=record.kind, id=record.id, body={**record.body, **changes})


def _microseconds(moment: float | None) -> int | None:
    """Gives a time as the vault stores it."""
    return None if moment is None else int(moment * 1_000_000)
