"""Proves that a renewal survives the death of its process, and the company of others."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from clientary_connector import Outcome
from clientary_connector.oauth.refreshing import STEPS
from tests.connector.oauth.children import call_together, call_until
from tests.connector.oauth.provider_app import Far
from tests.connector.oauth.stage import NAME, no_trace, provider, stage
from tests.forking import PROCESSES, started

pytestmark = [
    pytest.mark.slow,
    pytest.mark.requirement("oauth.refresh"),
    pytest.mark.requirement("threat.13"),
]

#: The answer is known to nobody but the process that dies.
IN_THE_AIR = ("after ask", "before stage")
#: An hour later, the lease of a process that is dead has run out.
LATER_S = 3600.0 + 60


@pytest.mark.parametrize("at", STEPS)
def test_a_renewal_that_is_killed_is_finished_by_the_next(tmp_path: Path, at: str) -> None:
    """An answer that was sealed is adopted; none that was is asked for twice."""
    with provider() as far:
        _killed(tmp_path, far, at)
        asked = far.refreshes
        with stage(tmp_path, ahead_s=LATER_S) as made:
            if at in IN_THE_AIR:
                _check_honest(made.call().outcome, far)
            else:
                assert made.works()
                assert far.refreshes == max(asked, 1)
                assert made.vault.verify_log().ok
            assert made.connector.connection(NAME).active
            assert "pending" not in made.tokens()
    no_trace(tmp_path)


@pytest.mark.parametrize("at", IN_THE_AIR)
def test_an_answer_lost_with_its_process_is_made_good_by_a_provider_that_allows_it(
    tmp_path: Path, at: str
) -> None:
    """Where a refresh token may be used again for a while, asking again is enough."""
    with provider(forgives=True) as far:
        _killed(tmp_path, far, at)
        with stage(tmp_path, ahead_s=LATER_S) as made:
            assert made.works()
            assert far.refreshes == 2


def test_eight_processes_ask_once(tmp_path: Path) -> None:
    """Sixteen loops find the token ended at the same moment; the provider is asked once."""
    with provider() as far:
        with stage(tmp_path) as made:
            made.join(far)
        start = PROCESSES.Barrier(8)
        running = [started(call_together, tmp_path, start) for _ in range(8)]
        told = [pipe.recv() for _, pipe in running]
        for process, pipe in running:
            process.join()
            pipe.close()
        assert told == [["succeeded"]] * 8
        assert far.refreshes == 1
        assert len(far.tokens) == 2
    no_trace(tmp_path)


def _killed(root: Path, far: Far, at: str) -> None:
    """Has a process renew a token until it is killed at a step."""
    with stage(root) as made:
        made.join(far)
    process, told = started(call_until, root, at)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL


def _check_honest(outcome: Outcome, far: Far) -> None:
    """Nobody has the answer any more: the call is refused, and says that a person is needed."""
    assert outcome is Outcome.REFUSED
    assert far.refreshes == 2
