"""Gives the tests of the vault a place, rows to write, and a way to edit the file behind it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import apsw

from connector_vault import LogDraft, LogRow, Record, Secret, Transaction, Vault, View
from connector_vault.columns import SecretRow
from connector_vault.rows import Rows
from connector_vault.sqlite import Connection

CANARY = "canary-7f3a9c51-never-on-disk"


@dataclass(frozen=True)
class Place:
    """Where a test's vault and key lie."""

    root: Path

    @property
    def database(self) -> Path:
        """The vault's file."""
        return self.root / "vault" / "vault.db"

    @property
    def key_file(self) -> Path:
        """The key's file."""
        return self.root / "keys" / "vault.key"

    @property
    def key(self) -> str:
        """The key's URI."""
        return f"file:{self.key_file}"

    def create(self) -> Vault:
        """Makes the vault."""
        return Vault.create(self.database, key=self.key)

    def open(self) -> Vault:
        """Opens the vault."""
        return Vault.open(self.database, key=self.key)

    @contextmanager
    def edited(self, path: Path | None = None) -> Generator[Connection]:
        """Opens the vault's file, or another, as somebody does who may write and has no key."""
        connection = raw(path or self.database)
        try:
            for trigger in ("log_kept", "log_fixed", "log_sealed"):
                connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
            connection.execute("PRAGMA ignore_check_constraints = ON")
            yield connection
        finally:
            connection.close()

    def bytes_on_disk(self) -> bytes:
        """Gives all that the vault's folder holds."""
        files = sorted(path for path in self.database.parent.rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in files)


def raw(path: Path) -> Connection:
    """Opens a database without any of the vault's settings."""
    opened = apsw.Connection(str(path))
    opened.set_busy_timeout(10_000)
    return cast("Connection", opened)


def rows_of(view: View) -> Rows:
    """Reaches behind a view or a transaction, to its rows."""
    return view._rows  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def connection_of(view: View) -> Connection:
    """Reaches behind a view or a transaction, to its connection."""
    return rows_of(view)._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def mac_key_of(vault: Vault) -> bytes:
    """Gives the key under which the log's rows have their MACs."""
    key = vault._tools.seal._key  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return bytes(key.material)


def secret_mac_of(vault: Vault, row: SecretRow) -> bytes:
    """Computes the MAC of a secret's row, as only the vault can."""
    secrets = vault._tools.secrets  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return secrets._mac(row)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def row_of(vault: Vault, seq: int) -> LogRow:
    """Reads one row of the log, which must be there."""
    row = vault.read(lambda view: view.log_row(seq))
    assert row is not None
    return row


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        """Starts in the first second of 2026."""
        self.now = now

    def __call__(self) -> float:
        """Gives the time."""
        return self.now


class Repeating:
    """A source of randomness that gives the same bytes for ever, but never the same id twice."""

    def __init__(self) -> None:
        """Starts counting ids."""
        self._ids: Iterator[int] = itertools.count(1)

    def __call__(self, count: int) -> bytes:
        """Gives salts and keys that repeat; ids have 16 bytes and do not."""
        return next(self._ids).to_bytes(16) if count == 16 else bytes(count)


def intent(  # noqa: PLR0913 - a column each, all by name
    vault: Vault,
    operation: str = "op_1",
    *,
    user: str = "ada",
    persona: str = "bookkeeper",
    connection: str = "con_1",
    action: str = "list_clients",
    effect: str = "read",
    payload: bytes = b"why and what",
) -> LogDraft:
    """Makes the intent of an ordinary call."""
    return vault.draft(
        kind="intent",
        user=user,
        persona=persona,
        connection=connection,
        action=action,
        effect=effect,
        operation=operation,
        payload=payload,
    )


def append(vault: Vault, draft: LogDraft) -> int:
    """Writes one row of the log."""
    return vault.write(lambda change: change.append(draft))


def settle(vault: Vault, seq: int, outcome: str = "succeeded") -> int:
    """Writes the outcome of an intent."""
    return append(vault, vault.draft(kind="outcome", ref=seq, outcome=outcome, payload=b"answer"))


def account(state: str = "active") -> Record:
    """Makes a record that decides something."""
    return Record(kind="connection", id="con_1", name="acme", body={"state": state})


def calls(vault: Vault, count: int) -> list[int]:
    """Writes calls with their outcomes; gives the numbers of the intents."""
    seqs: list[int] = []
    for number in range(count):
        seqs.append(append(vault, intent(vault, f"op_{number}")))
        settle(vault, seqs[-1])
    return seqs


def store(vault: Vault, owner: str = "con_1", field: str = "api_key", value: str = CANARY) -> int:
    """Stores a secret; gives its version."""
    return vault.write(
        lambda change: change.store_secret(owner=owner, field=field, secret=Secret(value))
    )


def item(number: int) -> Record:
    """Makes a small record."""
    return Record(kind="item", id=str(number), body={})


def putting(number: int) -> Callable[[Transaction], int]:
    """Makes work that stores a record and gives its number."""

    def work(change: Transaction) -> int:
        change.put(item(number), expect=None)
        return number

    return work


async def crowd(vault: Vault) -> None:
    """Has writes share a group; those that a loop hands in next wait for each other too."""
    await asyncio.gather(*(vault.write_async(Transaction.last_seq) for _ in range(3)))


def in_child(fork: Callable[[], int], work: Callable[[], int]) -> int:
    """Forks, and gives the exit status of the child, which its work says; 255 where that raises."""
    child = fork()
    if child == 0:
        # A lock that another thread held at the fork would hold this one for ever.
        signal.alarm(20)
        try:
            os._exit(work())
        finally:
            os._exit(255)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def stored(vault: Vault) -> set[int]:
    """Gives the numbers of the records."""
    return {int(record.id) for record in vault.read(lambda view: view.records("item"))}
