"""Is `clientary vault rotate-kek`: goes over to another key for the whole vault."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.bar import Bar
from clientary_connector.frontends.cli.status import Status
from clientary_connector.reports import KekReport
from clientary_connector.states import rotate_kek as go_over


@click.command()
@click.argument("uri")
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the passphrase of the new key, if it has one and nobody is to be asked.",
)
@options.user
@options.output
@click.pass_obj
def rotate_kek(
    state: Path | None, *, uri: str, passphrase_file: Path | None, user: str | None, output_: str
) -> Status:
    """Go over to the key that URI names, while the vault is in use.

    URI is file:/path, env:NAME, passphrase:/path, keyring:SERVICE/NAME,
    aws-kms:KEY?region=REGION or transit:https://host:port/MOUNT/NAME.

    Every row is opened with the new key before the old one is let go. If it is cut
    short, both keys open the vault: run it again with the same URI, or with the old
    one to go back. The old key may be known to others? Run rotate-keys afterwards.
    """
    bar = Bar()
    report = go_over(
        uri,
        state,
        user=options.login_name(user),
        passphrase_file=passphrase_file,
        told=lambda what, done, total: bar.show(what, done=done, total=total),
    )
    bar.end()
    if output_ == "json":
        output.emit_data({"key": uri, **_data(report)})
        return Status.SUCCEEDED
    screen.emit(
        screen.pairs(
            (
                ("Key", uri),
                ("Fingerprint", report.fingerprint),
                ("Before", report.before),
                ("Rewrapped", f"{report.terms} terms; {report.keys} keys opened to see"),
            )
        )
    )
    for line in _notes(report):
        screen.note(line)
    return Status.SUCCEEDED


def _data(report: KekReport) -> dict[str, object]:
    return {
        "before": report.before,
        "fingerprint": report.fingerprint,
        "terms": report.terms,
        "keys": report.keys,
        "open": report.open,
        "scrubbed": report.scrubbed,
    }


def _notes(report: KekReport) -> list[str]:
    """Says what is left to do."""
    if report.open:
        return [
            "CLIENTARY_KEY names the key before, so both still open the vault.",
            "Set it to the new one everywhere, and then run the same once more.",
        ]
    if report.before == report.fingerprint:
        return ["It is the same key as before; the place is noted."]
    return [
        "Keep a copy of the new key elsewhere: without it nobody can open this vault.",
        "Backups from before still need the key before. Keep it as long as you keep them.",
    ]
