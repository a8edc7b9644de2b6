"""Has the provider of the vault's key asked before a transaction begins, and not inside it.

A provider may take seconds to answer, and all that write would wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector_vault.rows import Rows


class AskFirstError(Exception):
    """Work that writes needs a key that only the provider can open: it has to wait outside."""

    def __init__(self, ahead: Callable[[Rows], object]) -> None:
        """Takes what opens the key, on a snapshot; then the work can be done again."""
        super().__init__("The provider of the vault's key has to be asked first.")
        self.ahead = ahead
