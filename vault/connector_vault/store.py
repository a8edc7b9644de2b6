"""Opens the database: its files, its readers, its one writer.

1. File and directory are made closed to everybody else, whatever the umask.
2. A new database appears under its name only when it is whole.
3. Every commit reaches the disk before anybody is told, unless durability is "normal".
4. No handle is used in a process that it was not opened in, or after the file behind its name
   has become another.
5. While a store is open, nobody puts another database in its place.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from connector_vault import schema
from connector_vault.asking import AskFirstError
from connector_vault.attendance import Attendance
from connector_vault.errors import (
    IntegrityError,
    StoreUnavailableError,
    VaultClosedError,
    VaultExistsError,
    VaultMissingError,
)
from connector_vault.fence import Fence
from connector_vault.files import appearing
from connector_vault.group import GroupWriter
from connector_vault.origin import Origin
from connector_vault.presence import Presence
from connector_vault.rows import Rows
from connector_vault.sqlite import (
    FOREIGN,
    Connection,
    Durability,
    connect,
    copy,
    damage,
    meaning,
)

T = TypeVar("T")

_IDLE_READERS: Final = 8


class Store:
    """One open database: reads from any thread, writes through one."""

    def __init__(
        self, path: Path, durability: Durability, *, presence: Presence | None = None
    ) -> None:
        """Opens a database that exists; `presence` is a lock on it that the caller holds.

        Raises:
            VaultMissingError: There is none.
            StoreError: It cannot be opened, or is no vault.
        """
        if not path.exists():
            raise VaultMissingError(f"There is no vault at {path}.")
        self.path = path
        self._name = str(path)
        self.fence = Fence(path)
        self.attendance = Attendance(path)
        self._durability: Durability = durability
        self._origin = Origin()
        self._closed = False
        self._lock = Lock()
        self._idle: deque[tuple[Connection, Rows]] = deque()
        self._writer: GroupWriter | None = None
        self._presence = Presence(path) if presence is None else None
        try:
            self._file = _file_id(self._name)
            self._release(self._reader())
        except BaseException:
            self._leave()
            raise

    def read(self, work: Callable[[Rows], T]) -> T:
        """Runs work on one snapshot, in this thread."""
        self._check()
        return self._with_reader(lambda rows: rows.snapshot(work))

    def look(self, work: Callable[[Rows], T]) -> T:
        """Does the same with short work that may be done twice; what was seen is seen faster.

        The connection that writes need not read again what this process has committed itself.
        """
        self._check()
        if self._writer is not None:
            try:
                found = self._writer.look(work)
            except FOREIGN as error:
                raise meaning(error) from error
            if found is not None:
                return found[0]
        return self._with_reader(lambda rows: rows.glance(work))

    def recall(self, work: Callable[[Rows], T]) -> tuple[T] | None:
        """Runs short work on what was seen a moment ago; None if that is not all it asks for.

        What others have committed within that moment it may miss.
        """
        self._check_open()
        return None if self._writer is None else self._writer.recall(work)

    def write(self, work: Callable[[Rows], T]) -> T:
        """Runs work in a transaction and waits for its commit."""
        try:
            return self._writing().write(work)
        except AskFirstError as needed:
            self._ask(needed)
        return self._writing().write(_patient(work))

    def write_async(
        self, work: Callable[[Rows], T], ahead: Callable[[], object] | None = None
    ) -> asyncio.Future[T]:
        """Hands in work for a transaction; what is given is done with the commit.

        Where the provider has to be asked first, awaiting it raises AskFirstError: it is to be
        handed in once more, by `write_patiently`.
        """
        return self._writing().write_async(work, ahead)

    async def write_patiently(self, work: Callable[[Rows], T], needed: AskFirstError) -> T:
        """Has the provider asked, and then runs work in a transaction and awaits its commit."""
        await asyncio.to_thread(self._ask, needed)
        return await self._writing().write_async(_patient(work))

    def sizes(self) -> tuple[int, int]:
        """Gives the bytes of the database and of its journal."""
        self._check()
        journal = self.path.with_name(f"{self.path.name}-wal")
        return self.path.stat().st_size, journal.stat().st_size if journal.exists() else 0

    def scrub(self) -> bool:
        """Empties the journal, which may hold what was overwritten; False if it is being read."""
        statement = "PRAGMA wal_checkpoint(TRUNCATE)"
        busy: int = self._using(lambda connection: connection.execute(statement).fetchone()[0])
        return not busy

    def copy_to(self, path: Path, told: Callable[[int, int], None] | None = None) -> None:
        """Copies the database into an empty file, as it is at this moment.

        `told` is told pages done and pages in all.
        """

        def copied(connection: Connection) -> None:
            connection.execute("BEGIN")
            # Reading something takes the snapshot; until then a transaction has none.
            schema.version_of(connection)
            copy(connection, path, told)

        self._using(copied)

    def faults(self) -> list[str]:
        """Says what is wrong with the file, and with what the tables are made of."""
        return self._using(
            lambda connection: [*damage(connection), *map(_altered, schema.strange(connection))]
        )

    def migrate(self) -> None:
        """Brings an older database up to date."""
        if self._using(schema.migrate):
            self.write(lambda rows: rows.postings.catch_up(rows.last_seq()))

    def settle(self) -> None:
        """Makes all that was committed last, where durability did not do so already."""
        if self._durability != "full":
            self._using(lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)"))

    def close(self) -> None:
        """Finishes the writes and closes every connection.

        In another process than the one that opened it this does nothing: the files belong to
        the other one.

        Raises:
            MisuseError: It is called from inside work.
        """
        if not self._origin.here:
            return
        self.check_outside()
        with self._lock:
            closed, self._closed = self._closed, True
            writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        while self._idle:
            self._idle.pop()[0].close()
        if not closed:
            self.fence.close()
            self.attendance.close()
            self._leave()

    def check_outside(self) -> None:
        """Refuses what waits for work, where it is called from inside work.

        Raises:
            MisuseError: It is.
        """
        if self._writer is not None:
            self._writer.check_outside()

    def _ask(self, needed: AskFirstError) -> None:
        """Has the provider asked; a key that does not open is left to the work to find out."""
        with suppress(IntegrityError):
            self.read(needed.ahead)

    def _leave(self) -> None:
        """Gives the lock back, unless it is the caller's."""
        if self._presence is not None:
            self._presence.close()

    def _using(self, work: Callable[[Connection], T]) -> T:
        """Runs what only this engine knows, on a connection of its own."""
        self._check()
        try:
            connection = connect(self.path, "full")
            try:
                return work(connection)
            finally:
                connection.close()
        except FOREIGN as error:
            raise meaning(error) from error

    def _check(self) -> None:
        """Refuses a handle that was closed, came here by a fork, or has lost its file."""
        self._check_open()
        self._check_file()

    def _check_open(self) -> None:
        """Refuses a handle that was closed, or came here by a fork."""
        self._origin.check()
        if self._closed:
            raise VaultClosedError("The vault was closed.")

    def _check_file(self) -> None:
        """Refuses a handle whose file is not the one behind its name any more."""
        if _file_id(self._name) != self._file:
            raise StoreUnavailableError("The vault's file was replaced; open the vault anew.")

    def _writing(self) -> GroupWriter:
        """Gives the writer, which the first write makes; it checks the file for each group."""
        self._check_open()
        writer = self._writer
        if writer is not None:
            return writer
        self._check_file()
        with self._lock:
            if self._writer is None:
                try:
                    opened = connect(self.path, self._durability)
                    self._writer = GroupWriter(opened, self._check_file)
                except FOREIGN as error:
                    raise meaning(error) from error
            return self._writer

    def _with_reader(self, work: Callable[[Rows], T]) -> T:
        """Runs work on a connection that reads."""
        reader = self._reader()
        try:
            return work(reader[1])
        except FOREIGN as error:
            raise meaning(error) from error
        finally:
            self._release(reader)

    def _reader(self) -> tuple[Connection, Rows]:
        """Gives a connection that nobody else uses."""
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            connection = connect(self.path, self._durability)
            schema.check_identity(connection)
            schema.version_of(connection)
        except FOREIGN as error:
            raise meaning(error) from error
        return connection, Rows(connection)

    def _release(self, reader: tuple[Connection, Rows]) -> None:
        """Takes a connection back."""
        if self._closed or len(self._idle) >= _IDLE_READERS:
            reader[0].close()
        else:
            self._idle.append(reader)


