"""Proves that of one operation one call runs, and what its repeats get, then and much later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from clientary_connector import Call, ErrorKind, Outcome, Result, Settings, open_connector
from tests.connector.engine.far_side import Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import NAME, NOW, PERSONA, USER, Ground, ground, staff_or

CLIENT = {"id": 7, "name": "Acme", "number": "C7"}


class Held:
    """A far side that answers when it is let."""

    def __init__(self) -> None:
        """Starts with answers at once."""
        self.let = threading.Event()
        self.let.set()

    def __call__(self, _: Seen) -> Answer:
        """Waits until it is let."""
        self.let.wait()
        return reply(body=CLIENT)


@pytest.fixture
def held() -> Iterator[Held]:
    """How the far side answers; it lets go of everything at the end."""
    made = Held()
    yield made
    made.let.set()


@pytest.fixture
def side(held: Held) -> Iterator[FarSide]:
    """A far side that answers when it is let."""
    with far_side(staff_or(held)) as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    """A connector on that far side, with a grant for everything."""
    with ground(tmp_path) as made:
        made.join(side.url)
        side.seen.clear()
        side.asked.clear()
        yield made


def ended(result: Result) -> tuple[Outcome, ErrorKind | None, bool]:
    """Returns what a test compares."""
    return result.outcome, None if result.error is None else result.error.kind, result.replayed


async def begun(on: Ground, side: FarSide, call: Call) -> asyncio.Task[Result]:
    """Starts a call, and comes back when the far side has its request."""
    task = asyncio.ensure_future(on.connector.run(call))
    await asyncio.to_thread(side.asked.wait)
    return task


@pytest.mark.requirement("policy.once.wait")
def test_whoever_comes_second_waits_for_the_result(
    on: Ground, side: FarSide, held: Held, tmp_path: Path
) -> None:
    """In the same process or another connector; it is marked as replayed, and nothing is sent."""
    call = on.call("create_client", {"name": "Acme"})
    held.let.clear()

    async def together() -> list[Result]:
        first = await begun(on, side, call)
        with open_connector(tmp_path) as other:
            others = [asyncio.ensure_future(other.run(call)) for _ in range(3)]
            await asyncio.sleep(0.05)
            assert not any(one.done() for one in (first, *others))
            held.let.set()
            return [await first, *[await one for one in others]]

    first, *others = on.run(together())
    assert ended(first) == (Outcome.SUCCEEDED, None, False)
    assert {ended(one) for one in others} == {(Outcome.SUCCEEDED, None, True)}
    assert {one.log_id for one in others} == {first.log_id}
    assert len(side.seen) == 1


@pytest.mark.requirement("policy.once.wait")
def test_the_wait_ends_with_the_setting(
    on: Ground, side: FarSide, held: Held, tmp_path: Path
) -> None:
    """It is told to repeat the same operation, which is safe."""
    call = on.call("create_client", {"name": "Acme"})
    held.let.clear()

    async def together() -> Result:
        first = await begun(on, side, call)
        with open_connector(tmp_path, settings=Settings(operation_wait_s=0.01)) as other:
            late = await other.run(call)
        held.let.set()
        await first
        return late

    late = on.run(together())
    assert ended(late) == (Outcome.REFUSED, ErrorKind.UNKNOWN, False)
    assert late.error is not None
    assert late.error.retryable
    assert on.run(on.connector.run(call)).replayed


@pytest.mark.requirement("policy.once.wait")
def test_what_was_revoked_while_it_waited_gets_no_answer(
    on: Ground, side: FarSide, held: Held, tmp_path: Path
) -> None:
    """The first one's result is not handed to a persona without a grant."""
    call = on.call("create_client", {"name": "Acme"})
    held.let.clear()

    async def together() -> Result:
        first = await begun(on, side, call)
        with open_connector(tmp_path) as other:
            second = asyncio.ensure_future(other.run(call))
            await asyncio.sleep(0.05)
            await on.connector.revoke(NAME, user=USER, persona=PERSONA)
            held.let.set()
            await first
            return await second

    result = on.run(together())
    assert (result.outcome, result.data) == (Outcome.REFUSED, None)
    assert not result.replayed


@pytest.mark.requirement("policy.once.wait", "engine.cancel")
def test_a_repeat_that_leaves_does_not_end_the_first(on: Ground, side: FarSide, held: Held) -> None:
    """Cancelled at any moment, it takes nothing away from the call that is under way."""
    call = on.call("create_client", {"name": "Acme"})
    held.let.clear()

    async def together() -> Result:
        first = await begun(on, side, call)
        for turns in range(12):
            second = asyncio.ensure_future(on.connector.run(call))
            for _ in range(turns):
                await asyncio.sleep(0)
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
        held.let.set()
        return await first

    result = on.run(together())
    assert ended(result) == (Outcome.SUCCEEDED, None, False)
    assert result.log_id is not None
    assert on.connector.log.entry(result.log_id).outcome == "succeeded"


@pytest.mark.requirement("policy.once.ends")
def test_an_entry_that_has_ended_lets_a_read_run_and_refuses_a_change(
    tmp_path: Path, side: FarSide
) -> None:
    """Thirty days later a read is read anew; a change is never done twice by an old step."""
    now = [NOW]
    with ground(tmp_path, clock=lambda: now[0], settings=Settings(operation_days=30)) as on:
        on.join(side.url)
        side.seen.clear()
        read = on.call("get_client", {"id": 7}, operation="op-read")
        change = on.call("create_client", {"name": "Acme"}, operation="op-change")
        at = [on.run(on.connector.run(call)) for call in (read, change)]
        rows = [on.connector.log.entry(result.log_id or 0) for result in at]
        now[0] = rows[0].at + timedelta(days=30)
        assert [on.run(on.connector.run(call)).replayed for call in (read, change)] == [True, True]
        now[0] = rows[1].at + timedelta(days=30, seconds=1)
        again = on.run(on.connector.run(read))
        assert ended(again) == (Outcome.SUCCEEDED, None, False)
        assert ended(on.run(on.connector.run(change))) == (
            Outcome.REFUSED,
            ErrorKind.INVALID_ARGUMENTS,
            False,
        )
        assert [seen.method for seen in side.seen] == ["GET", "POST", "GET"]
        assert on.connector.log.verify().ok
