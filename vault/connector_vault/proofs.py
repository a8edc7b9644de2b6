"""Proves the log to others: signs how far it is, compares it, and shows that a row is in it.

What is given out here is checked with the public key alone: `connector_vault.verify` does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from connector_vault import merkle, walks
from connector_vault.checkpoint import KIND, Checkpoint, name, open_checkpoint
from connector_vault.checkpoints import Checkpoints
from connector_vault.columns import LogColumns
from connector_vault.errors import IntegrityError, NotFoundError, VaultError, WrongKeyError
from connector_vault.log import LogReport
from connector_vault.logcheck import Against, Progress, verify
from connector_vault.marks import Held
from connector_vault.note import PublicKey, encoded
from connector_vault.records import opened_row
from connector_vault.store import Store
from connector_vault.verify import COLUMNS, CONSISTENCY, INCLUSION
from connector_vault.view import Tools

#: So many leaves are read in one snapshot.
_PIECE: Final = 8_192


class Proofs:
    """The proofs of one open vault's log."""

    def __init__(self, store: Store, tools: Tools, checkpoints: Checkpoints) -> None:
        """Takes what is proven, and who signs it."""
        self._store = store
        self._tools = tools
        self._checkpoints = checkpoints

    def verify(
        self,
        progress: Progress | None = None,
        *,
        held: Sequence[Held] = (),
        key: PublicKey | None = None,
    ) -> LogReport:
        """Checks every row, the checkpoints, and that nothing is gone that anchors have seen.

        What was not signed yet is signed first. `held` is what anchors hold, and `key` the
        public key that somebody has kept elsewhere.

        Raises:
            WrongKeyError: The vault signs with another key.
        """
        against = self.against(held)
        if key is not None and key != against.key:
            raise WrongKeyError(f"The vault signs with another key, {against.key or 'or none'}.")
        return verify(self._store, self._tools, against, progress)

    def against(self, held: Sequence[Held] = ()) -> Against:
        """Signs what was not signed yet, and gives what the log is to be compared with."""
        last = self._store.read(lambda rows: rows.last_seq())
        ours, trouble = None, None
        try:
            ours = self._checkpoints.public_key()
            self._checkpoints.make()
        except VaultError as error:
            trouble = str(error)
        return Against(key=ours, signed=last, trouble=trouble, held=held)

    def inclusion(self, seq: int) -> dict[str, Any]:
        """Gives the proof that a row is in the log, as a JSON object.

        Raises:
            NotFoundError: The log has no such row.
            IntegrityError: It was altered, or what was signed was.
            VaultError: It cannot be signed.
        """
        checkpoint = self._checkpoints.make()
        row = self._store.read(lambda rows: rows.log_row(seq))
        if row is None or checkpoint is None or seq > checkpoint.size:
            raise NotFoundError(f"The log has no row {seq}.")
        self._tools.seal.public(row)
        proof = merkle.inclusion(seq - 1, checkpoint.size, self._leaves)
        if not merkle.includes(
            row.leaf, proof, index=seq - 1, size=checkpoint.size, root=checkpoint.root
        ):
            raise IntegrityError(f"log {seq}", "is not what was signed")
        return {
            "type": INCLUSION,
            "row": _document(row),
            "leaf": encoded(row.leaf),
            "proof": [encoded(part) for part in proof],
            "checkpoint": self._checkpoints.signed(checkpoint),
        }

    def consistency(self, old: int, new: int | None = None) -> dict[str, Any]:
        """Gives the proof that the log of one checkpoint has become that of another, as JSON.

        The checkpoints are named by their sizes; the newest one is the default.

        Raises:
            NotFoundError: There is no checkpoint of that size.
            IntegrityError: What was signed was altered.
            VaultError: It cannot be signed.
        """
        latest = self._checkpoints.make()
        first = self._stored(old)
        second = latest if new is None else self._stored(new)
        if first is None or second is None or second.size < first.size:
            missing = old if first is None else new
            raise NotFoundError(
                f"There is no checkpoint of {missing} rows, or it is the older one."
            )
        proof = merkle.consistency(first.size, second.size, self._leaves)
        if not merkle.is_consistent(
            proof, old=first.size, old_root=first.root, new=second.size, new_root=second.root
        ):
            raise IntegrityError(f"log {first.size}", "is not what was signed")
        return {
            "type": CONSISTENCY,
            "old": self._checkpoints.signed(first),
            "new": self._checkpoints.signed(second),
            "proof": [encoded(part) for part in proof],
        }

    def sizes(self) -> list[int]:
        """Gives the sizes of the checkpoints that are kept, the oldest first."""
        found = self._store.read(lambda rows: walks.records_named(rows, KIND, "", "9"))
        return [int(row.id) for row in found]

    def _stored(self, size: int) -> Checkpoint | None:
        """Reads the checkpoint of a size."""
        tools = self._tools
        row = self._store.read(lambda rows: rows.record(KIND, name(size)))
        if row is None:
            return None
        record = opened_row(row, vault=tools.keyring.vault, key=tools.record_mac)
        return open_checkpoint(record.body["note"], self._checkpoints.public_key())

    def _leaves(self, start: int, end: int) -> Iterator[bytes]:
        """Reads leaves, counted from 0, without `end`, in pieces."""
        while start < end:
            count = min(end - start, _PIECE)
            found = self._store.read(lambda rows: walks.leaves(rows, start, count))  # noqa: B023 - it is read at once
            yield from (leaf for _, leaf, _, _ in found)
            start += count


def _document(row: LogColumns) -> dict[str, Any]:
    """Gives the columns of a row that its leaf is made of; bytes are base64."""
    return {
        column: encoded(value) if isinstance(value, bytes) else value
        for column, value in zip(COLUMNS, row, strict=False)
    }
