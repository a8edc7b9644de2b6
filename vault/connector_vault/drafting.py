"""Makes rows for the log before they have a place in it, with what seals their payloads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector_vault.cipher import Entropy
from connector_vault.encoding import json_text, microseconds
from connector_vault.log import UID_BYTES, LogDraft
from connector_vault.origin import Origin
from connector_vault.payloads import Payloads
from connector_vault.salts import Salts


class Drafts:
    """Makes the drafts of one vault."""

    def __init__(self, payloads: Payloads, clock: Callable[[], float], entropy: Entropy) -> None:
        """Takes what seals payloads, the time, and a source of names and salts."""
        self._payloads = payloads
        self._clock = clock
        self._salts = Salts(entropy)
        self._origin = Origin()

    def draft(  # noqa: PLR0913 - a column each, all by name
        self,
        *,
        kind: str,
        user: str | None = None,
        persona: str | None = None,
        connection: str | None = None,
        action: str | None = None,
        effect: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        ref: int | None = None,
        subject: str | None = None,
        revision: int | None = None,
        facts: Mapping[str, Any] | None = None,
        payload: bytes | None = None,
    ) -> LogDraft:
        """Makes a row for the log, whose payload will be sealed for user and month.

        It may write the first key of a user and month, so it stays outside of a transaction.

        Raises:
            ForkedError: The vault was opened in another process.
            ShredError: The key of user and month was erased, or its shred key is lost.
            VaultLockedError: The provider of the vault's key is out of reach for too long.
        """
        self._origin.check()
        at, uid = microseconds(self._clock), self._salts(UID_BYTES)
        key_id = sealed = None
        if payload is not None:
            key_id, sealed = self._payloads.seal(
                payload, user=user, at=at, uid=uid, salts=self._salts
            )
        return LogDraft(
            uid=uid,
            at=at,
            kind=kind,
            ref=ref,
            user=user,
            persona=persona,
            connection=connection,
            action=action,
            effect=effect,
            operation=operation,
            outcome=outcome,
            subject=subject,
            revision=revision,
            facts=json_text(facts or {}),
            key_id=key_id,
            payload=sealed,
        )
