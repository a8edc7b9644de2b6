"""Is `clientary vault verify`: whether every row of the vault is what the vault wrote."""

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
@options.output
@click.pass_obj
def verify(state: Path | None, *, output_: str) -> Status:
    """Check every row: keys, secrets, records and log, and nothing put back or taken out.

    Exit status 0 says that the vault is whole, 1 that it is not.
    """
    bar = Bar()
    with open_connector(state) as connector:
        report = connector.vault.verify(
            lambda done, total: bar.show("rows checked", done=done, total=total)
        )
    bar.end()
    faults = [{"place": one.place, "what": one.what} for one in report.faults]
    faults += [{"place": f"log {one.seq}", "what": one.what} for one in report.log.faults]
    outcome = Outcome.SUCCEEDED if report.ok else Outcome.FAILED
    found = {
        "ok": report.ok,
        "epoch": report.epoch,
        "keys": report.keys,
        "secrets": report.secrets,
        "records": report.records,
        "log": report.log.rows,
        "unopened": report.unopened,
        "open": list(report.log.open),
        "faults": faults,
    }
    if output_ == "json":
        output.emit_json(output.envelope(outcome, data=found))
    elif faults:
        screen.table(("place", "what"), (tuple(fault.values()) for fault in faults))
    else:
        screen.emit(
            f"Verified: {report.keys} keys, {report.secrets} secrets, {report.records} records, "
            f"{report.log.rows} rows of the log. Nothing changed, put back or taken out.\n"
        )
    if faults:
        screen.note(f"The vault was changed from outside, or is damaged: {len(faults)} faults.")
    if report.unopened:
        screen.note(f"Keys under another key than the one in use: {report.unopened}.")
    return OF_OUTCOME[outcome]
