"""Is `clientary vault backup`: a copy of the vault, made while it is in use."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.status import Status
from clientary_connector.wiring import open_connector


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.user
@options.output
@click.pass_obj
def backup(state: Path | None, *, file: Path, user: str | None, output_: str) -> Status:
    """Copy the vault to FILE, which must not exist, while others go on using it.

    The copy does not hold the key that opens the vault: keep that elsewhere.
    """
    who = options.login_name(user)
    bar = Bar()
    with open_connector(state) as connector:
        report = connector.vault.back_up(
            file.absolute(),
            user=who,
            told=lambda done, total: bar.show("pages copied", done=done, total=total),
        )
    bar.end()
    if output_ == "json":
        data = {"path": str(report.path), "size": report.size, "rows": report.seq}
        output.emit_data(data)
        return Status.SUCCEEDED
    screen.emit(
        screen.pairs(
            (
                ("Backup", str(report.path)),
                ("Size", f"{report.size} bytes"),
                ("Log", f"to row {report.seq}"),
            )
        )
    )
    screen.note("It opens only with the vault's key, which is not in it: keep a copy of that too.")
    return Status.SUCCEEDED
