"""Is `clientary vault restore`: a backup takes the vault's place, and says what that means."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.status import Status
from clientary_connector.reports import RestoreReport
from clientary_connector.states import restore_state


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", metavar="URI", help="The key of the backup, if the vault has another now.")
@click.option("--accept", is_flag=True, help="Go on although something came after the backup.")
@options.output
@click.pass_obj
def restore(
    state: Path | None, *, file: Path, key: str | None, accept: bool, output_: str
) -> Status:
    """Put the backup FILE in the vault's place.

    It is checked whole first, and the vault's database is kept under another name.
    What was revoked since the backup stays revoked. No process may use the vault.
    """
    bar = Bar()
    report = restore_state(
        file,
        state,
        key=key,
        accept=accept,
        told=lambda done, total: bar.show("rows checked", done=done, total=total),
    )
    bar.end()
    if output_ == "json":
        output.emit_data(_data(report))
        return Status.SUCCEEDED
    lost = "unknown" if report.lost is None else f"{report.lost} rows of the log"
    screen.emit(
        screen.pairs(
            (
                ("Vault", str(report.path)),
                ("Log", f"to row {report.rows}"),
                ("Lost since", lost),
                ("Revoked again", ", ".join(report.closed) or "nothing"),
                ("Destroyed again", ", ".join(report.destroyed) or "nothing"),
                ("Erased again", f"{report.erased} keys of the log's text"),
                ("Epoch", report.epoch),
                ("Before", "" if report.kept is None else str(report.kept)),
            )
        )
    )
    if not report.anchored:
        screen.note(
            "Nothing said what was revoked since the backup: look at every connection and grant."
        )
    if report.unreadable:
        screen.note(
            f"The shred keys of {report.unreadable} keys are lost, and so is the text of the log "
            "that they have sealed."
        )
    if report.lost != 0:
        screen.note("Calls of that time may be repeated: their operations are not known any more.")
    return Status.SUCCEEDED


def _data(report: RestoreReport) -> dict[str, object]:
    return {
        "path": str(report.path),
        "vault_id": report.vault,
        "epoch": report.epoch,
        "rows": report.rows,
        "lost": report.lost,
        "closed": list(report.closed),
        "destroyed": list(report.destroyed),
        "erased": report.erased,
        "unreadable": report.unreadable,
        "kept": None if report.kept is None else str(report.kept),
        "anchored": report.anchored,
    }