def make_ready(path: Path) -> None:
    """Gives a database that was copied the kind of journal that a vault has.

    Raises:
        StoreError: It is damaged, or is no database.
    """
    try:
        connection = connect(path, "full")
        try:
            schema.check_identity(connection)
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
    except FOREIGN as error:
        raise meaning(error) from error


def settle(path: Path) -> None:
    """Copies the journal of a database that nobody uses into it, as far as that can be done."""
    with suppress(*FOREIGN):
        connection = connect(path, "full")
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _patient(work: Callable[[Rows], T]) -> Callable[[Rows], T]:
    """Lets work ask inside its transaction, if it must do so once more."""

    def run(rows: Rows) -> T:
        rows.writing = False
        try:
            return work(rows)
        finally:
            rows.writing = True

    return run


def _altered(name: str) -> str:
    """Says that a part of the database's make-up is not as it was made."""
    return f"{name} is not as this version makes it"


def _file_id(path: str) -> tuple[int, int]:
    """Tells the file behind a name from any other."""
    try:
        status = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, at every read
    except OSError as error:
        raise StoreUnavailableError(f"The vault's file is gone: {error.strerror}.") from None
    return status.st_dev, status.st_ino


def create_database(path: Path, fill: Callable[[Rows], T]) -> T:
    """Makes a new database, fills it, and only then gives it its name.

    Raises:
        VaultExistsError: There is one.
        StoreError: It cannot be made.
    """
    try:
        with appearing(path) as fresh:
            filled = _fill(fresh, fill)
    except FileExistsError:
        raise VaultExistsError(f"There is a vault at {path} already.") from None
    except OSError as error:
        raise StoreUnavailableError(f"No vault can be made at {path}: {error.strerror}.") from None
    except FOREIGN as error:
        raise meaning(error) from error
    return filled


def _fill(path: Path, fill: Callable[[Rows], T]) -> T:
    """Lays the tables out and runs the first transaction."""
    connection = connect(path, "full")
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.migrate(connection)
        connection.execute("BEGIN IMMEDIATE")
        filled = fill(Rows(connection))
        connection.execute("COMMIT")
        return filled
    finally:
        connection.close()
