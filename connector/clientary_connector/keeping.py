"""Does what keeps the log no longer than it is to be kept, when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from clientary_connector.tending import DONE, WAITING, TendItem
from connector_vault import Vault
from connector_vault.erasure import Eraser

ERASURE: Final = "erasure"


class ErasureChore:
    """Goes on with erasures that were cut short."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._eraser = Eraser(vault)

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks whether one is open, and takes it to its end."""
        del user
        return await asyncio.to_thread(self._tend)

    def _tend(self) -> Sequence[TendItem]:
        resumed = self._eraser.resume()
        left = self._eraser.open()
        return [_item(name, open_=name in left) for name in resumed]


def _item(name: str, *, open_: bool) -> TendItem:
    detail = f"The erasure {name} was finished."
    if open_:
        detail = f"The erasure {name}: the journal is being read, and is cleared later."
    return TendItem(
        what=ERASURE, connection=None, outcome=WAITING if open_ else DONE, detail=detail
    )
