"""Proves with real processes that what may happen once happens once, and no budget is overspent."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clientary_connector.logentry import LogFilter
from clientary_connector.sandbox import Fault, FaultKind
from tests.acceptance.processes import finish, start, told
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

PROCESSES = 4


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a state directory that every process of a test shares."""
    with set_stage(tmp_path / "state") as ready:
        ready.sandbox.forget()
        yield ready


def ready(stage: Stage, count: int, *operation: str) -> list[subprocess.Popen[str]]:
    """Starts the processes, and comes back when each of them waits for the word."""
    processes = [start("racer", stage.state, count, *operation) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


def go(processes: list[subprocess.Popen[str]]) -> None:
    """Gives the word."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def ended(processes: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    """Returns the results of all."""
    return [one for process in processes for one in told(finish(process, limit_s=180)[0])]


@pytest.mark.requirement("policy.once.wait")
def test_one_operation_from_sixteen_callers_runs_once(stage: Stage) -> None:
    """Four processes with four calls each: one is sent, fifteen get its result."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=0.3))
    processes = ready(stage, 4, "op_only")
    go(processes)
    results = ended(processes)
    assert Counter(one["replayed"] for one in results) == {False: 1, True: 15}
    assert {one["outcome"] for one in results} == {"succeeded"}
    assert len({one["log_id"] for one in results}) == 1
    assert stage.sandbox.done("POST", "/clients") == 1
    assert stage.connector.log.verify().ok


@pytest.mark.requirement("policy.once.wait")
def test_a_repeat_stops_waiting_when_the_first_one_dies(stage: Stage) -> None:
    """It is refused as unknown then, long before its time to wait is over."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=60))
    first, *others = ready(stage, 1, "op_only")
    go([first])
    while not stage.sandbox.requests:
        assert first.poll() is None
    go(others)
    first.kill()
    first.communicate()
    results = ended(others)
    assert {(one["outcome"], one["error"]) for one in results} == {("refused", "unknown")}
    assert len(stage.sandbox.requests) == 1


@pytest.mark.requirement("policy.budget.stop", "policy.budget.truth")
def test_a_budget_of_a_hundred_is_spent_to_the_last_credit(stage: Stage) -> None:
    """Three hundred calls of one credit at once, over four processes: a hundred are sent."""
    stage.connector.budgets.set("account", "", 100, user="root")
    processes = ready(stage, 75)
    go(processes)
    results = ended(processes)
    seen = Counter((one["outcome"], one["error"]) for one in results)
    assert seen == {("succeeded", None): 100, ("refused", "over_budget"): 200}
    assert len(stage.sandbox.requests) == 100
    (budget,) = stage.connector.budgets.all()
    assert (budget.spent, budget.left) == (100, 0)
    assert stage.connector.log.verify().ok


def settled(stage: Stage) -> int:
    """Returns how many requests had been written by now, whenever the far side reads them.

    What was written lies in its sockets: an answer to somebody who comes later says that it has
    read all of that, and a second one that it has counted it.
    """
    for _ in range(2):
        with closing(HTTPConnection(urlsplit(stage.running.url).netloc, timeout=60)) as line:
            line.request("GET", "/_sandbox/", headers={"X-Sandbox-Key": stage.running.key})
            assert line.getresponse().status == 200
    return len(stage.sandbox.requests)


@pytest.mark.requirement("policy.budget.stop", "proof.revoke")
def test_a_revoke_in_the_middle_of_it_lets_nothing_start_after_it(stage: Stage) -> None:
    """Budget, turns and waiting repeats notwithstanding: nothing arrives after it returned."""
    stage.connector.budgets.set("account", "", 250, user="root")
    processes = ready(stage, 75)
    go(processes)
    while len(stage.sandbox.requests) < 10:
        assert all(process.poll() is None for process in processes)
    revocation = stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER, persona=PERSONA))
    arrived = settled(stage)
    results = ended(processes)
    assert len(stage.sandbox.requests) == arrived
    calls = stage.connector.log.page(LogFilter(kind="call"), limit=500).entries
    assert all(one.id < (revocation.log_id or 0) for one in calls)
    assert {one["error"] for one in results} <= {None, "revoked", "denied", "over_budget"}
    assert stage.connector.budgets.all()[0].spent <= arrived + PROCESSES * 75
    assert stage.connector.log.verify().ok
