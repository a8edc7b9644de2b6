"""Is `clientary mcp token`: the tokens with which programs come over HTTP as a persona."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, tokenview
from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry
from clientary_connector.frontends.cli.status import Status
from clientary_connector.tokens import MCP
from clientary_connector.wiring import open_connector

COMMANDS: Final = {
    "new": Entry("mcp_token", "new", "Make a token; it is shown this once."),
    "list": Entry("mcp_token", "list_", "List the tokens; the word may be left out."),
    "revoke": Entry("mcp_token", "revoke", "End a token, for good."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="list", bare=True)
def token() -> None:
    """Make, list and revoke the tokens of clients over HTTP.

    \b
    clientary mcp token new --connection books --persona bookkeeper
    clientary mcp token list
    clientary mcp token revoke tok_3f9a51c2d07b
    """  # noqa: D301 -- click's mark for lines to leave as they are


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
@tokenview.for_user
@tokenview.days
@options.user
@options.output
@click.pass_obj
def new(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    connection: str,
    persona: str,
    for_user: str | None,
    days: int | None,
    user: str | None,
    output_: str,
) -> Status:
    """Make a token with which a program works as a persona over a connection.

    It is shown this once: the vault keeps a mark of it, and nobody can show it again.
    On a pipe, stdout is the token alone.
    """
    who = options.login_name(user)
    with open_connector(state) as connector:
        made = connector.tokens.for_mcp(
            connection=connection,
            persona=persona,
            user=for_user or who,
            by=who,
            expires_at=tokenview.end(days),
        )
        granted = connector.allowed(persona, connection)
    tokenview.show_new(made, output_)
    if not granted:
        screen.note(f"{screen.visible(persona)} holds no grant over it: the token shows no tool.")
    return Status.SUCCEEDED


@click.command()
@options.output
@click.pass_obj
def list_(state: Path | None, *, output_: str) -> Status:
    """List the tokens, those that count no more too."""
    none = "clientary mcp token new --connection NAME --persona NAME"
    return tokenview.list_all(state, kind=MCP, none=none, output_=output_)


@click.command()
@click.argument("token", metavar="ID")
@tokenview.reason
@options.user
@options.output
@click.pass_obj
def revoke(
    state: Path | None, *, token: str, reason: str, user: str | None, output_: str
) -> Status:
    """End the token ID, for good: the next request with it is refused, in every process."""
    ending = tokenview.Ending(state=state, token=token, reason=reason, user=user, output_=output_)
    return tokenview.revoke(ending, kind=MCP, strange="no token of a client of MCP")
