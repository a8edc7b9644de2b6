"""Is one process at work on one rotation: its lease, its transactions, and the hooks between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar

from connector_vault import lease, rotation
from connector_vault.errors import ConflictError, NotFoundError, VaultError
from connector_vault.hookcalls import HookCalls
from connector_vault.lease import Monotonic
from connector_vault.rotation import Rotation, State
from connector_vault.secret import Secret
from connector_vault.stages import Stage
from connector_vault.vault import Clock, Vault
from connector_vault.view import Transaction, View

T = TypeVar("T")
#: Is told the name of every step, before and after it.
OnStep: TypeAlias = Callable[[str], None]
#: Is told of the rotation after every arrow.
Progress: TypeAlias = Callable[[Rotation], None]
#: Does what belongs to an arrow, and gives what changes in the rotation by it.
Work: TypeAlias = Callable[[Transaction], Mapping[str, Any]]

KIND: Final = "rotate"
#: What a row of the log says of a state; every other state is a success.
OUTCOMES: Final[Mapping[State, str]] = {
    State.DROPPED: "failed",
    State.UNCERTAIN: "unknown",
}


class ReplacedError(ConflictError):
    """The current secret is not the one that the rotation began with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a rotation."""

    #: A candidate that failed so often is dropped.
    tries: int = 5
    #: So long is the previous secret kept at least, for calls that are under way.
    overlap_s: float = 3600.0
    #: After so long without a sign of life another process may go on.
    lease_s: float = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every run stands on."""

    vault: Vault
    hooks: HookCalls
    limits: Limits
    clock: Clock
    monotonic: Monotonic
    on_step: OnStep


