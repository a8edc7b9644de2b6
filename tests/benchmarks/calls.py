"""Measures governed calls against bare HTTP clients, at once and one at a time."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

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

#: So many processes are measured.
PROCESSES: Final = 3

One: TypeAlias = Callable[[], Awaitable[object]]
#: Seconds a call for each round, by contender.
Seen: TypeAlias = dict[str, list[float]]


def rows(ground: Ground, sizes: Sizes, tell: Tell) -> list[Row]:
    """Measures 64 calls at once and one call at a time, in several processes one by one.

    Each process lays out its memory in its own way, and is faster or slower for good by that.
    """
    crowd: Seen = {}
    alone: Seen = {}
    for turn in range(PROCESSES):
        tell(f"calls, process {turn + 1} of {PROCESSES}")
        program = [sys.executable, "-m", __name__, str(ground.state), ground.url]
        counts = [str(sizes.rounds), str(sizes.calls // 2), str(sizes.calls_one_at_a_time // 2)]
        said = subprocess.run([*program, *counts], stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own interpreter and our own program
        for seen, more in zip((crowd, alone), json.loads(said.stdout), strict=True):
            for name, values in more.items():
                seen.setdefault(name, []).extend(values)
    return [_crowd_row(crowd), _alone_row(alone)]


async def _measured(ground: Ground, rounds: int, at_once: int, one_by_one: int) -> list[Seen]:
    """Returns the rounds of one process; they are short, as a shared machine changes its pace."""
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
        crowd = await _rounds(contenders, rounds, at_once, AT_ONCE)
        database = bare_log(ground.state.parent / f"commits-{os.getpid()}.db")
        contenders["commits"] = lambda: _two_commits(database)
        alone = await _rounds(contenders, rounds, one_by_one, 1)
        database.close()
    return [crowd, alone]


def _crowd_row(seen: Seen) -> Row:
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


def _alone_row(seen: Seen) -> Row:
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


if __name__ == "__main__":
    ground = Ground(sys.argv[2], Path(sys.argv[1]))
    print(json.dumps(asyncio.run(_measured(ground, *map(int, sys.argv[3:])))))  # noqa: T201 - what the process is for
