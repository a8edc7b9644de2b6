"""Writes down who reads what is sealed in the log, and what of it, before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clientary_connector.call.result import Outcome
from clientary_connector.checks import check_user
from connector_vault import Vault

#: The kind of row that says so.
READ: Final = "read"


class Reads:
    """Notes in the log that something sealed in it is about to be read."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that keeps the log."""
        self._vault = vault

    def note(self, user: str, facts: Mapping[str, Any]) -> int:
        """Writes the row and returns its id; `facts` says what is read, and holds nothing sealed.

        Raises:
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        draft = self._vault.draft(
            kind=READ, user=user, outcome=Outcome.SUCCEEDED.value, facts=facts
        )
        return self._vault.write(lambda log: log.append(draft))