class Run:
    """Holds the lease of one rotation, and moves it from state to state."""

    def __init__(
        self, ground: Ground, name: tuple[str, str], *, user: str | None, progress: Progress | None
    ) -> None:
        """Takes the owner and field it works on; entering it takes the lease."""
        self.hooks = ground.hooks
        self.limits = ground.limits
        self.name = name
        self.user = user
        #: What the caller has brought; the caller wipes it.
        self.candidate: Secret | None = None
        #: Whether the candidate has answered in this run.
        self.tested = False
        #: Whether the previous secret may be looked at before the overlap is over.
        self.early = False
        self._ground = ground
        self._progress = progress
        self._lease: lease.Lease | None = None
        self._until = 0.0
        self._rotation: Rotation | None = None

    def __enter__(self) -> Self:
        """Takes the lease, and reads how far the rotation is.

        Raises:
            LeaseHeldError: Another process holds it.
        """
        started = self._ground.monotonic()
        name = f"{rotation.KIND}:{rotation.rotation_id(*self.name)}"
        term_s = self.limits.lease_s
        self._ground.on_step("before lease")
        vault = self._ground.vault
        there = vault.attendance
        self._lease = vault.write(
            lambda log: lease.take(log, name, now=self.now(), term_s=term_s, attendance=there)
        )
        self._until = started + term_s
        self._ground.on_step("after lease")
        self._rotation = vault.read(self._stored)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives the lease back; where that cannot be written, it runs out."""
        held = self._held()
        self._ground.on_step("before release")
        with suppress(VaultError):
            self._ground.vault.write(lambda log: lease.give_back(log, held))
        self._ground.on_step("after release")

    @property
    def found(self) -> Rotation | None:
        """The latest rotation of the secret, if there ever was one."""
        return self._rotation

    @property
    def rotation(self) -> Rotation:
        """The rotation that is under way.

        Raises:
            NotFoundError: There never was one.
        """
        if self._rotation is None:
            raise NotFoundError("The secret was never rotated.")
        return self._rotation

    def now(self) -> float:
        """Gives the time."""
        return self._ground.clock()

    def check_seen(self, version: int, secret: Secret | None) -> None:
        """Refuses to replace a version that the caller has not seen, save by the same secret.

        Raises:
            ReplacedError: Another version is in use by now.
        """
        owner, field = self.name
        by_now = self._ground.vault.read(lambda view: in_force(view, owner, field))
        if by_now != version and (secret is None or not self.holds("current", secret)):
            raise ReplacedError("The secret was replaced by somebody else just now.")

    def begin(self, old: int) -> None:
        """Begins a new rotation of the version that the caller has seen in use.

        Raises:
            ReplacedError: Another one is in use by now.
        """
        before, now = self._rotation, self.now()
        fresh = Rotation(
            owner=self.name[0],
            field=self.name[1],
            number=1 if before is None else before.number + 1,
            state=State.INTENDED,
            old=old,
            user=self.user,
            began_at=now,
            changed_at=now,
            revision=0 if before is None else before.revision,
        )
        self._arrive("intend", lambda log: self._kept(log, fresh, in_force=old))

    def move(self, arrow: str, state: State, work: Work | None = None, **changes: Any) -> None:  # noqa: ANN401 - fields of a Rotation
        """Goes along one arrow, in one transaction with its row in the log.

        Raises:
            ReplacedError: The current secret is another than the rotation knows of.
            NotFoundError: It was destroyed.
            LeaseLostError: Another process has taken the work over.
        """
        before = self.rotation
        after = replace(before, state=state, changed_at=self.now(), **changes)
        in_force = before.new if before.state in rotation.PROMOTED else before.old

        def work_and_keep(log: Transaction) -> Rotation:
            self._check_in_force(log, in_force)
            more: Mapping[str, Any] = {} if work is None else work(log)
            return self._kept(log, replace(after, **more))

        self._arrive(arrow, work_and_keep)

    def note(self, **changes: Any) -> bool:  # noqa: ANN401 - fields of a Rotation
        """Writes down what was found without going on; False says that it stands there already."""
        if replace(self.rotation, **changes) == self.rotation:
            return False
        self.move("note", self.rotation.state, **changes)
        return True

    def abandon(self, reason: str) -> None:
        """Ends a rotation whose secret was replaced or destroyed by others."""
        owner, field = self.name
        after = replace(self.rotation, state=State.DROPPED, changed_at=self.now(), reason=reason)

        def end(log: Transaction) -> Rotation:
            log.drop_pending(owner, field)
            return self._kept(log, after)

        self._arrive("drop", end)

    def hook(self, step: str, call: Callable[[], T]) -> T:
        """Runs a hook while the lease holds.

        Raises:
            HookFailedError: The hook raised, or did not end in time.
            LeaseLostError: Another process has taken the work over.
        """
        if self._ground.monotonic() + self.hooks.limit_s > self._until:
            self._commit("renew", lambda _: None)
        self._ground.on_step(f"before {step}")
        found = call()
        self._ground.on_step(f"after {step}")
        return found

    def open(self, stage: Stage) -> Secret:
        """Opens the secret of a stage.

        Raises:
            NotFoundError: There is none.
        """
        return self._ground.vault.open_secret(*self.name, stage=stage)

    def holds(self, stage: Stage, secret: Secret) -> bool:
        """Says whether a secret is the one of a stage."""
        return self._ground.vault.read(
            lambda view: view.holds_secret(*self.name, secret, stage=stage)
        )

    def _arrive(self, arrow: str, work: Callable[[Transaction], Rotation]) -> None:
        """Commits an arrow, and tells where it led."""
        self._rotation = self._commit(arrow, work)
        if self._progress is not None:
            self._progress(self._rotation)

    def _commit(self, arrow: str, work: Callable[[Transaction], T]) -> T:
        """Runs a transaction, which renews the lease first."""
        held = self._held()
        self._ground.on_step(f"before {arrow}")
        started = self._ground.monotonic()

        def fenced(log: Transaction) -> T:
            lease.renew(log, held, now=self.now())
            return work(log)

        done = self._ground.vault.write(fenced)
        self._until = started + held.term_s
        self._ground.on_step(f"after {arrow}")
        return done

    def _held(self) -> lease.Lease:
        assert self._lease is not None  # noqa: S101 - the run was entered
        return self._lease

    def _kept(self, log: Transaction, after: Rotation, in_force: int | None = None) -> Rotation:
        """Stores the rotation and its row in the log."""
        if in_force is not None:
            self._check_in_force(log, in_force)
        kept = log.put(rotation.record_of(after), expect=after.revision or None)
        log.append(
            self._ground.vault.draft(
                kind=KIND,
                user=self.user or after.user,
                connection=after.owner,
                outcome=OUTCOMES.get(after.state, "failed" if after.reason else "succeeded"),
                subject=f"{rotation.KIND}:{kept.id}",
                revision=kept.revision,
                facts=after.facts(),
            )
        )
        return rotation.rotation_of(kept)

    def _check_in_force(self, view: View, version: int | None) -> None:
        """Refuses to go on from another current version than the rotation knows of."""
        if in_force(view, *self.name) != version:
            raise ReplacedError("The secret was replaced by another way just now.")

    def _stored(self, view: View) -> Rotation | None:
        """Reads the latest rotation."""
        return stored(view, *self.name)


def stored(view: View, owner: str, field: str) -> Rotation | None:
    """Reads the latest rotation of a secret."""
    record = view.record(rotation.KIND, rotation.rotation_id(owner, field))
    return None if record is None else rotation.rotation_of(record)


def in_force(view: View, owner: str, field: str) -> int:
    """Gives the version of a secret that is in use.

    Raises:
        NotFoundError: There is none.
    """
    for one in view.secret_versions(owner, field):
        if one.stage == "current":
            return one.version
    raise NotFoundError(f"There is no secret {field!r} of {owner!r}.")


def nothing(step: str) -> None:
    """Does nothing at a step."""
    del step
