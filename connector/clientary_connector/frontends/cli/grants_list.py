"""Is `clientary grants`: the list of all grants."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.grants import Grant
from clientary_connector.wiring import open_connector


@click.command()
@click.option("--persona", metavar="NAME", help="Only those of this persona.")
@click.option("--connection", metavar="NAME", help="Only those over this connection.")
@options.output
@click.pass_obj
def list_(
    state: Path | None, *, persona: str | None, connection: str | None, output_: str
) -> Status:
    """List the grants, closed ones too."""
    with open_connector(state) as connector:
        found = connector.grants.all(persona=persona, connection=connection)
    if output_ == "json":
        output.emit_data([item.to_json() for item in found])
        return Status.SUCCEEDED
    screen.table(
        ("persona", "connection", "state", "scopes", "when", "approval", "until", "by", "at"),
        map(_row, found),
    )
    if not found:
        screen.note("No grant: clientary grant PERSONA NAME --scope clients:read")
    return Status.SUCCEEDED


def _row(grant: Grant) -> tuple[object, ...]:
    terms = grant.terms
    more = (*(f"+{name}" for name in terms.allow), *(f"-{name}" for name in terms.deny))
    return (
        grant.persona,
        grant.connection_name,
        grant.state,
        " ".join((*terms.scopes, *more)),
        "; ".join(terms.conditions),
        terms.approve,
        terms.expires_at and screen.when(terms.expires_at),
        grant.user,
        screen.when(grant.at),
    )
