"""Proves by kills at random moments that no write goes unlogged and no told outcome is lost."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from clientary_connector import Connector, LogEntry, LogFilter, create_state, open_connector
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.acceptance.processes import start, told
from tests.actions.stage import join
from tests.actions.traces import CANARY

pytestmark = [pytest.mark.requirement("log.kills"), pytest.mark.slow]

AT_ONCE: Final = 4
CALLS: Final = 100_000
SMALL: Final = 4
#: Twenty for each of the 25 sizes of `make soak` are five hundred.
EACH_SIZE: Final = 20


class Busy:
    """One process that calls without a pause, and what it has told so far."""

    def __init__(self, state: Path, name: str) -> None:
        """Starts it, and a thread that takes in what it tells."""
        self._process = start("busy", state, name, CALLS, 6)
        self._lines: list[str] = []
        self._enough = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, lines: int) -> None:
        """Waits until it has told so many results."""
        with self._enough:
            self._enough.wait_for(lambda: len(self._lines) >= lines or not self.alive, 120)
        assert self.alive, self.errors()

    @property
    def alive(self) -> bool:
        """Whether it is still at work."""
        return self._process.poll() is None

    def kill(self) -> list[dict[str, Any]]:
        """Kills it; gives every result that it has told."""
        self._process.send_signal(signal.SIGKILL)
        self._reader.join()
        with self._process:
            pass
        return told("".join(self._lines))

    def errors(self) -> str:
        """Gives what it has said of errors, once it has ended."""
        assert self._process.stderr is not None
        return self._process.stderr.read()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._enough:
                self._lines.append(line)
                self._enough.notify_all()
        with self._enough:
            self._enough.notify_all()


def test_kills_at_random_moments_lose_nothing(
    tmp_path: Path, soak: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four processes call all the time; each kill takes one of them, and another begins."""
    kills = SMALL if soak == 1 else EACH_SIZE * soak
    state = tmp_path / "state"
    create_state(state)
    began = time.monotonic()
    with capsys.disabled():
        bar = Bar()

    def show(done: int) -> None:
        with capsys.disabled():
            bar.show(f"{done} of {kills} kills", done=done, total=kills)

    with serve(Sandbox(key=CANARY, history=1_000_000)) as far_side:
        connected(state, far_side)
        results = campaign(state, kills, random.Random(kills), show)  # noqa: S311 - which moment is no secret
        figures = check(state, far_side, results)
    with capsys.disabled():
        bar.end()
        if soak > 1:
            took = time.monotonic() - began
            sys.stdout.write(f"{kills} kills, {figures}, {took:.0f} s\n")


def connected(state: Path, far_side: RunningSandbox) -> None:
    """Joins the account."""

    async def work() -> None:
        async with open_connector(state) as connector:
            await join(connector, far_side.url, CANARY)

    asyncio.run(work())


def campaign(
    state: Path, kills: int, draw: random.Random, show: Callable[[int], None]
) -> list[dict[str, Any]]:
    """Kills so many processes; gives all that any of them has told."""
    names = (f"busy{number}" for number in count())
    running = [Busy(state, next(names)) for _ in range(AT_ONCE)]
    results: list[dict[str, Any]] = []
    try:
        for number in range(kills):
            show(number)
            chosen = draw.randrange(AT_ONCE)
            running[chosen].wait_for(draw.randrange(1, 40))
            # Not always just after a result: anywhere in a call.
            threading.Event().wait(draw.random() / 50)
            results += running[chosen].kill()
            running[chosen] = Busy(state, next(names))
    finally:
        for process in running:
            results += process.kill()
    return results


def check(state: Path, far_side: RunningSandbox, results: list[dict[str, Any]]) -> str:
    """Compares what the far side saw, what callers were told, and what the log holds."""
    with open_connector(state) as connector:
        assert connector.vault.verify().ok
        assert connector.log.open() == ()
        entries = {str(entry.operation): entry for entry in calls(connector)}
        written = names_written(far_side)
        assert results
        assert max(written.values()) == 1
        assert {f"op_{name}" for name in written} <= set(entries)
        logged = {one["name"]: entries[f"op_{one['name']}"].outcome for one in results}
        assert logged == {one["name"]: one["outcome"] for one in results}
        assert {one["log_id"] for one in results} <= {entry.id for entry in entries.values()}
        assert {entry.outcome for entry in entries.values()} <= {"succeeded", "unknown", "refused"}
        for name in written:
            assert entries[f"op_{name}"].outcome in {"succeeded", "unknown"}
        unknown = sum(entry.outcome == "unknown" for entry in entries.values())
    return (
        f"{len(entries)} intents, {len(written)} writes seen, {len(results)} outcomes told, "
        f"{unknown} unknown"
    )


def calls(connector: Connector) -> Iterator[LogEntry]:
    """Gives every call in the log."""
    before: int | None = None
    where = LogFilter(action="create_client")
    while True:
        page = connector.log.page(where, before=before, limit=500)
        yield from page.entries
        before = page.next_before
        if before is None:
            return


def names_written(far_side: RunningSandbox) -> Counter[str]:
    """Counts, by name, the writes that the simulated account saw and answered or began."""
    bodies = [seen.body for seen in far_side.sandbox.requests if seen.method == "POST"]
    return Counter(json.loads(body)["client"]["name"] for body in bodies if body)
