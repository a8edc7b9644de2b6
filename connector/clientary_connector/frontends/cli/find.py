"""Is `clientary find`: the ids of records, by what somebody calls them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from clientary_connector.call.result import Result, mint_operation
from clientary_connector.finding import MOST_TOLD, USUALLY_TOLD, Search
from clientary_connector.finding import find as find_by_name
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.resultview import show_result
from clientary_connector.frontends.cli.status import Status, of_result
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("resource")
@click.argument("text")
@click.argument("name")
@click.option("--persona", required=True, metavar="NAME", help="In whose name; it needs a grant.")
@options.user
@click.option("--prompt", metavar="TEXT", help="Why: what was asked for. It goes into the log.")
@click.option(
    "--within",
    multiple=True,
    type=(str, click.IntRange(min=1)),
    metavar="PARENT ID",
    help="Only below this record: client_id 42.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_TOLD),
    default=USUALLY_TOLD,
    show_default=True,
    help="So many at most.",
)
@options.output
@click.pass_obj
def find(state: Path | None, /, *, output_: str, **given: Any) -> Status:  # noqa: ANN401 -- each option has a type of its own
    """Find what is called TEXT among the RESOURCE over the connection NAME: its id.

    \b
    clientary find clients "acme" books --persona bookkeeper
    clientary find invoices 1042 books --persona bookkeeper --within client_id 42
    """  # noqa: D301 -- click's mark for lines to leave as they are
    search = Search(
        resource=given["resource"],
        text=given["text"],
        within=dict(given["within"]),
        limit=given["limit"],
        connection=given["name"],
        user=options.login_name(given["user"]),
        persona=given["persona"],
        prompt=given["prompt"] or options.typed_prompt(f"find {given['resource']}", given["name"]),
        operation=mint_operation(),
    )
    result = asyncio.run(_found(state, search))
    if output_ == "json":
        output.emit_json(result.to_json())
    else:
        show_result(result)
    if result.error is not None:
        output.note_error(result.outcome, result.error)
    return of_result(result)


async def _found(state: Path | None, search: Search) -> Result:
    async with open_connector(state) as connector:
        return await find_by_name(connector, search)
