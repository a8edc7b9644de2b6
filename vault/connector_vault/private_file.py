"""Reads and makes small files that nobody else may read or replace.

1. The file's own directory is a directory, not a link, belongs to this user and is closed to all
   others. (A token that another program keeps up to date may lie in an open directory.)
2. The file is opened without following a link, and every further check is made on the file
   that was opened, not on its name.
3. It is a regular file, belongs to this user and is closed to all others.
4. A file is made only where there is none.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from connector_vault.errors import VaultLockedError


def read_private(path: Path, *, most: int, own_directory: bool = True) -> bytes:
    """Reads a file of at most so many bytes.

    Raises:
        VaultLockedError: It is missing, too long, or somebody else could read or replace it.
    """
    with _directory(path, own=own_directory) as directory:
        file = _opened(path, directory)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                raise locked(path, "is not a regular file")
            _check_private(status, path, advice="chmod 600")
            if status.st_size > most:
                raise locked(path, f"is longer than {most} bytes")
            return os.read(file, most)
        finally:
            os.close(file)


def make_private(path: Path, content: Callable[[], bytes]) -> None:
    """Makes a file and its directory; a file that is there already is left as it is.

    Raises:
        VaultLockedError: Nothing can be made there, or somebody else could replace it.
    """
    try:
        with suppress(FileExistsError):
            path.parent.mkdir(mode=0o700, parents=True)
            # A strange umask could have closed it to this user too.
            path.parent.chmod(0o700)
    except OSError as error:
        raise locked(path, f"cannot be made ({error.strerror})") from None
    with _directory(path, own=True) as directory:
        _make(path, directory, content)


def absolute(place: str) -> Path | None:
    """Gives the path if it is an absolute one."""
    path = Path(place)
    return path if path.is_absolute() else None


def locked(path: Path, why: str) -> VaultLockedError:
    """Says which file keeps the vault locked, and why."""
    return VaultLockedError(f"The vault stays locked: {path} {why}.")


@contextmanager
def _directory(path: Path, *, own: bool) -> Generator[int]:
    """Opens the file's directory, checked, for as long as the file in it is used."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOFOLLOW if own else 0)
    try:
        directory = os.open(path.parent, flags)
    except OSError as error:
        raise locked(path.parent, f"cannot be opened ({error.strerror})") from None
    try:
        if own:
            _check_private(os.fstat(directory), path.parent, advice="chmod 700")
        yield directory
    finally:
        os.close(directory)


def _opened(path: Path, directory: int) -> int:
    """Opens the file for reading; a link is not followed and a pipe is not waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path.name, flags, dir_fd=directory)
    except FileNotFoundError:
        raise locked(path, "does not exist; put it back, no new one is made") from None
    except OSError as error:
        raise locked(path, f"cannot be opened, or is a link ({error.strerror})") from None


def _check_private(status: os.stat_result, path: Path, *, advice: str) -> None:
    """Refuses what belongs to, or is open to, somebody else."""
    if status.st_uid != os.geteuid():
        raise locked(path, "belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise locked(path, f"is open to other users; run {advice} on it")


def _make(path: Path, directory: int, content: Callable[[], bytes]) -> None:
    """Writes a new file through to the disk, unless the name is taken by whatever."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(path.name, flags, 0o600, dir_fd=directory)
    except FileExistsError:
        return
    except OSError as error:
        raise locked(path, f"cannot be made ({error.strerror})") from None
    try:
        os.fchmod(file, 0o600)
        os.write(file, content())
        os.fsync(file)
        os.fsync(directory)
    except OSError as error:
        os.unlink(path.name, dir_fd=directory)
        raise locked(path, f"cannot be written ({error.strerror})") from None
    finally:
        os.close(file)
