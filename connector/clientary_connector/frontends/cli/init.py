"""Is `clientary init`: makes the vault and its key, and says where they lie."""

from __future__ import annotations

from pathlib import Path

import click

from clientary_connector.frontends import screen
from clientary_connector.frontends.cli import options, output
from clientary_connector.frontends.cli.status import Status
from clientary_connector.states import create_state


@click.command()
@click.option("--key", metavar="URI", help="Where the vault's key is: file:/path and others.")
@options.output
@click.pass_obj
def init(state: Path | None, key: str | None, output_: str) -> Status:
    """Make the vault and its key.

    The key lies in a file of its own, outside the database's folder, or where URI
    says: file:/path, env:NAME, passphrase:/path, keyring:SERVICE/NAME,
    aws-kms:KEY?region=REGION or transit:https://host:port/MOUNT/NAME. Keep a copy of
    it somewhere else: without it nobody can open the vault again, you included.
    """
    report = create_state(state, key=key)
    if output_ == "json":
        output.emit_data(report.to_json())
        return Status.SUCCEEDED
    screen.emit(
        screen.pairs(
            (
                ("State", str(report.state)),
                ("Vault", str(report.database)),
                ("Key", report.key),
                ("Fingerprint", report.fingerprint),
            )
        )
    )
    screen.note("Keep a copy of the key elsewhere: without it nobody can open this vault.")
    screen.note("Next: clientary connect NAME --subdomain YOURS")
    return Status.SUCCEEDED
