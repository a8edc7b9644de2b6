"""Verifies the log, here or in the background, where it can be left and come back to.

1. One verification of a vault is under way at a time in the background, in whatever process; who
   starts another is given that one. Who waits for one has it done here, whatever is under way.
2. Who started it, how far it is and what it found are kept in the vault, for all processes.
3. It ends with its process: what a dead or stuck one has left is told as cut short, and can be
   started anew.
4. What came of it stands in the log, with who started it. A log that cannot be written any more
   is verified all the same; then this process alone knows of it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from threading import Event, Lock
from typing import Any, Final, TypeAlias

import msgspec

from clientary_connector.background import Background
from clientary_connector.call.result import Outcome
from clientary_connector.checks import check_user
from clientary_connector.errors import ConnectorError, OperatorError
from clientary_connector.logproofs import LogProofs
from clientary_connector.state import state_faults
from clientary_connector.verdicts import document
from connector_vault import LogReport, Record, Transaction, Vault, View

#: Kind of the row in the log, and of the record that says how far it is.
VERIFY: Final = "verify"
ID: Final = "log"
RUNNING: Final = "running"
ENDED: Final = "ended"
CUT_SHORT: Final = "cut_short"
#: How often it is said how far it is: each time is a write.
EVERY_S: Final = 1.0
#: After so long without a word it counts as stuck; anchors are asked before the first one.
TERM: Final = timedelta(minutes=5)
#: So many faults, and calls without an outcome, are kept one by one.
KEPT: Final = 100

#: Is told rows done and rows in all.
Told: TypeAlias = Callable[[int, int], None]


class _StoppedError(Exception):
    """The process ends, or another one has taken over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """One verification of the log, under way or over."""

    id: str
    #: `running`, `ended` or `cut_short`.
    state: str
    #: Who started it.
    by: str
    begun: datetime
    #: When it was last heard of.
    seen: datetime
    #: Rows looked at, and rows in all.
    done: int = 0
    total: int = 0
    #: What it found, as `verdicts` says it; None where it did not come to that.
    verdicts: Mapping[str, Any] | None = None
    #: How many faults there are; `verdicts` names the first ones.
    faults: int = 0
    #: Why it came to no verdict, and what to do.
    error: str = ""
    hint: str = ""
    #: The process that does it, by its id among those that have the vault open.
    process: str = field(default="", repr=False)

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        found = asdict(self) | {"begun": self.begun.isoformat(), "seen": self.seen.isoformat()}
        del found["process"]
        return found


