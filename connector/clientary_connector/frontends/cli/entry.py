"""Is the outermost edge of the command line: every error becomes a line, a hint and a status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path
from typing import Final

import click

from clientary_connector.call.result import CallError, ErrorKind, Outcome
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import output
from clientary_connector.frontends.cli.commands import clientary
from clientary_connector.frontends.cli.status import Status, of_error

#: The folders of our own code.
OURS: Final = frozenset({"clientary_connector", "connector_vault"})
REPORT: Final = (
    "Nothing of your data is in this line: please report it. `clientary log` shows what was sent."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What stopped a command before it had a result of its own."""

    status: Status
    kind: ErrorKind
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, object]:
        """Returns the failure in the shape of a call's result."""
        outcome = Outcome.REFUSED if self.status is Status.USAGE else Outcome.FAILED
        error = CallError(kind=self.kind, message=self.message, hint=self.hint)
        return output.envelope(outcome, error=error.to_json())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; never raises, never shows a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _make_streams_safe()
    try:
        return _run(arguments)
    except screen.PipeClosedError:
        _leave_stdout()
        return Status.PIPE_CLOSED


def _run(arguments: list[str]) -> int:
    try:
        _check_utf8(arguments)
        return int(clientary.main(arguments, prog_name="clientary", standalone_mode=False) or 0)
    except (click.Abort, KeyboardInterrupt):
        return Status.INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        screen.note(error.format_message())
        return Status.USAGE
    except click.ClickException as error:
        return _end(_of_usage(error), arguments)
    except ConnectorError as error:
        return _end(_of_connector(error), arguments)
    except screen.PipeClosedError:
        raise
    except Exception as error:  # noqa: BLE001 -- the outermost edge
        return _end(_unexpected(error), arguments)


def _end(failure: Failure, arguments: Sequence[str]) -> Status:
    if _wants_json(arguments):
        output.emit_json(failure.to_json())
    for line in failure.message.splitlines():
        screen.note(screen.visible(line))
    if failure.hint:
        output.note_hint(failure.hint)
    return failure.status


def _of_usage(error: click.ClickException) -> Failure:
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    return Failure(
        status=Status.USAGE,
        kind=ErrorKind.INVALID_ARGUMENTS,
        message=error.format_message(),
        hint=f"`{command} --help` shows how it is used." if command else "",
    )


def _of_connector(error: ConnectorError) -> Failure:
    return Failure(status=of_error(error), kind=error.kind, message=error.message, hint=error.hint)


def _unexpected(error: Exception) -> Failure:
    """Names the type and the place alone: the message of a foreign error may hold a secret."""
    return Failure(
        status=Status.FAILED,
        kind=ErrorKind.INTERNAL,
        message=f"Unexpected error: {type(error).__name__}{_place(error)}.",
        hint=REPORT,
    )


def _place(error: Exception) -> str:
    """Returns the last line of ours that the error passed."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if OURS.intersection(file.parts):
            place = f" at {file.name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _check_utf8(arguments: Sequence[str]) -> None:
    for number, argument in enumerate(arguments, start=1):
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"Argument {number} of the command line is not UTF-8.") from None


def _wants_json(arguments: Sequence[str]) -> bool:
    """Says whether JSON was asked for, also where the command line could not be parsed."""
    pairs = pairwise(arguments)
    asked = ("-ojson", "-o=json", "--output=json")
    return any(text in asked for text in arguments) or any(
        name in {"-o", "--output"} and value == "json" for name, value in pairs
    )


def _make_streams_safe() -> None:
    """Keeps a terminal of another encoding from stopping the output."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _leave_stdout() -> None:
    """Points stdout at nothing, so that the interpreter does not fail on it when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
