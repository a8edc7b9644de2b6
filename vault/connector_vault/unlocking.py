"""Opens the keys of a vault, and joins what reading and writing its rows takes."""

from __future__ import annotations

from pathlib import Path

from connector_vault.anchor import Anchor
from connector_vault.cipher import Entropy
from connector_vault.errors import StoreCorruptError
from connector_vault.keyring import Keyring
from connector_vault.log import LogSeal
from connector_vault.rows import Rows
from connector_vault.sealed import SecretRows
from connector_vault.view import Tools


def anchors_of(path: Path) -> Path:
    """Gives the folder in which the anchor of a database lies if no other is named."""
    return path.absolute().parent.parent / "anchors"


def identity_of(rows: Rows) -> str:
    """Gives the id of a vault.

    Raises:
        StoreCorruptError: The database has none.
    """
    identity = rows.identity()
    if identity is None:
        raise StoreCorruptError("The file is not a whole vault; restore a backup.")
    return identity


def unlocked(rows: Rows, keyring: Keyring, *, anchors: Path, entropy: Entropy) -> Tools:
    """Opens the keys that authenticate rows.

    Raises:
        VaultLockedError: The provider's key is not the one that wrapped the terms.
        IntegrityError: It is, and they were altered.
    """
    record_mac, log_mac = keyring.unlock(rows)
    anchor = Anchor(anchors / f"{keyring.vault}.anchor", keyring.vault, record_mac)
    secrets = SecretRows(keyring, record_mac, floors=anchor.floors, entropy=entropy)
    seal = LogSeal(keyring.vault, log_mac)
    return Tools(keyring, record_mac, seal, secrets, anchor, entropy)
