"""Is `clientary batch`: JSON lines in, JSON lines out, in the same order and in bounded memory.

1. A line that cannot be used fails alone, and its answer names its number.
2. Lines are read only as fast as their calls end.
3. Ctrl-C, or a reader that went away, stops the reading; calls under way end and are answered.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from clientary_connector.call.result import Call, Outcome, Result
from clientary_connector.connector import Connector
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.batchlines import (
    Line,
    LineReader,
    open_lines,
    parse_call,
    size_of,
)
from clientary_connector.frontends.cli.status import Status, of_batch, of_result
from clientary_connector.wiring import open_connector

MAX_CONCURRENCY: Final = 256
#: How many lines are held for each one that runs: a slow call holds up the answers behind it.
HELD: Final = 4


@click.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=8,
    show_default=True,
    help="How many calls run at once.",
)
@click.option("--connection", metavar="NAME", help="For lines that name none.")
@click.option("--persona", metavar="NAME", help="For lines that name none.")
@click.option("--user", metavar="NAME", help="For lines that name none. Default: the login name.")
@click.option("--prompt", metavar="TEXT", help="For lines that give none.")
@click.pass_obj
def batch(state: Path | None, /, *, file: str, concurrency: int, **given: str | None) -> Status:
    """Run one action for each line of FILE; - is stdin.

    A line is a JSON object with action, arguments, connection, user, persona,
    prompt and operation. For each of them one line comes out, in the same order:
    the result, with the line's number in "line". A bad line fails alone.

    Give every line an operation of its own, and the batch can be run again after a
    stop: what was done is answered from the log and not sent twice.

    Exit status: that of the gravest answer (4, then 1, 3, 2), or 0.
    """
    defaults = {key: value for key, value in given.items() if value is not None}
    defaults["user"] = options.login_name(given["user"])
    return asyncio.run(_run(state, file=file, defaults=defaults, concurrency=concurrency))


async def _run(
    state: Path | None, *, file: str, defaults: Mapping[str, str], concurrency: int
) -> Status:
    async with open_connector(state) as connector:
        try:
            opened = open_lines(file)
        except OSError as error:
            raise click.FileError(file, error.strerror) from None
        batch_ = _Batch(connector, defaults, concurrency, size_of(opened))
        lines = LineReader(opened)
        try:
            return await batch_.answered(lines)
        finally:
            lines.close()


class _Batch:
    """Runs the lines, a few at once, and prints the answers in their order."""

    def __init__(
        self,
        connector: Connector,
        defaults: Mapping[str, str],
        concurrency: int,
        size: int | None,
    ) -> None:
        self._connector = connector
        self._defaults = defaults
        self._size = size
        self._permits = asyncio.Semaphore(concurrency)
        self._most = concurrency * HELD
        self._held: deque[asyncio.Task[tuple[Line, Result]]] = deque()
        self._reading: asyncio.Task[Line | None] | None = None
        self._counts: Counter[Outcome] = Counter()
        self._statuses: set[Status] = set()
        self._bar = Bar()
        self._stopped = False
        self._interrupted = False
        self._pipe_closed = False

    async def answered(self, lines: LineReader) -> Status:
        """Answers every line, or those that were read before something stopped it."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        self._read_on(lines)
        while self._held or self._reading is not None:
            await asyncio.wait(self._awaited(), return_when=asyncio.FIRST_COMPLETED)
            self._print_ready()
            if self._reading is not None and self._reading.done():
                self._take(self._reading, lines)
        self._bar.end()
        return self._end()

    def _read_on(self, lines: LineReader) -> None:
        self._reading = asyncio.create_task(lines.following())

    def _awaited(self) -> list[asyncio.Task[Any]]:
        awaited: list[asyncio.Task[Any]] = [self._held[0]] if self._held else []
        if self._reading is not None and len(self._held) < self._most:
            awaited.append(self._reading)
        return awaited

    def _take(self, reading: asyncio.Task[Line | None], lines: LineReader) -> None:
        self._reading = None
        if self._stopped or reading.cancelled():
            return
        try:
            line = reading.result()
        except OSError as error:
            self._statuses.add(Status.FAILED)
            screen.note(f"The lines cannot be read on: {error.strerror}.")
            return
        if line is not None:
            self._held.append(asyncio.create_task(self._answer(line)))
            self._read_on(lines)

    async def _answer(self, line: Line) -> tuple[Line, Result]:
        async with self._permits:
            call = parse_call(line, self._defaults)
            if isinstance(call, Call):
                return line, await self._connector.run(call)
        return line, Result(outcome=Outcome.REFUSED, operation="", error=call)

    def _print_ready(self) -> None:
        while self._held and self._held[0].done():
            line, result = self._held.popleft().result()
            self._counts[result.outcome] += 1
            self._statuses.add(of_result(result))
            self._print(line, result)
            self._bar.show(_summary(self._counts), done=line.read, total=self._size)

    def _print(self, line: Line, result: Result) -> None:
        if self._pipe_closed:
            return
        answer = {"line": line.number, **result.to_json()}
        self._bar.hide()
        try:
            screen.emit_bytes(f"{screen.compact(answer)}\n".encode())
        except screen.PipeClosedError:
            self._pipe_closed = True
            self._stop_reading()

    def _interrupt(self) -> None:
        """Lets the calls under way end; a second Ctrl-C drops them."""
        asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
        self._interrupted = True
        self._bar.hide()
        screen.note("Stopping: calls under way are ended first; Ctrl-C again drops them.")
        self._stop_reading()

    def _stop_reading(self) -> None:
        self._stopped = True
        if self._reading is not None:
            self._reading.cancel()

    def _end(self) -> Status:
        screen.note(_summary(self._counts))
        if self._pipe_closed:
            raise screen.PipeClosedError
        return Status.INTERRUPTED if self._interrupted else of_batch(self._statuses)


def _summary(counts: Counter[Outcome]) -> str:
    parts = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome]]
    return f"{counts.total()} calls: {', '.join(parts)}." if parts else "No calls."
