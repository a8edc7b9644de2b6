"""Keeps the keys of the vault, each wrapped by the one above it.

    key of the provider -> term -> data key of an owner          (secrets)
                                -> audit key of a user and month (payloads of the log); what is
                                   wrapped is masked by a shred key outside the database
                                -> record-MAC key, log-MAC key   (records, log)
                                -> log-sign key                  (checkpoints of the log)

1. A wrapped key names its wrapper. Nothing is found by trying.
2. Opening a vault makes no key. A provider that did not wrap the terms is told so by fingerprint.
3. Data and audit keys are made on first use, in the transaction of whoever needs them.
4. What was unwrapped is kept for a time. Then the provider must unwrap the current term again, or
   nothing that is sealed is opened any more; what is needed to write the log stays.
5. A child that a process forks keeps no key.
6. Once any process has erased something, no audit key in memory opens anything unseen.
"""

from __future__ import annotations

import hmac
import os
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from connector_vault import cipher
from connector_vault.asking import AskFirstError
from connector_vault.cipher import Entropy, Key
from connector_vault.columns import KeyRow
from connector_vault.errors import IntegrityError, NotFoundError, VaultError, VaultLockedError
from connector_vault.places import AUDIT, LOG_MAC, LOG_SIGN, RECORD_MAC, TERM, Place
from connector_vault.provider import KeyProvider
from connector_vault.rows import Rows
from connector_vault.shreds import Shreds, combined
from connector_vault.trust import Trust
from connector_vault.wrapping import Wrapping

K = TypeVar("K")
V = TypeVar("V")

#: So many unwrapped keys are kept in memory; the one unused for longest goes first.
CACHED_KEYS: Final = 16_384

#: Runs work on a snapshot of the database.
Read: TypeAlias = Callable[[Callable[[Rows], None]], None]


class AuditKey(Key):
    """A key of the log's text, which is dropped from memory once something was erased."""

    __slots__ = ()


class NarrowedKey(AuditKey):
    """What the database holds of a key of which some messages were erased: it opens none alone."""

    __slots__ = ()