class Verifying:
    """Starts verifications of one vault's log, and says how far the newest one is."""

    def __init__(
        self,
        vault: Vault,
        proofs: LogProofs,
        background: Background,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Takes the vault, what verifies, what it runs on, and the time."""
        self._vault = vault
        self._proofs = proofs
        self._background = background
        self._clock = clock
        self._lock = Lock()
        #: The newest one of this process.
        self._mine: Verification | None = None

    def start(self, user: str) -> Verification:
        """Starts a verification, or returns the one that is under way.

        Raises:
            InvalidValueError: The user cannot be used.
            ClosedError: The connector was closed.
        """
        check_user(user)
        with self._lock:
            mine = self._mine
            if mine is not None and mine.state == RUNNING and not self._is_over(mine):
                return mine
            new = self._new(user)
            if (first := self._noted(new)) is not new:
                return first
            self._mine = new
            self._background.start(self._run(new))
            return new

    def check(
        self, user: str, told: Told, *, anchors: Sequence[str] = (), key: str | None = None
    ) -> LogReport:
        """Verifies here, and returns what was found; `told` is told rows done and rows in all.

        It is compared with the anchors that are named, by default with those of the settings, and
        `key` is a public key that was kept elsewhere.

        Raises:
            InvalidValueError: The user cannot be used.
            OperatorError: The vault or an anchor cannot be used.
        """
        check_user(user)
        verify = self._proofs.ready(anchors=anchors, key=key)
        new = self._new(user)
        self._noted(new)
        return self._verify(new, verify, told)

    def newest(self) -> Verification | None:
        """Returns the newest verification; None where there was none."""
        kept, mine = None, self._mine
        with suppress(OperatorError), state_faults():
            kept = self._vault.read(_kept)
        newest = mine if kept is None or (mine and mine.begun >= kept.begun) else kept
        if newest is not None and self._is_over(newest):
            return replace(newest, state=CUT_SHORT)
        return newest

    def _new(self, user: str) -> Verification:
        now, me = self._clock(), ""
        with suppress(OperatorError), state_faults():
            me = self._vault.attendance.me
        return Verification(
            id=secrets.token_hex(8), state=RUNNING, by=user, begun=now, seen=now, process=me
        )

    def _noted(self, new: Verification) -> Verification:
        """Keeps a new one, and returns it; or that of another process which came first."""

        def begin(log: Transaction) -> Verification:
            held = _kept(log)
            if held is not None and held.state == RUNNING and not self._is_over(held):
                return held
            _keep(log, new)
            return new

        with suppress(OperatorError), state_faults():
            return self._vault.write(begin)
        return new

    def _is_over(self, one: Verification) -> bool:
        """Says whether one that says that it runs is stuck, or its process gone."""
        if one.state != RUNNING:
            return False
        gone = False
        with suppress(OperatorError), state_faults():
            gone = one.process != "" and not self._vault.attendance.is_present(one.process)
        return gone or self._clock() - one.seen > TERM

    async def _run(self, one: Verification) -> None:
        """Does it in a thread, which is told to stop where this is cancelled."""
        stop = Event()

        def told(done: int, total: int) -> None:
            del done, total
            if stop.is_set():
                raise _StoppedError

        def verify() -> None:
            with suppress(_StoppedError, ConnectorError):
                self._verify(one, self._proofs.verify, told)

        try:
            await asyncio.to_thread(verify)
        finally:
            stop.set()

    def _verify(
        self, one: Verification, verify: Callable[[Told], LogReport], told: Told
    ) -> LogReport:
        """Verifies, tells how far it is, and keeps that and what came of it."""
        now, saved = one, time.monotonic()

        def note(done: int, total: int) -> None:
            nonlocal now, saved
            told(done, total)
            now = self._mine = replace(now, done=done, total=total, seen=self._clock())
            if time.monotonic() - saved >= EVERY_S:
                saved = time.monotonic()
                self._save(now)

        end: Callable[[Verification], Verification] = _cut_short
        try:
            report = verify(note)
            end = partial(_ended, report=report)
        except ConnectorError as error:
            end = partial(_failed, error=error)
            raise
        finally:
            self._mine = replace(end(now), seen=self._clock())
            self._save(self._mine)
        return report

    def _save(self, one: Verification) -> None:
        """Keeps how far it is, unless another has taken over; what came of it is a row too."""

        def save(log: Transaction) -> None:
            held = _kept(log)
            if held is not None and held.id == one.id:
                _keep(log, one)
            if one.state == ENDED:
                log.append(draft)

        ok = one.verdicts is not None and one.verdicts["ok"]
        draft = self._vault.draft(
            kind=VERIFY,
            user=one.by,
            outcome=(Outcome.SUCCEEDED if ok else Outcome.FAILED).value,
            facts=_facts(one),
        )
        with suppress(OperatorError), state_faults():
            self._vault.write(save)


def _cut_short(one: Verification) -> Verification:
    return replace(one, state=CUT_SHORT)


def _failed(one: Verification, *, error: ConnectorError) -> Verification:
    return replace(one, state=ENDED, error=error.message, hint=error.hint)


def _ended(one: Verification, *, report: LogReport) -> Verification:
    found = document(report)
    return replace(
        one,
        state=ENDED,
        done=report.rows,
        total=report.rows,
        faults=len(report.faults),
        verdicts={**found, "faults": found["faults"][:KEPT], "open": found["open"][:KEPT]},
    )


def _facts(one: Verification) -> dict[str, Any]:
    """Returns what the log says of one, with nothing that grows with it."""
    if one.verdicts is None:
        return {"error": one.error}
    told = ("rows", "signed", "integrity", "coverage", "completeness", "erased")
    return {**{name: one.verdicts[name] for name in told}, "faults": one.faults}


def _kept(view: View) -> Verification | None:
    """Reads the newest one that is kept."""
    record = view.record(VERIFY, ID)
    return None if record is None else msgspec.convert(record.body, Verification)


def _keep(log: Transaction, one: Verification) -> None:
    """Stores it in the place of the one before."""
    found = log.record(VERIFY, ID)
    body = msgspec.to_builtins(one)
    log.put(Record(kind=VERIFY, id=ID, body=body), expect=None if found is None else found.revision)
