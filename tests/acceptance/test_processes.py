"""Proves that processes share one state directory, die at any moment, and nothing is lost."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, LogEntry, LogFilter, Outcome, open_connector
from tests.acceptance.processes import finish, start, told
from tests.actions.stage import Stage, set_stage
from tests.actions.traces import CANARY, Tracker


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a state directory that every process of a test shares."""
    with set_stage(tmp_path / "state") as ready:
        ready.sandbox.forget()
        yield ready


@pytest.mark.requirement("proof.two_processes")
def test_two_processes_on_one_state_directory_lose_nothing(stage: Stage) -> None:
    """Every write of both happens once and is logged once, and the chain has no fork."""
    processes = [start("busy", stage.state, prefix, 60, 8) for prefix in ("left", "right")]
    results = [result for process in processes for result in told(finish(process)[0])]
    assert Counter(result["outcome"] for result in results) == {"succeeded": 120}
    assert _written(stage) == Counter({result["name"]: 1 for result in results})
    assert len({result["log_id"] for result in results}) == 120
    assert stage.connector.log.verify().ok
    entries = _calls(stage)
    assert {entry.outcome for entry in entries.values()} == {"succeeded"}
    assert {f"op_{result['name']}" for result in results} == set(entries)


@pytest.mark.requirement("proof.kill")
@pytest.mark.parametrize("after", [1, 20, 75])
def test_a_kill_in_the_middle_of_a_busy_run_loses_no_write(stage: Stage, after: int) -> None:
    """Every write that the far side saw has an intent; every outcome told stands in the log."""
    process = start("busy", stage.state, "busy", 5_000, 12)
    lines = _kill_after(process, after)
    results = {result["name"]: result for result in told(lines)}
    assert len(results) >= after
    with open_connector(stage.state) as reopened:
        assert reopened.log.verify().ok
        entries = _calls(stage)
        assert {f"op_{name}" for name in _written(stage)} <= set(entries)
        logged = {name: entries[f"op_{name}"].outcome for name in results}
        assert logged == {name: result["outcome"] for name, result in results.items()}
        assert max(_written(stage).values()) == 1
        opened = [entry for entry in entries.values() if entry.outcome == "open"]
        for entry in opened:
            name = entry.arguments["name"]
            again = reopened.run_sync(
                stage.call("create_client", {"name": name}, operation=f"op_{name}")
            )
            assert again.error is not None
            assert (again.outcome, again.error.kind) == (Outcome.REFUSED, ErrorKind.UNKNOWN)
        assert max(_written(stage).values()) == 1


@pytest.mark.requirement("proof.no_trace")
def test_no_process_leaves_a_trace_of_the_key(stage: Stage) -> None:
    """Neither the state directory nor anything that a process prints holds the key in any form."""
    tracker = Tracker(CANARY)
    out, err = finish(start("busy", stage.state, "quiet", 20, 4))
    assert tracker.in_text(out + err) == set()
    assert tracker.in_files(stage.state) == {}
    entries = [entry.to_json() for entry in _calls(stage).values()]
    assert tracker.in_text(json.dumps(entries)) == set()


def _kill_after(process: subprocess.Popen[str], lines: int) -> str:
    """Kills a process once it has printed so many lines; returns all that it printed."""
    with process:
        assert process.stdout is not None
        first = list(itertools.islice(process.stdout, lines))
        process.send_signal(signal.SIGKILL)
        return "".join(first) + process.stdout.read()


def _written(stage: Stage) -> Counter[str]:
    """Returns how often each client stands in the account, of those that a test made."""
    names = [record["name"] for record in stage.world.records("/clients", "clients")]
    return Counter(name for name in names if name.startswith(("left-", "right-", "busy-")))


def _calls(stage: Stage) -> dict[str, LogEntry]:
    """Returns every call in the log by operation."""
    entries: dict[str, LogEntry] = {}
    before: int | None = None
    while True:
        page = stage.connector.log.page(
            LogFilter(action="create_client"), before=before, limit=500, user="auditor"
        )
        entries |= {entry.operation: entry for entry in page.entries if entry.operation}
        if page.next_before is None:
            return entries
        before = page.next_before
