"""Is `clientary mcp`: serves a persona's actions to a program that speaks MCP."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from clientary_connector.frontends.cli import options
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.wiring import open_connector


@click.command()
@click.option(
    "--connection",
    required=True,
    envvar="CLIENTARY_CONNECTION",
    metavar="NAME",
    help="Over which connection.",
)
@click.option(
    "--persona",
    required=True,
    envvar="CLIENTARY_PERSONA",
    metavar="NAME",
    help="In whose name; it needs a grant.",
)
@options.user
@click.option(
    "--tools",
    type=click.Choice(["all", "search"]),
    default="all",
    show_default=True,
    help="One tool an action; or three to find, describe and call, for little room.",
)
@click.pass_obj
def mcp(
    state: Path | None, *, connection: str, persona: str, user: str | None, tools: str
) -> Status:
    """Serve a persona's actions over the Model Context Protocol, on stdin and stdout.

    \b
    An agent starts it by itself. In its configuration:
    {"mcpServers": {"clientary": {"command": "clientary",
      "args": ["mcp", "--connection", "books", "--persona", "bookkeeper"]}}}
    """  # noqa: D301 -- click's mark for lines to leave as they are
    caller = Caller(connection=connection, persona=persona, user=options.login_name(user))
    asyncio.run(_served(state, caller, search=tools == "search"))
    return Status.SUCCEEDED


async def _served(state: Path | None, caller: Caller, *, search: bool) -> None:
    try:
        from clientary_connector.frontends.mcp import stdio  # noqa: PLC0415 -- an optional extra
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"The server needs {error.name}: pip install 'clientary-connector[mcp]'"
        ) from None
    async with open_connector(state) as connector:
        # Said here, where a person sees it, and not to the first request of a client.
        connector.connection(caller.connection)
        await stdio.serve(connector, caller, search=search)
