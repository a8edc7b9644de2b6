"""Does what the log needs when it is due: it is kept no longer than it is to be, and anchored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from clientary_connector.ages import ANY, ages_of
from clientary_connector.settings import Settings
from clientary_connector.tending import DONE, FAILED, WAITING, TendItem
from connector_vault import Vault
from connector_vault.erasure import Eraser
from connector_vault.retention import Retention

ERASURE: Final = "erasure"
RETENTION: Final = "retention"
ANCHOR: Final = "anchor"


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


class RetentionChore:
    """Ends the text of the log that is older than it is to be kept, once a day at most."""

    def __init__(self, vault: Vault, settings: Settings, now: Callable[[], float]) -> None:
        """Takes the vault that keeps the log, for how long, and the time."""
        self._retention = Retention(vault, clock=now)
        self._days = ages_of(settings.keep)

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Looks whether something is older, and takes it out."""
        report = await asyncio.to_thread(self._retention.run, self._days, user=user)
        if report is None:
            return ()
        told = ((count, "other" if name == ANY else name) for name, count in report.rows.items())
        rows = ", ".join(f"{count} {name}" for count, name in told if count)
        detail = f"The text of rows that were kept long enough went: {rows}; {report.keys} keys."
        return (TendItem(what=RETENTION, connection=None, outcome=DONE, detail=detail),)


class AnchorChore:
    """Gives every anchor the newest checkpoint, also one that could not be reached before."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that signs its log."""
        self._checkpoints = vault.checkpoints

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Hands it over without waiting, and says which anchor has not taken the one before."""
        del user
        await asyncio.to_thread(self._checkpoints.make)
        return [
            TendItem(
                what=ANCHOR,
                connection=None,
                outcome=FAILED,
                detail=f"The anchor {one.name} is behind: {one.stale}",
            )
            for one in self._checkpoints.anchors()
            if one.stale is not None
        ]
