"""Is `clientary console token`: the tokens with which programs use the admin API in a role."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from clientary_connector.frontends.cli import options, tokenview
from clientary_connector.frontends.cli.lazygroup import DefaultGroup, Entry
from clientary_connector.frontends.cli.status import Status
from clientary_connector.tokens import ADMIN, ROLES
from clientary_connector.wiring import open_connector

COMMANDS: Final = {
    "new": Entry("console_token", "new", "Make a token; it is shown this once."),
    "list": Entry("console_token", "list_", "List the tokens; the word may be left out."),
    "revoke": Entry("console_token", "revoke", "End a token, for good."),
}


@click.command(cls=DefaultGroup, entries=COMMANDS, default="list", bare=True)
def token() -> None:
    """Make, list and revoke the tokens of programs that use the admin API.

    \b
    clientary console token new --role viewer
    clientary console token list
    clientary console token revoke tok_3f9a51c2d07b
    """  # noqa: D301 -- click's mark for lines to leave as they are


@click.command()
@click.option(
    "--role", required=True, type=click.Choice(ROLES), help="What it may do: look, decide, or all."
)
@tokenview.for_user
@tokenview.days
@options.user
@options.output
@click.pass_obj
def new(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    role: str,
    for_user: str | None,
    days: int | None,
    user: str | None,
    output_: str,
) -> Status:
    """Make a token with which a program uses the admin API in a role.

    It is shown this once: the vault keeps a mark of it, and nobody can show it again.
    On a pipe, stdout is the token alone.
    """
    who = options.login_name(user)
    with open_connector(state) as connector:
        made = connector.tokens.for_admin(
            role=role, user=for_user or who, by=who, expires_at=tokenview.end(days)
        )
    tokenview.show_new(made, output_)
    return Status.SUCCEEDED


@click.command()
@options.output
@click.pass_obj
def list_(state: Path | None, *, output_: str) -> Status:
    """List the tokens, those that count no more too."""
    none = "clientary console token new --role viewer"
    return tokenview.list_all(state, kind=ADMIN, none=none, output_=output_)


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
    return tokenview.revoke(ending, kind=ADMIN, strange="no token for the admin API")
