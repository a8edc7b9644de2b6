"""Is `clientary vault`: what an operator does with the vault, one module a command."""

from __future__ import annotations

from typing import Final

import click

from clientary_connector.frontends.cli.lazygroup import Entry, LazyGroup

COMMANDS: Final = {
    "status": Entry("vault_status", "status", "Say how the vault is, and what is due."),
    "tend": Entry("vault_tend", "tend", "Do all that is due now; made for a timer."),
    "rotate-keys": Entry("vault_rotate_keys", "rotate_keys", "Renew the vault's own keys."),
    "rotate-kek": Entry("vault_rotate_kek", "rotate_kek", "Go over to another key for all."),
    "verify": Entry("vault_verify", "verify", "Check every row of the vault."),
    "backup": Entry("vault_backup", "backup", "Copy the vault while it is in use."),
    "restore": Entry("vault_restore", "restore", "Put a backup in the vault's place."),
}


@click.command(cls=LazyGroup, entries=COMMANDS)
def vault() -> None:
    """Look after the vault: its keys, its secrets and its files."""
