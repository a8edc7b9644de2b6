"""Waits for the first of several things, and for a signal that ends the program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, Final

#: Ctrl-C, and a polite kill.
ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def run_server(main: Coroutine[Any, Any, None]) -> None:
    """Runs a server to its end; a signal that comes before it listens to any ends it as well.

    Raises:
        SystemExit: It did; the status is that of a server that was ended later.
    """
    before = {number: signal.signal(number, _end) for number in ENDING}
    try:
        asyncio.run(main)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def first_of(main: Coroutine[Any, Any, Any], *others: Coroutine[Any, Any, Any]) -> bool:
    """Runs all of it until one is done, ends the others, and tells whether the first one was it."""
    tasks = [asyncio.ensure_future(one) for one in (main, *others)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()
    return tasks[0] in done


async def signalled() -> None:
    """Waits for Ctrl-C or a polite kill; each wait is for a new one."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in ENDING:
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(0)
