"""Proves that a rotation goes from state to state, and never past what the service says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from connector_vault import (
    ConflictError,
    LeaseHeldError,
    LeaseLostError,
    LogQuery,
    NotFoundError,
    RotationOpenError,
    SameSecretError,
    Secret,
    Transaction,
    Vault,
)
from connector_vault.hookcalls import HookCalls
from connector_vault.hooks import RotationContext, Verdict, hookimpl
from connector_vault.rotation import Rotation, State
from connector_vault.rotation_run import Limits, OnStep
from connector_vault.rotator import STEPS, TROUBLE_STEPS, Rotator
from tests.vault.far_side import FIRST, Automatic, ByHand, FarSide
from tests.vault.ground import Clock, Place, store

pytestmark = pytest.mark.requirement("rotation.machine")

KEY = ("con_1", "api_key")
SECOND = "canary-key-brought-by-hand"
HOUR = 3600.0


@dataclass
class Scene:
    """An open vault with one secret, the service that accepts it, and a clock."""

    vault: Vault
    far: FarSide
    clock: Clock = field(default_factory=Clock)
    steps: list[str] = field(default_factory=list[str])

    def rotator(
        self, *plugins: object, limit_s: float = 5.0, on_step: OnStep | None = None
    ) -> Rotator:
        """Makes a rotator with these hooks."""
        hooks = HookCalls(limit_s=limit_s)
        for plugin in plugins:
            hooks.register(plugin)
        return Rotator(
            self.vault,
            hooks,
            limits=Limits(tries=3, overlap_s=HOUR, lease_s=60.0),
            clock=self.clock,
            on_step=on_step or self.steps.append,
        )

    def by_hand(self) -> tuple[Rotator, ByHand]:
        """Makes a rotator for keys that a person brings."""
        hooks = ByHand(self.far)
        return self.rotator(hooks), hooks

    def bring(self, rotator: Rotator, key: str = SECOND) -> Rotation:
        """Rotates to a key that a person brings."""
        with Secret(key) as secret:
            return rotator.rotate(*KEY, secret=secret, user="ada")

    def current(self) -> str:
        """Gives the secret in use."""
        with self.vault.open_secret(*KEY) as secret:
            return secret.reveal()

    def stages(self) -> list[str]:
        """Gives the stage of every version."""
        return [one.stage for one in self.vault.read(lambda view: view.secret_versions(*KEY))]


@pytest.fixture
def scene(place: Place, tmp_path: Path) -> Iterator[Scene]:
    """Opens a vault with the first key of the service."""
    with place.create() as vault:
        store(vault, *KEY, FIRST)
        yield Scene(vault, FarSide.made(tmp_path / "far.json"))


def test_a_key_that_a_person_brings_is_tested_promoted_and_overlaps(scene: Scene) -> None:
    """The old one stays as the previous, and is let go of once it gets no answer."""
    rotator, hooks = scene.by_hand()
    scene.far.allow(SECOND)
    done = scene.bring(rotator)
    assert (done.state, done.old, done.new, done.reason) == (State.OVERLAPPING, 1, 2, "")
    assert (scene.current(), scene.stages()) == (SECOND, ["previous", "current"])
    assert rotator.resume(*KEY).state is State.OVERLAPPING
    scene.clock.now += HOUR
    assert rotator.resume(*KEY).reason == "The old secret is still accepted."
    scene.far.forbid(FIRST)
    assert rotator.resume(*KEY).state is State.FINISHED
    assert (scene.current(), scene.stages()) == (SECOND, ["retired", "current"])
    assert hooks.told == ["done 1"]


def test_the_old_key_can_be_looked_at_before_the_overlap_is_over(scene: Scene) -> None:
    """A person who has deleted it at once need not wait."""
    rotator, _ = scene.by_hand()
    scene.far.allow(SECOND)
    scene.bring(rotator)
    assert rotator.resume(*KEY, early=True).state is State.OVERLAPPING
    scene.far.forbid(FIRST)
    assert rotator.resume(*KEY, early=True).state is State.FINISHED


@pytest.mark.parametrize("single", [False, True])
def test_hooks_do_a_whole_rotation_by_themselves(scene: Scene, *, single: bool) -> None:
    """Whether the service has several keys at a time or only one; every step has its name."""
    rotator = scene.rotator(Automatic(scene.far, single=single))
    assert rotator.rotate(*KEY).state is State.OVERLAPPING
    scene.clock.now += HOUR
    assert rotator.resume(*KEY).state is State.FINISHED
    assert list(scene.far.state()["keys"]) == [scene.current()] == ["canary-key-1-of-acme"]
    assert [step for step in STEPS if step not in scene.steps] == []
    assert rotator.rotate(*KEY).number == 2


def test_every_arrow_has_a_row_in_the_log(scene: Scene) -> None:
    """With the state that it led to, by whom, and never a secret."""
    rotator, _ = scene.by_hand()
    scene.far.allow(SECOND)
    scene.bring(rotator)
    rows = scene.vault.read(lambda view: view.log_rows(LogQuery(connection="con_1")))
    told = [(row.facts["state"], row.user, row.outcome) for row in reversed(rows)]
    names = ["intended", "pending", "set", "tested", "promoted", "overlapping"]
    assert told == [(name, "ada", "succeeded") for name in names]
    assert [row.facts["new"] for row in reversed(rows)] == [None, 2, 2, 2, 2, 2]
    assert SECOND not in str(rows)
    assert scene.vault.verify_log().ok


def test_without_a_key_a_rotation_waits_for_a_person(scene: Scene) -> None:
    """It is open and says so; the key that comes later goes into the same rotation."""
    rotator, _ = scene.by_hand()
    waiting = rotator.rotate(*KEY)
    assert (waiting.state, waiting.number) == (State.WAITING, 1)
    assert rotator.rotate(*KEY).revision == waiting.revision
    scene.far.allow(SECOND)
    done = scene.bring(rotator)
    assert (done.state, done.number) == (State.OVERLAPPING, 1)


@pytest.mark.requirement("threat.12")
def test_a_refused_key_is_dropped_after_so_many_tries(scene: Scene) -> None:
    """It is never promoted, the one in use is untouched, and the host is told."""
    rotator, hooks = scene.by_hand()
    first = scene.bring(rotator, "no-such-key-anywhere")
    assert (first.state, first.tries, first.verdict) == (State.SET, 1, Verdict.REFUSED)
    last = rotator.resume(*KEY)
    assert (last.state, last.tries) == (State.DROPPED, 3)
    assert (scene.current(), scene.stages()) == (FIRST, ["current", "retired"])
    assert hooks.told == ["failed: The service does not accept the new secret."] * 2


@pytest.mark.requirement("threat.12")
def test_a_key_of_another_account_is_dropped_at_once(scene: Scene) -> None:
    """It answers, and still it is not the same account."""
    rotator, hooks = scene.by_hand()
    scene.far.allow(SECOND, "another account")
    dropped = scene.bring(rotator)
    assert dropped.state is State.DROPPED
    assert (scene.current(), scene.stages()) == (FIRST, ["current", "retired"])
    assert hooks.told == ["failed: The new secret belongs to another account."]


def test_the_only_key_that_may_work_is_not_dropped(scene: Scene) -> None:
    """Neither is accepted now: nobody knows why, so both are kept and a person is told."""
    rotator, hooks = scene.by_hand()
    scene.far.forbid(FIRST)
    states = [scene.bring(rotator).state, *(rotator.resume(*KEY).state for _ in range(4))]
    assert states == [State.SET, *[State.UNCERTAIN] * 4]
    assert scene.stages() == ["current", "pending"]
    assert hooks.told[-1].startswith("failed: The service accepts neither")
    scene.far.allow(SECOND)
    assert rotator.resume(*KEY).state is State.OVERLAPPING
    assert scene.current() == SECOND


def test_a_silent_other_side_costs_no_try(scene: Scene) -> None:
    """No answer says nothing about the key; the rotation waits, and goes on later."""
    rotator, _ = scene.by_hand()
    scene.far.allow(SECOND)
    scene.far.silence(silent=True)
    waiting = scene.bring(rotator)
    for _ in range(5):
        waiting = rotator.resume(*KEY)
    assert (waiting.state, waiting.tries, waiting.verdict) == (State.SET, 0, Verdict.NO_ANSWER)
    assert scene.current() == FIRST
    scene.far.silence(silent=False)
    assert rotator.resume(*KEY).state is State.OVERLAPPING


def test_a_set_that_broke_before_its_effect_is_done_again(scene: Scene) -> None:
    """Asked, the service accepts the old key alone; the candidate is set in the next run."""
    hooks = Automatic(scene.far, single=True, inside=_break_before_set)
    after = scene.rotator(hooks).rotate(*KEY)
    assert (after.state, after.tries, scene.current()) == (State.PENDING, 1, FIRST)
    assert hooks.told == ["failed: The hook rotation_set raised OSError."]
    again = scene.rotator(Automatic(scene.far, single=True)).resume(*KEY)
    assert (again.state, scene.current()) == (State.OVERLAPPING, "canary-key-1-of-acme")


def test_a_set_that_broke_after_its_effect_goes_on(scene: Scene) -> None:
    """Asked, the service accepts the candidate, so it is promoted in the same run."""

    def broken(place: str) -> None:
        if place == "inside set, after":
            raise OSError

    after = scene.rotator(Automatic(scene.far, single=True, inside=broken)).rotate(*KEY)
    assert (after.state, scene.current()) == (State.OVERLAPPING, "canary-key-1-of-acme")
    assert scene.far.state()["sets"] == ["canary-key-1-of-acme"]


def test_a_set_that_always_fails_ends_with_the_old_key(scene: Scene) -> None:
    """After so many tries the candidate is dropped, as the old key still answers."""
    rotator = scene.rotator(Automatic(scene.far, inside=_break_before_set))
    states = [rotator.rotate(*KEY).state, *(rotator.resume(*KEY).state for _ in range(2))]
    assert states == [State.PENDING, State.PENDING, State.DROPPED]
    assert scene.current() == FIRST


def test_a_hook_that_hangs_is_left_behind(scene: Scene) -> None:
    """It counts as failed, its secret is wiped, and the key in use stays in use."""
    end = Event()
    seen: list[Secret] = []

    class Hanging:
        """Never comes back from setting a key."""

        @hookimpl
        def rotation_create(self) -> Secret:
            """Makes a key."""
            return Secret(SECOND)

        @hookimpl
        def rotation_set(self, secret: Secret) -> None:
            """Waits for the end of the test."""
            seen.append(secret)
            end.wait()

    after = scene.rotator(ByHand(scene.far), Hanging(), limit_s=0.3).rotate(*KEY)
    end.set()
    assert after.reason == "The new secret was not in effect; the one in use still answers."
    assert scene.current() == FIRST
    with pytest.raises(Exception, match="wiped"):
        seen[0].reveal()


@pytest.mark.parametrize("at", ["inside create", "inside finish", "inside retire, before"])
def test_a_hook_that_raises_stops_there_and_runs_again(scene: Scene, at: str) -> None:
    """A key that works stays in use; the hook's words are not repeated, only its type."""
    fails = True

    def broken(place: str) -> None:
        if fails and place == at:
            raise OSError(SECOND)

    rotator = scene.rotator(Automatic(scene.far, inside=broken))
    rotator.rotate(*KEY)
    scene.clock.now += HOUR
    stuck = rotator.resume(*KEY)
    assert (stuck.open, stuck.reason[-15:]) == (True, "raised OSError.")
    assert scene.far.ask(scene.current()) is Verdict.ACCEPTED
    fails = False
    rotator.resume(*KEY)
    scene.clock.now += HOUR
    assert rotator.resume(*KEY).state is State.FINISHED
    assert list(scene.far.state()["keys"]) == [scene.current()] == ["canary-key-1-of-acme"]


