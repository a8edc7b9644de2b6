"""Proves that after a revoke nothing leaves any more: not the next call, not a waiting one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import (
    ErrorKind,
    LogFilter,
    Outcome,
    Result,
    Revocation,
    Secret,
    Settings,
)
from clientary_connector.sandbox import Fault, FaultKind
from tests.acceptance.processes import finish, start, told
from tests.acceptance.slow_to_accept import SlowToAccept, slow_to_accept
from tests.actions.expected import JSON
from tests.actions.stage import ACCOUNT, PERSONA, Stage, set_stage
from tests.actions.traces import CANARY, Tracker

pytestmark = pytest.mark.requirement("proof.revoke")

QUEUED = 8
#: What a far side takes that nobody waits for, and by when a call is stopped in a busy place.
LONG_S, SOON_S = 30, 10.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a connector."""
    with set_stage(tmp_path / "state") as ready:
        ready.sandbox.forget()
        yield ready


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Stage]:
    """The same with one line, so that calls wait for each other."""
    with set_stage(tmp_path / "state", settings=Settings(max_connections=1)) as ready:
        ready.sandbox.forget()
        yield ready


def test_a_revoke_in_another_process_stops_the_next_call(stage: Stage) -> None:
    """After it has returned, nothing leaves this process."""
    assert stage.run(stage.call("list_clients", {})).outcome is Outcome.SUCCEEDED
    finish(start("revoker", stage.state, ACCOUNT))
    stage.sandbox.forget()
    result = stage.run(stage.call("list_clients", {}))
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.REFUSED, ErrorKind.REVOKED)
    assert stage.sandbox.requests == []


def test_a_revoke_in_another_process_stops_a_call_between_two_sends(stage: Stage) -> None:
    """A call that waits to try again does not, once the connection is revoked."""
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "15"}, times=None)
    )
    process = start("revoker", stage.state, ACCOUNT)
    result = stage.run(stage.call("list_clients", {}))
    finish(process)
    assert result.error is not None
    assert result.error.kind is ErrorKind.REVOKED
    assert len(stage.sandbox.requests) <= 1


def test_a_revoke_stops_calls_that_wait_for_a_free_line(narrow: Stage) -> None:
    """Of many writes at once over one line, those not yet sent are never sent, and say so."""
    narrow.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=1.0))
    first, *waiting = narrow.wait(lambda: _revoked_while_queued(narrow))
    assert first.outcome is Outcome.SUCCEEDED
    assert {result.error and result.error.kind for result in waiting} == {ErrorKind.REVOKED}
    assert narrow.sandbox.done("POST", "/clients") == 1
    logged = narrow.connector.log.page(LogFilter(action="create_client")).entries
    assert sorted(entry.outcome for entry in logged) == sorted(
        result.outcome.value for result in (first, *waiting)
    )


def test_a_revoke_leaves_no_key_behind(stage: Stage) -> None:
    """The sealed key is gone from the state, and a call under way has left no trace of it."""
    revocation = stage.wait(lambda: stage.connector.revoke(ACCOUNT, user="admin"))
    assert (revocation.grants_closed, revocation.secrets_destroyed) == (1, 1)
    assert Tracker(CANARY).in_files(stage.state) == {}


@pytest.mark.parametrize(
    ("action", "arguments"), [("list_clients", {}), ("create_client", {"name": "Acme"})]
)
def test_a_call_that_waits_to_try_again_is_stopped(
    stage: Stage, action: str, arguments: dict[str, Any]
) -> None:
    """It does not sit its wait out, and is not sent again: 429 says that nothing was done."""
    busy = Fault(
        kind=FaultKind.STATUS, status=429, headers={"retry-after": str(LONG_S)}, times=None
    )
    result, took_s = _revoked_once_seen(stage, action, arguments, busy)
    assert _ended(result) == (Outcome.FAILED, ErrorKind.REVOKED)
    assert took_s < SOON_S
    assert len(stage.sandbox.requests) == 1


def test_a_list_is_stopped_between_two_pages(stage: Stage) -> None:
    """The pages that it has are no result, and no further page is asked for."""
    slow = Fault(kind=FaultKind.DELAY, delay_s=LONG_S, nth=2, times=None)
    result, took_s = _revoked_once_seen(stage, "list_clients", {"limit": 40}, slow, requests=2)
    assert _ended(result) == (Outcome.FAILED, ErrorKind.REVOKED)
    assert took_s < SOON_S
    assert len(stage.sandbox.requests) == 2


def test_a_read_in_flight_is_stopped(stage: Stage) -> None:
    """Nobody waits for an answer that may not be used any more."""
    slow = Fault(kind=FaultKind.DELAY, delay_s=LONG_S)
    result, took_s = _revoked_once_seen(stage, "list_clients", {}, slow)
    assert _ended(result) == (Outcome.FAILED, ErrorKind.REVOKED)
    assert took_s < SOON_S
    (entry,) = stage.connector.log.page(LogFilter(operation=result.operation)).entries
    assert (entry.outcome, entry.error) == ("failed", "revoked")


