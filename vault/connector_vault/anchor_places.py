"""Keeps checkpoints in places outside the database that a URI names.

    file:PATH       checkpoints one after the other, each with a blank line after it; a file on
                    another disk, or one that can only be appended to
    stdout:         a line of JSON each, for whoever collects the output of a host
    stderr:         the same
    syslog:[PATH]   the same line, to the socket of the system's log

1. A file is never written over: what it holds stays, and what cannot be continued is left alone.
2. A file that has seen more than this log has, or another log, or that was emptied or swapped while
   it was in use, is an error and gets nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import stat
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from connector_vault.anchoring import CheckpointAnchor
from connector_vault.errors import AnchorError
from connector_vault.marks import notes_in

_TAIL_BYTES: Final = 16_384
#: Of RFC 5424: facility 10, security messages, and severity 5, normal but significant.
_PRIORITY: Final = 10 * 8 + 5
_ANSWER_S: Final = 5.0


def anchor_of(uri: str) -> CheckpointAnchor:
    """Gives the anchor that a URI names.

    Raises:
        AnchorError: No anchor is named so.
    """
    scheme, _, rest = uri.partition(":")
    make = _SCHEMES.get(scheme)
    if make is None or ((scheme == "file") != bool(rest.startswith("/")) and scheme != "syslog"):
        raise AnchorError(
            f"The anchor {uri} cannot be used. Give file:/PATH, stdout:, stderr: or syslog:."
        )
    return make(uri, rest)


class FileAnchor:
    """A file that checkpoints are appended to."""

    def __init__(self, name: str, path: str) -> None:
        """Names the file; the first checkpoint makes it."""
        self.name = name
        self._path = Path(path)
        self._last: str | None = None

    def keep(self, note: str, size: int) -> None:
        """Appends a checkpoint, and waits until it has reached the disk.

        Raises:
            AnchorError: It cannot, or the file holds what this log does not continue.
        """
        with self._opened(os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            # Processes take turns; closing the file gives the lock back.
            fcntl.flock(file, fcntl.LOCK_EX)
            end = os.fstat(file).st_size
            tail = os.pread(file, _TAIL_BYTES, max(0, end - _TAIL_BYTES)).decode(errors="replace")
            notes = notes_in(tail)
            self._check(notes, note, size)
            if note not in notes:
                os.write(file, f"{note}\n".encode())
                os.fsync(file)
            self._last = note

    def held(self) -> str:
        """Gives what the file holds; nothing if there is none.

        Raises:
            AnchorError: It cannot be read.
        """
        try:
            with self._opened(os.O_RDONLY) as file, os.fdopen(os.dup(file), "rb") as opened:
                return opened.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _check(self, notes: list[str], note: str, size: int) -> None:
        """Refuses a file that this checkpoint does not continue."""
        if self._last is not None and self._last not in notes and not self._grew(notes):
            raise AnchorError(f"{self._path} was emptied or replaced while it was in use.")
        if notes:
            origin, seen = notes[-1].split("\n")[:2]
            if origin.partition("/")[0] != note.partition("/")[0]:
                raise AnchorError(f"{self._path} holds the checkpoints of another log.")
            if origin == note.partition("\n")[0] and int(seen) > size and note not in notes:
                raise AnchorError(f"{self._path} has seen row {seen}, and the log ends at {size}.")

    def _grew(self, notes: list[str]) -> bool:
        """Says whether other processes have put so much after ours that it is out of sight."""
        return len("\n".join(notes)) > _TAIL_BYTES // 2

    @contextmanager
    def _opened(self, mode: int) -> Generator[int]:
        """Opens the file, and says what is wrong where it cannot be used."""
        try:
            flags = mode | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            file = os.open(self._path, flags, 0o600)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise AnchorError(f"{self._path} is no file.")
                yield file
            finally:
                os.close(file)
        except FileNotFoundError:
            if mode == os.O_RDONLY:
                raise
            raise AnchorError(f"The folder of {self._path} is missing.") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it holds no checkpoints"
            raise AnchorError(f"{self._path} cannot be used: {reason}.") from None


class StreamAnchor:
    """Standard output or error of this process."""

    def __init__(self, name: str, _: str) -> None:
        """Takes the name, which says which of the two."""
        self.name = name

    def keep(self, note: str, size: int) -> None:
        """Writes a line.

        Raises:
            AnchorError: Nobody reads it any more.
        """
        del size
        stream = sys.stdout if self.name.startswith("stdout") else sys.stderr
        try:
            stream.write(f"{line_of(note)}\n")
            stream.flush()
        except (OSError, ValueError):
            raise AnchorError(f"{self.name} was closed.") from None

    def held(self) -> None:
        """Gives nothing: what was written is elsewhere."""


class SyslogAnchor:
    """The log of the system."""

    def __init__(self, name: str, path: str) -> None:
        """Takes the path of its socket; the usual one is the default."""
        self.name = name
        self._path = path or "/dev/log"

    def keep(self, note: str, size: int) -> None:
        """Sends a line.

        Raises:
            AnchorError: There is no such socket, or nobody reads it.
        """
        del size
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
                sending.settimeout(_ANSWER_S)
                sending.sendto(
                    f"<{_PRIORITY}>connector-vault: {line_of(note)}".encode(), self._path
                )
        except OSError as error:
            reason = error.strerror or "it takes nothing"
            raise AnchorError(f"The system's log at {self._path}: {reason}.") from None

    def held(self) -> None:
        """Gives nothing: what was sent is elsewhere."""


def line_of(note: str) -> str:
    """Writes a checkpoint as one line, which every log can carry."""
    return json.dumps({"checkpoint": note})


_SCHEMES: Final[Mapping[str, Callable[[str, str], CheckpointAnchor]]] = {
    "file": FileAnchor,
    "stdout": StreamAnchor,
    "stderr": StreamAnchor,
    "syslog": SyslogAnchor,
}
