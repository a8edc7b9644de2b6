"""Runs a simulated Clientary in this process, on loopback, for an admin who wants to try things.

1. It is started when it is first asked for, listens on loopback alone, and ends with the process.
2. Its key opens nothing else; it is handed from one part of this process to another, and no page
   shows it.
3. A console in a host has none unless the host gives one: a port on the host's machine is the
   host's to open.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from threading import Lock
from typing import Final

from clientary_connector.sandbox import RunningSandbox, Sandbox, serve

#: Under which name its connection begins.
NAME: Final = "sandbox"


class Rehearsal:
    """A simulated account that an admin connects with one click."""

    def __init__(self, *, seed: int = 1, port: int = 0) -> None:
        """Takes what the account is made of, and its port; 0 is one that is free."""
        self._seed = seed
        self._port = port
        self._lock = Lock()
        self._stack = ExitStack()
        self._running: RunningSandbox | None = None

    @property
    def url(self) -> str | None:
        """Where it answers; None before it was started."""
        return None if self._running is None else self._running.url

    def running(self, *, before: Iterable[int] = ()) -> RunningSandbox:
        """Returns the account, and starts it where it is not running yet.

        `before` are ports at which it has run in another process: on one that is free it starts
        again, so that the connection to it works again. Its key is the same, as its seed is.

        Raises:
            OSError: Its port cannot be used.
        """
        with self._lock:
            if self._running is None:
                self._running = self._again(before) or self._started(self._port)
            return self._running

    def close(self) -> None:
        """Ends it, and forgets all that was done to it."""
        with self._lock:
            self._stack.close()
            self._running = None

    def _again(self, ports: Iterable[int]) -> RunningSandbox | None:
        for port in ports:
            with suppress(OSError):
                return self._started(port)
        return None

    def _started(self, port: int) -> RunningSandbox:
        return self._stack.enter_context(serve(Sandbox(seed=self._seed), port=port))