def test_a_write_in_flight_ends_and_is_logged_as_completed_after_the_revoke(stage: Stage) -> None:
    """What was sent was sent: the result is true, and the log says when it came."""
    slow = Fault(kind=FaultKind.DELAY, delay_s=1.0)
    result, _ = _revoked_once_seen(stage, "create_client", {"name": "Late"}, slow)
    assert result.outcome is Outcome.SUCCEEDED
    (entry,) = stage.connector.log.page(LogFilter(operation=result.operation)).entries
    assert (entry.outcome, entry.facts["completed_after_revoke"]) == ("succeeded", True)


def test_a_write_in_flight_without_an_answer_stays_unknown_after_the_revoke(stage: Stage) -> None:
    """A revoke does not make a broken line a refusal."""
    cut = Fault(kind=FaultKind.CUT_AFTER, delay_s=1.0)
    result, _ = _revoked_once_seen(stage, "create_client", {"name": "Late"}, cut)
    assert _ended(result) == (Outcome.UNKNOWN, ErrorKind.UNKNOWN)
    (entry,) = stage.connector.log.page(LogFilter(operation=result.operation)).entries
    assert entry.facts["completed_after_revoke"]
    assert stage.sandbox.done("POST", "/clients") == 1


def test_an_outcome_before_the_revoke_says_nothing_of_one(stage: Stage) -> None:
    """Only what ended after it carries the mark."""
    result = stage.run(stage.call("create_client", {"name": "In time"}))
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user="admin"))
    (entry,) = stage.connector.log.page(LogFilter(operation=result.operation)).entries
    assert "completed_after_revoke" not in entry.facts


def test_a_write_that_was_changed_but_cannot_be_read_again_is_done(stage: Stage) -> None:
    """The reread after an empty answer is a send like any other; the change stands."""
    client = stage.world.id("client")
    stage.sandbox.forget()
    empty = Fault(kind=FaultKind.EMPTY, method="PUT", delay_s=1.0)
    arguments = {"id": client, "website": "https://late.example"}
    result, _ = _revoked_once_seen(stage, "update_client", arguments, empty)
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, None)
    assert result.warnings
    assert [seen.method for seen in stage.sandbox.requests] == ["PUT"]


def test_one_grant_is_revoked_and_the_calls_of_others_go_on(stage: Stage) -> None:
    """Of two reads in flight one is stopped; the key stays, and is used by the other."""
    stage.connector.grant("planner", ACCOUNT, scopes=["clients:read"], user="admin")
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=1.0, times=2))
    revocation, ours, theirs = stage.wait(lambda: _one_of_two_revoked(stage))
    assert _ended(ours) == (Outcome.FAILED, ErrorKind.REVOKED)
    assert theirs.outcome is Outcome.SUCCEEDED
    assert (revocation.persona, revocation.secrets_destroyed) == (PERSONA, 0)
    after = stage.run(stage.call("list_clients", {}))
    assert _ended(after) == (Outcome.REFUSED, ErrorKind.DENIED)
    again = stage.run(stage.call("list_clients", {}, persona="planner"))
    assert again.outcome is Outcome.SUCCEEDED


def test_a_grant_that_was_made_smaller_stops_what_it_no_longer_covers(stage: Stage) -> None:
    """To take one scope away is to revoke it; what is still covered goes on."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=1.0, times=2))
    covered, lost = stage.wait(lambda: _made_smaller(stage))
    assert covered.outcome is Outcome.SUCCEEDED
    assert _ended(lost) == (Outcome.FAILED, ErrorKind.REVOKED)


def test_a_read_in_another_process_is_stopped(stage: Stage) -> None:
    """That process looks by itself; a slow service does not hold a revoked call for long."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=LONG_S, times=None))
    process = start("caller", stage.state, PERSONA, 1, "list_clients")
    _until(lambda: bool(stage.sandbox.requests))
    revocation = stage.wait(lambda: stage.connector.revoke(ACCOUNT, user="admin"))
    began = time.monotonic()
    (result,) = told(finish(process)[0])
    assert time.monotonic() - began < SOON_S
    assert (result["outcome"], result["error"]) == ("failed", "revoked")
    assert revocation.confirmed
    assert len(stage.sandbox.requests) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel whether a process rests")
def test_a_process_that_was_asleep_sends_nothing_when_it_wakes(stage: Stage) -> None:
    """Stopped while it waited to try again, and woken after the revoke, it looks first."""
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "4"}, times=None)
    )
    process = start("caller", stage.state, PERSONA, 1, "list_clients")
    _until(lambda: any(seen.status for seen in stage.sandbox.requests))
    # Until it has left its gate: a process that is stopped in there cannot confirm.
    _until(lambda: _rests(process))
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)
    revocation = stage.wait(lambda: stage.connector.revoke(ACCOUNT, user="admin"))
    process.send_signal(signal.SIGCONT)
    (result,) = told(finish(process)[0])
    assert (result["outcome"], result["error"]) == ("failed", "revoked")
    assert revocation.confirmed
    assert len(stage.sandbox.requests) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel who waits for a line")
