"""Seals what the log holds of a user and month, and opens it again."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Final

from connector_vault import cipher
from connector_vault.cipher import CipherError, Entropy, Key, Sealing
from connector_vault.columns import KeyRow
from connector_vault.errors import ErasedError, IntegrityError, NotFoundError, ShredError
from connector_vault.keyring import Keyring, NarrowedKey
from connector_vault.log import LogRow
from connector_vault.places import Place, audit_place
from connector_vault.rows import Rows
from connector_vault.shreds import Held
from connector_vault.store import Store
from connector_vault.texts import Texts, bounds_of

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

    def seal(
        self, payload: bytes, *, user: str | None, at: int, uid: bytes, salts: Entropy
    ) -> tuple[str, Sealing]:
        """Gives what seals a payload, and the id of its key. It may write that key first."""
        place = self._place(user, at)
        key = self._key(place, at)
        return key.id, Sealing(key, payload, self._bound(place, uid), salts)

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
        bound = self._bound(self._place(row.user, row.at), row.uid)
        try:
            if isinstance(key, NarrowedKey):
                return bytes(cipher.unseal_one(self._one(key, row), sealed, bound))
            return bytes(cipher.unseal(key, sealed, bound))
        except CipherError:
            raise IntegrityError(f"log {row.seq}") from None

    def narrow(self, key_id: str, month: str) -> bool:
        """Destroys a key, save for what opens the rows that hold text under it, each by itself.

        It takes the memory of some 300 bytes a row that stays. Says whether there was one.

        Raises:
            ShredError: It cannot be written now.
            IntegrityError: The key does not open.
        """
        row = self._store.read(lambda rows: next(iter(rows.keys(key_id)), None))
        shreds = self._keyring.shreds
        if row is None or row.sealed is None or shreds.state(key_id) is Held.DESTROYED:
            return False
        kept = self._kept(row, month)
        if kept:
            shreds.narrow(key_id, kept)
        else:
            shreds.destroy([key_id])
        return bool(kept)

    def _kept(self, row: KeyRow, month: str) -> dict[str, bytes]:
        """Gives what opens each row that holds text under a key, by the row's own name, masked."""
        half = self._store.read(lambda rows: self._keyring.narrowed(rows, row))
        key = self._store.read(lambda rows: self._keyring.opened(rows, row))
        kept: dict[str, bytes] = {}
        for span in self._store.read(lambda rows: Texts(rows).spans(*bounds_of(month))):
            for uid, begin in self._store.read(partial(_sealed_under, row.id, span)):
                kept[uid.hex()] = self._keyring.mask(half, uid, cipher.root(key, begin))
        return kept

    def _one(self, key: NarrowedKey, row: LogRow) -> Key:
        """Gives what opens one row of a narrowed key.

        Raises:
            ErasedError: It was erased.
            ShredError: It is lost.
        """
        try:
            root = self._keyring.shreds.root(key.id, row.uid.hex())
        except ErasedError:
            raise ErasedError(f"The text of row {row.seq} of the log was erased.") from None
        return Key(key.id, self._keyring.mask(key, row.uid, root))

    def _key(self, place: Place, at: int) -> Key:
        """Gives the key of a user and month; whoever comes first makes it."""
        # What is sealed is committed some time later anyway.
        self._keyring.drop_erased(lately=True)
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
            reason = str(error)
        else:
            if not isinstance(key, NarrowedKey):
                return key or self._store.write(lambda rows: self._keyring.make(rows, place, at))
            reason = f"Of the key {key.id} a part was erased."
        raise ShredError(f"{reason} The database is older than that: `vault restore` it.")

    def _place(self, user: str | None, at: int) -> Place:
        """Names the key of a user and of the month of a time."""
        return self._of_day(user or "", at // _DAY_US)

    def _bound(self, place: Place, uid: bytes) -> bytes:
        """Gives what a payload is bound to."""
        return cipher.context("payload", self._keyring.vault, place.owner, place.period, uid)


def _sealed_under(key_id: str, span: tuple[int, int], rows: Rows) -> list[tuple[bytes, bytes]]:
    return Texts(rows).sealed_under(key_id, span)


def _place(user: str, day: int) -> Place:
    """Names the key of a user and of the month of a day, counted from 1970."""
    return audit_place(user, datetime.fromtimestamp(day * _DAY_S, UTC).strftime("%Y-%m"))
