"""Ends in an older database what was ended after it, so that nothing comes back to life by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connector_vault import ended, walks
from connector_vault.anchor import Ended
from connector_vault.columns import KeyRow
from connector_vault.log import UID_BYTES, change_draft
from connector_vault.places import AUDIT, UNMASKED, data_place
from connector_vault.records import Record, sealed_row
from connector_vault.rows import Rows
from connector_vault.shreds import Held
from connector_vault.view import Tools, Transaction
from connector_vault.walks import Mark

#: Kind of the rows in the log that say what a restore did.
RESTORE: Final = "restore"


@dataclass(frozen=True, slots=True)
class Closing:
    """One transaction on a restored database."""

    rows: Rows
    tools: Tools
    change: Transaction
    at: int

    def close(self, entries: Sequence[Ended]) -> list[str]:
        """Closes each record again that was closed for good, as it was then; gives which."""
        last = {(row[0], row[1]): row for entry in entries for row in entry["records"]}
        return [f"{kind}:{name}" for (kind, name), row in last.items() if self._closed(*row)]

    def destroy(self, entries: Sequence[Ended]) -> list[str]:
        """Destroys each secret again that was destroyed; gives the owners."""
        last = {(owner, field): at for entry in entries for owner, field, at in entry["secrets"]}
        places = [place for place, version in last.items() if self._destroyed(*place, version)]
        owners = sorted({owner for owner, _ in places})
        for owner in filter(self._is_bare, owners):
            self.rows.destroy_keys(data_place(owner).purpose, owner)
        return owners

    def keep(self, entries: Sequence[Ended]) -> None:
        """Stores the entries that the database lacks, under the numbers that they have."""
        for number, entry in enumerate(entries, 1):
            name = ended.name(number)
            if self.rows.record(ended.KIND, name) is None:
                self.change.put(Record(kind=ended.KIND, id=name, body=entry), expect=None)

    def drop_unreadable(self) -> tuple[int, int]:
        """Destroys audit keys whose shred keys are gone; gives how many were erased, and lost.

        Whose shred key was destroyed was erased since the backup; without a shred key nobody can
        open what the others have sealed.
        """
        shreds, texts = self.tools.keyring.shreds, self.change.texts
        shreds.create()
        found: dict[Held, int] = dict.fromkeys(Held, 0)
        mark: Mark | None = Mark()
        while mark is not None:
            piece = walks.keys(self.rows, mark)
            for _, row in piece:
                state = self._state(row)
                found[state] += 1
                if state is Held.NARROWED:
                    texts.retire_keys([row])
                elif state is not Held.PRESENT:
                    texts.destroy_keys([row])
            mark = piece[-1][0] if len(piece) == walks.PIECE else None
        return found[Held.DESTROYED], found[Held.LOST]

    def _state(self, row: KeyRow) -> Held:
        """Says whether a key can still be used, as far as its shred key goes."""
        if row.sealed is None or row.purpose not in {AUDIT, UNMASKED}:
            return Held.PRESENT
        state = self.tools.keyring.shreds.state(row.id)
        if row.purpose == UNMASKED and state is Held.LOST:
            return Held.PRESENT  # it is whole here, and has no shred key yet
        if row.purpose == UNMASKED and state is Held.NARROWED:
            return Held.DESTROYED  # it would open what was erased of it
        return state

    def raise_epoch(self, epoch: int, facts: Mapping[str, Any]) -> None:
        """Stores the epoch, and logs what was done."""
        held = self.change.record(ended.VAULT_KIND, ended.EPOCH)
        record = Record(kind=ended.VAULT_KIND, id=ended.EPOCH, body={"epoch": epoch})
        kept = self.change.put(record, expect=None if held is None else held.revision)
        subject = f"{ended.VAULT_KIND}:{ended.EPOCH}"
        self._note(subject, kept.revision, {"epoch": epoch, **facts})

    def _closed(  # noqa: PLR0913, PLR0917 - the columns of a record
        self,
        kind: str,
        name: str,
        parent: str | None,
        title: str | None,
        revision: int,
        body: dict[str, Any],
    ) -> bool:
        """Closes a record, if the database holds an older revision of it."""
        held = self.rows.record(kind, name)
        if held is None or held.revision >= revision:
            return False
        named = self.rows.record_named(kind, title) if title is not None else None
        record = Record(
            kind=kind,
            id=name,
            parent=parent,
            name=title if named is None or named.id == name else None,
            body=body,
        )
        tools = self.tools
        row = sealed_row(record, revision, vault=tools.keyring.vault, key=tools.record_mac)
        self.rows.update_record(row)
        self._note(f"{kind}:{name}", revision, {"closed": True})
        return True

    def _destroyed(self, owner: str, field: str, version: int) -> bool:
        """Destroys all versions of a secret up to one; says whether there was a value."""
        secrets = self.tools.secrets
        found = secrets.versions(self.rows, owner, field)
        if not any(row.sealed is not None and row.version <= version for row in found):
            return False
        staged = [row._replace(stage="retired") if row.version <= version else row for row in found]
        secrets.restage(self.rows, staged, note=self._note)
        return True

    def _is_bare(self, owner: str) -> bool:
        """Says whether an owner has no value left."""
        return not any(row.sealed is not None for row in self.rows.secrets(owner))

    def _note(self, subject: str, revision: int, facts: Mapping[str, Any]) -> None:
        """Writes into the log what was changed."""
        uid = self.tools.entropy(UID_BYTES)
        self.change.append(
            change_draft(
                kind=RESTORE,
                uid=uid,
                at=self.at,
                subject=subject,
                revision=revision,
                facts=facts,
            )
        )
