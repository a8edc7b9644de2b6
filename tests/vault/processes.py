"""Holds what other processes do in the tests of the vault."""

from __future__ import annotations

import asyncio
import ctypes
import functools
import os
import resource
import signal
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from connector_vault import LogDraft, StoreError, Transaction, restore
from tests.vault.ground import Place, append, intent, settle


def _append(draft: LogDraft, change: Transaction) -> int:
    """Appends a row that was drafted before."""
    return change.append(draft)


def append_rows(root: Path, name: str, count: int, told: Connection) -> None:
    """Appends rows, each in a commit of its own, half of them from an event loop."""
    with Place(root).open() as vault:

        async def looping() -> None:
            for number in range(count // 2):
                draft = intent(vault, f"op_{name}_a{number}")
                await vault.write_async(functools.partial(_append, draft))

        asyncio.run(looping())
        for number in range(count - count // 2):
            append(vault, intent(vault, f"op_{name}_b{number}"))
    told.send("done")


def claim(root: Path, operation: str, told: Connection) -> None:
    """Claims one operation, as others do at the same time; tells who won."""
    with Place(root).open() as vault:
        try:
            told.send(append(vault, intent(vault, operation)))
        except Exception as error:  # noqa: BLE001 - the parent looks at what it is
            told.send(type(error).__name__)


def write_for_ever(root: Path, name: str, told: Connection) -> None:
    """Writes calls at full speed, and tells of each only once it was told of it."""
    with Place(root).open() as vault:

        async def caller(number: int) -> None:
            count = 0
            while True:
                draft = intent(vault, f"op_{name}_{number}_{count}")
                seq = await vault.write_async(functools.partial(_append, draft))
                told.send(("intent", seq))
                done = vault.draft(kind="outcome", ref=seq, outcome="succeeded")
                await vault.write_async(functools.partial(_append, done))
                told.send(("outcome", seq))
                count += 1

        async def main() -> None:
            await asyncio.gather(*(caller(number) for number in range(8)))

        asyncio.run(main())


def write_until_full(root: Path, told: Connection) -> None:
    """Lets no file grow much further, and writes until the vault says that it is enough."""
    place = Place(root)
    with place.open() as vault:
        settle(vault, append(vault, intent(vault, "op_first")))
        limit = (place.database.parent / "vault.db-wal").stat().st_size + 200_000
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        written = 0
        try:
            while True:
                append(vault, intent(vault, f"op_{written}"))
                written += 1
        except StoreError as error:
            told.send((type(error).__name__, written))
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        append(vault, intent(vault, "op_after"))
        told.send(vault.verify_log().ok)


def open_until_told(root: Path, told: Connection) -> None:
    """Opens the vault, says so, and waits to be killed."""
    with Place(root).open():
        told.send("open")
        threading.Event().wait()


def restore_until(root: Path, backup: Path, at: str, told: Connection) -> None:
    """Restores a backup, and kills itself at a step."""
    place = Place(root)

    def die(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    restore(backup, place.database, key=place.key, accept=True, on_step=die)
    told.send("done")


def read_only(root: Path, told: Connection) -> None:
    """Tries to write where the database may not be written, and where its folder may not."""
    place = Place(root)
    folder = place.database.parent
    obey_rights()
    ends: list[str] = []
    for path, mode in ((place.database, 0o400), (folder, 0o500)):
        before = path.stat().st_mode
        path.chmod(mode)
        try:
            with place.open() as vault:
                append(vault, intent(vault))
        except StoreError as error:
            ends.append(type(error).__name__)
        path.chmod(before)
    told.send(ends)


class _Asked(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("process", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inherited", ctypes.c_uint32),
    )


def obey_rights() -> None:
    """Lets the rights of files count for this process, also where root runs it."""
    if os.geteuid() != 0:
        return
    system = ctypes.CDLL(None)
    asked, rights = _Asked(0x20080522, 0), (_Rights * 2)()
    assert system.capget(ctypes.byref(asked), rights) == 0
    # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
    rights[0].effective &= ~0b110
    rights[0].permitted &= ~0b110
    assert system.capset(ctypes.byref(asked), rights) == 0
