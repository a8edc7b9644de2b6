"""Holds the operations that look after the vault: how it is, and all that is due.

What needs a file, a key or the folder of the machine is left to its operator at the shell:
backups and their restoring, another key for the vault (`clientary vault rotate-kek`), and the
check of every row (`clientary vault verify`), after which somebody may have to restore one. The
vault's own keys are renewed by `tend` when they are due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import Moment, shown
from clientary_connector.frontends.console.api.words import in_words_of_the_api
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TermShown:
    """One key from which others hang, and how many do."""

    id: str
    state: str
    made_at: Moment
    opened_by: Annotated[tuple[str, ...], Meta(description="Fingerprints of what opens it.")]
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorShown:
    """What an anchor outside the database has seen of the log."""

    anchor: str
    rows: int
    stale: Annotated[str | None, Meta(description="Why it is behind; null where it is not.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultShown:
    """How the vault is: its keys and what hangs on them, what is open, how large it is."""

    vault_id: str
    epoch: int
    fingerprint: Annotated[str, Meta(description="Of the key that opens the vault.")]
    terms: tuple[TermShown, ...]
    keys: Annotated[dict[str, dict[str, int]], Meta(description="By purpose and state.")]
    secrets: Annotated[dict[str, int], Meta(description="Versions of secrets, by stage.")]
    retired: Annotated[int, Meta(description="Data keys that are still to be renewed.")]
    key_rotation: Annotated[str | None, Meta(description="How far a rotation of keys is.")]
    rotations: Annotated[int, Meta(description="Keys of connections that are being rotated.")]
    keys_made_at: Moment
    keys_due_at: Moment
    backed_up_at: Moment | None
    degraded: Annotated[str | None, Meta(description="Why no new call is taken; null: they are.")]
    stale: Annotated[str | None, Meta(description="Why the anchor is behind; null: it is not.")]
    records: int
    log_rows: int
    open_intents: Annotated[int, Meta(description="Calls without an outcome.")]
    database_bytes: int
    journal_bytes: int
    signed: Annotated[int, Meta(description="Up to which row the log is signed.")]
    anchors: tuple[AnchorShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TendItemShown:
    """One thing that was due."""

    what: Annotated[str, Meta(description="rotation, key, keys, token, settle, approval, usage …")]
    connection: Annotated[str | None, Meta(description="null: it concerns the vault.")]
    outcome: Annotated[str, Meta(description="done, waiting (for a person) or failed")]
    detail: str
    days_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """What was due, and what came of it."""

    items: tuple[TendItemShown, ...]
    failed: Annotated[bool, Meta(description="Something could not be done.")]


@operation("GET", "/vault", role=Role.ADMIN, gives=VaultShown)
def show_vault(asked: Asked[Nothing, Nothing]) -> VaultShown:
    """Says how the vault is: its keys and what hangs on them, what is open, what is due.

    No key is in it, only fingerprints. What has to be done about backups and the vault's own key
    is done at the shell of the machine.
    """
    found, proofs = asked.connector.vault.status(), asked.connector.log.proofs
    rotation = found.key_rotation
    told = found.to_json() | {
        "retired": len(found.retired),
        "key_rotation": None if rotation is None else rotation.stage.value,
        "rotations": len(found.rotations),
        "signed": proofs.signed(),
        "anchors": [
            {"anchor": one.name, "rows": one.size, "stale": one.stale} for one in proofs.anchors()
        ],
    }
    return shown(told, VaultShown)


@operation("POST", "/tend", role=Role.ADMIN, gives=Tended)
async def tend(asked: Asked[Nothing, Nothing]) -> Tended:
    """Does all that is due now, and says what a person has to do.

    Goes on with rotations, renews tokens and the vault's own keys, looks changes up whose end is
    unknown, ends approvals. `clientary console` does it once an hour by itself; a host calls it as
    often. Nothing is due: no items.
    """
    report = (await asked.connector.tend(user=asked.person.name)).to_json()
    items = [{**one, "detail": in_words_of_the_api(one["detail"])} for one in report["items"]]
    return shown({**report, "items": items}, Tended)


OPERATIONS = (show_vault, tend)
