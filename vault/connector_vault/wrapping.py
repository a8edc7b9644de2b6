"""Wraps each key by the one above it: a term by the provider's key, every other key by a term.

A wrapped key is bound to vault, purpose, owner, period, its own id and the time at which it was
made: none can stand in for another, or pass for a younger one.
"""

from __future__ import annotations

from connector_vault import cipher
from connector_vault.cipher import CipherError, Entropy, Key
from connector_vault.columns import KeyRow
from connector_vault.errors import IntegrityError
from connector_vault.places import TERM, Place
from connector_vault.provider import KeyProvider


class Wrapping:
    """How the keys of one vault are wrapped. It keeps none."""

    def __init__(self, vault: str, entropy: Entropy) -> None:
        """Takes the vault's name, and where random bytes come from."""
        self._vault = vault
        self._entropy = entropy

    def wrap(self, term: Key, key: Key, place: Place, *, at: int) -> bytes:
        """Wraps a key that was made at some time with a term."""
        return cipher.seal(term, key.material, self._bound(place, key.id, at), self._entropy)

    def wrap_term(self, provider: KeyProvider, term: Key, at: int) -> bytes:
        """Wraps a term that was made at some time with a provider's key.

        Raises:
            VaultLockedError: The provider is out of reach.
        """
        return provider.wrap(term.material, self._bound(TERM, term.id, at))

    def unwrap(self, term: Key, row: KeyRow) -> Key:
        """Opens a key with the term that wrapped it.

        Raises:
            IntegrityError: It does not open.
        """
        bound = self._bound(Place(row.purpose, row.owner, row.period), row.id, row.made_at)
        try:
            return Key(row.id, cipher.unseal(term, row.sealed or b"", bound))
        except CipherError:
            raise IntegrityError(f"keys {row.id}") from None

    def unwrap_term(self, provider: KeyProvider, row: KeyRow) -> Key:
        """Opens a term with a provider.

        Raises:
            VaultLockedError: The provider is out of reach.
            IntegrityError: It does not open.
        """
        try:
            material = provider.unwrap(row.sealed or b"", self._bound(TERM, row.id, row.made_at))
            return Key(row.id, material)
        except CipherError:
            raise IntegrityError(f"keys {row.id}") from None

    def _bound(self, place: Place, key_id: str, at: int) -> bytes:
        """Gives what a wrapped key is bound to."""
        named = (place.bound_as, place.owner, place.period, key_id, at)
        return cipher.context("key", self._vault, *named)