def test_a_plugin_gets_no_secret_of_an_owner_that_it_does_not_serve(scene: Scene) -> None:
    """It is not even asked."""
    hooks = HookCalls(limit_s=5)
    stranger = Automatic(scene.far, inside=pytest.fail)
    hooks.register(stranger, serves=lambda owner: owner == "con_2")
    hooks.register(ByHand(scene.far), serves=lambda owner: owner == "con_1")
    scene.far.allow(SECOND)
    rotator = Rotator(scene.vault, hooks, clock=scene.clock)
    assert scene.bring(rotator).state is State.OVERLAPPING
    assert not hooks.implements("rotation_create", "con_1")


def test_a_plugin_that_does_not_fit_is_refused(scene: Scene) -> None:
    """A misspelt hook would never be called; it is named instead."""

    class Misspelt:
        """Has a hook that is none."""

        @hookimpl
        def rotation_tset(self) -> None:
            """Is never called."""

    with pytest.raises(ValueError, match="rotation_tset"):
        scene.rotator(Misspelt())


def test_to_bring_the_same_key_again_is_to_go_on(scene: Scene) -> None:
    """Whatever state it is in; and once all is done it is told that it is in use."""
    rotator, _ = scene.by_hand()
    scene.far.silence(silent=True)
    scene.far.allow(SECOND)
    assert scene.bring(rotator).state is State.SET
    scene.far.silence(silent=False)
    assert scene.bring(rotator).state is State.OVERLAPPING
    assert scene.bring(rotator).number == 1
    scene.far.forbid(FIRST)
    rotator.resume(*KEY, early=True)
    with pytest.raises(SameSecretError):
        scene.bring(rotator)
    assert scene.stages() == ["retired", "current"]


