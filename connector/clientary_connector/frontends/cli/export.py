"""Is `clientary export`: the actions in the form that another program takes them in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from clientary_connector.errors import UnknownGrantError
from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.export import DOCUMENTS, FORMATS
from clientary_connector.frontends.export import export as exported
from clientary_connector.manifest import Action, load_manifest
from clientary_connector.wiring import open_connector


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice([*FORMATS, *DOCUMENTS]),
    required=True,
    help="Tools of a model; or, as openapi and airbyte, the service itself.",
)
@click.option("--persona", metavar="NAME", help="Only what this persona may do; with --connection.")
@click.option("--connection", metavar="NAME", help="The connection over which it may.")
@click.option("--prefix", metavar="TEXT", default="", help="Stands before the name of every tool.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A new file to write to, in place of stdout.",
)
@options.output
@click.pass_obj
def export(  # noqa: PLR0913 -- click passes one argument an option
    state: Path | None,
    *,
    format_: str,
    persona: str | None,
    connection: str | None,
    prefix: str,
    out: Path | None,
    output_: str,
) -> Status:
    """Write the 57 actions, or those of a persona, for another program.

    \b
    clientary export --format openai --persona bookkeeper --connection books
    clientary export --format openapi --out clientary.json
    """  # noqa: D301 -- click's mark for lines to leave as they are
    if (persona is None) != (connection is None):
        raise click.UsageError("Give --persona and --connection, or neither.")
    if prefix and format_ in DOCUMENTS:
        raise click.UsageError(f"--prefix is for tools, and {format_} has none.")
    actions = None if persona is None else _allowed(state, persona, str(connection))
    document = exported(load_manifest(), format=format_, actions=actions, prefix=prefix)
    if out is not None:
        _write(out, document)
    if output_ == "json":
        output.emit_data(document if out is None else {"file": str(out)})
    elif out is None:
        output.emit_json(document)
    return Status.SUCCEEDED


def _allowed(state: Path | None, persona: str, connection: str) -> Iterable[Action]:
    with open_connector(state) as connector:
        allowed = connector.allowed(persona, connection)
    if not allowed:
        raise UnknownGrantError(
            f"{persona} may do nothing over {connection}.",
            hint=f"clientary grant {persona} {connection} --scope clients:read",
        )
    return allowed


def _write(out: Path, document: object) -> None:
    """Writes a new file; what is there already stays."""
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(f"{screen.document(document)}\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise click.UsageError(f"{out} cannot be written: {reason}.") from None
