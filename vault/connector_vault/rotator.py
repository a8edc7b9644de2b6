"""Takes a secret from one version to the next, so that one that works is always in use.

1. Every arrow is one transaction with a row in the log. It compares the number of the lease,
   the revision of the rotation and the version in use.
2. Every step can be run again. After a crash, the state says where to go on.
3. Before a hook changes the service, the state is `uncertain`; only asking leads out of it.
4. A candidate is promoted only if it answered as the same account, in this very run.
5. A candidate is dropped only while the current secret is known to answer, or if the service
   does not accept it or knows it as another account's: the only secret that works is kept.
6. The previous secret is kept through an overlap, and until it is shown to be out of effect.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from connector_vault import rotation
from connector_vault.errors import (
    HookFailedError,
    NotFoundError,
    RotationOpenError,
    SameSecretError,
)
from connector_vault.hookcalls import HookCalls
from connector_vault.hooks import Verdict
from connector_vault.lease import Monotonic
from connector_vault.rotation import Rotation, State
from connector_vault.rotation_run import (
    Ground,
    Limits,
    OnStep,
    Progress,
    ReplacedError,
    Run,
    in_force,
    nothing,
    stored,
)
from connector_vault.secret import Secret
from connector_vault.vault import Clock, Vault
from connector_vault.view import Transaction

_GOOD: Final = (
    *("lease", "intend", "create", "store", "begin-set", "set", "note-set", "test", "note-test"),
    *("promote", "finish", "note-finish", "retire", "note-retire", "release"),
)
_BAD: Final = ("wait", "test-old", "resolve", "doubt", "note", "drop")

#: Every step of a rotation that goes well, in its order.
STEPS: Final = ("seen", *(f"{side} {step}" for step in _GOOD for side in ("before", "after")))
#: The steps of one that does not.
TROUBLE_STEPS: Final = tuple(f"{side} {step}" for step in _BAD for side in ("before", "after"))

_BRING: Final = "A person has to bring a new secret."
_TRYING: Final = "It is being brought into effect."
_REFUSED: Final = "The service does not accept the new secret."
_OTHER: Final = "The new secret belongs to another account."
_SILENT: Final = "The service gives no answer."
_NEITHER: Final = "The service accepts neither the new secret nor the one in use."
_IN_DOUBT: Final = "The new secret is not accepted, and the one in use gives no answer."
_NOT_IN_EFFECT: Final = "The new secret was not in effect; the one in use still answers."
_STILL: Final = "The old secret is still accepted."
_CUT: Final = "The next rotation cut the overlap short; the old secret may still be accepted."
_GONE: Final = "The secret was replaced or destroyed by another way."
_DROPPED: Final = "A person has dropped the candidate."


class Rotator:
    """Rotates the secrets of one vault. It blocks while hooks run; give it a thread."""

    def __init__(  # noqa: PLR0913 - what it stands on, all by name
        self,
        vault: Vault,
        hooks: HookCalls,
        *,
        limits: Limits | None = None,
        clock: Clock = time.time,
        monotonic: Monotonic = time.monotonic,
        on_step: OnStep = nothing,
    ) -> None:
        """Takes the vault and who takes part; `on_step` is told of every step."""
        self._ground = Ground(
            vault=vault,
            hooks=hooks,
            limits=limits or Limits(),
            clock=clock,
            monotonic=monotonic,
            on_step=on_step,
        )
        self._arrows: Mapping[State, Callable[[Run], bool]] = {
            State.INTENDED: self._create,
            State.WAITING: self._create,
            State.PENDING: self._set,
            State.UNCERTAIN: self._resolve,
            State.SET: self._test,
            State.TESTED: self._promote,
            State.PROMOTED: self._finish,
            State.OVERLAPPING: self._retire,
        }

    def rotate(
        self,
        owner: str,
        field: str,
        *,
        secret: Secret | None = None,
        user: str | None = None,
        progress: Progress | None = None,
    ) -> Rotation:
        """Begins a rotation, or goes on with the one that is open, as far as it goes now.

        Without a secret the hooks make one. To bring the same secret again is to go on.
        `progress` is told of the rotation after every arrow.

        Raises:
            NotFoundError: There is no secret to rotate.
            SameSecretError: The secret is in use already.
            RotationOpenError: A rotation with another candidate is open.
            ConflictError: The secret was rotated by somebody else just now.
            LeaseHeldError: Another process is at work on it.
            LeaseLostError: Another process has taken the work over.
        """
        seen = self._ground.vault.read(lambda view: in_force(view, owner, field))
        self._ground.on_step("seen")
        with Run(self._ground, (owner, field), user=user, progress=progress) as run:
            run.candidate = secret
            run.check_seen(seen, secret)
            if self._makes_way(run, secret):
                if secret is not None and run.holds("current", secret):
                    raise SameSecretError("That secret is the one in use already.")
                run.begin(seen)
            return self._advance(run)

    def resume(
        self,
        owner: str,
        field: str,
        *,
        user: str | None = None,
        early: bool = False,
        progress: Progress | None = None,
    ) -> Rotation:
        """Goes on with an open rotation as far as it goes now.

        `early` looks at the previous secret before the overlap is over.

        Raises:
            NotFoundError: The secret was never rotated.
            LeaseHeldError: Another process is at work on it.
            LeaseLostError: Another process has taken the work over.
        """
        with Run(self._ground, (owner, field), user=user, progress=progress) as run:
            run.early = early
            return self._advance(run)

    def drop(self, owner: str, field: str, *, user: str | None = None) -> Rotation:
        """Drops the candidate of an open rotation; the secret in use stays.

        Raises:
            NotFoundError: No rotation is open.
            RotationOpenError: The candidate may be the only secret that works, or is in use.
            LeaseHeldError: Another process is at work on it.
        """
        with Run(self._ground, (owner, field), user=user, progress=None) as run:
            if not run.rotation.open:
                raise NotFoundError("No rotation is open.")
            if run.rotation.state in rotation.PROMOTED:
                raise RotationOpenError("The new secret is in use already; rotate again instead.")
            if run.rotation.state in rotation.CANDIDATE and not self._may_drop(run):
                raise RotationOpenError(
                    "The candidate may be the only secret that works: it was not refused, and the "
                    "one in use does not answer. Try again when the service can be asked."
                )
            self._drop(run, _DROPPED)
            return run.rotation

    def rotation(self, owner: str, field: str) -> Rotation | None:
        """Gives the latest rotation of a secret."""
        return self._ground.vault.read(lambda view: stored(view, owner, field))

    def _makes_way(self, run: Run, secret: Secret | None) -> bool:
        """Says whether a new rotation is to begin; ends an open one where that is harmless."""
        found = run.found
        if found is None or not found.open:
            return True
        if found.state in rotation.EMPTY:
            return False
        if found.state in rotation.PROMOTED:
            if secret is None or run.holds("current", secret):
                return False
            self._cut_short(run)
            return True
        if secret is None or run.holds("pending", secret):
            return False
        if self._ask(run, "pending") not in {Verdict.REFUSED, Verdict.OTHER_ACCOUNT}:
            raise RotationOpenError(
                "A rotation with another new secret is open. Finish it, or drop its candidate."
            )
        self._drop(run, _REFUSED)
        return True

    def _advance(self, run: Run) -> Rotation:
        """Goes from state to state until something has to be waited for."""
        try:
            while run.rotation.open and self._arrows[run.rotation.state](run):
                pass
        except (ReplacedError, NotFoundError):
            run.abandon(_GONE)
        return run.rotation

    def _create(self, run: Run) -> bool:
        """Gets a candidate and stores it."""
        if run.candidate is not None:
            self._store(run, run.candidate)
            return True
        try:
            made = run.hook("create", lambda: run.hooks.create(run.rotation.context))
        except HookFailedError as error:
            return self._trouble(run, str(error))
        if made is None:
            if run.rotation.state is not State.WAITING:
                run.move("wait", State.WAITING, reason=_BRING)
            return False
        with made:
            self._store(run, made)
        return True

    def _store(self, run: Run, candidate: Secret) -> None:
        owner, field = run.name

        def store(log: Transaction) -> Mapping[str, Any]:
            version = log.store_pending_secret(owner=owner, field=field, secret=candidate)
            return {"new": version}

        run.move("store", State.PENDING, store, reason="")

    def _set(self, run: Run) -> bool:
        """Brings the candidate into effect, where a hook does that."""
        if not run.hooks.implements("rotation_set", run.name[0]):
            run.move("note-set", State.SET)
            return True
        run.move("begin-set", State.UNCERTAIN, reason=_TRYING)
        try:
            with run.open("pending") as secret:
                run.hook("set", lambda: run.hooks.set(run.rotation.context, secret))
        except HookFailedError as error:
            self._trouble(run, str(error))
            return True
        run.move("note-set", State.SET, reason="")
        return True

    def _resolve(self, run: Run) -> bool:
        """Finds out by asking whether the candidate is in effect."""
        verdict = self._ask(run, "pending")
        if verdict is Verdict.ACCEPTED:
            run.move("resolve", State.TESTED, verdict=verdict, reason="")
            run.tested = True
            return True
        if verdict is Verdict.OTHER_ACCOUNT:
            return self._drop(run, _OTHER)
        if verdict is Verdict.NO_ANSWER:
            return self._trouble(run, _SILENT, verdict=verdict)
        old = self._ask(run, "current")
        if old is not Verdict.ACCEPTED:
            reason = _NEITHER if old is Verdict.REFUSED else _IN_DOUBT
            return self._trouble(run, reason, verdict=verdict)
        tries = run.rotation.tries + 1
        if tries >= run.limits.tries:
            return self._drop(run, _REFUSED, tries=tries, verdict=verdict)
        run.move("resolve", State.PENDING, tries=tries, verdict=verdict, reason=_NOT_IN_EFFECT)
        return False

    def _test(self, run: Run) -> bool:
        """Asks what the service says to the candidate."""
        verdict = self._ask(run, "pending")
        if verdict is Verdict.ACCEPTED:
            run.move("note-test", State.TESTED, verdict=verdict, reason="")
            run.tested = True
            return True
        if verdict is Verdict.OTHER_ACCOUNT:
            return self._drop(run, _OTHER, verdict=verdict)
        if verdict is Verdict.NO_ANSWER:
            return self._trouble(run, _SILENT, verdict=verdict)
        tries = run.rotation.tries + 1
        if tries < run.limits.tries - 1:
            return self._trouble(run, _REFUSED, verdict=verdict, tries=tries)
        # The last try asks with the old secret too, before anything is dropped.
        run.move("doubt", State.UNCERTAIN, verdict=verdict, tries=tries, reason=_REFUSED)
        return True

    def _promote(self, run: Run) -> bool:
        """Makes the candidate the current secret; one that was tested long ago is asked again."""
        if not run.tested:
            return self._test(run)
        owner, field = run.name
        version = run.rotation.new

        def promote(log: Transaction) -> Mapping[str, Any]:
            log.promote_secret(owner, field, version or 0)
            return {}

        retire_at = run.now() + run.limits.overlap_s
        run.move("promote", State.PROMOTED, promote, retire_at=retire_at)
        return True

    def _finish(self, run: Run) -> bool:
        """Does what is left once the candidate is in use."""
        context = run.rotation.context
        try:
            run.hook("finish", lambda: run.hooks.finish(context))
        except HookFailedError as error:
            return self._trouble(run, str(error))
        run.move("note-finish", State.OVERLAPPING, reason="")
        run.hooks.notice("rotation_done", run.name[0], context=context)
        return True

    def _retire(self, run: Run) -> bool:
        """Takes the previous secret out of effect, and lets go of it once that is shown."""
        over = run.now() >= (run.rotation.retire_at or 0)
        shown = run.hooks.implements("rotation_retire", run.name[0])
        if not over and not (run.early and shown):
            return False
        if shown:
            try:
                gone = self._out_of_effect(run)
            except HookFailedError as error:
                return self._trouble(run, str(error))
            if not gone:
                run.note(reason=_STILL)
                return False
        self._let_go(run, "")
        return True

    def _out_of_effect(self, run: Run) -> bool:
        with run.open("previous") as secret:
            return run.hook("retire", lambda: run.hooks.retire(run.rotation.context, secret))

    def _let_go(self, run: Run, reason: str) -> None:
        owner, field = run.name

        def retire(log: Transaction) -> Mapping[str, Any]:
            log.retire_previous(owner, field)
            return {}

        run.move("note-retire", State.FINISHED, retire, reason=reason)

    def _cut_short(self, run: Run) -> None:
        """Ends an overlap before its time, because another secret is to follow."""
        if run.rotation.state is State.PROMOTED:
            self._finish(run)
        try:
            gone = self._out_of_effect(run)
        except HookFailedError:
            gone = False
        self._let_go(run, "" if gone else _CUT)

    def _may_drop(self, run: Run) -> bool:
        """Says whether a candidate can be dropped without losing the only secret that works."""
        if self._ask(run, "current") is Verdict.ACCEPTED:
            return True
        return self._ask(run, "pending") in {Verdict.REFUSED, Verdict.OTHER_ACCOUNT}

    def _ask(self, run: Run, stage: str) -> Verdict:
        """Asks the service what it says to the new or the old secret."""
        context = run.rotation.context
        if stage == "pending":
            with run.open("pending") as secret:
                return run.hook("test", lambda: run.hooks.test(context, secret))
        with run.open("current") as secret:
            return run.hook("test-old", lambda: run.hooks.test(context, secret))

    def _drop(self, run: Run, reason: str, **changes: Any) -> bool:  # noqa: ANN401 - fields of a Rotation
        """Drops the candidate; what was in use stays in use."""
        owner, field = run.name

        def drop(log: Transaction) -> Mapping[str, Any]:
            log.drop_pending(owner, field)
            return {}

        run.move("drop", State.DROPPED, drop, reason=reason, **changes)
        context = run.rotation.context
        run.hooks.notice("rotation_failed", owner, context=context, reason=reason)
        return False

    def _trouble(self, run: Run, reason: str, **changes: Any) -> bool:  # noqa: ANN401 - fields of a Rotation
        """Writes down why it goes no further now, and tells the host once."""
        if run.note(reason=reason, **changes):
            context = run.rotation.context
            run.hooks.notice("rotation_failed", run.name[0], context=context, reason=reason)
        return False
