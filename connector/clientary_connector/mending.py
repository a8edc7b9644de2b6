"""Mends, when a state is opened, what a process that died or a full disk has left behind.

1. Calls whose process is gone are closed: nobody knows how they ended, so their outcome is
   `unknown`. Those of a process that is still there, in this machine or another, are left alone.
2. Once that could be written, a latch that refuses new calls is lifted, if who set it is gone.
3. Settings other than the last that were noted are noted in the log.

What cannot be written now is left to the next start: the state opens all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from clientary_connector.call.clock import EPOCH, MICROSECOND
from clientary_connector.call.left_open import is_alive, left_open
from clientary_connector.call.result import Outcome
from clientary_connector.call.rowkinds import INTENT, OUTCOME
from clientary_connector.settings import Settings
from connector_vault import LogDraft, LogRow, Record, Transaction, Vault, VaultError

#: The kinds of rows that say so.
TEND: Final = "tend"
SETTINGS: Final = "settings"
#: The one record of its kind: the settings that the log has last.
ID: Final = "connector"
LEFT_OPEN: Final = {"error": Outcome.UNKNOWN.value, "left_open": True, "attempts": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that has no outcome in the log."""

    id: int
    at: datetime
    user: str
    persona: str
    connection: str
    action: str
    operation: str
    #: Whether its process is still at work on it; if not, the next start closes it as unknown.
    under_way: bool

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {**asdict(self), "at": self.at.isoformat(timespec="milliseconds")}


def mend(vault: Vault, settings: Settings) -> None:
    """Mends what can be mended now; most often that is a look at what is open."""
    with suppress(VaultError):
        _mend_log(vault)
    with suppress(VaultError):
        _note_settings(vault, settings)


def open_calls(vault: Vault) -> tuple[OpenCall, ...]:
    """Returns the calls that have no outcome, oldest first."""
    rows = vault.read(lambda view: [view.log_row(seq) for seq in view.open_intents()])
    return tuple(
        OpenCall(
            id=row.seq,
            at=EPOCH + row.at * MICROSECOND,
            user=row.user or "",
            persona=row.persona or "",
            connection=row.connection or "",
            action=row.action or "",
            operation=row.operation or "",
            under_way=is_alive(vault, row),
        )
        for row in rows
        if row is not None
    )


def closing(vault: Vault, intent: LogRow) -> LogDraft:
    """Makes the outcome of a call of which nobody knows how it ended."""
    return vault.draft(
        kind=OUTCOME,
        ref=intent.seq,
        user=intent.user,
        persona=intent.persona,
        connection=intent.connection,
        action=intent.action,
        effect=intent.effect,
        operation=intent.operation,
        outcome=Outcome.UNKNOWN.value,
        facts={**LEFT_OPEN, "cost": intent.facts.get("cost")},
    )


def _mend_log(vault: Vault) -> None:
    rows = vault.read(lambda view: left_open(vault, view))
    reason = vault.latch.standing
    if not rows and reason is None:
        return
    drafts = [closing(vault, row) for row in rows if row.kind == INTENT]
    vault.write(lambda log: _close(vault, log, drafts, reason))
    vault.latch.lift()


def _close(vault: Vault, log: Transaction, drafts: Sequence[LogDraft], reason: str | None) -> None:
    """Writes the outcomes that nobody else has written by now, and that this was done."""
    closed: list[int] = []
    for draft in drafts:
        assert draft.ref is not None  # noqa: S101 - an outcome is that of an intent
        if log.outcome_of(draft.ref) is None:
            log.append(draft)
            closed.append(draft.ref)
    if closed or reason is not None:
        facts = {"what": "reopened", "closed": closed, "reason": reason}
        log.append(vault.draft(kind=TEND, outcome=Outcome.SUCCEEDED.value, facts=facts))


def _note_settings(vault: Vault, settings: Settings) -> None:
    """Notes the limits in force, where they are not those that were noted last."""
    now = settings.changed()
    held = vault.read(lambda view: view.record(SETTINGS, ID))
    before: Mapping[str, Any] = {} if held is None else held.body
    if now == before:
        return

    def note(log: Transaction) -> None:
        found = log.record(SETTINGS, ID)
        kept = log.put(
            Record(kind=SETTINGS, id=ID, body=now),
            expect=None if found is None else found.revision,
        )
        log.append(
            vault.draft(
                kind=SETTINGS,
                outcome=Outcome.SUCCEEDED.value,
                subject=f"{SETTINGS}:{ID}",
                revision=kept.revision,
                facts={"in_force": now, "before": before},
            )
        )

    vault.write(note)
