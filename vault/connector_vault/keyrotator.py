"""Rotates the vault's own keys while it is in use: terms, and the data keys that hang on them.

1. A new term is wrapped and becomes the current one; every new key hangs on it.
2. In batches, each one transaction, the keys that hang on older terms are rewrapped. Data keys
   among them seal nothing new from then on.
3. An older term is destroyed when nothing hangs on it any more.
4. In batches, what retired data keys hold is sealed under new ones, and they are removed. MAC
   keys stay as they are, since all rows stand on them; audit keys are new each month anyway.
5. Every batch can be run again, and what is left to do is seen in the rows alone.
6. Keys and secrets that do not open are left as they are, and told.

Readers never wait: what they read names its key, and a key is there as long as something names it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeAlias

from connector_vault.columns import KeyRow
from connector_vault.keyrotation import KeyRotation, Stage, What
from connector_vault.keyrun import Ground, KeyRun, OnStep, Told, joins, nothing, stored, untold
from connector_vault.keyshelf import Batch
from connector_vault.lease import Monotonic
from connector_vault.vault import Clock, Vault
from connector_vault.view import Transaction, View

#: So many keys are moved in one transaction: others who write wait for some hundredths of a second.
BATCH: Final = 128
#: So long after the last one is the next rotation due.
INTERVAL: Final = timedelta(days=30)
#: After so long without a sign of life another process may go on.
LEASE_S: Final = 30.0

_ARROWS: Final = ("wrap", "lease", "begin", "rewrap", "retire", "renew", "end", "release", "scrub")

_DOING: Final = {"rewrap": "keys rewrapped", "renew": "data keys renewed"}
#: Does one batch, after the key that was the last of the batch before it.
_Work: TypeAlias = Callable[[str, Transaction], Batch]

#: Every step of a rotation of keys, in its order; `rewrap` and `renew` come once a batch.
STEPS: Final = tuple(f"{side} {arrow}" for arrow in _ARROWS for side in ("before", "after"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysReport:
    """What came of a rotation of keys."""

    #: Counts the rotations.
    number: int
    #: Keys that hang on another term now.
    rewrapped: int
    #: Data keys that were replaced, and the secrets that were sealed anew.
    renewed: int
    secrets: int
    #: Rows that do not open, as "table key"; they were left as they are.
    left: tuple[str, ...]
    #: Whether nothing of the old keys is left in the journal either.
    scrubbed: bool


@dataclass(slots=True)
class _Tally:
    """Counts what was done in this run."""

    batch: int
    told: Told
    rewrapped: int = 0
    renewed: int = 0
    secrets: int = 0
    left: list[str] = field(default_factory=list[str])


class KeyRotator:
    """Rotates the keys of one vault. It blocks; give it a thread."""

    def __init__(
        self,
        vault: Vault,
        *,
        clock: Clock = time.time,
        monotonic: Monotonic = time.monotonic,
        on_step: OnStep = nothing,
        lease_s: float = LEASE_S,
    ) -> None:
        """Takes the vault; `on_step` is told of every step."""
        self._vault = vault
        self._ground = Ground(
            vault=vault, clock=clock, monotonic=monotonic, on_step=on_step, lease_s=lease_s
        )

    def rotate(
        self, *, batch: int = BATCH, told: Told = untold, user: str | None = None
    ) -> KeysReport:
        """Begins a rotation, or goes on with the one that is open, to its end.

        Raises:
            LeaseHeldError: Another process is at work on the keys.
            LeaseLostError: Another process has taken the work over.
            RotationOpenError: A rotation of the provider's key is open.
            VaultLockedError: The provider is out of reach.
        """
        term = None if joins(self._vault.read(stored), What.KEYS) else self._wrapped()
        with KeyRun(self._ground, user=user) as run:
            if not run.opened(What.KEYS):
                self._begin(run, term or self._wrapped())
            tally = _Tally(batch, told)
            if run.rotation.stage is Stage.REWRAPPING:
                self._rewrap(run, tally)
                self._retire(run, tally)
            self._renew(run, tally)
            tally.left = tally.left or self._hung()
            self._end(run, tally)
        return KeysReport(
            number=run.rotation.number,
            rewrapped=tally.rewrapped,
            renewed=tally.renewed,
            secrets=tally.secrets,
            left=tuple(tally.left),
            scrubbed=self._scrub(),
        )

    def due(self, interval: timedelta = INTERVAL) -> datetime:
        """Says when the next rotation is due; one that was cut short was due when it began."""
        made_at = self._vault.read(lambda view: view.keys.current_term().made_at)
        found = self._vault.read(stored)
        if found is not None and found.open and found.what is What.KEYS:
            return _moment(found.began_at)
        rotated_at = None if found is None else found.keys_rotated_at
        return _moment(made_at / 1_000_000 if rotated_at is None else rotated_at) + interval

    def rotation(self) -> KeyRotation | None:
        """Gives the latest rotation of keys of any kind."""
        return self._vault.read(stored)

    def _wrapped(self) -> KeyRow:
        """Makes a new term, before anything is written."""
        self._ground.on_step("before wrap")
        at = int(self._ground.clock() * 1_000_000)
        term = self._vault.read(lambda view: view.keys.fresh_term(at))
        self._ground.on_step("after wrap")
        return term

    def _begin(self, run: KeyRun, term: KeyRow) -> None:
        """Hangs new keys on a new term from now on."""
        run.begin(What.KEYS, Stage.REWRAPPING, lambda log: log.keys.turn(term), term=term.id)

    def _rewrap(self, run: KeyRun, tally: _Tally) -> None:
        """Rewraps what hangs on older terms."""
        older = self._vault.read(lambda view: view.keys.older_terms())
        total = self._vault.read(lambda view: sum(map(view.keys.hanging, older)))
        for term in older:
            work = partial(_rewrap, term, tally.batch)
            tally.rewrapped += self._batches(run, "rewrap", work, tally, total)

    def _retire(self, run: KeyRun, tally: _Tally) -> None:
        """Destroys the older terms on which nothing hangs."""

        def retire(log: Transaction) -> None:
            for term in log.keys.older_terms():
                if not log.keys.hanging(term):
                    log.keys.retire_term(term)

        run.move("retire", Stage.RENEWING, retire, done=tally.rewrapped, left=len(tally.left))

    def _renew(self, run: KeyRun, tally: _Tally) -> None:
        """Renews the data keys that seal nothing new any more."""
        total = self._vault.read(lambda view: view.keys.retired())
        work = partial(_renew, tally.batch, run.at)
        tally.renewed = self._batches(run, "renew", work, tally, total)

    def _end(self, run: KeyRun, tally: _Tally) -> None:
        """Ends the rotation."""
        rotated_at = run.rotation.keys_rotated_at if tally.left else run.rotation.began_at
        run.move(
            "end",
            Stage.ENDED,
            done=run.rotation.done + tally.renewed,
            left=len(tally.left),
            keys_rotated_at=rotated_at,
        )

    def _hung(self) -> list[str]:
        """Names the older terms that an earlier run could not retire."""
        return [f"keys {term}" for term in self._vault.read(lambda view: view.keys.older_terms())]

    def _batches(self, run: KeyRun, arrow: str, work: _Work, tally: _Tally, total: int) -> int:
        """Runs batches until there is nothing left; gives the number of keys."""
        after, done = "", 0
        while True:
            batch = run.commit(arrow, partial(work, after))
            self._vault.read(partial(_forget, batch))
            after, done = batch.last, done + batch.done
            tally.left += batch.faults
            tally.secrets += batch.secrets
            if not after:
                return done
            tally.told(_DOING[arrow], done, total)

    def _scrub(self) -> bool:
        """Clears the journal of what was overwritten."""
        self._ground.on_step("before scrub")
        scrubbed = self._vault.scrub()
        self._ground.on_step("after scrub")
        return scrubbed


def _rewrap(term: str, batch: int, after: str, log: Transaction) -> Batch:
    """Rewraps one batch."""
    return log.keys.rewrap(term, after, batch)


def _renew(batch: int, at: Callable[[], int], after: str, log: Transaction) -> Batch:
    """Renews one batch."""
    return log.keys.renew(after, batch, at=at())


def _forget(batch: Batch, view: View) -> None:
    """Keeps nothing in memory of the keys that a batch has removed."""
    view.keys.forget(batch)


def _moment(seconds: float) -> datetime:
    """Gives a time as people read it."""
    return datetime.fromtimestamp(seconds, UTC)
