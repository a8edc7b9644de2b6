"""Proves that after a revoke nothing leaves any more: neither the next call nor a retry."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, Outcome
from clientary_connector.sandbox import Fault, FaultKind
from tests.acceptance.processes import finish, start
from tests.actions.stage import ACCOUNT, Stage, set_stage
from tests.actions.traces import CANARY, Tracker

pytestmark = pytest.mark.requirement("proof.revoke")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a connector."""
    with set_stage(tmp_path / "state") as ready:
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
        Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "3"}, times=None)
    )
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(stage.run, stage.call("list_clients", {}))
        finish(start("revoker", stage.state, ACCOUNT))
        sent = len(stage.sandbox.requests)
        result = pending.result()
    assert result.error is not None
    assert result.error.kind is ErrorKind.REVOKED
    assert sent >= 1
    assert len(stage.sandbox.requests) == sent


def test_a_revoke_leaves_no_key_behind(stage: Stage) -> None:
    """The sealed key is gone from the state, and a call under way has left no trace of it."""
    revocation = stage.wait(lambda: stage.connector.revoke(ACCOUNT, user="admin"))
    assert (revocation.grants_closed, revocation.secrets_destroyed) == (1, 1)
    assert Tracker(CANARY).in_files(stage.state) == {}
