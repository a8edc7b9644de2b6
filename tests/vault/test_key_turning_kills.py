"""Proves that a rotation of the vault's own keys survives a kill, and the company of others."""

from __future__ import annotations

import signal

import pytest

from tests.forking import PROCESSES, started
from tests.vault.turning import (
    EDGES,
    Site,
    check_readable,
    check_whole,
    read_for_ever,
    turn_at_once,
    turn_keys,
    turn_keys_until,
    value_of,
    write_for_ever,
)

pytestmark = [pytest.mark.requirement("keys.turning", "threat.14"), pytest.mark.slow]


@pytest.mark.parametrize(("at", "nth"), EDGES)
def test_a_rotation_of_keys_that_is_killed_is_finished_by_the_next(
    site: Site, at: str, nth: int
) -> None:
    """Everything is read right after the kill, and the next rotation ends the first at once."""
    process, told = started(turn_keys_until, site.root, at, nth)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL
    with site.open_noted() as vault:
        check_readable(vault)
        assert vault.verify().ok
        report = turn_keys(vault)
        assert report.left == ()
        check_readable(vault)
        check_whole(vault)
        # A rotation that is open is ended, and no other one begun.
        ended = at in {"before release", "after release", "after end"} or at.endswith("scrub")
        assert report.number == (2 if ended else 1)


def test_readers_and_writers_in_other_processes_never_notice(site: Site) -> None:
    """One opens everything, one stores new secrets, through several rotations."""
    stop = PROCESSES.Event()
    reader, reads = started(read_for_ever, site.root, stop)
    writer, writes = started(write_for_ever, site.root, stop)
    assert (reads.recv(), writes.recv()) == ("reading", "writing")
    with site.open_noted() as vault:
        for _ in range(4):
            assert turn_keys(vault).left == ()
        stop.set()
        rounds, count = reads.recv(), writes.recv()
        reader.join()
        writer.join()
        assert isinstance(rounds, int), rounds
        check_readable(vault)
        for number in range(count):
            owner = f"new_{number}"
            assert vault.open_secret(owner, "api_key").reveal() == value_of(owner)
        assert turn_keys(vault).left == ()
        check_whole(vault)
    assert rounds >= 2
    assert count >= 1


def test_of_processes_that_rotate_at_once_one_does(site: Site) -> None:
    """The others are told who is at work, or rotate after it."""
    running = [started(turn_at_once, site.root) for _ in range(4)]
    told = [pipe.recv() for _, pipe in running]
    for process, _ in running:
        process.join()
    assert set(told) <= {"done", "LeaseHeldError"}
    assert "done" in told
    with site.open_noted() as vault:
        check_readable(vault)
        check_whole(vault)
