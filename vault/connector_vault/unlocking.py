"""Opens the keys of a vault, and joins what reading and writing its rows takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from connector_vault.anchor import Anchor
from connector_vault.errors import StoreCorruptError, VaultLockedError
from connector_vault.keyring import Keyring
from connector_vault.log import LogSeal
from connector_vault.records import KnownRows
from connector_vault.rows import Rows
from connector_vault.sealed import SecretRows
from connector_vault.view import Tools

#: The URI of a key, or what finds it anew: it is asked again after the vault was rewrapped.
KeySource: TypeAlias = str | Callable[[], str]


def uri_of(key: KeySource) -> str:
    """Gives the URI that a source names now."""
    return key if isinstance(key, str) else key()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """Where lies what a vault keeps outside its database."""

    anchors: Path
    shreds: Path

    @classmethod
    def of(cls, path: Path, anchors: Path | None, shreds: Path | None) -> Folders:
        """Gives the folders of a database: those named, else two beside its own folder."""
        beside = path.absolute().parent.parent
        return cls(anchors=anchors or beside / "anchors", shreds=shreds or beside / "shreds")


def identity_of(rows: Rows) -> str:
    """Gives the id of a vault.

    Raises:
        StoreCorruptError: The database has none.
    """
    identity = rows.identity()
    # A damaged file gives anything as text.
    if not isinstance(identity, str):
        raise StoreCorruptError("The file is not a whole vault; restore a backup.")
    return identity


def unlocked(rows: Rows, keyring: Keyring, *, anchors: Path) -> Tools:
    """Opens the keys of a vault, and joins what reading and writing rows takes.

    Raises:
        VaultLockedError: The provider's key is not the one that wrapped the terms.
        IntegrityError: It is, and they were altered.
    """
    record_mac, log_mac = keyring.unlock(rows)
    anchor = Anchor(anchors / f"{keyring.vault}.anchor", keyring.vault, record_mac)
    secrets = SecretRows(keyring, record_mac, floors=anchor.floors, entropy=keyring.entropy)
    seal = LogSeal(keyring.vault, log_mac)
    known = KnownRows(keyring.vault, record_mac)
    return Tools(keyring, record_mac, seal, secrets, anchor, keyring.entropy, known)


def check_apart(database: Path, key: Path | None) -> None:
    """Refuses a key in the database's folder, where a copy of the one would take both.

    Raises:
        VaultLockedError: It lies there.
    """
    if key is not None and key.parent.resolve().is_relative_to(database.parent.resolve()):
        raise VaultLockedError("Keep the key outside of the vault's own folder.")
