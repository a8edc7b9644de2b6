"""Proves how the lines of a batch are read and turned into calls."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final

import pytest

from clientary_connector.call.result import Call, CallError
from clientary_connector.frontends.cli.batchlines import (
    MAX_LINE_BYTES,
    Line,
    LineReader,
    open_lines,
    parse_call,
    size_of,
)

pytestmark = pytest.mark.requirement("cli.batch")

DEFAULTS: Final = {"user": "sam", "persona": "bookkeeper", "connection": "books"}
#: Long after a thread that ends has ended.
PATIENCE_S: Final = 5.0


class CountedFile(io.BytesIO):
    """A file that counts how often it is read."""

    reads = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        """Reads a line and counts it."""
        self.reads += 1
        return super().readline(size)


class BrokenFile(io.BytesIO):
    """A file on a disk that has gone."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Fails as the system does."""
        del size
        raise OSError(5, "the disk is gone")


def test_a_line_needs_no_more_than_an_action() -> None:
    """What a line leaves out comes from the options; an operation is minted."""
    call = parse_call(Line(1, b'{"action": "list_staff"}', 24), DEFAULTS)
    assert isinstance(call, Call)
    assert (call.user, call.persona, call.connection) == ("sam", "bookkeeper", "books")
    assert call.prompt == "(typed at the command line: list_staff over books)"
    assert call.operation.startswith("op_")


def test_a_line_goes_before_the_options() -> None:
    """Each line may name its own user, persona, connection, prompt and operation."""
    data = b'{"action": "a", "user": "u", "connection": "c", "prompt": "p", "operation": "o"}'
    call = parse_call(Line(1, data, 1), DEFAULTS)
    expected = Call(
        action="a", user="u", connection="c", prompt="p", operation="o", persona="bookkeeper"
    )
    assert call == expected


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "longer than"),
        (b"{", "bad JSON at column 2"),
        (b"\xff", "bad UTF-8 at byte 1"),
        (b"[]", "expected an object"),
        (b"{}", "it names no call"),
    ],
)
def test_a_bad_line_is_an_error_with_its_number(data: bytes | None, said: str) -> None:
    """The number says where in the file; the text of the line is not repeated."""
    error = parse_call(Line(7, data, 1), DEFAULTS)
    assert isinstance(error, CallError)
    assert error.message.startswith("Line 7 cannot be used: ")
    assert said in error.message


def test_all_faults_of_a_line_come_at_once() -> None:
    """Missing, unknown and wrong keys are told together."""
    data = b'{"action": 1, "arguments": [], "nosuch": 1}'
    error = parse_call(Line(1, data, 1), {})
    assert isinstance(error, CallError)
    assert sorted(fault.path for fault in error.faults) == [
        "$.action",
        "$.arguments",
        "$.connection",
        "$.nosuch",
        "$.persona",
        "$.user",
    ]


def test_lines_are_counted_blank_ones_too_and_a_long_one_is_passed_over(tmp_path: Path) -> None:
    """Numbers are those of an editor; a line of any length costs no more than the limit."""
    path = tmp_path / "lines"
    path.write_bytes(b"one\n\n  \r\n" + b"x" * (3 * MAX_LINE_BYTES) + b"\nlast")
    lines = asyncio.run(_all_lines(path))
    assert [(line.number, line.data) for line in lines] == [(1, b"one"), (4, None), (5, b"last")]
    assert lines[-1].read == path.stat().st_size


def test_a_line_of_just_the_limit_is_not_too_long(tmp_path: Path) -> None:
    """A line that ends at the limit is whole; one that goes on to the end of the file is not."""
    path = tmp_path / "lines"
    path.write_bytes(b"x" * (MAX_LINE_BYTES - 1) + b"\n" + b"y" * (2 * MAX_LINE_BYTES))
    lines = asyncio.run(_all_lines(path))
    assert [line.data and len(line.data) for line in lines] == [MAX_LINE_BYTES - 1, None]


def test_no_line_is_read_before_it_is_wanted() -> None:
    """A reader at rest leaves its input alone, so that memory stays bounded."""
    file = CountedFile(b"first\nsecond\n")
    assert asyncio.run(_first_line(file)) == b"first"
    assert file.reads == 1


def test_a_file_that_cannot_be_read_on_is_told_to_whoever_waits() -> None:
    """An error of the system reaches the one who wants the line."""
    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(_first_line(BrokenFile()))


def test_stdin_is_read_through_a_buffer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe has no size, and closing the reader leaves stdin open."""
    out, into = os.pipe()
    with os.fdopen(out) as stdin, os.fdopen(into, "wb") as feed:
        monkeypatch.setattr(sys, "stdin", stdin)
        feed.write(b"first\n")
        feed.flush()
        file = open_lines("-")
        assert size_of(file) is None
        assert asyncio.run(_first_line(file)) == b"first"
        assert os.fstat(out)


async def _all_lines(path: Path) -> list[Line]:
    reader = LineReader(open_lines(str(path)))
    lines: list[Line] = []
    while (line := await reader.following()) is not None:
        lines.append(line)
    reader.close()
    return lines


async def _first_line(file: BinaryIO) -> bytes | None:
    reader = LineReader(file)
    try:
        line = await reader.following()
    finally:
        reader.close()
        _join_threads()
    assert line is not None
    return line.data


def _join_threads() -> None:
    """Waits until the reader's thread has done all that it will do."""
    for thread in threading.enumerate():
        if thread.name == "batch lines":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
