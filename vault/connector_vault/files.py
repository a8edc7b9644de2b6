"""Puts database files in place so that nobody ever sees half of one.

1. A file is closed to everybody else before anything is in it, and so is a folder made for it.
2. A new file gets its name when it is whole and on the disk, and only if nobody has that name.
3. A file that takes another's place does so in one step, and the other stays under a name.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

#: What an engine may leave beside a database while it is in use.
JOURNALS: Final = ("-wal", "-shm", "-journal")


#: What holds nothing but a lock on the database beside it.
LOCKS: Final = (".open", ".fence")


#: What the system says where a disk, a quota or a limit leaves no room.
NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def appearing(path: Path) -> Generator[Path]:
    """Gives an empty file to fill, and gives it its name after that.

    Raises:
        FileExistsError: Somebody has that name.
        OSError: The file cannot be made.
    """
    if path.exists():
        raise FileExistsError
    make_folder(path.parent)
    with beside(path, "new") as fresh:
        yield fresh
        sync(fresh)
        os.link(fresh, path)
    sync(path.parent)


@contextmanager
def beside(path: Path, use: str, *, alone: bool = False) -> Generator[Path]:
    """Gives an empty file in the same folder, and removes it and its journals after that.

    Who is `alone` removes what processes that died have left, too.
    """
    if alone:
        for left in path.parent.glob(f"{path.name}.{use}-*"):
            left.unlink()
    fresh = path.with_name(f"{path.name}.{use}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.fchmod(file, 0o600)
        finally:
            os.close(file)
        yield fresh
    finally:
        for name in ("", *JOURNALS, *LOCKS):
            fresh.with_name(fresh.name + name).unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Makes a folder, closed to everybody else, if there is none."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o700)
        folder.chmod(0o700)


def copy_into(source: Path, target: Path) -> None:
    """Copies a database that nobody uses into a file, with the journal that it may have."""
    for name in ("", "-wal"):
        part = source.with_name(source.name + name)
        if name == "" or part.exists():
            copied = target.with_name(target.name + name)
            shutil.copyfile(part, copied)
            copied.chmod(0o600)


def keep(target: Path, kept: Path) -> None:
    """Gives a file, and the journal that it may have, a second name.

    Raises:
        FileExistsError: Another file has that name.
    """
    for name in ("", *JOURNALS):
        one, other = (path.with_name(path.name + name) for path in (target, kept))
        if other.exists() and one.exists() and one.samefile(other):
            continue  # it was cut short here before
        with suppress(FileNotFoundError):
            os.link(one, other)
    sync(target.parent)


def replace(target: Path, fresh: Path) -> None:
    """Puts a file in another's place, and takes away the journal of the other."""
    sync(fresh)
    for name in JOURNALS:
        target.with_name(target.name + name).unlink(missing_ok=True)
    fresh.replace(target)
    sync(target.parent)


def write_at(file: int, data: bytes, at: int) -> None:
    """Writes all of it at a place of an open file, and waits until it has reached the disk."""
    while data:
        done = os.pwrite(file, data, at)
        data, at = data[done:], at + done
    os.fsync(file)


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, have reached the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
