"""Keeps the keys of the vault, each wrapped by the one above it.

    key of the provider -> term -> data key of an owner          (secrets)
                                -> audit key of a user and month (payloads of the log)
                                -> record-MAC key, log-MAC key   (records, log)

1. A wrapped key names its wrapper. Nothing is found by trying.
2. A wrapped key is bound to vault, purpose, owner, period and its own id: none can stand in for
   another.
3. Opening a vault makes no key. A provider that did not wrap the terms is told so by fingerprint.
4. Data and audit keys are made on first use, in the transaction of whoever needs them.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeVar

from connector_vault import cipher
from connector_vault.cipher import CipherError, Entropy, Key
from connector_vault.errors import IntegrityError, NotFoundError, VaultLockedError
from connector_vault.provider import KeyProvider
from connector_vault.rows import KeyRow, Rows

K = TypeVar("K")
V = TypeVar("V")

#: So many unwrapped keys are kept in memory; the one unused for longest goes first.
CACHED_KEYS: Final = 16_384


@dataclass(frozen=True, slots=True)
class Place:
    """What a key is for."""

    purpose: str
    owner: str = ""
    period: str = ""


TERM: Final = Place("term")
RECORD_MAC: Final = Place("record-mac")
LOG_MAC: Final = Place("log-mac")


def data_place(owner: str) -> Place:
    """Names the key that seals an owner's secrets."""
    return Place("data", owner)


def audit_place(user: str, month: str) -> Place:
    """Names the key that seals what the log holds of a user and month."""
    return Place("audit", user, month)


class Keyring:
    """The keys of one unlocked vault."""

    def __init__(self, vault: str, provider: KeyProvider, entropy: Entropy) -> None:
        """Starts with no key; `unlock` opens the first."""
        self.vault = vault
        self.fingerprint = provider.fingerprint
        self._provider = provider
        self._entropy = entropy
        self._lock = Lock()
        self._by_id: OrderedDict[str, Key] = OrderedDict()
        self._by_place: OrderedDict[Place, Key] = OrderedDict()

    def found(self, rows: Rows, at: int) -> None:
        """Makes the first term and the two MAC keys of a new vault."""
        term = Key.fresh(self._entropy)
        sealed = self._provider.wrap(term.material, self._bound(TERM, term.id))
        rows.insert_key(KeyRow(term.id, self._provider.id, *_columns(TERM, at), sealed))
        for place in (RECORD_MAC, LOG_MAC):
            self.make(rows, place, at)

    def unlock(self, rows: Rows) -> tuple[Key, Key]:
        """Opens the current term and with it the record-MAC key and the log-MAC key.

        Raises:
            VaultLockedError: The provider's key is not the one that wrapped the terms.
            IntegrityError: It is, and they were altered.
        """
        terms = rows.terms()
        if not any(row.wrapper == self._provider.id for row in terms):
            wanted = ", ".join(sorted({row.wrapper for row in terms})) or "that is lost"
            raise VaultLockedError(
                "The vault stays locked: it was sealed under the key with fingerprint "
                f"{wanted}, and this one has {self.fingerprint}. Bring the right key."
            )
        return self._needed(rows, RECORD_MAC), self._needed(rows, LOG_MAC)

    def key(self, rows: Rows, key_id: str) -> Key:
        """Gives a key by its id.

        Raises:
            NotFoundError: It was destroyed.
            IntegrityError: It does not open.
        """
        cached = self._by_id.get(key_id)
        if cached is not None:
            return cached
        for row in rows.keys(key_id):
            if row.sealed is not None:
                return self._remember(self._unwrapped(rows, row, row.sealed))
        raise NotFoundError(f"The key {key_id} was destroyed.")

    def current(self, rows: Rows, place: Place) -> Key | None:
        """Gives the key that new messages are sealed under, if one was made."""
        row = rows.current_key(place.purpose, place.owner, place.period)
        return row and self.key(rows, row.id)

    def make(self, rows: Rows, place: Place, at: int) -> Key:
        """Gives the key that new messages are sealed under; makes it if there is none."""
        found = self.current(rows, place)
        if found is not None:
            return found
        term = self._needed(rows, TERM)
        key = Key.fresh(self._entropy)
        sealed = cipher.seal(term, key.material, self._bound(place, key.id), self._entropy)
        rows.insert_key(KeyRow(key.id, term.id, *_columns(place, at), sealed))
        return key

    def remembered(self, place: Place) -> Key | None:
        """Gives a current key without asking the database."""
        return self._by_place.get(place)

    def remember(self, key: Key, place: Place) -> None:
        """Keeps a committed key in memory as the current one of its place."""
        with self._lock:
            _keep(self._by_place, place, self._by_id.setdefault(key.id, key))

    def forget(self) -> None:
        """Drops every key from memory, which wipes those that nobody is using."""
        with self._lock:
            self._by_id.clear()
            self._by_place.clear()

    def _needed(self, rows: Rows, place: Place) -> Key:
        """Gives a current key that every vault has."""
        key = self.current(rows, place)
        if key is None:
            raise IntegrityError(f"keys {place.purpose}", "is missing")
        return key

    def _unwrapped(self, rows: Rows, row: KeyRow, sealed: bytes) -> Key:
        """Opens a wrapped key with the wrapper that it names."""
        place = Place(row.purpose, row.owner, row.period)
        bound = self._bound(place, row.id)
        try:
            if place == TERM:
                return Key(row.id, self._provider.unwrap(sealed, bound))
            return Key(row.id, cipher.unseal(self._term(rows, row), sealed, bound))
        except CipherError:
            raise IntegrityError(f"keys {row.id}") from None

    def _term(self, rows: Rows, row: KeyRow) -> Key:
        """Gives the term that wrapped a key; nothing but a term of this provider wraps."""
        cached = self._by_id.get(row.wrapper)
        if cached is not None:
            return cached
        for term in rows.terms():
            if (term.id, term.wrapper) == (row.wrapper, self._provider.id):
                return self.key(rows, term.id)
        raise IntegrityError(f"keys {row.id}", "names a wrapper that is no term")

    def _remember(self, key: Key) -> Key:
        """Keeps a key in memory by its id."""
        with self._lock:
            _keep(self._by_id, key.id, key)
        return key

    def _bound(self, place: Place, key_id: str) -> bytes:
        """Gives what a wrapped key is bound to."""
        return cipher.context("key", self.vault, place.purpose, place.owner, place.period, key_id)


def _columns(place: Place, at: int) -> tuple[str, str, str, str, int]:
    """Gives the columns of a new key that follow from its place."""
    return place.purpose, place.owner, place.period, "current", at


def _keep(kept: OrderedDict[K, V], name: K, value: V) -> None:
    """Adds to a memory that stays bounded."""
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > CACHED_KEYS:
        kept.popitem(last=False)
