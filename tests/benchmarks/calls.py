"""Measures governed calls against bare HTTP clients, at once and one at a time."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
import httpx

from clientary_connector import Connector, Outcome, open_connector
from tests.benchmarks.ground import KEY, Ground, call
from tests.benchmarks.parts import Bare, bare_log
from tests.benchmarks.rows import Row, Sizes, Tell, medians, spread

AT_ONCE: Final = 64
TIMES_HTTPX: Final = 3.0
ONE_BY_ONE_HOLD: Final = 2.0
PATH: Final = "/api/v2/clients/2053932801"

One = Callable[[], Awaitable[object]]


def rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures 64 calls at once and one call at a time."""
    return asyncio.run(_rows(ground, sizes, tell))


async def _rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    async with (
        open_connector(ground.state) as connector,
        httpx.AsyncClient(auth=(KEY, KEY), headers={"Accept": "application/json"}) as bare_httpx,
        aiohttp.ClientSession(
            auth=aiohttp.BasicAuth(KEY, KEY), headers={"Accept": "application/json"}
        ) as bare_aiohttp,
    ):
        contenders: dict[str, One] = {
            "governed": lambda: _governed(connector),
            "httpx": lambda: _httpx(bare_httpx, ground.url + PATH),
            "aiohttp": lambda: _aiohttp(bare_aiohttp, ground.url + PATH),
        }
        tell("calls, 64 at once")
        # Short rounds, many of them: a machine that is shared changes its pace within seconds.
        crowd = await _rounds(contenders, sizes.rounds * 2, sizes.calls // 2, AT_ONCE)
        tell("calls, one at a time")
        database = bare_log(ground.state.parent / "commits.db")
        contenders["commits"] = lambda: _two_commits(database)
        alone = await _rounds(contenders, sizes.rounds * 2, sizes.calls_one_at_a_time // 2, 1)
        database.close()
    return [_crowd_row(crowd), _alone_row(alone)]


def _crowd_row(seen: dict[str, list[float]]) -> Row:
    rate = {name: 1 / seconds for name, seconds in medians(seen).items()}
    ratio = _of_rounds(seen["httpx"], seen["governed"])
    return Row(
        what="governed calls, 64 at once, full durability",
        hold="≥ 3 x bare httpx",
        seen=f"{rate['governed']:,.0f} calls/s",
        references={
            "bare httpx": f"{rate['httpx']:,.0f}/s",
            "bare aiohttp": f"{rate['aiohttp']:,.0f}/s",
        },
        ratio=f"{ratio:.2f} x httpx, {_of_rounds(seen['aiohttp'], seen['governed']):.2f} x aiohttp",
        holds=ratio >= TIMES_HTTPX,
        figures={name: spread(1 / value for value in values) for name, values in seen.items()},
    )


def _alone_row(seen: dict[str, list[float]]) -> Row:
    cost = medians(seen)
    ratio = _of_rounds(seen["governed"], seen["httpx"])
    return Row(
        what="governed call, one at a time, full durability",
        hold="≤ 2 x bare httpx",
        seen=f"{cost['governed'] * 1e3:.2f} ms",
        references={
            "bare httpx": f"{cost['httpx'] * 1e3:.2f} ms",
            "bare aiohttp": f"{cost['aiohttp'] * 1e3:.2f} ms",
            "two bare commits": f"{cost['commits'] * 1e3:.2f} ms",
        },
        ratio=f"{ratio:.2f} x httpx",
        holds=ratio <= ONE_BY_ONE_HOLD,
        figures={name: spread(values) for name, values in seen.items()},
    )


def _of_rounds(one: Sequence[float], other: Sequence[float]) -> float:
    """Returns the median ratio of two contenders in the same round, moments apart."""
    return statistics.median(mine / its for mine, its in zip(one, other, strict=True))


async def _rounds(
    contenders: dict[str, One], rounds: int, count: int, at_once: int
) -> dict[str, list[float]]:
    """Returns seconds a call for each round, in a turning order, after one round to warm up."""
    names = list(contenders)
    for name in names:
        await _seconds_a_call(contenders[name], max(count // 10, at_once), at_once)
    seen: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            seen[name].append(await _seconds_a_call(contenders[name], count, at_once))
    return seen


async def _seconds_a_call(one: One, count: int, at_once: int) -> float:
    numbers = iter(range(count))

    async def worker() -> None:
        for _ in numbers:
            await one()

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return (time.perf_counter() - begin) / count


async def _governed(connector: Connector) -> None:
    result = await connector.run(call())
    assert result.outcome is Outcome.SUCCEEDED, result.error


async def _httpx(client: httpx.AsyncClient, url: str) -> None:
    response = await client.get(url)
    assert response.json()["id"]


async def _aiohttp(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as response:
        assert (await response.json())["id"]


async def _two_commits(database: Bare) -> None:
    """Does what a call cannot do without: intent and outcome on the disk."""
    for _ in range(2):
        database.execute("INSERT INTO log (at, row) VALUES (?, ?)", (time.time_ns(), b"r" * 700))