def test_a_key_that_was_tested_before_a_crash_is_tested_again(scene: Scene) -> None:
    """It may have been deleted since; what was true in another run promotes nothing."""
    scene.far.allow(SECOND)

    def die(step: str) -> None:
        if step == "after note-test":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scene.bring(scene.rotator(ByHand(scene.far), on_step=die))
    scene.far.forbid(SECOND)
    rotator, _ = scene.by_hand()
    assert rotator.resume(*KEY).state is State.TESTED
    assert scene.current() == FIRST
    scene.far.allow(SECOND)
    assert rotator.resume(*KEY).state is State.OVERLAPPING


def test_another_key_takes_the_place_of_one_that_is_refused(scene: Scene) -> None:
    """A person who has mistyped brings the right one; a key that may work is not replaced."""
    rotator, _ = scene.by_hand()
    scene.bring(rotator, "mistyped-by-a-person")
    scene.far.allow(SECOND)
    assert scene.bring(rotator).number == 2
    assert scene.current() == SECOND
    scene.far.forbid(FIRST)
    rotator.resume(*KEY, early=True)
    scene.far.silence(silent=True)
    scene.bring(rotator, "third-key-of-acme")
    with pytest.raises(RotationOpenError):
        scene.bring(rotator, "fourth-key-of-acme")


