"""Removes what a connection that was revoked has left beside the database: its pages of turns.

1. A revoked connection stays revoked, and an id is used once: nobody takes a turn at it any more,
   nor under its grants. Pages of anything else are left alone.
2. Who has such a page open still gives back a turn on it; nobody else reads that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from clientary_connector import connections, grants
from clientary_connector.call.rates import page_of
from clientary_connector.tending import TendItem
from connector_vault import Vault, View


class TurnsChore:
    """Removes the pages of connections that were revoked, and of their grants."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault beside whose database they lie."""
        self._vault = vault

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Removes those that are there; nobody has to know."""
        del user
        await asyncio.to_thread(self._tidy)
        return ()

    def _tidy(self) -> None:
        folder = page_of(self._vault.path, "").parent
        if folder.is_dir() and any(folder.iterdir()):
            for name in self._vault.read(_ended):
                page_of(self._vault.path, name).unlink(missing_ok=True)


def _ended(view: View) -> list[str]:
    """Returns the ids of revoked connections and of all grants over them."""
    ended = [
        record.id
        for record in view.records(connections.KIND)
        if record.body["state"] == connections.REVOKED
    ]
    return ended + [
        grant.id for owner in ended for grant in view.records(grants.KIND, parent=owner)
    ]
