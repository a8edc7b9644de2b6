"""Proves that a rotation survives the death of its process, and the company of others."""

from __future__ import annotations

import os
import signal

import pytest

from connector_vault import LeaseHeldError, Secret, Vault
from connector_vault.hooks import Verdict
from connector_vault.rotation import State
from connector_vault.rotator import STEPS
from tests.forking import PROCESSES, started
from tests.vault.far_side import FIRST, INSIDE, Automatic, ByHand, FarSide
from tests.vault.ground import Place, store
from tests.vault.rotating import (
    BROUGHT,
    KEY,
    rotate_and_hang,
    rotate_together,
    rotate_until,
    rotator,
)

pytestmark = [pytest.mark.requirement("threat.10"), pytest.mark.slow]

#: A rotation with a key that a person brings takes all steps but those that hooks do alone.
_PEOPLE = [step for step in STEPS if step.split()[-1] not in {"create", "begin-set", "set"}]


@pytest.mark.parametrize("kind", ["several keys", "one key"])
@pytest.mark.parametrize("at", [*STEPS, *INSIDE])
def test_a_rotation_by_hooks_that_is_killed_is_finished_by_the_next(
    place: Place, kind: str, at: str
) -> None:
    """Whether the service holds several keys or one: it has set one key, and that is in use."""
    far = _killed(place, kind, at)
    with place.open() as vault:
        hooks = Automatic(far, single=kind == "one key")
        _check_a_key_that_works(vault, far)
        mine = rotator(vault, hooks)
        found = mine.rotation(*KEY)
        done = mine.rotate(*KEY) if found is None else mine.resume(*KEY)
        if done.open:  # the set was undone by asking; the next run does it again
            done = mine.resume(*KEY)
        assert (done.state, done.number) == (State.FINISHED, 1)
        _check_end(vault, far)
        assert list(far.state()["keys"]) == ["canary-key-1-of-acme"]
        assert far.state()["sets"] == ["canary-key-1-of-acme"]
    _check_no_trace(place)


@pytest.mark.parametrize("at", _PEOPLE)
def test_a_rotation_by_hand_that_is_killed_is_finished_by_the_next(place: Place, at: str) -> None:
    """The person runs it again with the same key, or the timer does it without one."""
    far = _killed(place, "by hand", at, BROUGHT)
    with place.open() as vault:
        _check_a_key_that_works(vault, far)
        mine = rotator(vault, ByHand(far))
        found = mine.rotation(*KEY)
        if found is None or found.new is None:
            far.allow(BROUGHT)
            with Secret(BROUGHT) as secret:
                mine.rotate(*KEY, secret=secret)
        elif found.open:
            mine.resume(*KEY)
        far.forbid(FIRST)
        done = mine.resume(*KEY)
        assert (done.state, done.number) == (State.FINISHED, 1)
        _check_end(vault, far)
    _check_no_trace(place)


@pytest.mark.requirement("threat.11", "rotation.lease")
def test_nobody_waits_for_the_dead_and_nobody_overtakes_the_stopped(place: Place) -> None:
    """A process that was stopped keeps its lease; once it is killed, the next one goes on."""
    far = _ready(place)
    far.allow(BROUGHT)
    process, told = started(rotate_and_hang, place.root)
    assert told.recv() == "at work"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)
    with place.open() as vault:
        mine = rotator(vault, ByHand(far))
        with pytest.raises(LeaseHeldError, match="until"):
            mine.resume(*KEY)
        process.kill()
        process.join()
        told.close()
        assert mine.resume(*KEY).state is State.OVERLAPPING
        _check_end(vault, far)


@pytest.mark.requirement("threat.11")
@pytest.mark.parametrize("kind", ["by hand", "several keys"])
def test_eight_processes_rotate_once(place: Place, kind: str) -> None:
    """All saw the same version in use: one promotion, and the service saw one key set."""
    far = _ready(place)
    far.allow(BROUGHT)
    start = PROCESSES.Barrier(8)
    running = [started(rotate_together, place.root, kind, start) for _ in range(8)]
    told = [pipe.recv() for _, pipe in running]
    for process, pipe in running:
        process.join()
        pipe.close()
    assert {"overlapping", "finished"} & set(told)
    assert set(told) <= {"overlapping", "finished", "held", "ReplacedError"}
    assert len(far.state()["sets"]) == (0 if kind == "by hand" else 1)
    with place.open() as vault:
        stages = vault.read(lambda view: view.secret_versions(*KEY))
        assert [one.version for one in stages] == [1, 2]
        assert [one.stage for one in stages][1] == "current"
        _check_end(vault, far)


def _ready(place: Place) -> FarSide:
    """Makes a vault that holds the service's first key."""
    with place.create() as vault:
        store(vault, *KEY, FIRST)
    return FarSide.made(place.root / "far.json")


def _killed(place: Place, kind: str, at: str, *allowed: str) -> FarSide:
    """Has a process rotate until it is killed at a step."""
    far = _ready(place)
    for key in allowed:
        far.allow(key)
    if "retire" in at and kind == "by hand":
        far.forbid(FIRST)
    process, told = started(rotate_until, place.root, kind, at)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL
    return far


def _check_a_key_that_works(vault: Vault, far: FarSide) -> None:
    """At no moment is the only key that works lost: one that is sealed here is accepted."""
    held = vault.read(lambda view: view.secret_versions(*KEY))
    keys = [
        vault.open_secret(*KEY, stage=stage).reveal()
        for stage in ("current", "pending", "previous")
        if any(one.stage == stage for one in held)
    ]
    assert [one.stage for one in held].count("current") == 1
    assert Verdict.ACCEPTED in {far.ask(key) for key in keys}


def _check_end(vault: Vault, far: FarSide) -> None:
    """Exactly one version is current, and the service accepts it; the log is whole."""
    held = [one.stage for one in vault.read(lambda view: view.secret_versions(*KEY))]
    assert (held.count("current"), held.count("pending")) == (1, 0)
    with vault.open_secret(*KEY) as secret:
        assert far.ask(secret.reveal()) is Verdict.ACCEPTED
    assert vault.verify_log().ok


def _check_no_trace(place: Place) -> None:
    """No file of the vault holds a key."""
    assert b"canary-key" not in place.bytes_on_disk()
