"""Is one process at work on the vault's keys: its lease, and its transactions."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

from connector_vault import keyrotation, lease
from connector_vault.errors import RotationOpenError, VaultError
from connector_vault.keyrotation import KeyRotation, Stage, What
from connector_vault.lease import Monotonic
from connector_vault.vault import Clock, Vault
from connector_vault.view import Transaction, View

T = TypeVar("T")
#: Is told the name of every step, before and after it.
OnStep: TypeAlias = Callable[[str], None]
#: Is told what is done, how much of it, and of how much.
Told: TypeAlias = Callable[[str, int, int], None]

LOG_KIND: Final = "rotate"
SUBJECT: Final = f"{keyrotation.KIND}:{keyrotation.ID}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every run stands on."""

    vault: Vault
    clock: Clock = time.time
    monotonic: Monotonic = time.monotonic
    on_step: OnStep
    #: After so long without a sign of life another process may go on.
    lease_s: float


class KeyRun:
    """Holds the lease on the vault's keys, and moves their rotation from stage to stage."""

    def __init__(self, ground: Ground, *, user: str | None) -> None:
        """Takes what it works on; entering it takes the lease."""
        self.vault = ground.vault
        self._ground = ground
        self._user = user
        self._lease: lease.Lease | None = None
        self._until = 0.0
        self._rotation: KeyRotation | None = None

    def __enter__(self) -> Self:
        """Takes the lease, and reads how far the rotation is.

        Raises:
            LeaseHeldError: Another process holds it.
        """
        ground, started = self._ground, self._ground.monotonic()
        self.step("before lease")
        self._lease = self.vault.write(
            lambda log: lease.take(
                log,
                SUBJECT,
                now=ground.clock(),
                term_s=ground.lease_s,
                attendance=self.vault.attendance,
            )
        )
        self._until = started + ground.lease_s
        self.step("after lease")
        self._rotation = self.vault.read(stored)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives the lease back; where that cannot be written, it runs out."""
        held, self._lease = self._lease, None
        if held is not None:
            self.step("before release")
            with suppress(VaultError):
                self.vault.write(lambda log: lease.give_back(log, held))
            self.step("after release")

    @property
    def rotation(self) -> KeyRotation:
        """The rotation that is under way."""
        assert self._rotation is not None  # noqa: S101 - `begin` came first
        return self._rotation

    def opened(self, what: What) -> bool:
        """Says whether a rotation of this kind is open already.

        Raises:
            RotationOpenError: One of the other kind is.
        """
        return joins(self._rotation, what)

    def begin(
        self,
        what: What,
        stage: Stage,
        work: Callable[[Transaction], object] | None = None,
        **named: Any,  # noqa: ANN401 - fields of a KeyRotation
    ) -> None:
        """Begins a new rotation."""
        before, now = self._rotation, self._ground.clock()
        self._rotation = KeyRotation(
            number=1 if before is None else before.number + 1,
            what=what,
            stage=stage,
            user=self._user,
            began_at=now,
            changed_at=now,
            keys_rotated_at=None if before is None else before.keys_rotated_at,
            revision=0 if before is None else before.revision,
            **named,
        )
        self.move("begin", stage, work)

    def move(
        self,
        arrow: str,
        stage: Stage,
        work: Callable[[Transaction], object] | None = None,
        **changes: Any,  # noqa: ANN401 - fields of a KeyRotation
    ) -> None:
        """Goes along one arrow, in one transaction with its row in the log."""
        now = self._ground.clock()
        after = replace(self.rotation, stage=stage, changed_at=now, **changes)

        def work_and_keep(log: Transaction) -> KeyRotation:
            if work is not None:
                work(log)
            return self._kept(log, after)

        self._rotation = self.commit(arrow, work_and_keep)

    def commit(self, arrow: str, work: Callable[[Transaction], T]) -> T:
        """Runs a transaction, which renews the lease first.

        Raises:
            LeaseLostError: Another process has taken the work over.
        """
        held, ground = self._lease, self._ground
        assert held is not None  # noqa: S101 - the run was entered

        def fenced(log: Transaction) -> T:
            lease.renew(log, held, now=ground.clock())
            return work(log)

        self.step(f"before {arrow}")
        started = ground.monotonic()
        done = self.vault.write(fenced)
        self._until = started + held.term_s
        self.step(f"after {arrow}")
        return done

    def keep(self) -> None:
        """Renews the lease if half of its term is over; long reading calls it now and then.

        Raises:
            LeaseLostError: Another process has taken the work over.
        """
        if self._ground.monotonic() > self._until - self._ground.lease_s / 2:
            self.commit("renew-lease", lambda _: None)

    def step(self, name: str) -> None:
        """Tells of a step."""
        self._ground.on_step(name)

    def at(self) -> int:
        """Gives the time as the vault stores it."""
        return int(self._ground.clock() * 1_000_000)

    def _kept(self, log: Transaction, after: KeyRotation) -> KeyRotation:
        """Stores the rotation and its row in the log."""
        kept = log.put(keyrotation.record_of(after), expect=after.revision or None)
        log.append(
            self.vault.draft(
                kind=LOG_KIND,
                user=self._user or after.user,
                outcome="failed" if after.left else "succeeded",
                subject=SUBJECT,
                revision=kept.revision,
                facts=after.facts(),
            )
        )
        return keyrotation.rotation_of(kept)


def stored(view: View) -> KeyRotation | None:
    """Reads the latest rotation of keys.

    Raises:
        IntegrityError: It was altered or put back without the key.
    """
    record = view.record(keyrotation.KIND, keyrotation.ID)
    return None if record is None else keyrotation.rotation_of(record)


def joins(found: KeyRotation | None, what: What) -> bool:
    """Says whether a rotation of this kind is open already.

    Raises:
        RotationOpenError: One of the other kind is.
    """
    if found is None or not found.open:
        return False
    if found.what is not what:
        raise RotationOpenError(f"{_OPEN[found.what]} Finish it first.")
    return True


def nothing(step: str) -> None:
    """Does nothing at a step."""
    del step


def untold(what: str, done: int, total: int) -> None:
    """Tells nobody."""
    del what, done, total


_OPEN: Final = {
    What.KEK: "A rotation of the key that wraps the vault's own keys is open.",
    What.KEYS: "A rotation of the vault's own keys is open.",
}