class Keyring:
    """The keys of one unlocked vault."""

    def __init__(  # noqa: PLR0913 - what a keyring stands on, most of it by name
        self,
        vault: str,
        provider: KeyProvider,
        entropy: Entropy,
        *,
        shreds: Path,
        find: Callable[[], KeyProvider] | None = None,
        trust: Trust | None = None,
    ) -> None:
        """Starts with no key; `unlock` opens the first. `find` looks for the provider anew."""
        self.vault = vault
        self.shreds = Shreds(shreds, vault, entropy)
        self.provider = provider
        self.entropy = entropy
        self.wrapping = Wrapping(vault, entropy)
        self._find = find
        self._trust = trust or Trust()
        self._read: Read | None = None
        self._lock = Lock()
        self._by_id: OrderedDict[str, Key] = OrderedDict()
        self._by_place: OrderedDict[Place, Key] = OrderedDict()
        self._macs: tuple[Key, ...] = ()
        this = weakref.ref(self)
        os.register_at_fork(after_in_child=lambda: _wipe(this()))

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the provider's key."""
        return self.provider.fingerprint

    def found(self, rows: Rows, at: int) -> None:
        """Makes the first term of a new vault, and the keys that every vault has."""
        self._trust.renew()
        self.shreds.create()
        term = Key.fresh(self.entropy)
        sealed = self.wrapping.wrap_term(self.provider, term, at)
        rows.insert_key(KeyRow(term.id, self.provider.id, *_columns(TERM, at), sealed))
        for place in (RECORD_MAC, LOG_MAC, LOG_SIGN):
            self.make(rows, place, at)

    def unlock(self, rows: Rows) -> tuple[Key, Key]:
        """Opens the current term and with it the record-MAC key and the log-MAC key.

        Raises:
            VaultLockedError: The provider's key is not the one that wrapped the terms.
            IntegrityError: It is, and they were altered.
        """
        self._check_provider(rows, self.provider)
        self._trust.renew()
        self._macs = (self._needed(rows, RECORD_MAC), self._needed(rows, LOG_MAC))
        return self._macs[0], self._macs[1]

    def hold(self, key: Key) -> Key:
        """Keeps a key that the log is written with for as long as the vault is open."""
        self._macs = (*self._macs, key)
        return key

    def follow(self, read: Read) -> None:
        """Takes what a thread of its own may read with, so that it can ask the provider ahead."""
        self._read = read

    def opening(self, rows: Rows, key_id: str) -> Key:
        """Gives a key to open something with, if the provider still stands behind it.

        Raises:
            AskFirstError: The provider has to be asked, and others wait to write.
            VaultLockedError: The time is over, and the provider does not unwrap the term.
            NotFoundError: It was destroyed.
            IntegrityError: It does not open.
        """
        if rows.writing and self._trust.over:
            raise AskFirstError(lambda other: self.opening(other, key_id))
        if not self._trust.fresh:
            self.refresh(rows)
        return self.key(rows, key_id)

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
            if row.sealed is not None and row.purpose != TERM.purpose:
                return self._remember(self.opened(rows, row))
        raise NotFoundError(f"The key {key_id} was destroyed.")

    def current(self, rows: Rows, place: Place) -> Key | None:
        """Gives the key that new messages are sealed under, if one was made."""
        row = rows.current_key(place.purpose, place.owner, place.period)
        if row is None:
            return None
        # An index is not authenticated, and some columns come from it: the row itself is looked at.
        if any(Place(*one[2:5]) != place for one in rows.keys(row.id)):
            raise IntegrityError(f"keys {row.id}", "is found in another's place")
        return self.term(rows, row.id) if place == TERM else self.key(rows, row.id)

    def term(self, rows: Rows, key_id: str) -> Key:
        """Gives a term by its id. Who holds an older provider finds the one that came after it.

        Raises:
            AskFirstError: The provider has to be asked, and others wait to write.
            VaultLockedError: The provider's key is not the one that wrapped the terms.
            IntegrityError: There is no such term, or it does not open.
        """
        if rows.writing and key_id not in self._by_id:
            raise AskFirstError(lambda other: self.term(other, key_id))
        if self._trust.over and key_id not in self._by_id:
            self.refresh(rows)
        cached = self._by_id.get(key_id)
        if cached is not None:
            return cached
        # The slot comes first: looking for it may find another provider.
        own = self.own_slot(rows, key_id)
        return self._remember(self.wrapping.unwrap_term(self.provider, own))

    def make(self, rows: Rows, place: Place, at: int) -> Key:
        """Gives the key that new messages are sealed under; makes it if there is none."""
        found = self.current(rows, place)
        if found is not None:
            return found
        term = self._needed(rows, TERM)
        key = kept = (AuditKey if place.purpose == AUDIT else Key).fresh(self.entropy)
        if place.purpose == AUDIT:
            kept = Key(key.id, self.shreds.mask({key.id: key.material})[key.id])
        sealed = self.wrapping.wrap(term, kept, place, at=at)
        rows.insert_key(KeyRow(key.id, term.id, *_columns(place, at), sealed))
        return key

    def opened(self, rows: Rows, row: KeyRow) -> Key:
        """Opens a key as it seals: unwrapped by its term and, if it is masked, unmasked.

        Raises:
            ErasedError: Its shred key was destroyed.
            ShredError: Its shred key is lost.
            IntegrityError: It does not open.
        """
        if row.purpose != AUDIT:
            return self.wrapping.unwrap(self.term(rows, row.wrapper), row)
        half = self.narrowed(rows, row)
        material = self.shreds.unmask(half.id, half.material)
        return half if material is None else AuditKey(half.id, material)

    def narrowed(self, rows: Rows, row: KeyRow) -> NarrowedKey:
        """Gives what the database holds of an audit key.

        Raises:
            IntegrityError: It does not open.
        """
        key = self.wrapping.unwrap(self.term(rows, row.wrapper), row)
        return NarrowedKey(key.id, key.material)

    def mask(self, key: NarrowedKey, name: bytes, root: bytes) -> bytes:
        """Masks what opens one message of a narrowed key, or unmasks it."""
        pad = key.mac(cipher.context("narrowed", self.vault, key.id, name))
        return combined(pad, root)

    def drop_erased(self, *, lately: bool = False) -> None:
        """Drops the audit keys from memory, if any process has erased something since.

        With `lately` it may have been since a moment ago.
        """
        if self.shreds.changed(lately=lately):
            with self._lock:
                self._by_place.clear()
                for key in [one for one in self._by_id.values() if isinstance(one, AuditKey)]:
                    del self._by_id[key.id]

    @property
    def over(self) -> bool:
        """Whether the provider must be asked again before anything is opened."""
        return self._trust.over

    def refresh(self, rows: Rows) -> None:
        """Has the provider asked again: ahead of time in a thread, or here if the time is over.

        Raises:
            VaultLockedError: The time is over, and the provider gives no answer.
        """
        read = self._read
        self._trust.see_to(
            lambda: self._ask(rows), ahead=None if read is None else lambda: read(self._ask)
        )

    def remembered(self, place: Place) -> Key | None:
        """Gives a current key without asking the database."""
        return self._by_place.get(place)

    def remember(self, key: Key, place: Place) -> None:
        """Keeps a committed key in memory as the current one of its place."""
        with self._lock:
            _keep(self._by_place, place, self._by_id.setdefault(key.id, key))

    def forget(self, *key_ids: str) -> None:
        """Drops keys, or every key, from memory, which wipes those that nobody is using."""
        with self._lock:
            for key_id in key_ids:
                self._by_id.pop(key_id, None)
            if not key_ids:
                self._by_id.clear()
                self._by_place.clear()

    def wipe(self) -> None:
        """Overwrites every key, also those that somebody is using."""
        for key in (*self._by_id.values(), *self._by_place.values(), *self._macs):
            key.wipe()

    def _ask(self, rows: Rows) -> None:
        """Has the provider unwrap the current term, and opens every other key anew from then on."""
        row = rows.current_key(TERM.purpose, TERM.owner, TERM.period)
        if row is None:
            raise IntegrityError("keys term", "is missing")
        try:
            own = self.own_slot(rows, row.id)
            term = self.wrapping.unwrap_term(self.provider, own)
        except VaultError:
            if self.over:
                self._drop_opened()
            raise
        held = self._by_id.get(term.id)
        if held is not None and not hmac.compare_digest(held.material, term.material):
            raise IntegrityError(f"keys {term.id}")
        self._drop_opened()
        self._remember(term)

    def _drop_opened(self) -> None:
        """Drops every key but those that the log is written with."""
        with self._lock:
            self._by_id.clear()

    def own_slot(self, rows: Rows, key_id: str) -> KeyRow:
        """Gives a term as the provider in use wrapped it; finds the next provider if it must.

        Raises:
            VaultLockedError: The provider's key is not the one that wrapped the terms.
            IntegrityError: There is no such term.
        """
        slots = [row for row in rows.terms() if row.id == key_id]
        if not slots:
            raise IntegrityError(f"keys {key_id}", "is no term")
        if not any(self._is_own(row) for row in slots):
            self.provider = self._successor(rows)
        for row in slots:
            if self._is_own(row):
                return row
        raise IntegrityError(f"keys {key_id}", "is not wrapped by the key in use")

    def _successor(self, rows: Rows) -> KeyProvider:
        """Finds the provider that the terms are wrapped with now."""
        found = self.provider if self._find is None else self._find()
        self._check_provider(rows, found)
        return found

    def _check_provider(self, rows: Rows, provider: KeyProvider) -> None:
        """Refuses a provider that wrapped no term.

        Raises:
            VaultLockedError: It did not; the message shows fingerprints alone.
        """
        terms = rows.terms()
        if not any(row.wrapper == provider.id for row in terms):
            # A damaged file gives anything as a name.
            wanted = ", ".join(sorted({str(row.wrapper) for row in terms})) or "that is lost"
            raise VaultLockedError(
                "The vault stays locked: it was sealed under the key with fingerprint "
                f"{wanted}, and this one has {provider.fingerprint}. Bring the right key."
            )

    def _is_own(self, row: KeyRow) -> bool:
        """Says whether the provider in use wrapped a term."""
        return row.wrapper == self.provider.id

    def _needed(self, rows: Rows, place: Place) -> Key:
        """Gives a current key that every vault has."""
        key = self.current(rows, place)
        if key is None:
            raise IntegrityError(f"keys {place.purpose}", "is missing")
        return key

    def _remember(self, key: Key) -> Key:
        """Keeps a key in memory by its id."""
        with self._lock:
            _keep(self._by_id, key.id, key)
        return key


def _wipe(keyring: Keyring | None) -> None:
    """Overwrites the keys of a keyring, if there still is one."""
    if keyring is not None:
        keyring.wipe()


def _columns(place: Place, at: int) -> tuple[str, str, str, str, int]:
    """Gives the columns of a new key that follow from its place."""
    return place.purpose, place.owner, place.period, "current", at


def _keep(kept: OrderedDict[K, V], name: K, value: V) -> None:
    """Adds to a memory that stays bounded."""
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > CACHED_KEYS:
        kept.popitem(last=False)
