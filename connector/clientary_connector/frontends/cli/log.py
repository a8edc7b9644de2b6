"""Is `clientary log`: who did what, why, and what came of it; and whether the log is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from clientary_connector.call.result import Outcome
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.log_erase import erase
from clientary_connector.frontends.cli.log_open import open_
from clientary_connector.frontends.cli.moment import Moment
from clientary_connector.frontends.cli.resultview import show_data
from clientary_connector.frontends.cli.status import OF_OUTCOME, Status
from clientary_connector.logentry import LogEntry, LogFilter
from clientary_connector.wiring import open_connector

PROMPT_WIDTH: Final = 40
ERASED: Final = "(erased)"
#: The kind of a line that is about a call, and is none.
APPROVAL: Final = "approval"
#: By whether the log is whole.
OUTCOMES: Final = {True: Outcome.SUCCEEDED, False: Outcome.FAILED}


@click.group(invoke_without_command=True)
@click.option("--user", metavar="NAME", help="Only calls of this user.")
@click.option("--persona", metavar="NAME", help="Only calls of this persona.")
@click.option("--connection", metavar="NAME", help="Only calls over this connection.")
@click.option("--action", metavar="ID", help="Only calls of this action.")
@click.option("--effect", type=click.Choice(["read", "write", "delete", "send"]))
@click.option("--outcome", type=click.Choice(["succeeded", "refused", "failed", "unknown", "open"]))
@click.option("--operation", metavar="ID", help="Only the call of this operation.")
@click.option("--since", type=Moment(), metavar="WHEN", help="2026-01-31, or ago: 90m, 12h, 7d.")
@click.option("--until", type=Moment(), metavar="WHEN", help="The same; this moment is left out.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(min=1), metavar="ID", help="Go on after this entry.")
@options.output
@click.pass_context
def log(
    ctx: click.Context,
    /,
    *,
    limit: int,
    before: int | None,
    output_: str,
    **where: Any,  # noqa: ANN401 -- each option has a type of its own
) -> Status:
    """List the log, newest first; or `show` one entry, or `verify` that nothing was changed."""
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return Status.SUCCEEDED
    with open_connector(ctx.obj) as connector:
        page = connector.log.page(LogFilter(**where), before=before, limit=limit)
    if output_ == "json":
        entries = [entry.to_json() for entry in page.entries]
        output.emit_data(entries, page={"next_before": page.next_before})
        return Status.SUCCEEDED
    screen.table(
        ("id", "when", "user", "persona", "action", "outcome", "prompt"),
        (_row(entry) for entry in page.entries),
    )
    if not page.entries:
        screen.note("No entry fits.")
    if page.next_before is not None:
        screen.note(f"There is more: --before {page.next_before}")
    return Status.SUCCEEDED


@log.command()
@click.argument("entry", type=click.IntRange(min=1), metavar="ID")
@options.output
@click.pass_obj
def show(state: Path | None, *, entry: int, output_: str) -> Status:
    """Show the entry ID in full: prompt, arguments, request and response."""
    with open_connector(state) as connector:
        found = connector.log.entry(entry)
    if output_ == "json":
        output.emit_data(found.to_json(), log_id=found.id)
        return Status.SUCCEEDED
    document = found.to_json()
    sealed = {name: document.pop(name) for name in ("prompt", "arguments", "request", "response")}
    facts = {name: value for name, value in document.pop("facts").items() if name not in document}
    show_data({name: value for name, value in {**document, **facts}.items() if value is not None})
    for name, value in sealed.items():
        if value is not None:
            screen.emit(f"\n{name}:\n{_indented(value)}\n")
    if found.erased:
        screen.note("What was sealed in this entry was erased; what lies open stays as proof.")
    return Status.SUCCEEDED


@log.command()
@options.output
@click.pass_obj
def verify(state: Path | None, *, output_: str) -> Status:
    """Check every entry against the chain: nothing changed, nothing taken out."""
    bar = Bar()
    with open_connector(state) as connector:
        report = connector.log.verify(
            lambda done, total: bar.show("entries checked", done=done, total=total)
        )
    bar.end()
    faults = [{"entry": fault.seq, "what": fault.what} for fault in report.faults]
    if output_ == "json":
        found = {"rows": report.rows, "ok": report.ok, "faults": faults, "open": list(report.open)}
        found["erased"] = report.erased
        output.emit_json(output.envelope(OUTCOMES[report.ok], data=found))
    elif faults:
        screen.table(("entry", "what"), (tuple(fault.values()) for fault in faults))
    else:
        screen.emit(f"{report.rows} rows verified: nothing changed, nothing taken out.\n")
    if faults:
        screen.note(
            f"The log was changed from outside: {len(faults)} faults in {report.rows} rows."
        )
    if report.erased:
        screen.note(f"Rows whose text was erased, as the log itself says: {report.erased}.")
    if report.open:
        screen.note(f"Calls without an outcome: {', '.join(map(str, report.open))}.")
    return OF_OUTCOME[OUTCOMES[report.ok]]


log.add_command(erase)
log.add_command(open_)


def _row(entry: LogEntry) -> tuple[object, ...]:
    when = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    outcome = entry.outcome if entry.error is None else f"{entry.outcome} ({entry.error})"
    prompt = ERASED if entry.erased else screen.shortened(entry.prompt or "", PROMPT_WIDTH)
    what = f"{entry.kind} {entry.action}" if entry.kind == APPROVAL else entry.action or entry.kind
    return (entry.id, when, entry.user, entry.persona, what, outcome, prompt)


def _indented(value: object) -> str:
    text = value if isinstance(value, str) else screen.document(value)
    return "\n".join(f"  {screen.visible(line)}" for line in text.split("\n"))


def _refuse_options(ctx: click.Context) -> None:
    for name in ctx.params:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"Options of `log` go with the list: give them after `{ctx.invoked_subcommand}`, "
                "as far as it has them.",
                ctx,
            )
