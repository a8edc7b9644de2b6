"""Is `clientary log`: who did what, why, and what came of it; and whether the log is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.log_erase import erase
from clientary_connector.frontends.cli.log_export import export
from clientary_connector.frontends.cli.log_filters import by, filter_of, filters, lines_output
from clientary_connector.frontends.cli.log_open import open_
from clientary_connector.frontends.cli.log_prove import key, prove
from clientary_connector.frontends.cli.log_search import search
from clientary_connector.frontends.cli.log_verify import verify
from clientary_connector.frontends.cli.log_view import followed, show_entries, show_entry
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


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


log.add_command(erase)
log.add_command(key)
log.add_command(open_)
log.add_command(search)
log.add_command(export)
log.add_command(prove)
log.add_command(verify)


def _refuse_options(ctx: click.Context) -> None:
    for name in ctx.params:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"Options of `log` go with the list: give them after `{ctx.invoked_subcommand}`, "
                "as far as it has them.",
                ctx,
            )
