"""Tells the billing of the host what calls have cost, each cost at least once.

1. The log is the queue: costs are told from the outcomes in it, in their order, each row checked.
   No queue is ever full, and nothing goes with a process that dies.
2. Telling begins where the log stood when the first plugin with the hook was registered.
3. A plugin that returns has acknowledged what it was told. Once every plugin has, the place moves
   on. It is written down every so many rows, by tending and at the end: what was told after that
   is told again if the process dies, under the same id.
4. It happens in a thread of its own once a call has ended; one that is slow or fails holds up no
   call. What failed is told again when the next call has ended, or by tending.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Condition, Lock, Thread
from typing import Any, Final

import msgspec

from clientary_connector.call.clock import EPOCH, MICROSECOND
from clientary_connector.call.listening import Ended
from clientary_connector.call.rowkinds import OUTCOME
from clientary_connector.hosting import HookFailedError, Hosting
from clientary_connector.settings import Settings
from connector_vault import Record, Transaction, Vault, VaultError, View
from connector_vault.tail import Passed, Place

HOOK: Final = "connector_usage"
#: The one record of its kind: how far the host was told.
TOLD: Final = ("billing", "told")
#: So many rows are read in one go, and the place is written down after as many: few commits, and
#: little that is told twice.
PIECE: Final = 64
#: What an outcome calls it.
COST: Final = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """What one call has cost."""

    #: The same every time that this is told, and that of nothing else.
    id: str
    #: The call's line in the log, and that of its outcome.
    log_id: int
    row: int
    #: When its outcome was written.
    at: datetime
    user: str
    persona: str
    #: Id of the connection.
    connection: str
    action: str
    operation: str
    #: `succeeded`, `failed` or `unknown`: what was refused costs nothing.
    outcome: str
    credits: int

    def to_json(self) -> dict[str, Any]:
        """Returns the record as a JSON object."""
        return {**asdict(self), "at": self.at.isoformat(timespec="milliseconds")}


class BusyError(Exception):
    """A plugin is being told, and has not returned yet."""


class Billing:
    """Tells the plugins of one connector what calls have cost."""

    def __init__(self, vault: Vault, hosting: Hosting, settings: Settings) -> None:
        """Takes the vault whose log says it, the plugins, and how long to wait for them."""
        self._vault = vault
        self._hosting = hosting
        self._patience_s = settings.hook_answer_s
        self._close_s = settings.notices_close_s
        #: Held by whoever tells.
        self._telling = Lock()
        #: How far the plugins were told by this process, and up to which row that is noted.
        self._place: Place | None = None
        self._written = 0
        self._change = Condition()
        self._due = False
        self._ending = False
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Notes where telling begins, once a plugin has the hook.

        Raises:
            VaultError: That cannot be written.
        """
        if self._hosting.hears(HOOK) and self._vault.read(_noted) is None:
            self._vault.write(lambda log: _note(log, log.tail.end))

    def ended(self, call: Ended) -> None:
        """Has a call that ended told, if it has cost something and somebody hears it."""
        if call.outcome is None or not self._hosting.hears(HOOK):
            return
        if not msgspec.json.decode(call.outcome.facts, type=dict[str, Any]).get(COST):
            return
        with self._change:
            self._due = True
            if self._thread is None and not self._ending:
                self._thread = Thread(target=self._work, name="billing", daemon=True)
                self._thread.start()
            self._change.notify()

    def tell(self) -> int:
        """Tells all that was not told yet, notes that, and returns how much it was.

        Raises:
            BusyError: A plugin has not returned from what it was told before.
            HookFailedError: A plugin raised; what it was told stays to be told.
            VaultError: The log cannot be read, or was altered without the key.
        """
        if not self._hosting.hears(HOOK):
            return 0
        if not self._telling.acquire(timeout=self._patience_s):
            raise BusyError
        try:
            return self._told()
        finally:
            self._telling.release()
            self._note()

    def close(self) -> None:
        """Tells what is due, as far as the time for that goes, and notes it."""
        with self._change:
            self._ending = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join(self._close_s)

    def _work(self) -> None:
        """Tells what is due, until the end; what goes wrong is said by tending."""
        while self._awaited():
            with self._telling, suppress(VaultError, HookFailedError):
                self._told()
        with suppress(VaultError):
            self._note()

    def _awaited(self) -> bool:
        """Waits until something is due; False at the end."""
        with self._change:
            while not self._due and not self._ending:
                self._change.wait()
            due, self._due = self._due, False
            return due

    def _told(self) -> int:
        """Tells piece by piece what was not told yet."""
        told = 0
        while True:
            rows, end = self._vault.read(self._piece)
            for record in map(_record, rows):
                if record is not None:
                    self._tell(record)
                    told += 1
            self._place = end
            if end.seq - self._written >= PIECE:
                self._note()
            if len(rows) < PIECE:
                return told

    def _piece(self, view: View) -> tuple[list[Passed], Place]:
        """Gives the next rows, and the place after them."""
        known = [place for place in (_noted(view), self._place) if place is not None]
        if not known:
            return [], view.tail.end
        return view.tail.follow(max(known), PIECE)

    def _tell(self, record: UsageRecord) -> None:
        try:
            self._hosting.call(HOOK, record=record)
        except HookFailedError:
            before = record.row - 1
            self._place = self._vault.read(lambda view: view.tail.at(before))
            raise

    def _note(self) -> None:
        """Writes down how far the plugins were told."""
        place = self._place
        if place is not None and place.seq > self._written:
            self._vault.write(lambda log: _note(log, place))
            self._written = place.seq


def _record(row: Passed) -> UsageRecord | None:
    """Returns what a row of the log says was spent; None where it says nothing of that."""
    if row.kind != OUTCOME or not row.facts.get(COST):
        return None
    return UsageRecord(
        id=row.uid.hex(),
        log_id=row.ref or 0,
        row=row.seq,
        at=EPOCH + row.at * MICROSECOND,
        user=row.user or "",
        persona=row.persona or "",
        connection=row.connection or "",
        action=row.action or "",
        operation=row.operation or "",
        outcome=row.outcome or "",
        credits=row.facts[COST],
    )


def _noted(view: View) -> Place | None:
    """Returns up to where the host was told, as far as that is written down."""
    held = view.record(*TOLD)
    return None if held is None else Place(held.body["seq"], bytes.fromhex(held.body["chain"]))


def _note(log: Transaction, place: Place) -> None:
    """Writes down up to where the host was told, unless another process was told more."""
    kind, name = TOLD
    held = log.record(kind, name)
    if held is None or held.body["seq"] < place.seq:
        body = {"seq": place.seq, "chain": place.chain.hex()}
        record = Record(kind=kind, id=name, body=body)
        log.put(record, expect=None if held is None else held.revision)
