"""Holds what other processes do in the tests of tokens."""

from __future__ import annotations

import asyncio
import threading
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.connector.oauth.stage import call, killer, stage


def call_until(root: Path, at: str, told: Connection) -> None:
    """Calls with a token that has ended, and is killed at one step of its renewal."""
    with stage(root, ahead_s=3600, on_step=killer(at)) as made:
        made.call()
    told.send("not killed")


def call_together(root: Path, start: Barrier, told: Connection) -> None:
    """Calls from two loops at the same time as others do, with a token that has ended."""
    with stage(root, ahead_s=3600) as made:
        outcomes: list[str] = []

        async def several() -> None:
            results = await asyncio.gather(*(made.connector.run(call()) for _ in range(4)))
            outcomes.extend(result.outcome for result in results)

        thread = threading.Thread(target=lambda: asyncio.run(several()))
        start.wait(60)
        thread.start()
        made.run(several())
        thread.join()
    told.send(sorted(set(outcomes)))
