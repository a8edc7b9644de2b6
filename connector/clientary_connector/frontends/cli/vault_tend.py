"""Is `clientary vault tend`: does all that is due, and says what a person has to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from clientary_connector.call.result import CallError, ErrorKind, Outcome
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.tending import TendReport
from clientary_connector.wiring import open_connector


@click.command()
@options.user
@options.output
@click.pass_obj
def tend(state: Path | None, *, user: str | None, output_: str) -> Status:
    """Do all that is due now; say nothing when nothing is.

    Made for cron or a timer, once an hour: goes on with rotations, begins those that
    need nobody, looks whether old keys still work, renews what the vault seals with,
    and names the keys that a person has to replace, with the days left.
    """
    who = options.login_name(user)

    async def work() -> TendReport:
        async with open_connector(state) as connector:
            return await connector.tend(user=who)

    report = asyncio.run(work())
    if output_ == "json":
        outcome = Outcome.FAILED if report.failed else Outcome.SUCCEEDED
        error = _error().to_json() if report.failed else None
        output.emit_json(output.envelope(outcome, data=report.to_json(), error=error))
    elif report.items:
        screen.table(
            ("what", "connection", "outcome", "days left", "detail"),
            (
                (item.what, item.connection, item.outcome, item.days_left, item.detail)
                for item in report.items
            ),
        )
    return Status.FAILED if report.failed else Status.SUCCEEDED


def _error() -> CallError:
    return CallError(
        kind=ErrorKind.UPSTREAM_ERROR,
        message="Something that is due could not be done.",
        hint="Look at the items of `data` whose outcome is `failed`.",
    )
