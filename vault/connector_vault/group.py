"""Writes for everybody through one thread, so that those who wait together commit together.

1. Work is taken in the order in which it came; nobody waits for more of it to come.
2. One transaction holds a whole group. Work that raises undoes itself alone.
3. Nobody is told of success before the commit. If the commit fails, all are told so.
4. Work that was handed in runs, even if nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread, get_ident
from typing import Any, Final, TypeVar, cast

import apsw

from connector_vault.errors import MisuseError, StoreError, VaultClosedError
from connector_vault.faults import FOREIGN, meaning
from connector_vault.rows import Rows

T = TypeVar("T")
Work = Callable[[Rows], T]

#: More than this waits for the next group, so that one commit stays short.
MAX_GROUP: Final = 512


@dataclass(slots=True)
class _Job:
    """One piece of work, who waits for it, and what became of it."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop | None
    future: Future[Any] | asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None


class GroupWriter:
    """The one thread of this process that writes to the vault; it starts with the first work."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Takes the connection over: nobody else may use it."""
        self._connection = connection
        self._rows = Rows(connection)
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._lock = Lock()
        self._thread: Thread | None = None
        self._closed = False

    def write(self, work: Work[T]) -> T:
        """Runs the work and waits for its commit.

        Raises:
            MisuseError: It is called from inside other work.
        """
        if self._thread is not None and get_ident() == self._thread.ident:
            raise MisuseError("Work cannot start and await other work.")
        future: Future[T] = Future()
        self._submit(_Job(work, None, future))
        return future.result()

    async def write_async(self, work: Work[T]) -> T:
        """Runs the work and awaits its commit; cancelling only stops the waiting."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(_Job(work, loop, future))
        return await future

    def close(self) -> None:
        """Finishes what was handed in, and closes the connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def _submit(self, job: _Job) -> None:
        """Hands work in."""
        with self._lock:
            if self._closed:
                raise VaultClosedError("The vault was closed.")
            self._queue.put(job)
            if self._thread is None:
                # A daemon: an interpreter that ends without closing is a crash, and is safe.
                self._thread = Thread(target=self._run, name="vault-writer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Takes group after group until the vault is closed."""
        ending = False
        while not ending:
            group, ending = self._take()
            if group:
                self._commit(group)
                _deliver(group)

    def _take(self) -> tuple[list[_Job], bool]:
        """Waits for work, and takes all that has come by now; True says that it was the last."""
        job = self._queue.get()
        group: list[_Job] = []
        while job is not None:
            group.append(job)
            if len(group) == MAX_GROUP:
                return group, False
            try:
                job = self._queue.get_nowait()
            except Empty:
                return group, False
        return group, True

    def _commit(self, group: list[_Job]) -> None:
        """Runs a group in one transaction."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in group:
                self._attempt(job)
                if not self._connection.in_transaction:
                    # A full disk undoes the whole transaction, and with it all the others' work.
                    _fail(group, job.error)
                    return
            self._connection.execute("COMMIT")
        except FOREIGN as error:
            _fail(group, meaning(error))
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _attempt(self, job: _Job) -> None:
        """Runs one piece of work; if it raises, undoes it alone."""
        self._rows.marked = False
        try:
            job.value = job.work(self._rows)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            job.error = meaning(error) if isinstance(error, FOREIGN) else error
            if self._rows.marked and self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO work")
        if self._rows.marked and self._connection.in_transaction:
            self._connection.execute("RELEASE work")


def _fail(group: list[_Job], error: BaseException | None) -> None:
    """Gives everybody the error that undid the group, each an object of its own."""
    cause = error if isinstance(error, StoreError) else StoreError("The database gave up.")
    for job in group:
        job.error = job.error or type(cause)(*cause.args)


def _deliver(group: list[_Job]) -> None:
    """Tells everybody, with one wake-up for each event loop."""
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        if job.loop is None:
            _settle(job)
        else:
            loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:
            # The loop was closed: nobody waits any more.
            continue


def _settle_all(jobs: list[_Job]) -> None:
    """Tells those who wait in one event loop."""
    for job in jobs:
        if not job.future.done():
            _settle(job)


def _settle(job: _Job) -> None:
    """Tells one."""
    future = cast("Future[Any]", job.future)
    if job.error is None:
        future.set_result(job.value)
    else:
        future.set_exception(job.error)
