"""Masks the audit keys of a vault that was made before there were shred keys.

Until it was opened by this version, such a vault held its audit keys whole, and its backups of
that time do for ever: what is erased in the vault can be read from them by whoever has its key.
"""

from __future__ import annotations

from typing import Final

from connector_vault import walks
from connector_vault.keyring import Keyring
from connector_vault.places import AUDIT, UNMASKED, Place
from connector_vault.rows import Rows
from connector_vault.store import Store

#: So many keys are masked in one transaction.
_BATCH: Final = 4_096


def mask_older(store: Store, keyring: Keyring) -> None:
    """Masks every audit key that is whole; any number of processes may do so at once.

    Raises:
        ShredError: The shred keys cannot be stored.
        IntegrityError: A key does not open.
    """
    if store.read(_has_whole):
        keyring.shreds.create()
        while store.write(lambda rows: _mask(rows, keyring)):
            pass


def _has_whole(rows: Rows) -> bool:
    """Says whether an audit key is whole."""
    return bool(walks.keys_for(rows, UNMASKED, 1))


def _mask(rows: Rows, keyring: Keyring) -> int:
    """Masks some of them; gives how many."""
    found = walks.keys_for(rows, UNMASKED, _BATCH)
    keys = {row.id: keyring.wrapping.unwrap(keyring.term(rows, row.wrapper), row) for row in found}
    masked = keyring.shreds.mask({name: key.material for name, key in keys.items()})
    for row in found:
        place = Place(AUDIT, row.owner, row.period)
        term = keyring.term(rows, row.wrapper)
        sealed = keyring.wrapping.wrap(
            term, type(term)(row.id, masked[row.id]), place, at=row.made_at
        )
        rows.delete_key(row.id, row.wrapper)
        rows.insert_key(row._replace(purpose=AUDIT, sealed=sealed))
    return len(found)
