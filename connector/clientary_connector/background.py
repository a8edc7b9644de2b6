"""Runs coroutines for callers without an event loop, on one loop in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from clientary_connector.errors import ClosedError

T = TypeVar("T")


class Background:
    """One event loop in a thread; both start with the first coroutine."""

    def __init__(self, process: Callable[[], int] = os.getpid) -> None:
        """Starts nothing yet; `process` tells which process this is."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._which = process
        self._process = process()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine and waits for it; many threads may do so at once.

        Raises:
            ClosedError: The process was forked since, or the caller is the loop itself.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._running())
        except ClosedError:
            work.close()
            raise
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts a coroutine that is not waited for, and that looks after its own errors.

        Raises:
            ClosedError: The process was forked since.
        """
        try:
            asyncio.run_coroutine_threadsafe(work, self._running())
        except ClosedError:
            work.close()
            raise

    def close(self) -> None:
        """Ends the loop, after what was started on it was cancelled and closed."""
        with self._lock:
            thread, loop, end = self._thread, self._loop, self._end
            self._thread = self._loop = self._end = None
        if thread is not None and loop is not None and end is not None:
            loop.call_soon_threadsafe(end.set)
            thread.join()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._which() != self._process:
            raise ClosedError("The connector was opened in another process.", hint="Open it here.")
        if threading.current_thread() is self._thread:
            raise ClosedError("The way in without a loop was called from its own loop.")
        with self._lock:
            if self._loop is None:
                ready: Future[asyncio.AbstractEventLoop] = Future()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._main(ready)), name="connector", daemon=True
                )
                self._thread.start()
                self._loop = ready.result()
            return self._loop

    async def _main(self, ready: Future[asyncio.AbstractEventLoop]) -> None:
        end = self._end = asyncio.Event()
        ready.set_result(asyncio.get_running_loop())
        await end.wait()
