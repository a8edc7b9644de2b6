"""Keeps, in the database, what was closed or destroyed for good, until the anchor has it too.

The transaction that ends something stores an entry beside it, as a record with a number. After
the commit, and wherever the vault is opened, the anchor takes over what it lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from connector_vault.anchor import Ended, Head
from connector_vault.cipher import Key
from connector_vault.columns import RecordRow, SecretRow
from connector_vault.encoding import json_object, json_text
from connector_vault.errors import IntegrityError, VaultRolledBackError
from connector_vault.log import LogSeal
from connector_vault.records import opened_row
from connector_vault.rows import Rows

#: Records that hold entries, and the record that holds the epoch.
KIND: Final = "ended"
VAULT_KIND: Final = "vault"
EPOCH: Final = "epoch"

_DIGITS: Final = 12


def name(number: int) -> str:
    """Gives the id of an entry, so that ids sort as numbers do."""
    return f"{number:0{_DIGITS}d}"


def number(record_id: str | None) -> int:
    """Gives the number of an entry; 0 stands for none.

    Raises:
        IntegrityError: The id was altered.
    """
    if record_id is None:
        return 0
    if len(record_id) != _DIGITS or not (record_id.isascii() and record_id.isdigit()):
        raise IntegrityError(f"records {KIND}", "has an entry that is none")
    return int(record_id)


def entry(records: Iterable[RecordRow], secrets: Iterable[SecretRow]) -> Ended:
    """Says what was ended: whole records, and of each secret the highest version."""
    highest: dict[tuple[str, str], int] = {}
    for row in secrets:
        place = (row.owner, row.field)
        highest[place] = max(row.version, highest.get(place, 0))
    return {
        "records": [[*row[:5], json_object(row.body)] for row in records],
        "secrets": [[owner, field, version] for (owner, field), version in highest.items()],
    }


class Standing:
    """Reads from the database how far the vault is, and compares it with the anchor."""

    def __init__(self, vault: str, key: Key, seal: LogSeal) -> None:
        """Takes what authenticates records and the log."""
        self._vault = vault
        self._key = key
        self._seal = seal

    def epoch(self, rows: Rows) -> int:
        """Gives how often the vault was restored, plus one."""
        row = rows.record(VAULT_KIND, EPOCH)
        if row is None:
            return 1
        return int(opened_row(row, vault=self._vault, key=self._key).body["epoch"])

    def now(self, rows: Rows, held: int) -> tuple[Head, Sequence[bytes]]:
        """Gives the head, and the entries after the number that the anchor holds.

        Raises:
            IntegrityError: The end of the log, or an entry, was altered without the key.
        """
        missing = [
            opened_row(row, vault=self._vault, key=self._key)
            for row in rows.records_after(KIND, name(held))
        ]
        seq, chain = self._seal.tip(rows.last_row())
        count = held + len(missing)
        head = Head(epoch=self.epoch(rows), seq=seq, chain=chain, ended=count)
        return head, [encoded(dict(record.body)) for record in missing]

    def compare(self, rows: Rows, head: Head) -> bool:
        """Says whether the anchor lacks something that it has to hold at once.

        Raises:
            VaultRolledBackError: The database lacks what the anchor has seen.
        """
        epoch = self.epoch(rows)
        if epoch < head.epoch:
            raise VaultRolledBackError(
                f"The vault's database is from before a restore (epoch {epoch}, and {head.epoch} "
                f"was seen). {_ADVICE}"
            )
        if epoch == head.epoch:
            self._compare_chain(rows, head)
        return epoch > head.epoch or number(rows.last_record(KIND)) > head.ended

    def check(self, rows: Rows, head: Head) -> None:
        """Checks that the entries are all there.

        Raises:
            IntegrityError: One of them was removed.
        """
        held = len(rows.records_after(KIND, ""))
        if held < head.ended:
            raise IntegrityError(f"records {KIND}", f"holds {held} of {head.ended} entries")

    def _compare_chain(self, rows: Rows, head: Head) -> None:
        """Refuses a log that lacks the row of the head, or has another in its place."""
        before, start = self._seal.start
        found = start if head.seq == before else rows.chain_at(head.seq)
        if found is None:
            raise VaultRolledBackError(
                f"The vault's database is an older one: its log ends at row {rows.last_seq()}, "
                f"and row {head.seq} was seen. {_ADVICE}"
            )
        if found != head.chain:
            raise VaultRolledBackError(
                f"The vault's database is another one: row {head.seq} of its log is not the row "
                f"that was seen. {_ADVICE}"
            )


def encoded(body: Ended) -> bytes:
    """Gives an entry as the anchor holds it."""
    return json_text(body).encode()


_ADVICE: Final = (
    "Put the newest database back; or, to go on from this one, take it over with `vault restore`."
)
