"""Is `clientary grant` and `grants`: what a persona may do over a connection."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("persona")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="SCOPE",
    help="As in invoices:read; give it once for each scope.",
)
@options.user
@options.output
@click.pass_obj
def grant(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    persona: str,
    name: str,
    scopes: tuple[str, ...],
    user: str | None,
    output_: str,
) -> Status:
    """Allow PERSONA the scopes over the connection NAME, in place of those it had.

    Nothing is allowed without a grant. `clientary actions` shows the scope of each action.
    """
    who = options.login_name(user)
    with open_connector(state) as connector:
        given = connector.grant(persona, name, scopes=scopes, user=who)
        allowed = connector.allowed(persona, name)
    if output_ == "json":
        output.emit_data(given.to_json(), log_id=given.log_id)
        return Status.SUCCEEDED
    screen.emit(
        screen.pairs(
            (
                ("Persona", given.persona),
                ("Connection", given.connection_name),
                ("Scopes", " ".join(given.scopes)),
                ("Actions", f"{len(allowed)} of {len(connector.manifest.actions)}"),
                ("Log", given.log_id),
            )
        )
    )
    return Status.SUCCEEDED


@click.command()
@click.option("--persona", metavar="NAME", help="Only those of this persona.")
@click.option("--connection", metavar="NAME", help="Only those over this connection.")
@options.output
@click.pass_obj
def grants(
    state: Path | None, *, persona: str | None, connection: str | None, output_: str
) -> Status:
    """List the grants."""
    with open_connector(state) as connector:
        found = connector.grants.all(persona=persona, connection=connection)
    if output_ == "json":
        output.emit_data([item.to_json() for item in found])
        return Status.SUCCEEDED
    screen.table(
        ("persona", "connection", "state", "scopes", "by", "at"),
        ((g.persona, g.connection_name, g.state, " ".join(g.scopes), g.user, g.at) for g in found),
    )
    if not found:
        screen.note("No grant: clientary grant PERSONA NAME --scope clients:read")
    return Status.SUCCEEDED
