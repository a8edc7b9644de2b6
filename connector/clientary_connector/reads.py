"""Decides who may read what is sealed in the log, and writes down who did, and what.

1. Reading what is sealed needs a user. Lists without it need none, and show nothing of it.
2. The plugins of the host are asked (`connector_may_read`); one that says no, fails or hangs
   refuses it. Where none has a say, whoever may open the vault may read.
3. It stands in the log, in one row for a page, an entry, a search or an export, before anything
   is opened; a reading that was refused too. Where that cannot be written, nothing is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from clientary_connector.call.result import Outcome
from clientary_connector.checks import check_user
from clientary_connector.errors import ReadRefusedError
from clientary_connector.hosting import HookFailedError, Hosting
from connector_vault import Vault

#: The kind of row that says so.
READ: Final = "read"
HOOK: Final = "connector_may_read"


class Reads:
    """Lets users read what is sealed, and notes it."""

    def __init__(self, vault: Vault, hosting: Hosting) -> None:
        """Takes the vault that keeps the log, and the plugins that may have a say."""
        self._vault = vault
        self._hosting = hosting

    def note(self, user: str, facts: Mapping[str, Any], *, text: str | None = None) -> int:
        """Writes down that something sealed is about to be read, and returns the row's id.

        `facts` says what, and holds nothing sealed; `text` is what is searched for, and is sealed.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read it.
        """
        check_user(user)
        may = self._may(user, facts)
        log_id = self._noted(user, facts, Outcome.SUCCEEDED if may else Outcome.REFUSED, text)
        if not may:
            raise _refusal()
        return log_id

    def check(self, user: str, facts: Mapping[str, Any]) -> None:
        """Asks the same of a user who acts on what they have read; only a no is written down.

        Raises:
            InvalidValueError: The user cannot be used.
            ReadRefusedError: The host does not let this user read it.
        """
        check_user(user)
        if not self._may(user, facts):
            self._noted(user, facts, Outcome.REFUSED, None)
            raise _refusal()

    def _noted(
        self, user: str, facts: Mapping[str, Any], outcome: Outcome, text: str | None
    ) -> int:
        payload = None if text is None else msgspec.json.encode({"arguments": {"text": text}})
        draft = self._vault.draft(
            kind=READ, user=user, outcome=outcome.value, facts=facts, payload=payload
        )
        return self._vault.write(lambda log: log.append(draft))

    def _may(self, user: str, facts: Mapping[str, Any]) -> bool:
        try:
            answers = self._hosting.ask(HOOK, user=user, what=dict(facts))
        except HookFailedError:
            return False
        return all(answer is True for answer in answers)


def _refusal() -> ReadRefusedError:
    return ReadRefusedError(
        "The host does not let this user read what is sealed in the log.",
        hint="List it without prompts, or ask whoever runs the host.",
    )
