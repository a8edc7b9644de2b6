"""Is `clientary grant show`: one grant in full, with what is new since it was given."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.grantview import rows
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("persona")
@click.argument("name")
@options.output
@click.pass_obj
def show(state: Path | None, *, persona: str, name: str, output_: str) -> Status:
    """Show what PERSONA may do over the connection NAME, and the actions one by one."""
    with open_connector(state) as connector:
        grant = connector.grants.one(persona, name)
        allowed = connector.allowed(persona, name)
        known = len(connector.manifest.actions)
    if output_ == "json":
        seen = [action.id for action in allowed]
        output.emit_data({**grant.to_json(), "allowed": seen})
        return Status.SUCCEEDED
    screen.emit(screen.pairs(rows(grant, known)))
    if allowed:
        screen.emit("\n")
        screen.table(
            ("action", "effect", "scope"), ((one.id, one.effect, one.scope) for one in allowed)
        )
    return Status.SUCCEEDED
