"""Proves the watch over calls under way: who is stopped, who is not, and who looks."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from clientary_connector.call.address import Target
from clientary_connector.call.policy import Permit
from clientary_connector.call.underway import StoppedError, Underway
from connector_vault import Record, Vault

pytestmark = pytest.mark.requirement("engine.revoke")

T = TypeVar("T")

OWNER = "con_000000000001"
TARGET = Target("http", "127.0.0.1", 1, loopback=True)
PERMIT = Permit(connection=OWNER, generation=1, grant=None, grant_revision=0, target=TARGET)
LONG_S = 60


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault with one active connection."""
    key = f"file:{tmp_path / 'keys' / 'vault.key'}"
    with Vault.create(tmp_path / "vault" / "vault.db", key=key) as made:
        _put(made, "active", expect=None)
        yield made


def test_a_call_is_stopped_by_the_look_of_whoever_revokes(vault: Vault) -> None:
    """It need not wait for the next look of its own."""

    async def run(underway: Underway) -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            _put(vault, "revoked")
            await asyncio.to_thread(underway.look)
            await asyncio.sleep(LONG_S)

    with pytest.raises(StoppedError):
        _run(vault, run)


def test_a_call_is_stopped_without_being_told(vault: Vault) -> None:
    """A process that did not revoke looks by itself, as often as it takes."""
    other = Vault.open(vault.path, key=f"file:{vault.path.parents[1] / 'keys' / 'vault.key'}")

    async def run(underway: Underway) -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            await asyncio.sleep(0.3)
            _put(other, "revoked")
            await asyncio.sleep(LONG_S)

    with other, pytest.raises(StoppedError):
        _run(vault, run)


def test_a_call_that_may_not_be_stopped_runs_to_its_end(vault: Vault) -> None:
    """It is asked each time, since what may be stopped now may not be a moment later."""
    asked: list[bool] = []

    def may_stop() -> bool:
        asked.append(False)
        return False

    async def run(underway: Underway) -> str:
        with underway.flight(PERMIT, may_stop=may_stop):
            _put(vault, "revoked")
            underway.look()
            while not asked:  # noqa: ASYNC110 - nothing to wait on
                await asyncio.sleep(0)
            return "done"

    assert _run(vault, run) == "done"


def test_a_call_that_ends_in_the_moment_of_its_stop_has_ended(vault: Vault) -> None:
    """The look finds it, and the answer is there first: it keeps the answer."""

    async def run(underway: Underway) -> str:
        answered = asyncio.get_running_loop().create_future()

        def may_stop() -> bool:
            answered.set_result("answer")
            return True

        with underway.flight(PERMIT, may_stop=may_stop):
            _put(vault, "revoked")
            underway.look()
            underway.look()
            return str(await answered)

    assert _run(vault, run) == "answer"


def test_a_call_that_holds_is_left_alone_by_every_look(vault: Vault) -> None:
    """Also by those of its own process, from time to time."""

    async def run(underway: Underway) -> str:
        with underway.flight(PERMIT, may_stop=lambda: True):
            underway.look()
            await asyncio.sleep(0.6)
            return "done"

    assert _run(vault, run) == "done"


def test_calls_one_after_the_other_and_at_once_are_all_watched(vault: Vault) -> None:
    """The looks end when nobody is under way, and begin again with the next call."""

    async def call(underway: Underway, wait_s: float) -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            await asyncio.sleep(wait_s)

    async def run(underway: Underway) -> None:
        await asyncio.gather(call(underway, 0), call(underway, 0))
        await asyncio.sleep(0.6)
        _put(vault, "revoked")
        await call(underway, LONG_S)

    with pytest.raises(StoppedError):
        _run(vault, run)


def test_a_vault_that_cannot_be_read_stops_nobody(vault: Vault) -> None:
    """The next send finds that out; an answer that is on its way is worth having."""

    async def run(underway: Underway) -> str:
        with underway.flight(PERMIT, may_stop=lambda: True):
            await asyncio.to_thread(vault.close)
            underway.look()
            await asyncio.sleep(0.6)
            return "done"

    assert _run(vault, run) == "done"


def test_errors_and_cancels_of_a_call_pass_unchanged(vault: Vault) -> None:
    """A time that was up and a host that leaves are no revoke."""

    async def late(underway: Underway) -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            raise TimeoutError("its own")

    async def left(underway: Underway) -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            raise asyncio.CancelledError

    with pytest.raises(TimeoutError, match="its own"):
        _run(vault, late)
    with pytest.raises(asyncio.CancelledError):
        _run(vault, left)


def test_a_loop_that_is_gone_is_not_looked_at(vault: Vault) -> None:
    """A look from another thread passes over a loop that was closed, and forgets it in time."""
    underway = Underway(vault)

    async def call() -> None:
        with underway.flight(PERMIT, may_stop=lambda: True):
            pass

    runner = asyncio.Runner()
    runner.run(call())
    runner.close()
    looking = threading.Thread(target=underway.look)
    looking.start()
    looking.join()
    del runner
    gc.collect()
    underway.look()


def _run(vault: Vault, work: Callable[[Underway], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(work(Underway(vault)))


def _put(vault: Vault, state: str, *, expect: int | None = 1) -> None:
    body = {"state": state, "generation": 1}
    vault.write(lambda log: log.put(Record(kind="connection", id=OWNER, body=body), expect=expect))
