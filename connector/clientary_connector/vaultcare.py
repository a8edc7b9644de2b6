"""Keeps the vault of a connector in order: its state, its keys, checks and backups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from clientary_connector.errors import StateUnavailableError
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from connector_vault import BackupReport, Vault, VaultReport
from connector_vault.keyrotator import KeyRotator, KeysReport
from connector_vault.keyrun import Told, untold
from connector_vault.status import VaultStatus, status


class VaultCare:
    """Is the operator's hand on the vault.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(self, vault: Vault, settings: Settings) -> None:
        """Takes the parts that `wiring` has joined."""
        self._vault = vault
        self._settings = settings

    def status(self) -> VaultStatus:
        """Says how the vault is: its keys and what hangs on them, what is open, what is due."""
        with state_faults():
            return status(self._vault, interval=timedelta(days=self._settings.key_rotation_days))

    def verify(self, told: Callable[[int, int], None] | None = None) -> VaultReport:
        """Checks every row of the vault, its log too; `told` is told rows done and rows in all."""
        with state_faults():
            return self._vault.verify(told)

    def rotate_keys(self, *, user: str, told: Told = untold) -> KeysReport:
        """Renews the vault's own keys while it is in use.

        `told` is told what is done, how much of it, and of how much.

        Raises:
            OperatorError: Another process rotates keys, or the vault's key is out of reach.
        """
        with state_faults():
            return KeyRotator(self._vault).rotate(user=user, told=told)

    def back_up(
        self, path: Path, *, user: str, told: Callable[[int, int], None] | None = None
    ) -> BackupReport:
        """Makes a backup of the vault, while it is in use, at a path where nothing is.

        It does not hold the key that opens the vault. `told` is told pages done and in all.

        Raises:
            StateExistsError: There is a file at the path.
            OperatorError: It cannot be made there.
        """
        if not path.absolute().parent.is_dir():
            # A folder made here would hide that the disk for backups is not there.
            raise StateUnavailableError(
                f"No backup can be made at {path}: there is no such folder.",
                hint="Make the folder, or name another.",
            )
        with state_faults():
            return self._vault.back_up(path, user=user, told=told)
