"""Is `clientary vault rotate-keys`: renews what the vault seals with, while it is in use."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.call.result import Outcome
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.status import OF_OUTCOME, Status
from clientary_connector.wiring import open_connector


@click.command()
@options.user
@options.output
@click.pass_obj
def rotate_keys(state: Path | None, *, user: str | None, output_: str) -> Status:
    """Renew the vault's own keys, and seal every secret anew. Calls go on meanwhile.

    If it is cut short, it goes on where it was the next time. `vault tend` does the
    same when it is due. Exit status 1 says that some rows do not open; they are left.
    """
    bar = Bar()
    with open_connector(state) as connector:
        report = connector.vault.rotate_keys(
            user=options.login_name(user),
            told=lambda what, done, total: bar.show(what, done=done, total=total),
        )
    bar.end()
    outcome = Outcome.FAILED if report.left else Outcome.SUCCEEDED
    if output_ == "json":
        data = {
            "number": report.number,
            "rewrapped": report.rewrapped,
            "renewed": report.renewed,
            "secrets": report.secrets,
            "left": list(report.left),
            "scrubbed": report.scrubbed,
        }
        output.emit_json(output.envelope(outcome, data=data))
        return OF_OUTCOME[outcome]
    screen.emit(
        f"{report.rewrapped} keys rewrapped, {report.renewed} data keys renewed, "
        f"{report.secrets} secrets sealed anew.\n"
    )
    if report.left:
        screen.table(("left as it is",), ((place,) for place in report.left))
        screen.note("These rows do not open: clientary vault verify")
    if not report.scrubbed:
        screen.note("The journal is in use; what was overwritten leaves it with the next writes.")
    return OF_OUTCOME[outcome]