def test_a_rotation_that_follows_at_once_cuts_the_overlap_short(scene: Scene) -> None:
    """A key that leaked is replaced now; the log says that the old one may still be accepted."""
    rotator, _ = scene.by_hand()
    for key in (SECOND, "third-key-of-acme"):
        scene.far.allow(key)
        scene.bring(rotator, key)
    assert scene.stages() == ["retired", "previous", "current"]
    rows = scene.vault.read(lambda view: view.log_rows(LogQuery(connection="con_1")))
    cut = [row.facts["reason"] for row in rows if row.facts["state"] == "finished"]
    assert cut == ["The next rotation cut the overlap short; the old secret may still be accepted."]


def test_a_person_can_drop_a_candidate_but_not_the_only_key_that_works(scene: Scene) -> None:
    """It goes if the one in use answers; and what is in use cannot be dropped."""
    rotator, _ = scene.by_hand()
    with pytest.raises(NotFoundError):
        rotator.drop(*KEY)
    scene.far.silence(silent=True)
    scene.bring(rotator)
    with pytest.raises(RotationOpenError):
        rotator.drop(*KEY)
    scene.far.silence(silent=False)
    assert rotator.drop(*KEY, user="ada").state is State.DROPPED
    assert (scene.current(), scene.stages()) == (FIRST, ["current", "retired"])
    with pytest.raises(NotFoundError, match="No rotation is open"):
        rotator.drop(*KEY)
    rotator.rotate(*KEY)
    assert rotator.drop(*KEY).state is State.DROPPED
    scene.far.allow(SECOND)
    scene.bring(rotator)
    with pytest.raises(RotationOpenError, match="in use already"):
        rotator.drop(*KEY)


@pytest.mark.parametrize("at", ["before store", "before note-test", "before promote"])
def test_a_secret_that_is_destroyed_meanwhile_ends_the_rotation(scene: Scene, at: str) -> None:
    """A revoke wins: no candidate is stored or promoted after it, and none is left."""

    def revoke(step: str) -> None:
        if step == at:
            scene.vault.write(lambda change: change.destroy_secrets("con_1"))

    rotator = scene.rotator(Automatic(scene.far), on_step=revoke)
    assert rotator.rotate(*KEY).state is State.DROPPED
    assert set(scene.stages()) == {"retired"}
    with pytest.raises(NotFoundError):
        rotator.rotate(*KEY)


