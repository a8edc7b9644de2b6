"""Says how a vault is: its keys and what hangs on them, what is open, and how large it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from connector_vault import backup, ended, rotation
from connector_vault.growth import MonthGrowth
from connector_vault.keyrotation import KeyRotation
from connector_vault.keyrotator import INTERVAL, KeyRotator
from connector_vault.keyrun import stored
from connector_vault.vault import Vault
from connector_vault.view import View

#: So many retired keys are told one by one.
_TOLD: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TermStatus:
    """One term, and how many keys hang on it."""

    id: str
    state: str
    made_at: datetime
    #: Fingerprints of the provider's keys that open it: two while that key is being rotated.
    opened_by: tuple[str, ...]
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetiredKey:
    """A data key that seals nothing new, and how many secrets still hang on it."""

    id: str
    owner: str
    secrets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultStatus:
    """How a vault is."""

    vault_id: str
    path: Path
    epoch: int
    #: Of the provider's key in use.
    fingerprint: str
    terms: tuple[TermStatus, ...]
    #: Numbers of keys by purpose and state, and of versions of secrets by stage.
    keys: Mapping[str, Mapping[str, int]]
    secrets: Mapping[str, int]
    #: Data keys that are still to be renewed, the first of them one by one.
    retired: tuple[RetiredKey, ...]
    #: The rotation of keys that is open, and the owners and fields of secrets under rotation.
    key_rotation: KeyRotation | None
    rotations: tuple[tuple[str, str], ...]
    #: When the newest term was made, and when the next rotation of keys is due.
    keys_made_at: datetime
    keys_due_at: datetime
    #: When the last backup was made; None if there is none.
    backed_up_at: datetime | None
    #: Why new intents are refused, and why the anchor is behind, if they are.
    degraded: str | None
    stale: str | None
    records: int
    log_rows: int
    #: The last months in which the log has grown, the newest first.
    log_growth: tuple[MonthGrowth, ...]
    open_intents: int
    database_bytes: int
    journal_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Returns the status as a JSON object."""
        found: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        return found


def status(vault: Vault, *, interval: timedelta = INTERVAL) -> VaultStatus:
    """Looks at a vault, on one snapshot of it.

    Raises:
        IntegrityError: What says how far a rotation is was altered without the key.
    """
    due_at = KeyRotator(vault).due(interval)
    database_bytes, journal_bytes = vault.sizes()

    def look(view: View) -> VaultStatus:
        shelf = view.keys
        epoch = view.record(ended.VAULT_KIND, ended.EPOCH)
        found = stored(view)
        terms = _terms(view)
        return VaultStatus(
            vault_id=vault.id,
            path=vault.path,
            epoch=1 if epoch is None else int(epoch.body["epoch"]),
            fingerprint=vault.fingerprint,
            terms=terms,
            keys=shelf.counts(),
            secrets=shelf.secrets(),
            retired=_retired(view),
            key_rotation=found if found is not None and found.open else None,
            rotations=_rotations(view),
            keys_made_at=max(term.made_at for term in terms),
            keys_due_at=due_at,
            backed_up_at=_backed_up(view),
            degraded=vault.degraded or vault.latch.standing,
            stale=vault.stale,
            records=view.count_records(),
            log_rows=view.last_seq(),
            log_growth=view.growth(),
            open_intents=len(view.open_intents()),
            database_bytes=database_bytes,
            journal_bytes=journal_bytes,
        )

    return vault.read(look)


def _backed_up(view: View) -> datetime | None:
    """Looks when the last backup was made."""
    found = backup.last(view)
    return None if found is None else datetime.fromtimestamp(found["at"] / 1_000_000, UTC)


def _terms(view: View) -> tuple[TermStatus, ...]:
    """Looks at the terms, the newest first."""
    slots = view.keys.terms()
    states = {row.id: row.state for row in sorted(slots, key=lambda row: row.state != "retired")}
    current = view.keys.current_term().id
    made = {row.id: row.made_at for row in slots}
    return tuple(
        TermStatus(
            id=term,
            state="current" if term == current else states[term],
            made_at=datetime.fromtimestamp(made_at / 1_000_000, UTC),
            opened_by=tuple(row.wrapper for row in slots if row.id == term),
            keys=view.keys.hanging(term),
        )
        for term, made_at in sorted(made.items(), key=lambda item: item[1], reverse=True)
    )


def _retired(view: View) -> tuple[RetiredKey, ...]:
    """Looks at data keys that are still to be renewed."""
    return tuple(
        RetiredKey(id=key_id, owner=owner, secrets=secrets)
        for key_id, owner, secrets in view.keys.retired_keys(_TOLD)
    )


def _rotations(view: View) -> tuple[tuple[str, str], ...]:
    """Names the secrets whose rotation is open."""
    found = (rotation.rotation_of(record) for record in view.records(rotation.KIND))
    return tuple((one.owner, one.field) for one in found if one.open)
