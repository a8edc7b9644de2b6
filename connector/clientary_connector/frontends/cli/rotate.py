"""Is `clientary rotate`: puts a new API key in the place of the one in use, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import click

from clientary_connector.call.result import CallError, ErrorKind, Outcome
from clientary_connector.connector import Connector, Secret
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.secretinput import read_key, refuse_as_argument
from clientary_connector.frontends.cli.status import Status
from clientary_connector.rotations import STATES, RotationReport
from clientary_connector.wiring import open_connector

T = TypeVar("T")

#: What went wrong, by what the service said last.
KINDS: Final = {
    "refused": ErrorKind.UNAUTHORIZED,
    "other_account": ErrorKind.REJECTED,
    "no_answer": ErrorKind.UNREACHABLE,
}
FINISHED: Final = "finished"
UNCERTAIN: Final = "uncertain"


@click.command()
@click.argument("name")
@click.argument("extra", nargs=-1, expose_value=False, callback=refuse_as_argument, metavar="")
@click.option("--key-stdin", is_flag=True, help="Read the new key from stdin, not from a prompt.")
@click.option("--check-old", is_flag=True, help="Ask whether the old key still works.")
@click.option("--drop", is_flag=True, help="Drop a new key that was not brought into use.")
@click.option("--every", type=int, metavar="DAYS", help="Only set the days between rotations.")
@options.user
@options.output
@click.pass_obj
def rotate(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    name: str,
    key_stdin: bool,
    check_old: bool,
    drop: bool,
    every: int | None,
    user: str | None,
    output_: str,
) -> Status:
    """Put a new API key in the place of the one that the connection NAME uses.

    Make the new key in Clientary first. It is asked for without being shown, tested,
    and comes into use only if it opens the same account. Then delete the old key in
    Clientary; --check-old shows that it no longer works. Run again at any time: it
    goes on where it stopped.
    """
    if sum((key_stdin, check_old, drop, every is not None)) > 1:
        raise click.UsageError("Give one of --key-stdin, --check-old, --drop and --every.")
    who = options.login_name(user)
    if every is not None:
        return _set_interval(state, name, days=every, user=who, output_=output_)
    if drop:
        report = _run(state, lambda connector: connector.drop_new_key(name, user=who))
    elif check_old:
        report = _run(state, lambda connector: connector.check_old_key(name, user=who))
    else:
        report = _rotated(state, name, from_stdin=key_stdin, user=who, quiet=output_ == "json")
    done = report.state == FINISHED if check_old else report.rotated or drop
    _show(report, done=done, output_=output_)
    if done:
        return Status.SUCCEEDED
    return Status.UNKNOWN if report.state == UNCERTAIN else Status.FAILED


def _rotated(
    state: Path | None, name: str, *, from_stdin: bool, user: str, quiet: bool
) -> RotationReport:
    with open_connector(state) as connector:
        connector.connection(name)  # what is wrong is said before the key is asked for
    tell = None if quiet else _tell
    with Secret(read_key(from_stdin=from_stdin)) as secret:
        return _run(
            state,
            lambda connector: connector.rotate(name, secret=secret, user=user, on_state=tell),
        )


def _run(state: Path | None, work: Callable[[Connector], Awaitable[T]]) -> T:
    async def opened() -> T:
        async with open_connector(state) as connector:
            return await work(connector)

    return asyncio.run(opened())


def _tell(state: str) -> None:
    screen.note(STATES.get(state, state))


def _set_interval(state: Path | None, name: str, *, days: int, user: str, output_: str) -> Status:
    with open_connector(state) as connector:
        after = connector.rotate_every(name, days, user=user)
    if output_ == "json":
        output.emit_data(after.to_json())
    else:
        screen.emit(screen.pairs((("Connection", after.name), ("Rotate every", f"{days} days"))))
    return Status.SUCCEEDED


def _show(report: RotationReport, *, done: bool, output_: str) -> None:
    if output_ == "json":
        error = None if done else _error(report).to_json()
        outcome = Outcome.SUCCEEDED if done else _outcome(report)
        output.emit_json(output.envelope(outcome, data=report.to_json(), error=error))
    else:
        screen.emit(
            screen.pairs(
                (
                    ("Connection", report.connection),
                    ("Rotation", f"{report.number}, {report.state}"),
                    ("In use", f"key {report.new if report.rotated else report.old}"),
                )
            )
        )
    for line in (report.reason, report.left):
        if line:
            screen.note(screen.visible(line))


def _outcome(report: RotationReport) -> Outcome:
    return Outcome.UNKNOWN if report.state == UNCERTAIN else Outcome.FAILED


def _error(report: RotationReport) -> CallError:
    kind = KINDS.get(report.verdict or "", ErrorKind.UPSTREAM_ERROR)
    return CallError(kind=kind, message=report.reason or STATES[report.state], hint=report.left)