@pytest.mark.parametrize("action", ["list_clients", "create_client"])
def test_a_call_whose_line_is_being_opened_sends_nothing(stage: Stage, action: str) -> None:
    """A far side that is slow to accept does not hold the revoke up, and never sees the call."""
    with slow_to_accept() as far_side:
        far_side.answer_one()
        stage.wait(lambda: _joined(stage, far_side.url))
        far_side.crowd()
        result, took_s = stage.wait(lambda: _revoked_while_opening(stage, action, far_side))
        assert _ended(result) == (Outcome.REFUSED, ErrorKind.REVOKED)
        assert took_s < SOON_S
        assert far_side.came() == b""


def _rests(process: subprocess.Popen[str]) -> bool:
    """Says whether a process sleeps, and has used no processor for a moment."""
    place = Path(f"/proc/{process.pid}/stat")
    before = place.read_text().rpartition(")")[2].split()
    time.sleep(0.05)
    after = place.read_text().rpartition(")")[2].split()
    return after[0] == "S" and before[11:13] == after[11:13]


async def _revoked_while_queued(stage: Stage) -> list[Result]:
    """Starts many writes, revokes once the first is on its way, and returns all results."""
    calls = [
        asyncio.ensure_future(
            stage.connector.run(stage.call("create_client", {"name": f"Queued {number}"}))
        )
        for number in range(QUEUED)
    ]
    while not stage.sandbox.requests:  # noqa: ASYNC110 - the far side runs in another thread
        await asyncio.sleep(0.001)
    await stage.connector.revoke(ACCOUNT, user="admin")
    return await asyncio.gather(*calls)


def _revoked_once_seen(
    stage: Stage, action: str, arguments: Mapping[str, JSON], fault: Fault, *, requests: int = 1
) -> tuple[Result, float]:
    """Revokes once so many requests have come; gives the result, and how long it took from then."""

    async def run() -> tuple[Result, float]:
        call = asyncio.ensure_future(stage.connector.run(stage.call(action, arguments)))
        await _seen(stage, requests)
        revocation = await stage.connector.revoke(ACCOUNT, user="admin")
        began = time.monotonic()
        result = await call
        assert revocation.confirmed
        return result, time.monotonic() - began

    stage.sandbox.faults.add(fault)
    return stage.wait(run)


async def _one_of_two_revoked(stage: Stage) -> tuple[Revocation, Result, Result]:
    """Has two personas read at once, and revokes the grant of one."""
    ours = asyncio.ensure_future(stage.connector.run(stage.call("list_clients", {})))
    await _seen(stage, 1)
    theirs = asyncio.ensure_future(
        stage.connector.run(stage.call("list_clients", {}, persona="planner"))
    )
    await _seen(stage, 1)
    revocation = await stage.connector.revoke(ACCOUNT, user="admin", persona=PERSONA)
    return revocation, await ours, await theirs


async def _made_smaller(stage: Stage) -> tuple[Result, Result]:
    """Takes one scope out of a grant while two reads are in flight."""
    covered = asyncio.ensure_future(stage.connector.run(stage.call("list_clients", {})))
    lost = asyncio.ensure_future(stage.connector.run(stage.call("list_projects", {})))
    await _seen(stage, 2)
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["clients:read"], user="admin")
    return await covered, await lost


async def _joined(stage: Stage, url: str) -> None:
    """Connects another account under the name `slow`, for the usual persona."""
    await stage.connector.connect("slow", secret=Secret(CANARY), user="admin", sandbox=url)
    stage.connector.grant(PERSONA, "slow", scopes=["clients:*"], user="admin")


async def _revoked_while_opening(
    stage: Stage, action: str, far_side: SlowToAccept
) -> tuple[Result, float]:
    """Revokes while a call waits for its line, and gives what came of it and how soon."""
    arguments: dict[str, JSON] = {} if action == "list_clients" else {"name": "Never"}
    call = stage.call(action, arguments, connection="slow")
    running = asyncio.ensure_future(stage.connector.run(call))
    await asyncio.to_thread(far_side.wait_for_a_caller)
    began = time.monotonic()
    revocation = await stage.connector.revoke("slow", user="admin")
    result = await running
    assert revocation.confirmed
    return result, time.monotonic() - began


async def _seen(stage: Stage, requests: int) -> None:
    """Waits until so many requests have come; the far side runs in another thread."""
    while len(stage.sandbox.requests) < requests:  # noqa: ASYNC110 - nothing to wait on
        await asyncio.sleep(0.001)


def _ended(result: Result) -> tuple[Outcome, ErrorKind | None]:
    return result.outcome, None if result.error is None else result.error.kind


def _until(reached: Callable[[], bool]) -> None:
    while not reached():
        time.sleep(0.005)
