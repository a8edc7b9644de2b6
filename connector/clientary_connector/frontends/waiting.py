"""Waits for the first of several things, and for a signal that ends the program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


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
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
