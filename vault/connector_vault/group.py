"""Writes for everybody in turn, so that those who wait together commit together.

1. Work is taken in the order in which it came; nobody waits for more of it to come.
2. One transaction holds a whole group. Work that raises is undone alone: by itself where it can
   be, else by undoing the group and doing it again, with a savepoint before each piece of work.
   Rows of the log are stored together; whose row could not be comes out when it is done again.
3. Nobody is told of success before the commit. If the commit fails, all are told so.
4. Work that was handed in runs, even if nobody waits for it any more.
5. Between two groups anybody may look: what this process has committed itself, the connection
   does not have to read again.

Whoever holds the turn uses the connection. It is offered to the event loop whose work comes next,
and the loop does the work in its own thread: every statement gives up Python's lock, and a second
thread would have to wait for it each time. The commit, which waits for the disk, is left to the
writer's thread. That thread also does the work of callers without a loop, and of a loop that does
not take the turn when it is offered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread, get_ident
from time import monotonic
from typing import Any, Final, TypeAlias, TypeVar

from connector_vault.asking import AskFirstError
from connector_vault.errors import MisuseError, StoreError, VaultClosedError
from connector_vault.fence import RECALL_S
from connector_vault.origin import Origin
from connector_vault.rows import Rows, UnreadError
from connector_vault.sqlite import BUSY_MS, FOREIGN, Connection, meaning

T = TypeVar("T")
Work: TypeAlias = Callable[[Rows], T]

#: More than this waits for the next group, so that an event loop is never held for long.
MAX_GROUP: Final = 128
#: A loop that has not taken the turn by then is stopped or held up.
OFFER_S: Final = 0.02


@dataclass(slots=True, eq=False)
class _Job:
    """One piece of work, who waits for it, and what became of it."""

    work: Work[Any]
    loop: asyncio.AbstractEventLoop | None
    future: Future[Any] | asyncio.Future[Any]
    #: What the work needs, and can be done before the transaction.
    ahead: Callable[[], object] | None = None
    value: Any = None
    error: BaseException | None = None


@dataclass(slots=True, eq=False)
class _Offer:
    """The turn, kept for a loop until it comes for it."""

    loop: asyncio.AbstractEventLoop


@dataclass(slots=True, eq=False)
class _Group:
    """Work that commits together, and how far it is."""

    jobs: list[_Job]
    done: bool = False
    failed: bool = False
    #: Whether it has the connection to itself.
    began: bool = False

    def fail(self, error: BaseException | None) -> None:
        """Gives everybody the error that undoes the group, each an object of its own."""
        self.failed = True
        cause = error if isinstance(error, StoreError) else StoreError("The work was cut short.")
        for job in self.jobs:
            job.error = job.error or type(cause)(*cause.args)


class GroupWriter:
    """The one way in which this process writes to the vault."""

    def __init__(self, connection: Connection, check: Callable[[], None]) -> None:
        """Takes the connection over: nobody else may use it.

        `check` raises StoreError where a group may not write to what is behind it.
        """
        self._connection = connection
        self._check = check
        self._origin = Origin()
        self._rows = Rows(connection)
        self._rows.writing = self._rows.gathering = True
        self._echo = self._rows.echo()
        self._lock = Lock()
        #: Held by whoever uses the connection: for a group, up to its commit.
        self._use = Lock()
        self._waiting: deque[_Job] = deque()
        #: Whether somebody holds the turn, and whether that is only an offer so far.
        self._taken = False
        self._offer: _Offer | None = None
        self._runner: int | None = None
        self._orders: SimpleQueue[_Group | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._closed = False

    def write(self, work: Work[T]) -> T:
        """Runs the work and waits for its commit.

        Raises:
            MisuseError: It is called from inside other work.
        """
        future: Future[T] = Future()
        if self._hand_in(_Job(work, None, future)):
            self._orders.put(self._take())
        return future.result()

    def write_async(
        self, work: Work[T], ahead: Callable[[], object] | None = None
    ) -> asyncio.Future[T]:
        """Runs the work; what is given is done with its commit, and cancelling it stops nothing.

        `ahead` is called before, with those of the others in its group: what is alike is faster in
        a row, and keeps no other process from writing. The work does itself what that could not.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._hand_in(_Job(work, loop, future, ahead)):
            # Not at once: what other tasks hand in before the loop's next round comes along.
            loop.call_soon(self._told, (), self._offer)
        return future

    def look(self, work: Work[T]) -> tuple[T] | None:
        """Runs short work that only reads; None if somebody uses the connection.

        The work must not call the vault, and is run elsewhere if the provider has to be asked.
        """
        if not self._use.acquire(blocking=False):
            return None
        self._runner = get_ident()
        try:
            return (self._rows.glance(work),)
        except AskFirstError:
            return None
        finally:
            self._runner = None
            self._use.release()

    def recall(self, work: Work[T]) -> tuple[T] | None:
        """Runs short work on what was seen a moment ago; None if that is not all it asks for.

        It does not need the connection, which may be waiting for the disk.
        """
        seen = self._rows.seen
        if seen is None or monotonic() - seen > RECALL_S:
            return None
        try:
            found = (work(self._echo),)
        except (UnreadError, AskFirstError):
            return None
        # Somebody else's work may have changed something in between.
        return found if self._rows.seen == seen else None

    def close(self) -> None:
        """Finishes what was handed in, and closes the connection."""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._orders.put(None)
            thread.join()
        with self._use:
            self._connection.close()

    def _hand_in(self, job: _Job) -> bool:
        """Puts work in line; True says that the turn was free and is now the caller's."""
        self.check_outside()
        with self._lock:
            if self._closed:
                raise VaultClosedError("The vault was closed.")
            self._waiting.append(job)
            if self._thread is None:
                # A daemon: an interpreter that ends without closing is a crash, and is safe.
                self._thread = Thread(target=self._serve, name="vault-writer", daemon=True)
                self._thread.start()
            free, self._taken = not self._taken, True
            if free and job.loop is not None:
                self._offer = _Offer(job.loop)
            elif self._offer is not None and self._offer.loop is not job.loop:
                # That loop may never run again; the writer's thread looks after the offer.
                self._orders.put(None)
        return free

    def check_outside(self) -> None:
        """Refuses work that waits for other work, which would wait for ever.

        Raises:
            MisuseError: It is called from inside work.
        """
        if self._runner == get_ident():
            raise MisuseError("Work cannot call the vault; it has its transaction.")

    def _take(self) -> _Group:
        """Takes those who wait, in their order."""
        with self._lock:
            count = min(len(self._waiting), MAX_GROUP)
            return _Group([self._waiting.popleft() for _ in range(count)])

    def _work_here(self) -> None:
        """Does the work in a loop's own thread, and leaves the commit to the writer's."""
        # A child of a fork goes on with the loop of its parent, and with what waits there.
        if not self._origin.here:
            return
        group = self._take()
        self._begin(group)
        try:
            self._connection.set_busy_timeout(0)
            # Most often: another process writes. The writer's thread begins anew, and waits.
            with suppress(*FOREIGN):
                self._run(group)
        finally:
            self._connection.set_busy_timeout(BUSY_MS)
            self._orders.put(group)

    def _begin(self, group: _Group) -> None:
        """Takes the connection for a group; whoever looks is done in a moment."""
        self._use.acquire()
        group.began = True

    def _serve(self) -> None:
        """Commits group after group until the vault is closed."""
        while self._taken or not self._closed:
            group = self._orders.get()
            if group is None and self._offer is not None:
                group = self._awaited(self._offer)
            while group is not None:
                self._finish(group)
                group = self._pass_on(group)

    def _run(self, group: _Group) -> None:
        """Opens a transaction and does all the work in it; once more, with care, if it must."""
        for job in group.jobs:
            if job.ahead is not None:
                with suppress(Exception):
                    job.ahead()
        if self._did(group, careful=False):
            return
        self._rows.appended.drop()
        self._rows.renew()
        # A full disk has undone it already.
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._did(group, careful=True)

    def _did(self, group: _Group, *, careful: bool) -> bool:
        """Does a group's work in one transaction; False says that it must be undone as a whole."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._check()
        except StoreError as error:
            group.fail(error)
            return True
        self._rows.begin()
        self._rows.careful = careful
        self._runner = get_ident()
        try:
            for job in group.jobs:
                whole = self._attempt(job)
                if not self._connection.in_transaction:
                    # A full disk undoes the whole transaction, and with it all the others' work.
                    group.fail(job.error)
                    return True
                if not whole:
                    return False
        finally:
            self._runner = None
        group.done = careful or self._stored()
        return group.done

    def _stored(self) -> bool:
        """Stores what the work has appended to the log; False says that some of it cannot be."""
        # Whatever it is: whose row it is comes out when the work is done with care.
        with suppress(Exception):
            self._rows.appended.store()
        return not self._rows.appended.spoiled

    def _attempt(self, job: _Job) -> bool:
        """Does one piece of work, and undoes it if it raises; False says that it cannot."""
        rows = self._rows
        rows.marked = rows.bare = False
        job.error = None
        try:
            job.value = job.work(rows)
        except BaseException as error:  # noqa: BLE001 - whatever it is belongs to whoever waits
            job.error = meaning(error) if isinstance(error, FOREIGN) else error
            rows.renew()
            if rows.bare or (rows.appended.spoiled and not rows.careful):
                return False
            if rows.marked:
                rows.appended.drop()
            if rows.marked and self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO work")
        if rows.marked and self._connection.in_transaction:
            self._connection.execute("RELEASE work")
        return True

    def _finish(self, group: _Group) -> None:
        """Commits a group, after doing its work if nobody did."""
        if not group.began:
            self._begin(group)
        try:
            if self._connection.in_transaction and not group.done:
                group.fail(None)
            elif not group.done and not group.failed:
                self._run(group)
            if not group.failed:
                self._connection.execute("COMMIT")
                self._rows.end()
        except FOREIGN as error:
            group.fail(meaning(error))
        finally:
            if group.failed:
                self._rows.appended.drop()
                self._rows.renew()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._use.release()

    def _pass_on(self, done: _Group) -> _Group | None:
        """Tells everybody, and gives the turn to who waits; None says that nobody does."""
        with self._lock:
            loop = self._waiting[0].loop if self._waiting else None
            taken = self._taken = bool(self._waiting)
            offer = self._offer = None if loop is None else _Offer(loop)
        self._tell(done.jobs, offer)
        if not taken:
            return None
        return self._take() if offer is None else self._awaited(offer)

    def _awaited(self, offer: _Offer) -> _Group:
        """Waits until the loop has done its work, or does the work in its place."""
        group = None
        while group is None:
            try:
                group = self._orders.get(timeout=OFFER_S)
            except Empty:
                if self._ended(offer):
                    group = self._take()
        return group

    def _ended(self, offer: _Offer) -> bool:
        """Ends an offer; True says that it was still open, so the turn is the caller's."""
        with self._lock:
            mine = self._offer is offer
            if mine:
                self._offer = None
        return mine

    def _tell(self, jobs: list[_Job], offer: _Offer | None) -> None:
        """Tells everybody, with one wake-up for each loop, and makes the offer."""
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        if offer is not None:
            loops[offer.loop] = []
        for job in jobs:
            if job.loop is None:
                _settle(job)
            else:
                loops.setdefault(job.loop, []).append(job)
        for loop, told in loops.items():
            mine = offer if offer is not None and offer.loop is loop else None
            # A loop that was closed raises: nobody waits there any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._told, told, mine)

    def _told(self, jobs: Sequence[_Job], offer: _Offer | None) -> None:
        """Tells those who wait in this loop, and takes the turn if it is on offer."""
        for job in jobs:
            if not job.future.done():
                _settle(job)
        if offer is not None and self._ended(offer):
            self._work_here()


def _settle(job: _Job) -> None:
    """Tells one."""
    future: Any = job.future
    if job.error is None:
        future.set_result(job.value)
    else:
        future.set_exception(job.error)
