"""Seals what the log holds of a user and month, and opens it again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from connector_vault import cipher
from connector_vault.cipher import CipherError, Key
from connector_vault.errors import IntegrityError
from connector_vault.keyring import Keyring, Place, audit_place
from connector_vault.log import LogRow
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
        self._month = lru_cache(maxsize=64)(_month)

    def seal(self, payload: bytes, *, user: str | None, at: int, uid: bytes) -> tuple[str, bytes]:
        """Seals a payload; gives the id of its key too. It may write that key first."""
        place = self._place(user, at)
        key = self._key(place, at)
        return key.id, cipher.seal(key, payload, self._bound(place, uid), self._keyring.entropy)

    def open(self, row: LogRow) -> bytes | None:
        """Opens what a row holds sealed; None if it holds nothing.

        Raises:
            NotFoundError: Its key was destroyed.
            VaultLockedError: The provider of the vault's key is out of reach for too long.
            IntegrityError: It was altered or moved without the key.
        """
        sealed, key_id = row.payload, row.key_id
        if sealed is None or key_id is None:
            return None
        key = self._store.read(lambda rows: self._keyring.opening(rows, key_id))
        try:
            return bytes(
                cipher.unseal(key, sealed, self._bound(self._place(row.user, row.at), row.uid))
            )
        except CipherError:
            raise IntegrityError(f"log {row.seq}") from None

    def _key(self, place: Place, at: int) -> Key:
        """Gives the key of a user and month; whoever comes first makes it."""
        key = self._keyring.remembered(place)
        if key is None:
            key = self._store.read(lambda rows: self._keyring.current(rows, place))
            key = key or self._store.write(lambda rows: self._keyring.make(rows, place, at))
            self._keyring.remember(key, place)
        return key

    def _place(self, user: str | None, at: int) -> Place:
        """Names the key of a user and of the month of a time."""
        return audit_place(user or "", self._month(at // _DAY_US))

    def _bound(self, place: Place, uid: bytes) -> bytes:
        """Gives what a payload is bound to."""
        return cipher.context("payload", self._keyring.vault, place.owner, place.period, uid)


def _month(day: int) -> str:
    """Names the month of a day, counted from 1970."""
    return datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m")
