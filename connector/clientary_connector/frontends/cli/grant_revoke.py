"""Is `clientary grant revoke`: ends one persona's grant over a connection."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from clientary_connector.connections import Revocation
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("persona")
@click.argument("name")
@click.option("--reason", default="", help="Why; it goes into the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.user
@options.output
@click.pass_obj
def revoke(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    persona: str,
    name: str,
    reason: str,
    yes: bool,
    user: str | None,
    output_: str,
) -> Status:
    """End the grant of PERSONA over the connection NAME; the connection and its key stay.

    Nothing leaves under it after that returned, in any process. It can be given anew.
    """
    who = options.login_name(user)
    with open_connector(state) as connector:
        held = connector.grants.one(persona, name)
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("There is no terminal to ask on: add --yes.")
        question = f"End the grant of {held.persona} over {held.connection_name}?"
        if not click.confirm(screen.visible(question), err=True):
            screen.note("Nothing was ended.")
            return Status.FAILED

    async def work() -> Revocation:
        async with open_connector(state) as connector:
            return await connector.grants.revoke(persona, name, user=who, reason=reason)

    ended = asyncio.run(work())
    if output_ == "json":
        output.emit_data(ended.to_json(), log_id=ended.log_id)
    else:
        screen.emit(
            screen.pairs(
                (
                    ("Persona", ended.persona),
                    ("Connection", ended.connection.name),
                    ("State", "closed"),
                    ("Log", ended.log_id),
                )
            )
        )
    if not ended.confirmed:
        screen.note("A process was stopped and could not say that nothing more leaves it.")
    return Status.SUCCEEDED
