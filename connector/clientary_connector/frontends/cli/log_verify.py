"""Is `clientary log verify`: whether the log is whole, covered and complete, each by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from clientary_connector.call.result import Outcome
from clientary_connector.connector import LogReport
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.status import OF_OUTCOME, Status
from clientary_connector.verdicts import document
from clientary_connector.wiring import open_connector

#: What is told of one verdict if nothing is wrong.
GOOD: Final = {
    "integrity": "nothing changed, nothing taken out.",
    "coverage": "every row has its MAC, and a signed checkpoint over it.",
}


@click.command()
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="FILE|URI",
    help="Compare with what is kept there; by default with the anchors of the settings.",
)
@click.option(
    "--key", metavar="KEY", help="A public key kept elsewhere: the log must be signed by it."
)
@options.output
@click.pass_obj
def verify(
    state: Path | None, *, anchors: tuple[str, ...], key: str | None, output_: str
) -> Status:
    """Check the log: that it is whole, covered by MACs and signatures, and complete.

    Exit status 0 says that all of it holds, 1 that something does not. What was found,
    and for whom, stands in the log as a line of kind `verify`.
    """
    bar = Bar()
    with open_connector(state) as connector:
        report = connector.log.verifying.check(
            options.login_name(None),
            lambda done, total: bar.show("entries checked", done=done, total=total),
            anchors=anchors,
            key=key,
        )
    bar.end()
    outcome = Outcome.SUCCEEDED if report.ok else Outcome.FAILED
    if output_ == "json":
        output.emit_json(output.envelope(outcome, data=document(report)))
    else:
        _tell(report)
    return OF_OUTCOME[outcome]


def _tell(report: LogReport) -> None:
    screen.emit(f"{report.rows} rows verified, {report.signed} of them signed.\n")
    for verdict, good in GOOD.items():
        count = len(report.faults_of(verdict))
        found = good if count == 0 else f"FAILED, {count} faults."
        screen.emit(f"{verdict.capitalize()}: {found}\n")
    screen.emit(f"Completeness: {_completeness(report)}\n")
    if report.faults:
        rows = ((one.seq, one.verdict, one.what) for one in report.faults)
        screen.table(("entry", "verdict", "what"), rows)
    if report.anchors:
        seen = ((one.name, one.says, one.what) for one in report.anchors)
        screen.table(("anchor", "says", "what"), seen)
    if report.erased:
        screen.note(f"Rows whose text was erased, as the log itself says: {report.erased}.")
    if report.open:
        screen.note(f"Calls without an outcome: {', '.join(map(str, report.open))}.")


def _completeness(report: LogReport) -> str:
    if not report.anchors:
        return "not compared; name an anchor to see whether the newest rows are all there."
    if all(one.ok for one in report.anchors):
        return "the log has all that its anchors have seen."
    return "FAILED, the log is not what its anchors have seen."
