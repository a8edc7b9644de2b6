"""Proves that no send starts once a revoke has returned, however many processes are sending."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import (
    Connector,
    LogFilter,
    Outcome,
    Revocation,
    Secret,
    Settings,
    create_state,
    open_connector,
)
from tests.acceptance.listener import Listener, listening
from tests.acceptance.processes import finish, start, told

pytestmark = [pytest.mark.requirement("proof.revoke", "threat.23"), pytest.mark.slow]

KEY = "canary-0123456789-ABCDEFGHIJ-abcdefghij"
ROUNDS = 2
PROCESSES = 4
AT_ONCE = 8
ACTIONS = ("create_client", "list_clients", "create_client")
#: By then every request that was let out would have come.
QUIET_S = 0.5


def test_nothing_starts_once_a_revoke_has_returned(tmp_path: Path, soak: int) -> None:
    """Four processes send without a pause; of all their requests, none begins after it."""
    chance = random.Random(5)  # noqa: S311 - the same moments each time, as far as that goes
    with _place(tmp_path) as (connector, listener):
        for number in range(ROUNDS * soak):
            _connect(connector, listener, ("bookkeeper",))
            processes = [_caller(tmp_path, "bookkeeper") for _ in range(PROCESSES)]
            _until_busy(listener, PROCESSES)
            time.sleep(chance.random() * 0.3)
            revocation, before = _revoked(connector, listener)
            assert revocation.confirmed, f"round {number}"
            results = [result for each in processes for result in told(finish(each)[0])]
            time.sleep(QUIET_S)
            assert listener.settle() == before, f"round {number}"
            _check(results, listener)
            listener.names.clear()
        _check_log(connector)


def test_one_persona_is_stopped_and_the_other_goes_on(tmp_path: Path) -> None:
    """A grant is closed in the middle of everything; the other persona does not notice."""
    with _place(tmp_path) as (connector, listener):
        _connect(connector, listener, ("bookkeeper", "planner"))
        closed = [_caller(tmp_path, "bookkeeper") for _ in range(2)]
        kept = _caller(tmp_path, "planner")
        _until_busy(listener, 3)
        revocation, before = _revoked(connector, listener, persona="bookkeeper")
        assert (revocation.confirmed, revocation.grants_closed) == (True, 1)
        ended = [result for each in closed for result in told(finish(each)[0])]
        assert {result["error"] for result in ended if result["error"]} <= {"revoked", "denied"}
        _until(lambda: listener.settle() > before)
        assert kept.poll() is None
        _revoked(connector, listener)
        _check([*ended, *told(finish(kept)[0])], listener)
        _check_log(connector)


def test_a_revoke_waits_for_a_send_that_was_let_out(tmp_path: Path) -> None:
    """It returns once a process that looked before the revoke has sent and left, and not before."""
    with _place(tmp_path) as (connector, listener):
        _connect(connector, listener, ("bookkeeper",))
        process = _inside(tmp_path, "wait")
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        assert asyncio.run(_revoked_with_one_inside(connector, process)).confirmed
        finish(process)


def test_a_revoke_says_where_a_stopped_process_keeps_it_from_being_sure(tmp_path: Path) -> None:
    """A process that sleeps between its look and its send is told of, and is waited for no more."""
    settings = Settings(revoke_wait_s=0.3)
    with _place(tmp_path, settings=settings) as (connector, listener):
        _connect(connector, listener, ("bookkeeper",))
        process = _inside(tmp_path, "sleep")
        try:
            os.waitpid(process.pid, os.WUNTRACED)
            revocation, _ = _revoked(connector, listener)
        finally:
            process.send_signal(signal.SIGCONT)
        assert not revocation.confirmed
        assert revocation.secrets_destroyed == 1
        finish(process)
        _connect(connector, listener, ("bookkeeper",))
        assert _revoked(connector, listener)[0].confirmed


@contextmanager
def _place(
    state: Path, *, settings: Settings | None = None
) -> Generator[tuple[Connector, Listener]]:
    create_state(state)
    with listening() as listener, open_connector(state, settings=settings) as connector:
        yield connector, listener


def _caller(state: Path, persona: str) -> subprocess.Popen[str]:
    return start("caller", state, persona, AT_ONCE, *ACTIONS)


def _connect(connector: Connector, listener: Listener, personas: tuple[str, ...]) -> None:
    asyncio.run(connector.connect("books", secret=Secret(KEY), user="maria", sandbox=listener.url))
    for persona in personas:
        connector.grant(persona, "books", scopes=["clients:*"], user="maria")


def _revoked(
    connector: Connector, listener: Listener, *, persona: str | None = None
) -> tuple[Revocation, int]:
    """Revokes, and gives how many requests had begun at the moment in which that returned."""

    async def revoked() -> tuple[Revocation, int]:
        revocation = await connector.revoke("books", user="admin", persona=persona)
        return revocation, listener.settle()

    return asyncio.run(revoked())


def _inside(state: Path, what: str) -> subprocess.Popen[str]:
    """Starts a process that stays inside the fence."""
    key = f"file:{state / 'keys' / 'vault.key'}"
    return start("inside", state / "vault" / "vault.db", key, what)


async def _revoked_with_one_inside(
    connector: Connector, process: subprocess.Popen[str]
) -> Revocation:
    """Lets the process out only after the revoke was committed, and has not returned."""
    revoking = asyncio.ensure_future(connector.revoke("books", user="admin"))
    while connector.connections():  # noqa: ASYNC110 - the writer is another thread
        await asyncio.sleep(0.005)
    assert not (await asyncio.wait({revoking}, timeout=QUIET_S))[0]
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return await revoking


def _until_busy(listener: Listener, processes: int = 1) -> None:
    """Waits until every process is at work."""
    _until(lambda: len({name.partition("-")[0] for name in listener.names}) == processes)
    begun = listener.begun
    _until(lambda: listener.begun > begun + 50)


def _until(reached: Any) -> None:  # noqa: ANN401 - a condition
    while not reached():
        time.sleep(0.005)


def _check(results: list[dict[str, Any]], listener: Listener) -> None:
    """Compares what the processes were told with what the far side has seen."""
    wrong = {result["error"] for result in results} - {None, "revoked", "denied"}
    assert not wrong
    seen = Counter(listener.names)
    assert set(seen.values()) <= {1}
    done = {result["name"] for result in results if result["outcome"] == Outcome.SUCCEEDED.value}
    assert done - {None} == set(seen)


def _check_log(connector: Connector) -> None:
    """Every call has its outcome, and nothing is missing."""
    assert connector.log.verify().ok
    assert connector.log.page(LogFilter(outcome="open")).entries == ()
