"""Makes state directories, restores them, and takes them over to another key."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clientary_connector.ages import ages_of
from clientary_connector.errors import OperatorError
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from clientary_connector.statefolder import (
    DATABASE,
    KEY,
    key_of,
    make_folder,
    means_of,
    note_key,
    opened,
    state_folder,
)
from connector_vault import RestoreReport, Vault, VaultError, restore
from connector_vault.kekrotator import KekReport, KekRotator
from connector_vault.keyrun import Told, untold
from connector_vault.retention import Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """Says what was set up, and where."""

    state: Path
    database: Path
    #: URI of the vault's key; the key itself is never shown.
    key: str
    fingerprint: str
    vault_id: str

    def to_json(self) -> dict[str, Any]:
        """Returns the report as a JSON object."""
        return {
            "state": str(self.state),
            "database": str(self.database),
            "key": self.key,
            "fingerprint": self.fingerprint,
            "vault_id": self.vault_id,
        }


def create_state(
    state: Path | str | None = None, *, key: str | None = None, settings: Settings | None = None
) -> StateReport:
    """Sets up a state directory: a vault, and its key unless there is one at the URI.

    Raises:
        StateExistsError: It was set up before.
        OperatorError: It cannot be made there, or the key cannot be used.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)
    chosen = key or settings.key
    uri = chosen or f"file:{folder / KEY}"
    make_folder(folder)
    means = means_of(settings)
    with state_faults(), Vault.create(folder / DATABASE, key=uri, means=means) as vault:
        note_key(folder, chosen)
        return StateReport(
            state=folder,
            database=folder / DATABASE,
            key=uri,
            fingerprint=vault.fingerprint,
            vault_id=vault.id,
        )


def restore_state(  # noqa: PLR0913 - what an operator may choose, all by name
    backup: Path,
    state: Path | str | None = None,
    *,
    key: str | None = None,
    accept: bool = False,
    settings: Settings | None = None,
    told: Callable[[int, int], None] | None = None,
) -> RestoreReport:
    """Puts a backup in the place of a state's vault; what was revoked since stays revoked.

    `key` is the URI of the key that the backup was made under, if it is not the vault's own any
    more. `accept` goes on although the vault has had something since. `told` is told rows
    checked and rows in all. Text of the log that was kept for long enough ends again at once, so
    that the backup does not bring it back; where that cannot be done now, tending does it.

    Raises:
        StateMissingError: There is no backup.
        StateIntegrityError: It is damaged, of another vault, or older and that is not accepted.
        StateLockedError: The key is not the one that the backup was made under.
        OperatorError: The vault is open, or something cannot be read or written.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)
    make_folder(folder)
    with state_faults():
        report = restore(
            backup.absolute(),
            folder / DATABASE,
            key=key or key_of(folder, settings),
            means=means_of(settings),
            accept=accept,
            told=told,
        )
    if key is not None:
        note_key(folder, key)
    _end_what_is_old(folder, settings)
    return report


def rotate_kek(  # noqa: PLR0913 - what an operator may choose, all by name
    uri: str,
    state: Path | str | None = None,
    *,
    user: str,
    passphrase_file: Path | None = None,
    settings: Settings | None = None,
    told: Told = untold,
) -> KekReport:
    """Goes over to the key that a URI names, or goes on with doing so, while the vault is in use.

    `passphrase_file` holds the new key's passphrase, where it has one. Where CLIENTARY_KEY names
    the key in use, both keys open the vault afterwards, until that was changed and this is run
    once more. `told` is told what is done, how much of it, and of how much.

    Raises:
        StateLockedError: One of the two keys is missing, wrong or out of reach.
        OperatorError: Another rotation is open, or the state cannot be used.
    """
    settings = settings or Settings.from_environment()
    folder = state_folder(state, settings)

    def switch(new: str) -> bool:
        if settings.key not in {None, new}:
            return False
        note_key(folder, new)
        return True

    means = means_of(settings, passphrase_file=passphrase_file)
    with state_faults(), opened(folder, settings) as vault:
        return KekRotator(vault).rotate(uri, switch=switch, means=means, told=told, user=user)


def _end_what_is_old(folder: Path, settings: Settings) -> None:
    """Ends the text that was kept for long enough, if that can be done now."""
    with suppress(VaultError, OperatorError):
        if settings.passphrase_file is None and key_of(folder, settings).startswith("passphrase:"):
            return  # a person has given it just now, and is not asked a second time
        with opened(folder, settings) as vault:
            Retention(vault).run(ages_of(settings.keep))
