"""Proves that a yes serves once, whichever process claims it, and is gone when it is taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from clientary_connector import Terms
from clientary_connector.errors import ApprovalEndedError
from tests.acceptance.processes import finish, start, told
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

pytestmark = pytest.mark.requirement("policy.approvals.race")
BOSS: Final = "grace"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a state directory that every process of a test shares."""
    with set_stage(tmp_path / "state") as ready:
        ready.connector.grant(PERSONA, ACCOUNT, user=USER, terms=Terms(scopes=("*:*",)))
        ready.sandbox.forget()
        yield ready


def test_one_approval_claimed_by_16_callers_in_4_processes_runs_once(stage: Stage) -> None:
    """One call is sent; the 15 others wait for the same new approval."""
    client = _client(stage)
    approval = _given(stage, client)
    results = _race(stage, client)
    assert Counter(one["outcome"] for one in results) == {"succeeded": 1, "refused": 15}
    others = {(one["error"], one["approval"]) for one in results if one["outcome"] == "refused"}
    assert len(others) == 1
    ((kind, asked),) = others
    assert kind == "approval_required"
    assert asked != approval
    assert [one.method for one in stage.sandbox.requests] == ["DELETE"]
    assert [one.id for one in stage.connector.approvals.pending()] == [asked]
    used = [one for one in stage.connector.approvals.all() if one.state == "used"]
    assert [one.id for one in used] == [approval]
    assert stage.connector.log.verify().ok


def test_an_approval_taken_back_while_16_callers_claim_it_runs_once_or_never(
    stage: Stage,
) -> None:
    """Whoever commits first wins, and the other is told: nothing is both denied and sent."""
    client = _client(stage)
    approval = _given(stage, client)
    processes = _begun(stage, client)
    for process in processes:
        _go(process)
    denied = _denied(stage, approval)
    results = [one for process in processes for one in told(finish(process)[0])]
    sent = [one.method for one in stage.sandbox.requests]
    assert sent == ([] if denied else ["DELETE"])
    assert Counter(one["outcome"] for one in results)["succeeded"] == len(sent)
    state = stage.connector.approvals.approval(approval).state
    assert state == ("denied" if denied else "used")


def test_a_grant_revoked_while_16_callers_claim_an_approval_lets_nothing_start_after(
    stage: Stage,
) -> None:
    """What was sent was sent before the revoke returned, and at most once."""
    client = _client(stage)
    _given(stage, client)
    processes = _begun(stage, client)
    for process in processes:
        _go(process)
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER, persona=PERSONA))
    before = len(stage.sandbox.requests)
    results = [one for process in processes for one in told(finish(process)[0])]
    assert len(results) == 16
    assert len(stage.sandbox.requests) == before <= 1


def _client(stage: Stage) -> int:
    return next(iter(stage.sandbox.state.clients)).id


def _given(stage: Stage, client: int) -> str:
    """Asks for the deletion of a client, approves it, and returns the approval."""
    result = stage.run(stage.call("delete_client", {"id": client}))
    waiting = stage.connector.approvals.asked(result)
    assert waiting is not None
    return stage.connector.approvals.approve(waiting.id, user=BOSS).id


def _race(stage: Stage, client: int) -> list[Any]:
    processes = _begun(stage, client)
    for process in processes:
        _go(process)
    return [one for process in processes for one in told(finish(process)[0])]


def _begun(stage: Stage, client: int) -> list[Any]:
    """Starts four processes of four calls each, all waiting for the word to begin."""
    processes = [start("claimer", stage.state, client, 4) for _ in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    return processes


def _go(process: Any) -> None:  # noqa: ANN401 - a process
    process.stdin.write("go\n")
    process.stdin.flush()


def _denied(stage: Stage, approval: str) -> bool:
    """Tries to take a yes back; tells whether that came in time."""
    try:
        stage.connector.approvals.deny(approval, user=BOSS)
    except ApprovalEndedError:
        return False
    return True
