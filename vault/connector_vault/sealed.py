"""Keeps secrets: sealed values that have an owner, a field, a version and a stage.

1. A version number is used once. The row of a destroyed version stays, empty.
2. The MAC of a row covers its stage too, so that an older version cannot be made current.
3. The value is bound to vault, owner, field and version. It opens nowhere else.
4. All secrets of an owner are sealed under one data key, and are gone when it is destroyed.
"""

from __future__ import annotations

import hmac

from connector_vault import cipher
from connector_vault.cipher import CipherError, Entropy, Key
from connector_vault.errors import IntegrityError, NotFoundError
from connector_vault.keyring import Keyring, data_place
from connector_vault.rows import Rows, SecretRow
from connector_vault.secret import Secret


class SecretRows:
    """The secrets of one vault."""

    def __init__(self, keyring: Keyring, mac_key: Key, entropy: Entropy) -> None:
        """Takes the keys that open and authenticate them."""
        self._keyring = keyring
        self._mac_key = mac_key
        self._entropy = entropy

    def store(self, rows: Rows, owner: str, field: str, secret: Secret, at: int) -> int:
        """Makes the secret the current version; the one before it becomes the previous."""
        older = [self._checked(row) for row in rows.secrets(owner, field)]
        for stage, later in (("previous", "retired"), ("current", "previous")):
            for row in older:
                if row.stage == stage:
                    rows.restage_secret(self._staged(row, later))
        key = self._keyring.make(rows, data_place(owner), at)
        version = older[-1].version + 1 if older else 1
        value = secret.reveal().encode()
        sealed = cipher.seal(key, value, self._bound(owner, field, version), self._entropy)
        row = SecretRow(owner, field, version, "current", at, key.id, sealed, b"")
        rows.insert_secret(row._replace(mac=self._mac(row)))
        return version

    def open(self, rows: Rows, owner: str, field: str) -> Secret:
        """Opens the current version.

        Raises:
            NotFoundError: There is none, or it was destroyed.
            IntegrityError: The row, or its key, was altered, moved or put back.
        """
        row = rows.current_secret(owner, field)
        if row is None:
            raise NotFoundError(f"There is no secret {field!r} of {owner!r}.")
        self._checked(row)
        if row.key_id is None or row.sealed is None or not row.openable:
            raise IntegrityError(_place(row), "stands without its key")
        key = self._keyring.key(rows, row.key_id)
        try:
            return Secret(cipher.unseal(key, row.sealed, self._bound(owner, field, row.version)))
        except CipherError:
            raise IntegrityError(_place(row)) from None

    def destroy(self, rows: Rows, owner: str) -> int:
        """Destroys every version and the data key; gives the number of values that were there."""
        held = [self._checked(row) for row in rows.secrets(owner) if row.sealed is not None]
        for row in held:
            rows.restage_secret(self._staged(row, "retired"))
        rows.destroy_keys(data_place(owner).purpose, owner)
        return len(held)

    def _staged(self, row: SecretRow, stage: str) -> SecretRow:
        """Gives a row in another stage; a retired one is empty."""
        moved = row._replace(stage=stage)
        if stage == "retired":
            moved = moved._replace(key_id=None, sealed=None)
        return moved._replace(mac=self._mac(moved))

    def _checked(self, row: SecretRow) -> SecretRow:
        """Gives a row whose MAC is right."""
        if not hmac.compare_digest(row.mac, self._mac(row)):
            raise IntegrityError(_place(row))
        return row

    def _mac(self, row: SecretRow) -> bytes:
        """Computes what the MAC of a row must be."""
        return self._mac_key.mac(cipher.context("secret-row", self._keyring.vault, *row[:7]))

    def _bound(self, owner: str, field: str, version: int) -> bytes:
        """Gives what a value is bound to."""
        return cipher.context("secret", self._keyring.vault, owner, field, version)


def _place(row: SecretRow) -> str:
    """Names a row by its place alone."""
    return f"secrets {row.owner} {row.field} {row.version}"
