"""Is `clientary mcp`: serves a persona's actions to programs that speak MCP; a module a command."""

from __future__ import annotations

from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry

COMMANDS: Final = {
    "serve": Entry("mcp_serve", "serve", "Serve; the word may be left out."),
    "token": Entry("mcp_token", "token", "Make, list and revoke the tokens of clients over HTTP."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="serve", bare=True)
def mcp() -> None:
    """Serve a persona's actions over the Model Context Protocol.

    \b
    clientary mcp --connection books --persona bookkeeper    on stdin and stdout
    clientary mcp token new --connection books --persona bookkeeper
    clientary mcp --http --port 8000                         to whoever shows a token
    `clientary mcp serve --help` shows every option.
    """  # noqa: D301 -- click's mark for lines to leave as they are