def test_what_was_rotated_meanwhile_is_not_rotated_again(scene: Scene) -> None:
    """Who saw the old version in use does not replace the new one."""
    first, hooks = scene.by_hand()
    scene.far.allow(SECOND)

    def overtake(step: str) -> None:
        if step == "seen":
            scene.bring(first)

    late = scene.rotator(hooks, on_step=overtake)
    scene.far.allow("third-key-of-acme")
    with pytest.raises(ConflictError, match="replaced by somebody else"):
        scene.bring(late, "third-key-of-acme")
    assert (scene.current(), scene.stages()) == (SECOND, ["previous", "current"])


@pytest.mark.requirement("rotation.lease")
def test_only_one_rotator_is_at_work(scene: Scene) -> None:
    """A second one is told until when at most; it changes nothing."""
    first, hooks = scene.by_hand()
    scene.far.allow(SECOND)
    errors: list[LeaseHeldError] = []

    def interfere(step: str) -> None:
        if step == "before test":
            with pytest.raises(LeaseHeldError, match="2026-01-01T00:01:00") as caught:
                scene.bring(scene.rotator(hooks))
            errors.append(caught.value)

    assert scene.bring(scene.rotator(hooks, on_step=interfere)).state is State.OVERLAPPING
    assert len(errors) == 1
    assert first.resume(*KEY).number == 1


@pytest.mark.requirement("threat.11", "rotation.lease")
@pytest.mark.parametrize("at", [step for step in STEPS if step.startswith("before ")])
def test_a_holder_that_wakes_too_late_changes_nothing(scene: Scene, at: str) -> None:
    """Its lease ran out at some step, another one went on; its number is stale."""
    done: list[Rotation] = []
    scene.far.allow(SECOND)
    hooks = ByHand(scene.far)

    def sleep(step: str) -> None:
        if step == at and not done:
            scene.clock.now += 61
            done.append(scene.bring(scene.rotator(hooks)))

    sleeper = scene.rotator(hooks, on_step=sleep)
    try:
        late = scene.bring(sleeper)
    except LeaseLostError:
        assert done[0].state is State.OVERLAPPING
    else:
        assert late.state is State.OVERLAPPING
    assert (scene.current(), scene.stages()) == (SECOND, ["previous", "current"])
    rows = scene.vault.read(lambda view: view.log_rows(LogQuery(connection="con_1")))
    assert [row.facts["state"] for row in rows].count("promoted") == 1


@pytest.mark.requirement("threat.33")
@pytest.mark.parametrize("jump", [-86_400.0, 31_536_000.0])
def test_a_clock_that_jumps_costs_no_key(scene: Scene, jump: float) -> None:
    """A day back or a year forward in the middle: it goes on, or another one goes on at once."""
    scene.far.allow(SECOND)
    hooks = ByHand(scene.far)

    def jump_once(step: str) -> None:
        if step == "after store":
            scene.clock.now += jump

    assert scene.bring(scene.rotator(hooks, on_step=jump_once)).state is State.OVERLAPPING
    assert (scene.current(), scene.stages()) == (SECOND, ["previous", "current"])
    scene.far.forbid(FIRST)
    again, _ = scene.by_hand()
    assert again.resume(*KEY, early=True).state is State.FINISHED
    assert scene.vault.verify_log().ok


@pytest.mark.requirement("threat.33", "rotation.lease")
def test_a_lease_of_a_dead_holder_is_free_when_the_clock_was_set_back(scene: Scene) -> None:
    """Nobody waits a day for it."""
    scene.far.allow(SECOND)

    def die(step: str) -> None:
        if step == "after store":
            raise KeyboardInterrupt

    def die_holding(step: str) -> None:
        if step == "before release":
            raise KeyboardInterrupt
        die(step)

    with pytest.raises(KeyboardInterrupt):
        scene.bring(scene.rotator(ByHand(scene.far), on_step=die_holding))
    with pytest.raises(LeaseHeldError):
        scene.bring(scene.by_hand()[0])
    scene.clock.now -= 86_400
    assert scene.bring(scene.by_hand()[0]).state is State.OVERLAPPING


def test_a_silent_service_leaves_what_is_uncertain_as_it_is(scene: Scene) -> None:
    """Nobody can be asked; and once somebody can, another account's key is dropped."""

    def broken(place: str) -> None:
        if place == "inside set, before":
            scene.far.silence(silent=True)
            raise OSError

    rotator = scene.rotator(Automatic(scene.far, inside=broken))
    assert (rotator.rotate(*KEY).state, rotator.resume(*KEY).tries) == (State.UNCERTAIN, 0)
    scene.far.silence(silent=False)
    scene.far.allow("canary-key-1-of-acme", "another account")
    assert rotator.resume(*KEY).state is State.DROPPED
    assert scene.current() == FIRST


