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
from clientary_connector.frontends.cli.log_export import export
from clientary_connector.frontends.cli.log_filters import by, filter_of, filters, lines_output
from clientary_connector.frontends.cli.log_open import open_
from clientary_connector.frontends.cli.log_search import search
from clientary_connector.frontends.cli.log_view import followed, show_entries, show_entry
from clientary_connector.frontends.cli.status import OF_OUTCOME, Status
from clientary_connector.wiring import open_connector

#: By whether the log is whole.
OUTCOMES: Final = {True: Outcome.SUCCEEDED, False: Outcome.FAILED}


@click.group(invoke_without_command=True)
@filters
@click.option("--prompts", is_flag=True, help="Show what is sealed too; that stands in the log.")
@by
@click.option("--follow", is_flag=True, help="Go on with new entries, until Ctrl-C.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--before", type=click.IntRange(min=1), metavar="ID", help="Go on after this entry.")
@lines_output
@click.pass_context
def log(  # noqa: PLR0913 -- click passes one argument an option
    ctx: click.Context,
    /,
    *,
    limit: int,
    before: int | None,
    prompts: bool,
    by: str | None,
    follow: bool,
    output_: str,
    **where: Any,  # noqa: ANN401 -- each option has a type of its own
) -> Status:
    """List the log, newest first; or `show`, `search`, `export` or `verify` it.

    A list shows no prompt, argument or answer: with --prompts it does, and who looked
    at what stands in the log as an entry of kind read.
    """
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return Status.SUCCEEDED
    chosen, user = filter_of(where), options.login_name(by) if prompts else None
    with open_connector(ctx.obj) as connector:
        if follow:
            return followed(connector, chosen, user=user, limit=limit, form=output_)
        page = connector.log.page(chosen, before=before, limit=limit, user=user)
    if output_ == "json":
        entries = [entry.to_json() for entry in page.entries]
        output.emit_data(entries, page={"next_before": page.next_before})
        return Status.SUCCEEDED
    show_entries(page.entries, output_, prompts=prompts)
    if not page.entries:
        screen.note("No entry fits.")
    if page.next_before is not None:
        screen.note(f"There is more: --before {page.next_before}")
    return Status.SUCCEEDED


@log.command()
@click.argument("entry", type=click.IntRange(min=1), metavar="ID")
@by
@options.output
@click.pass_obj
def show(state: Path | None, *, entry: int, by: str | None, output_: str) -> Status:
    """Show the entry ID in full: prompt, arguments, request, response, and what was retried.

    Who looked at it stands in the log as an entry of kind read.
    """
    with open_connector(state) as connector:
        found = connector.log.entry(entry, user=options.login_name(by))
    if output_ == "json":
        output.emit_data(found.to_json(), log_id=found.id)
    else:
        show_entry(found)
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
log.add_command(search)
log.add_command(export)


def _refuse_options(ctx: click.Context) -> None:
    for name in ctx.params:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"Options of `log` go with the list: give them after `{ctx.invoked_subcommand}`, "
                "as far as it has them.",
                ctx,
            )
