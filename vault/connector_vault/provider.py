"""Says what wraps the vault's terms: a key that the vault itself does not hold."""

from __future__ import annotations

import hashlib
from typing import Protocol

from connector_vault import cipher
from connector_vault.cipher import Entropy, Key


class KeyProvider(Protocol):
    """Wraps and unwraps the vault's terms with a key that stays outside the vault.

    `id` names the key for good: it is stored beside what the key wrapped. `fingerprint` may be
    shown to anyone. `wrap` binds what it wraps to the context; `unwrap` raises CipherError
    if key, context or bytes are not the same, and VaultLockedError if the key is out of reach.
    """

    @property
    def id(self) -> str:
        """The name that is stored beside wrapped keys."""
        ...

    @property
    def fingerprint(self) -> str:
        """The name that people see."""
        ...

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""
        ...

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""
        ...


class LocalKey:
    """A provider whose key is in this process's memory."""

    def __init__(self, material: bytes, entropy: Entropy) -> None:
        """Takes the 32 bytes of the key."""
        self._key = Key(_fingerprint(material), material)
        self._entropy = entropy

    @property
    def id(self) -> str:
        """The fingerprint: the same key is the same wherever its file lies."""
        return self._key.id

    @property
    def fingerprint(self) -> str:
        """A one-way hash of the key."""
        return self._key.id

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""
        return cipher.seal(self._key, material, bound, self._entropy)

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""
        return cipher.unseal(self._key, sealed, bound)


def _fingerprint(material: bytes) -> str:
    """Gives 16 bytes of a hash that only this use of the key has."""
    digest = hashlib.sha256(cipher.context("fingerprint", material)).digest()
    return digest[: cipher.KEY_ID_BYTES].hex()