def test_a_test_that_raises_is_no_answer_and_a_notice_that_raises_is_nothing(scene: Scene) -> None:
    """Neither stops a rotation for good."""
    fails = True

    class Raising(ByHand):
        """Fails where it is told to."""

        @hookimpl
        def rotation_test(self, secret: Secret) -> Verdict:
            """Raises at first."""
            if fails:
                raise OSError(SECOND)
            return self.far.ask(secret.reveal())

        @hookimpl
        def rotation_done(self, context: RotationContext) -> None:
            """Raises always."""
            raise OSError(context)

    scene.far.allow(SECOND)
    rotator = scene.rotator(Raising(scene.far))
    assert scene.bring(rotator).verdict == Verdict.NO_ANSWER
    fails = False
    assert rotator.resume(*KEY).state is State.OVERLAPPING


def test_without_a_hook_that_retires_the_overlap_alone_counts(scene: Scene) -> None:
    """Nothing can show that the old key is out of effect, so it is kept for its time."""

    class TestOnly:
        """Can ask, and no more."""

        @hookimpl
        def rotation_test(self, secret: Secret) -> Verdict:
            """Asks the service."""
            return scene.far.ask(secret.reveal())

    scene.far.allow(SECOND)
    rotator = scene.rotator(TestOnly())
    scene.bring(rotator)
    assert rotator.resume(*KEY, early=True).state is State.OVERLAPPING
    scene.clock.now += HOUR
    assert rotator.resume(*KEY).state is State.FINISHED


def test_a_rotation_whose_end_fails_does_not_hold_up_the_next(scene: Scene) -> None:
    """What was left of the one before is given up, and the log says so."""

    def broken(place: str) -> None:
        if place in {"inside finish", "inside retire, before"}:
            raise OSError

    rotator = scene.rotator(Automatic(scene.far, inside=broken))
    assert rotator.rotate(*KEY).state is State.PROMOTED
    scene.far.allow(SECOND)
    assert scene.bring(rotator).number == 2
    assert (scene.current(), scene.stages()[-1]) == (SECOND, "current")


def test_a_lease_is_renewed_before_a_hook_that_could_outlive_it(scene: Scene) -> None:
    """By the clock that nobody sets; the steps show it."""
    moment = 0.0

    def monotonic() -> float:
        nonlocal moment
        moment += 40.0
        return moment

    hooks = HookCalls(limit_s=30)
    hooks.register(ByHand(scene.far))
    scene.far.allow(SECOND)
    limits = Limits(lease_s=60.0)
    rotator = Rotator(
        scene.vault,
        hooks,
        limits=limits,
        clock=scene.clock,
        monotonic=monotonic,
        on_step=scene.steps.append,
    )
    assert scene.bring(rotator).state is State.OVERLAPPING
    assert "after renew" in scene.steps


def test_versions_move_one_way_and_one_at_a_time(scene: Scene) -> None:
    """A second candidate, and a promotion of another version, are refused by the vault."""
    owner, name = KEY

    def add(change: Transaction) -> int:
        return change.store_pending_secret(owner=owner, field=name, secret=Secret(SECOND))

    version = scene.vault.write(add)
    with pytest.raises(ConflictError):
        scene.vault.write(add)
    with pytest.raises(NotFoundError):
        scene.vault.write(lambda change: change.promote_secret(*KEY, version + 1))
    assert scene.stages() == ["current", "pending"]
    assert scene.vault.open_secret(*KEY, stage="pending").reveal() == SECOND
    scene.vault.write(lambda change: change.promote_secret(*KEY, version))
    assert scene.vault.write(lambda change: change.drop_pending(*KEY)) is None
    assert scene.vault.write(lambda change: change.retire_previous(*KEY)) == 1
    assert scene.stages() == ["retired", "current"]


def test_every_step_of_trouble_has_its_name(scene: Scene) -> None:
    """So that a test can stop at each of them."""
    rotator, _ = scene.by_hand()
    rotator.rotate(*KEY)
    scene.bring(rotator, "no-such-key-anywhere")
    rotator.resume(*KEY)
    broken = scene.rotator(Automatic(scene.far, inside=_break_before_set))
    broken.rotate(*KEY)
    assert [step for step in TROUBLE_STEPS if step not in scene.steps] == []


def _break_before_set(place: str) -> None:
    if place == "inside set, before":
        raise OSError
