"""Proves that calls keep the pace of a service, wait a bounded time, and send nothing too many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, Outcome, Result, Settings, open_connector
from clientary_connector.terms import Terms
from tests.connector.engine.far_side import Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import NAME, PERSONA, USER, Ground, ground, staff_or

pytestmark = pytest.mark.requirement("policy.rate.wait")

CLIENT = {"id": 7, "name": "Acme"}


class Counted:
    """A far side that counts how many requests are with it at once, and may ask for a rest."""

    def __init__(self) -> None:
        """Starts with nobody."""
        self.let = threading.Event()
        self.let.set()
        self.first: Answer = reply(body=CLIENT)
        self.inside = self.most = 0

    async def __call__(self, _: Seen) -> Answer:
        """Answers when it is let, others meanwhile too; the first answer may be another."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        while not self.let.is_set():  # noqa: ASYNC110 - a test sets it in another thread
            await asyncio.sleep(0.001)
        self.inside -= 1
        answer, self.first = self.first, reply(body=CLIENT)
        return answer


@pytest.fixture
def counted() -> Iterator[Counted]:
    """How the far side answers; it lets go of everything at the end."""
    made = Counted()
    yield made
    made.let.set()


@pytest.fixture
def side(counted: Counted) -> Iterator[FarSide]:
    """A far side."""
    with far_side(staff_or(counted)) as running:
        yield running


@contextmanager
def connected(folder: Path, side: FarSide, settings: Settings) -> Generator[Ground]:
    """Opens a connector on the far side, with a grant for everything."""
    with ground(folder, settings=settings) as on:
        on.join(side.url)
        side.seen.clear()
        yield on


def get(on: Ground) -> Result:
    """Runs a read."""
    return on.result("get_client", {"id": 7})


def kind(result: Result) -> ErrorKind | None:
    """Returns what went wrong."""
    return None if result.error is None else result.error.kind


def test_whoever_would_wait_too_long_is_told_so(tmp_path: Path, side: FarSide) -> None:
    """Nothing is sent, and the error says how long to wait."""
    settings = Settings(requests_a_minute=6, max_wait_s=5)
    with connected(tmp_path, side, settings) as on:
        results = [get(on) for _ in range(2)]
    assert [kind(result) for result in results] == [None, ErrorKind.RATE_LIMITED]
    error = results[1].error
    assert error is not None
    assert (results[1].outcome, error.retryable) == (Outcome.REFUSED, True)
    assert error.wait_s is not None
    assert 5 < error.wait_s <= 10
    assert len(side.seen) == 1


def test_calls_wait_for_their_turn_where_that_is_short(tmp_path: Path, side: FarSide) -> None:
    """Six of sixty a minute go at once, the seventh a second later."""
    with connected(tmp_path, side, Settings(requests_a_minute=60)) as on:
        results = [get(on) for _ in range(7)]
        assert {result.outcome for result in results} == {Outcome.SUCCEEDED}
        assert 0 < sum(on.waits) <= 1


def test_the_rate_of_a_grant_is_its_own(tmp_path: Path, side: FarSide) -> None:
    """It slows this persona, and no other."""
    with connected(tmp_path, side, Settings(max_wait_s=5)) as on:
        on.connector.grants.give(PERSONA, NAME, Terms(scopes=("*:*",), rate=6), user=USER)
        on.connector.grant("auditor", NAME, scopes=["*:*"], user=USER)
        assert [kind(get(on)) for _ in range(2)] == [None, ErrorKind.RATE_LIMITED]
        assert kind(on.result("get_client", {"id": 7}, persona="auditor")) is None
        on.connector.grants.give(PERSONA, NAME, Terms(scopes=("*:*",)), user=USER)
        assert kind(get(on)) is None


