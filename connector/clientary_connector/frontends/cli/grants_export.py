"""Is `clientary grants export`: the grants as a file that can be reviewed and applied."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli.status import Status
from clientary_connector.grantfile import as_document, as_yaml
from clientary_connector.wiring import open_connector


@click.command()
@click.option("--persona", metavar="NAME", help="Only those of this persona.")
@click.option("--connection", metavar="NAME", help="Only those over this connection.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How the file is written.",
)
@click.pass_obj
def export(
    state: Path | None, *, persona: str | None, connection: str | None, format_: str
) -> Status:
    """Write the grants that are active to stdout, as `grants apply` reads them."""
    with open_connector(state) as connector:
        found = connector.grants.all(persona=persona, connection=connection)
    active = sorted(
        (one for one in found if one.active), key=lambda one: (one.connection_name, one.persona)
    )
    text = as_yaml(active) if format_ == "yaml" else f"{screen.document(as_document(active))}\n"
    screen.emit_bytes(text.encode())
    return Status.SUCCEEDED
