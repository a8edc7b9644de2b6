"""Proves what a host's cancel leaves behind, and that calls at once do not touch each other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from clientary_connector import Call, ErrorKind, LogFilter, Outcome
from clientary_connector.call.result import mint_operation
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.stage import Stage, set_stage
from tests.actions.traces import CANARY, Ear, Tracker


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox, a connector and a loop."""
    with set_stage(tmp_path / "state") as ready:
        ready.sandbox.forget()
        yield ready


@pytest.mark.requirement("proof.cancel")
def test_a_write_cancelled_by_the_host_is_logged_as_unknown(stage: Stage) -> None:
    """The host sees its cancel at once, and the log says that the write may have happened."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, delay_s=30))
    call = stage.call("create_client", {"name": "Cancelled"})
    with Ear() as ear:
        error = stage.wait(lambda: _cancelled_once_sent(stage, call))
    assert isinstance(error, asyncio.CancelledError)
    (entry,) = stage.connector.log.page(LogFilter(operation=call.operation)).entries
    assert (entry.outcome, entry.error) == ("unknown", "unknown")
    assert len(stage.sandbox.requests) == 1
    tracker = Tracker(CANARY)
    assert tracker.in_error(error) == set()
    assert tracker.in_text("".join(ear.heard)) == set()


@pytest.mark.requirement("proof.cancel")
def test_a_cancelled_write_is_not_sent_again_under_its_operation(stage: Stage) -> None:
    """A repeat of the operation is refused, and another operation goes through."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, delay_s=30))
    call = stage.call("create_client", {"name": "Cancelled"})
    stage.wait(lambda: _cancelled_once_sent(stage, call))
    again = stage.run(call)
    assert again.error is not None
    assert (again.outcome, again.error.kind) == (Outcome.REFUSED, ErrorKind.UNKNOWN)
    assert len(stage.sandbox.requests) == 1
    assert stage.run(stage.call("list_clients", {})).outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("proof.cancel", "proof.once")
def test_a_cancel_at_any_moment_leaves_one_settled_entry(stage: Stage) -> None:
    """Wherever the cancel falls, what was sent is in the log, settled, and not sent again."""
    calls = [stage.call("create_client", {"name": f"Moment {turns}"}) for turns in range(0, 120, 2)]
    for turns, call in enumerate(calls):
        stage.wait(partial(_cancelled_after, stage, call, turns * 4))
    again = stage.run_all(calls)
    names = [record["name"] for record in stage.world.records("/clients", "clients")]
    made = Counter(name for name in names if name.startswith("Moment"))
    assert set(made.values()) == {1}
    for call, result in zip(calls, again, strict=True):
        heads = [
            entry
            for entry in stage.connector.log.page(LogFilter(operation=call.operation)).entries
            if entry.kind == "call"
        ]
        assert [entry.outcome for entry in heads] in (["succeeded"], ["unknown"], ["refused"])
        assert (result.outcome is Outcome.SUCCEEDED) == (heads[0].outcome == "succeeded")


@pytest.mark.requirement("proof.batch")
def test_good_and_bad_calls_at_once_fail_each_for_itself(stage: Stage) -> None:
    """Every call of a mixed batch gets the verdict that it would get alone, in its place."""
    client = stage.world.id("client")
    kinds: list[tuple[Call, Outcome, ErrorKind | None]] = [
        (stage.call("get_client", {"id": client}), Outcome.SUCCEEDED, None),
        (stage.call("get_client", {"id": 987_654}), Outcome.FAILED, ErrorKind.NOT_FOUND),
        (stage.call("get_client", {"id": "x"}), Outcome.REFUSED, ErrorKind.INVALID_ARGUMENTS),
        (stage.call("get_klient", {"id": 1}), Outcome.REFUSED, ErrorKind.INVALID_ARGUMENTS),
        (
            stage.call("get_client", {"id": client}, persona="stranger"),
            Outcome.REFUSED,
            ErrorKind.DENIED,
        ),
        (
            stage.call("get_client", {"id": client}, connection="nowhere"),
            Outcome.REFUSED,
            ErrorKind.DENIED,
        ),
        (stage.call("create_client", {"name": "New"}), Outcome.SUCCEEDED, None),
        (stage.call("list_clients", {"limit": 15}), Outcome.SUCCEEDED, None),
    ]
    calls = [(_again(call), outcome, kind) for _ in range(6) for call, outcome, kind in kinds]
    results = stage.run_all([call for call, _, _ in calls])
    seen = [(result.outcome, result.error and result.error.kind) for result in results]
    assert seen == [(outcome, kind) for _, outcome, kind in calls]
    assert [result.operation for result in results] == [call.operation for call, _, _ in calls]
    assert stage.sandbox.done("POST", "/clients") == 6
    assert stage.connector.log.verify().ok


@pytest.mark.requirement("proof.batch")
def test_one_operation_given_many_times_at_once_is_done_once(stage: Stage) -> None:
    """Of equal calls under one operation one is sent; no other claims to have done it anew."""
    call = stage.call("create_client", {"name": "Only"}, operation="op_only")
    results = stage.run_all([call] * 12)
    assert stage.sandbox.done("POST", "/clients") == 1
    first_hand = [
        result for result in results if result.outcome is Outcome.SUCCEEDED and not result.replayed
    ]
    assert len(first_hand) == 1
    others = [result for result in results if result is not first_hand[0]]
    assert all(
        result.replayed or (result.error and result.error.kind is ErrorKind.UNKNOWN)
        for result in others
    )
    assert stage.run(call).replayed


async def _cancelled_once_sent(stage: Stage, call: Call) -> BaseException:
    """Runs a call, cancels it as soon as the far side has seen it, and returns what came."""
    task = asyncio.ensure_future(stage.connector.run(call))
    while not stage.sandbox.requests:  # noqa: ASYNC110 - the far side runs in another thread
        await asyncio.sleep(0.001)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as error:
        return error
    raise AssertionError("The call was not cancelled.")


async def _cancelled_after(stage: Stage, call: Call, turns: int) -> None:
    """Runs a call and cancels it after so many turns of the loop."""
    task = asyncio.ensure_future(stage.connector.run(call))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    # What the cancelled call still had to write down is written before the loop stops.
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def _again(call: Call) -> Call:
    """Returns the same call as a step of its own."""
    return replace(call, operation=mint_operation())