@pytest.mark.requirement("policy.rate.rest")
def test_what_one_process_is_asked_for_holds_for_the_others(
    tmp_path: Path, side: FarSide, counted: Counted
) -> None:
    """After a 429 with a long rest nobody sends over that connection; each is told how long."""
    counted.first = reply(429, headers={"Retry-After": "120"})
    with connected(tmp_path, side, Settings()) as on:
        assert kind(get(on)) is ErrorKind.RATE_LIMITED
        with open_connector(tmp_path) as other:
            result = other.run_sync(on.call("get_client", {"id": 7}))
        assert (result.outcome, kind(result)) == (Outcome.REFUSED, ErrorKind.RATE_LIMITED)
        assert result.error is not None
        assert result.error.wait_s is not None
        assert 100 < result.error.wait_s <= 120
    assert len(side.seen) == 1


def test_no_more_are_under_way_at_once_than_may_be(
    tmp_path: Path, side: FarSide, counted: Counted
) -> None:
    """Two connectors have two requests between them; the others go when those have ended."""
    settings = Settings(requests_at_once=2)
    with (
        connected(tmp_path, side, settings) as on,
        open_connector(tmp_path, settings=settings) as one,
        open_connector(tmp_path, settings=settings) as other,
    ):
        counted.let.clear()

        async def together() -> list[Result]:
            calls = [
                asyncio.ensure_future(each.run(on.call("get_client", {"id": 7})))
                for _ in range(2)
                for each in (one, other)
            ]
            while counted.inside < 2:  # noqa: ASYNC110 - the far side runs in another thread
                await asyncio.sleep(0.001)
            # The others are here, and would be there a few milliseconds later.
            await asyncio.sleep(0.2)
            counted.let.set()
            return [await call for call in calls]

        results = on.run(together())
    assert {result.outcome for result in results} == {Outcome.SUCCEEDED}
    assert counted.most == 2
    assert len(side.seen) == 4


def test_a_call_that_is_cancelled_while_it_waits_gives_its_place_up(
    tmp_path: Path, side: FarSide, counted: Counted
) -> None:
    """The next one goes when its turn comes, and no turn is lost."""
    settings = Settings(requests_at_once=1)
    counted.let.clear()
    with (
        connected(tmp_path, side, settings) as on,
        open_connector(tmp_path, settings=settings) as other,
    ):

        async def together() -> Result:
            first = asyncio.ensure_future(other.run(on.call("get_client", {"id": 7})))
            await asyncio.to_thread(side.asked.wait)
            second = asyncio.ensure_future(other.run(on.call("get_client", {"id": 7})))
            third = asyncio.ensure_future(other.run(on.call("get_client", {"id": 7})))
            await asyncio.sleep(0.05)
            second.cancel()
            counted.let.set()
            await first
            return await third

        side.asked.clear()
        assert on.run(together()).outcome is Outcome.SUCCEEDED
        assert other.run_sync(on.call("get_client", {"id": 7})).outcome is Outcome.SUCCEEDED
    assert len(side.seen) == 3


@pytest.mark.requirement("policy.rate.tidy")
def test_tending_removes_the_turns_of_a_revoked_connection_alone(
    tmp_path: Path, side: FarSide
) -> None:
    """Its own and those under its grants; another's stay, and a new one under its name works."""
    with connected(tmp_path, side, Settings(key_rotation_days=3650)) as on:
        tend = on.connector.tend
        on.run(tend(user=USER))
        on.connector.grants.give(PERSONA, NAME, Terms(scopes=("*:*",), rate=6), user=USER)
        assert kind(get(on)) is None
        pages = tmp_path / "vault" / "vault.db.turns"
        (pages / "another").touch()
        on.run(tend(user=USER))
        assert len(list(pages.iterdir())) == 3
        on.run(on.connector.revoke(NAME, user=USER))
        assert on.run(tend(user=USER)).items == ()
        assert [page.name for page in pages.iterdir()] == ["another"]
        on.join(side.url)
        assert kind(get(on)) is None
