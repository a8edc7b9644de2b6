"""Proves that processes share one vault, and that a killed one leaves it whole."""

from __future__ import annotations

import os
import signal

import pytest

from tests.forking import started
from tests.vault.ground import Place, row_of
from tests.vault.processes import (
    append_rows,
    claim,
    write_for_ever,
    write_until_full,
)

pytestmark = pytest.mark.requirement("vault.two_processes")


def test_processes_write_one_line(place: Place) -> None:
    """Four at once, blocking and from loops: no gap, no fork, every row there."""
    place.create().close()
    running = [started(append_rows, place.root, str(number), 40) for number in range(4)]
    for process, told in running:
        assert told.recv() == "done"
        process.join()
        told.close()
    with place.open() as vault:
        report = vault.verify_log()
    assert (report.ok, report.rows, len(report.open)) == (True, 160, 160)


@pytest.mark.requirement("log.claim")
def test_processes_claim_an_operation_once(place: Place) -> None:
    """Four try; one has the intent, the others are told that it is claimed."""
    place.create().close()
    running = [started(claim, place.root, "op_same") for _ in range(4)]
    told = [pipe.recv() for _, pipe in running]
    for process, pipe in running:
        process.join()
        pipe.close()
    assert sorted(map(str, told)) == ["1", *["OperationClaimedError"] * 3]


@pytest.mark.requirement("vault.kill")
def test_a_killed_process_leaves_a_vault_that_opens_and_verifies(place: Place) -> None:
    """Whatever a caller was told is there; the line is whole; others write on."""
    place.create().close()
    intents: set[int] = set()
    settled: set[int] = set()
    for round_ in range(4):
        running = [started(write_for_ever, place.root, f"{round_}_{n}") for n in range(2)]
        for process, told in running:
            for _ in range(40 + 37 * round_):
                kind, seq = told.recv()
                (intents if kind == "intent" else settled).add(seq)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            told.close()
        with place.open() as vault:
            report = vault.verify_log()
            assert report.ok
            assert report.rows >= len(intents) + len(settled)
            assert not settled & set(report.open)
            for seq in intents:
                assert vault.open_payload(row_of(vault, seq)) == b"why and what"


@pytest.mark.requirement("vault.full_disk")
def test_a_disk_without_room_loses_nothing_and_recovers(place: Place) -> None:
    """The write is refused by name; when there is room again, the vault goes on."""
    place.create().close()
    process, told = started(write_until_full, place.root)
    kind, written = told.recv()
    assert kind in {"StoreFullError", "StoreUnavailableError"}
    assert told.recv() is True
    process.join()
    told.close()
    with place.open() as vault:
        report = vault.verify_log()
    assert (report.ok, report.rows) == (True, written + 3)
