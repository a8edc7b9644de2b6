"""Moves wrapped keys from one wrapper to another, inside one transaction.

1. A term has a slot for each key of a provider that wraps it. Two slots stand side by side only
   while the provider's key is being rotated.
2. New keys hang on the current term. A key that hangs on an older one is rewrapped; a data key
   seals nothing new from then on, and is renewed with all that it sealed.
3. Nothing is taken away while something hangs on it.
4. What does not open is left as it is, and told.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from connector_vault import walks
from connector_vault.cipher import Key
from connector_vault.columns import KeyRow
from connector_vault.errors import ConflictError, IntegrityError
from connector_vault.keyring import Keyring
from connector_vault.places import TERM, Place, data_place
from connector_vault.provider import KeyProvider
from connector_vault.rows import Rows
from connector_vault.sealed import SecretRows

_DATA: Final = data_place("").purpose
_TERM: Final = (TERM.purpose, TERM.owner, TERM.period)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What came of a few keys; `last` is empty if there were none left."""

    last: str = ""
    done: int = 0
    secrets: int = 0
    #: Keys that exist no more, and that nobody has to keep in memory.
    gone: tuple[str, ...] = ()
    #: Rows that do not open, and were left as they are.
    faults: tuple[str, ...] = ()


class KeyShelf:
    """The wrapped keys of a vault, as one transaction sees them."""

    def __init__(self, rows: Rows, keyring: Keyring, secrets: SecretRows) -> None:
        """Takes the rows, and what opens them."""
        self._rows = rows
        self._keyring = keyring
        self._secrets = secrets

    def terms(self) -> list[KeyRow]:
        """Gives the slots of all terms that are not destroyed."""
        return sorted(self._rows.terms())

    def current_term(self) -> KeyRow:
        """Gives the slot of the term that new keys hang on.

        Raises:
            IntegrityError: There is none.
        """
        for row in self.terms():
            if row.state == "current":
                return row
        raise IntegrityError("keys term", "is missing")

    def older_terms(self) -> list[str]:
        """Gives the ids of the terms that new keys do not hang on."""
        current = self.current_term().id
        return sorted({row.id for row in self.terms()} - {current})

    def hanging(self, wrapper: str) -> int:
        """Counts the keys that hang on a term."""
        return walks.count_keys_under(self._rows, wrapper)

    def counts(self) -> dict[str, dict[str, int]]:
        """Counts the keys of each purpose by their states."""
        found: dict[str, dict[str, int]] = {}
        for purpose, state, count in walks.count_keys(self._rows):
            found.setdefault(purpose, {})[state] = count
        return found

    def retired(self) -> int:
        """Counts the data keys that are still to be renewed."""
        return self.counts().get(_DATA, {}).get("retired", 0)

    def retired_keys(self, limit: int) -> list[tuple[str, str, int]]:
        """Gives id, owner and number of secrets of data keys that are still to be renewed."""
        return [
            (row.id, row.owner, walks.count_secrets_under(self._rows, row.id))
            for row in self._rows.keys_retired(_DATA, "", limit)
        ]

    def secrets(self) -> dict[str, int]:
        """Counts the versions of secrets in each stage."""
        return dict(walks.count_secrets(self._rows))

    def key(self, term: str) -> Key:
        """Gives a term's key.

        Raises:
            VaultLockedError: The provider is out of reach.
            IntegrityError: It does not open.
        """
        return self._keyring.term(self._rows, term)

    def lacking(self, provider: str) -> list[str]:
        """Gives the terms that have no slot for a provider's key."""
        held = {row.id for row in self.terms() if row.wrapper == provider}
        return sorted({row.id for row in self.terms()} - held)

    def wrapped(self, term: str, provider: KeyProvider) -> KeyRow:
        """Wraps a term for a second slot, but stores nothing.

        Raises:
            VaultLockedError: A provider is out of reach.
        """
        made_at = next(row.made_at for row in self.terms() if row.id == term)
        sealed = self._keyring.wrapping.wrap_term(provider, self.key(term), made_at)
        return KeyRow(term, provider.id, *_TERM, "staged", made_at, sealed)

    def add(self, slots: Iterable[KeyRow]) -> None:
        """Adds slots to terms. They open already, and are not the ones in use yet."""
        for row in slots:
            self._rows.insert_key(row)

    def opened(self, term: str, provider: KeyProvider) -> Key:
        """Opens a term with a provider's slot, and compares it with the one in use.

        Raises:
            VaultLockedError: The provider is out of reach.
            IntegrityError: It does not open, or is not the same.
        """
        own = [row for row in self.terms() if (row.id, row.wrapper) == (term, provider.id)]
        if not own:
            raise IntegrityError(f"keys {term}", "has lost a slot")
        found = self._keyring.wrapping.unwrap_term(provider, own[0])
        if not hmac.compare_digest(found.material, self.key(term).material):
            raise IntegrityError(f"keys {term}", "is not the same in both slots")
        return found

    def use(self, provider: KeyProvider) -> None:
        """Goes on with a provider whose slots are the ones in use."""
        self._keyring.provider = provider

    def forget(self, batch: Batch) -> None:
        """Keeps nothing in memory of keys that exist no more."""
        if batch.gone:
            self._keyring.forget(*batch.gone)

    def check(self, term: Key, after: str, limit: int) -> Batch:
        """Opens the next keys that hang on a term.

        Raises:
            IntegrityError: One of them does not open.
        """
        found = self._rows.keys_under(term.id, after, limit)
        for row in found:
            self._keyring.wrapping.unwrap(term, row)
        return Batch(last=found[-1].id if found else "", done=len(found))

    def promote(self, provider: str) -> None:
        """Makes a provider's slots the ones in use; the others still open.

        Raises:
            ConflictError: A term has no slot for it.
        """
        self._check_whole(provider)
        current = self.current_term().id
        # The others go first: the database holds one current slot.
        for row in sorted(self.terms(), key=lambda one: one.wrapper == provider):
            own = row.wrapper == provider and row.id == current
            self._rows.move_key(row._replace(state="current" if own else "retired"), row.wrapper)

    def retire_slots(self, provider: str) -> int:
        """Removes every slot but a provider's; gives their number.

        Raises:
            ConflictError: A term has no slot for it.
        """
        self._check_whole(provider)
        others = [row for row in self.terms() if row.wrapper != provider]
        for row in others:
            self._rows.delete_key(row.id, row.wrapper)
        return len(others)

    def fresh_term(self, at: int) -> KeyRow:
        """Makes a term and wraps it, but stores nothing.

        Raises:
            VaultLockedError: The provider is out of reach.
        """
        # Looking for the slot finds the provider in use, if it was rotated by others.
        self._keyring.own_slot(self._rows, self.current_term().id)
        provider, term = self._keyring.provider, Key.fresh(self._keyring.entropy)
        sealed = self._keyring.wrapping.wrap_term(provider, term, at)
        return KeyRow(term.id, provider.id, *_TERM, "current", at, sealed)

    def turn(self, term: KeyRow) -> None:
        """Makes a new term the one that new keys hang on.

        Raises:
            ConflictError: The provider's key was rotated since the term was wrapped.
        """
        before = self.current_term()
        if before.wrapper != term.wrapper:
            raise ConflictError("The vault's key was rotated just now; try again.")
        self._rows.move_key(before._replace(state="retired"), before.wrapper)
        self._rows.insert_key(term)

    def rewrap(self, term: str, after: str, limit: int) -> Batch:
        """Hangs the next keys of an older term on the current one."""
        found = self._rows.keys_under(term, after, limit)
        try:
            old, new = self.key(term), self.key(self.current_term().id)
        except IntegrityError as error:
            return Batch(faults=(error.row,))
        faults: list[str] = []
        for row in found:
            try:
                key = self._keyring.wrapping.unwrap(old, row)
            except IntegrityError as error:
                faults.append(error.row)
                continue
            place = Place(row.purpose, row.owner, row.period)
            sealed = self._keyring.wrapping.wrap(new, key, place, at=row.made_at)
            state = "retired" if row.purpose == _DATA else row.state
            self._rows.move_key(row._replace(wrapper=new.id, state=state, sealed=sealed), term)
        done = len(found) - len(faults)
        return Batch(last=found[-1].id if found else "", done=done, faults=tuple(faults))

    def retire_term(self, term: str) -> None:
        """Destroys an older term.

        Raises:
            ConflictError: It is the current one, or something hangs on it.
        """
        count = self.hanging(term)
        if count or term == self.current_term().id:
            raise ConflictError(f"The term {term} cannot be retired: {count} keys hang on it.")
        for row in self.terms():
            if row.id == term:
                self._rows.move_key(row._replace(state="destroyed", sealed=None), row.wrapper)

    def renew(self, after: str, limit: int, *, at: int) -> Batch:
        """Seals what the next retired data keys hold under keys of today, and removes them."""
        found = self._rows.keys_retired(_DATA, after, limit)
        secrets, gone, faults = 0, list[str](), list[str]()
        for row in found:
            try:
                secrets += self._renew(row, at)
            except IntegrityError as error:
                faults.append(error.row)
            else:
                gone.append(row.id)
        return Batch(
            last=found[-1].id if found else "",
            done=len(gone),
            secrets=secrets,
            gone=tuple(gone),
            faults=tuple(faults),
        )

    def retire_key(self, row: KeyRow) -> None:
        """Removes a data key.

        Raises:
            ConflictError: A secret is sealed under it.
        """
        count = walks.count_secrets_under(self._rows, row.id)
        if count:
            raise ConflictError(f"The key {row.id} cannot be retired: {count} secrets hang on it.")
        self._rows.delete_key(row.id, row.wrapper)

    def _renew(self, row: KeyRow, at: int) -> int:
        """Renews one data key; gives the number of secrets."""
        sealed = self._rows.secrets_under(row.id)
        for secret in sealed:
            self._secrets.reseal(self._rows, secret, at=at)
        self.retire_key(row)
        return len(sealed)

    def _check_whole(self, provider: str) -> None:
        """Refuses a provider whose key does not open every term."""
        lacking = self.lacking(provider)
        if lacking:
            raise ConflictError(f"{len(lacking)} terms do not open with the key {provider}.")
