"""Seals what the log holds of a user and month, and opens it again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from connector_vault import cipher
from connector_vault.cipher import CipherError, Key
from connector_vault.errors import ErasedError, IntegrityError, NotFoundError, ShredError
from connector_vault.keyring import Keyring
from connector_vault.log import LogRow
from connector_vault.places import Place, audit_place
from connector_vault.store import Store

_DAY_S: Final = 86_400
_DAY_US: Final = _DAY_S * 1_000_000


class Payloads:
    """The payloads of one vault's log."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        """Takes where the keys are kept, and what opens them."""
        self._store = store
        self._keyring = keyring
        # Writing a month out anew for each row costs as much as a third of the row's seal.
        self._of_day = lru_cache(maxsize=4_096)(_place)

    def seal(self, payload: bytes, *, user: str | None, at: int, uid: bytes) -> tuple[str, bytes]:
        """Seals a payload; gives the id of its key too. It may write that key first."""
        place = self._place(user, at)
        key = self._key(place, at)
        return key.id, cipher.seal(key, payload, self._bound(place, uid), self._keyring.entropy)

    def open(self, row: LogRow) -> bytes | None:
        """Opens what a row holds sealed; None if it holds nothing.

        Raises:
            ErasedError: It was erased, or its key was destroyed.
            ShredError: The shred key of its key is lost.
            VaultLockedError: The provider of the vault's key is out of reach for too long.
            IntegrityError: It was altered or moved without the key.
        """
        sealed, key_id = row.payload, row.key_id
        if row.payload_hash is None or key_id is None:
            return None
        if sealed is None:
            raise ErasedError(f"The text of row {row.seq} of the log was erased.")
        self._keyring.drop_erased()
        try:
            key = self._store.read(lambda rows: self._keyring.opening(rows, key_id))
        except NotFoundError:
            raise ErasedError(f"The text of row {row.seq} of the log was erased.") from None
        try:
            return bytes(
                cipher.unseal(key, sealed, self._bound(self._place(row.user, row.at), row.uid))
            )
        except CipherError:
            raise IntegrityError(f"log {row.seq}") from None

    def _key(self, place: Place, at: int) -> Key:
        """Gives the key of a user and month; whoever comes first makes it."""
        self._keyring.drop_erased()
        key = self._keyring.remembered(place)
        if key is None:
            key = self._found(place, at)
            self._keyring.remember(key, place)
        return key

    def _found(self, place: Place, at: int) -> Key:
        """Finds the key of a user and month, or makes it.

        Raises:
            ShredError: It was erased, and a database from before that was put back.
        """
        try:
            key = self._store.read(lambda rows: self._keyring.current(rows, place))
        except ErasedError as error:
            reason = f"{error} The database is older than that: `vault restore` it."
        else:
            return key or self._store.write(lambda rows: self._keyring.make(rows, place, at))
        raise ShredError(reason)

    def _place(self, user: str | None, at: int) -> Place:
        """Names the key of a user and of the month of a time."""
        return self._of_day(user or "", at // _DAY_US)

    def _bound(self, place: Place, uid: bytes) -> bytes:
        """Gives what a payload is bound to."""
        return cipher.context("payload", self._keyring.vault, place.owner, place.period, uid)


def _place(user: str, day: int) -> Place:
    """Names the key of a user and of the month of a day, counted from 1970."""
    return audit_place(user, datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m"))
