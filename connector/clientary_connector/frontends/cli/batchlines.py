"""Reads the lines of a batch, in a thread of its own, and makes calls of them."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from clientary_connector.call.result import (
    ArgumentFault,
    Call,
    CallError,
    ErrorKind,
    mint_operation,
)
from clientary_connector.frontends.cli import options
from clientary_connector.frontends.jsontext import JsonTextError, parse_object

#: A longer line is no call; it is read over, never held.
MAX_LINE_BYTES: Final = 1024 * 1024
REQUIRED: Final = ("action", "connection", "user", "persona")
TEXTS: Final = (*REQUIRED, "prompt", "operation")
KEYS: Final = (*TEXTS, "arguments")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was read; `data` is None where it was too long."""

    number: int
    data: bytes | None
    #: How many bytes of the file were read so far.
    read: int


class LineReader:
    """Gives one line after the other, and reads no further than it was asked to."""

    def __init__(self, file: BinaryIO) -> None:
        """Takes over the file, and closes it in the end."""
        self._file = file
        self._read = 0
        self._number = 0
        self._ended = False
        self._wanted = threading.Semaphore(0)
        self._lines: asyncio.Queue[Line | OSError | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._run, name="batch lines", daemon=True).start()

    async def following(self) -> Line | None:
        """Returns the next line that is not blank, or None at the end.

        Raises:
            OSError: The file cannot be read on.
        """
        self._wanted.release()
        line = await self._lines.get()
        if isinstance(line, OSError):
            raise line
        return line

    def close(self) -> None:
        """Ends the thread; one that still waits for input ends with the process."""
        self._ended = True
        self._wanted.release()

    def _run(self) -> None:
        with self._file, suppress(RuntimeError):  # the loop was closed: nobody waits any more
            while self._wanted.acquire() and not self._ended:
                line = self._following()
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)

    def _following(self) -> Line | OSError | None:
        try:
            while (line := self._one()) is not None and line.data == b"":
                pass
        except OSError as error:
            return error
        return line

    def _one(self) -> Line | None:
        data = self._file.readline(MAX_LINE_BYTES)
        if not data:
            return None
        self._number += 1
        self._read += len(data)
        if len(data) < MAX_LINE_BYTES or data.endswith(b"\n"):
            return Line(self._number, data.strip(), self._read)
        while rest := self._file.readline(MAX_LINE_BYTES):
            self._read += len(rest)
            if rest.endswith(b"\n"):
                break
        return Line(self._number, None, self._read)


def open_lines(path: str) -> BinaryIO:
    """Opens a file; `-` is stdin, through a buffer that nobody else holds.

    Raises:
        OSError: There is no such file, or it cannot be read.
    """
    if path == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False)
    return open(path, "rb")  # noqa: PTH123 -- the thread closes it


def size_of(file: BinaryIO) -> int | None:
    """Returns how long a file is, or None where that is not known, as of a pipe."""
    about = os.fstat(file.fileno())
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def parse_call(line: Line, defaults: Mapping[str, str]) -> Call | CallError:
    """Returns the call that a line names, with the defaults for what it leaves out."""
    if line.data is None:
        return _error(line, f"it is longer than {MAX_LINE_BYTES:,} bytes")
    try:
        given = parse_object(line.data)
    except JsonTextError as error:
        # A line has one line: its number in the file is what helps.
        return _error(line, str(error).replace("line 1, ", ""))
    item: dict[str, Any] = {**defaults, **given}
    if faults := tuple(_faults(item)):
        return _error(line, "it names no call", faults)
    item.setdefault("prompt", options.typed_prompt(item["action"], item["connection"]))
    item.setdefault("operation", mint_operation())
    return Call(**item)


def _faults(item: Mapping[str, Any]) -> Iterable[ArgumentFault]:
    for key in REQUIRED:
        if key not in item:
            yield ArgumentFault(path=f"$.{key}", expected="it is required")
    for key, value in item.items():
        if key not in KEYS:
            known = ", ".join(KEYS)
            yield ArgumentFault(path=f"$.{key}", expected=f"no such key; known are {known}")
        elif key == "arguments" and not isinstance(value, dict):
            yield ArgumentFault(path="$.arguments", expected="an object")
        elif key in TEXTS and not isinstance(value, str):
            yield ArgumentFault(path=f"$.{key}", expected="text")


def _error(line: Line, what: str, faults: tuple[ArgumentFault, ...] = ()) -> CallError:
    return CallError(
        kind=ErrorKind.INVALID_ARGUMENTS,
        message=f"Line {line.number} cannot be used: {what}.",
        hint="Each line is one JSON object: action, arguments, connection, user, persona, prompt.",
        faults=faults,
    )
