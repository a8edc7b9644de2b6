"""Is `clientary log prove` and `clientary log key`: what others need to check the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("entry", type=click.IntRange(min=1), metavar="[ID]", required=False)
@click.option(
    "--since", type=click.IntRange(min=1), metavar="ROWS", help="Prove the growth instead."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the proof to a new file.",
)
@click.pass_obj
def prove(state: Path | None, *, entry: int | None, since: int | None, out: Path | None) -> Status:
    """Prove that the row ID is in the log, or that the log has only grown.

    With --since, the proof is that the log still holds the rows of an older checkpoint, named by
    its number of rows. Who has the public key checks a proof without the vault:
    python -m connector_vault.verify FILE --key KEY
    """
    if (entry is None) == (since is None):
        raise click.UsageError("Give the ID of a row, or --since ROWS.")
    with open_connector(state) as connector:
        proofs = connector.log.proofs
        found = proofs.inclusion(entry) if entry is not None else proofs.consistency(since or 0)
        key = proofs.key()
    _hand_over(found, out)
    screen.note(f"Public key: {key}")
    return Status.SUCCEEDED


@click.command()
@options.output
@click.pass_obj
def key(state: Path | None, *, output_: str) -> Status:
    """Show the public key of the log, which checks every proof; keep it elsewhere."""
    with open_connector(state) as connector:
        public, note = connector.log.proofs.key(), connector.log.proofs.checkpoint()
    if output_ == "json":
        output.emit_data({"key": public, "checkpoint": note})
        return Status.SUCCEEDED
    screen.emit(f"{public}\n")
    if note is not None:
        screen.note(f"The newest checkpoint:\n{note.strip()}")
    return Status.SUCCEEDED


def _hand_over(found: dict[str, Any], out: Path | None) -> None:
    if out is None:
        output.emit_json(found)
        return
    try:
        with out.open("xb") as file:
            file.write(f"{screen.document(found)}\n".encode())
    except OSError as error:
        raise click.UsageError(f"{out} cannot be written ({error.strerror}).") from None
    screen.note(f"Written: {out}")
