"""Compares the log, while it is walked along, with the checkpoints that say how far it was.

Those in the database have to be the vault's own, and of these rows: they cover what they sign.
Those that an anchor holds may be of rows that are gone: they say whether the log is complete.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from connector_vault import walks
from connector_vault.checkpoint import (
    KIND,
    TREE,
    TREE_KIND,
    Checkpoint,
    name,
    open_checkpoint,
)
from connector_vault.columns import RecordRow
from connector_vault.encoding import json_facts
from connector_vault.errors import IntegrityError, ProofError, WrongKeyError
from connector_vault.log import AnchorSays, AnchorVerdict
from connector_vault.note import PublicKey
from connector_vault.records import opened_row
from connector_vault.rows import Rows
from connector_vault.view import Tools

_NOTE: Final = re.compile(r"(?:[^\n]+\n)+\n(?:\u2014 [^\n]+\n)+")
_LINE: Final = re.compile(r'\{"checkpoint": ?"(?:[^"\\]|\\.)*"\}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an anchor holds, as text: checkpoints, one after the other; or why it cannot be read."""

    name: str
    text: str = ""
    unreadable: str | None = None


@dataclass(slots=True)
class _Witness:
    """An anchor, while its checkpoints are compared."""

    name: str
    size: int = 0
    verdict: AnchorVerdict | None = None

    def say(self, says: AnchorSays, what: str) -> None:
        """Notes what is wrong; the first stays."""
        if self.verdict is None:
            self.verdict = AnchorVerdict(name=self.name, says=says, size=self.size, what=what)


class Marks:
    """The checkpoints of a log and of its anchors, met in the order of their sizes."""

    def __init__(self, tools: Tools, key: PublicKey | None, held: Sequence[Held]) -> None:
        """Takes the key that has to have signed them; None if nothing can have been signed."""
        self._tools = tools
        self._key = key
        self._witnesses = [_Witness(one.name) for one in held]
        self._seen: list[tuple[Checkpoint, _Witness]] = []
        for one, witness in zip(held, self._witnesses, strict=True):
            self._read(one, witness)
        self._seen.sort(key=lambda pair: pair[0].size, reverse=True)
        self._lost: list[tuple[Checkpoint, _Witness]] = []
        #: The last row that a checkpoint in the database covers.
        self.signed = 0
        self._before = 0

    def between(self, rows: Rows, after: int, last: int) -> dict[int, list[str | Checkpoint]]:
        """Gives the checkpoints in the database by size; text says why one is none."""
        found: dict[int, list[str | Checkpoint]] = {}
        for row in walks.records_named(rows, KIND, name(after), name(last)):
            size = int(row.id) if row.id.isdecimal() else last
            found.setdefault(size, []).extend(self._opened(rows, row, size))
        while self._seen and self._seen[-1][0].size <= last:
            self._lost.append(self._seen.pop())
            found.setdefault(self._lost[-1][0].size, [])
        return found

    def meet(self, size: int, root: bytes, stored: Iterable[str | Checkpoint]) -> list[str]:
        """Compares the root of the rows so far with all checkpoints of that size."""
        self._lost = [
            (seen, witness)
            for seen, witness in self._lost
            if seen.size != size or seen.root != root
        ]
        faults = [one for one in stored if isinstance(one, str)]
        for one in stored:
            if isinstance(one, Checkpoint) and one.root != root:
                faults.append("a checkpoint was signed over other rows than these")
            elif isinstance(one, Checkpoint):
                self.signed = size
        return faults

    def verdicts(
        self, end: int, epoch: int, restored: Mapping[int, int]
    ) -> tuple[AnchorVerdict, ...]:
        """Says what each anchor says, once the log has ended."""
        for seen, witness in (*self._lost, *self._seen):
            witness.say(*_loss(seen, end, epoch, restored))
        for witness in self._witnesses:
            if end and not witness.size:
                witness.say("empty", "There is no checkpoint in it.")
            witness.say("fits", f"The log has all {witness.size} rows that were seen there.")
        return tuple(one.verdict for one in self._witnesses if one.verdict is not None)

    def newest_is_gone(self, rows: Rows) -> bool:
        """Says whether the checkpoint is missing that was made last."""
        row, newest = rows.record(TREE_KIND, TREE), rows.last_record(KIND)
        facts = {} if row is None else json_facts(row.body) or {}
        return newest != (name(facts["size"]) if "size" in facts else None)

    def _opened(self, rows: Rows, row: RecordRow, size: int) -> list[str | Checkpoint]:
        """Opens a checkpoint of the database."""
        tools = self._tools
        try:
            record = opened_row(row, vault=tools.keyring.vault, key=tools.record_mac)
            if self._key is None:
                return ["a checkpoint stands here, and there is no key that signs"]
            found = open_checkpoint(record.body["note"], self._key)
        except (IntegrityError, ProofError):
            return ["a checkpoint was altered"]
        if found.size != size:
            return ["a checkpoint was altered"]
        before, self._before = self._before, size
        told: int = record.body["before"]
        # One that another process made late was not seen on the way, and is there.
        if told != before and rows.record(KIND, name(told)) is None:
            return [f"the checkpoint of {told} rows, before this one, is gone", found]
        return [found]

    def _read(self, held: Held, witness: _Witness) -> None:
        """Reads the checkpoints that an anchor holds."""
        notes = notes_in(held.text)
        if held.unreadable is not None:
            witness.say("unreadable", held.unreadable)
        for note in notes:
            try:
                if self._key is None:
                    raise WrongKeyError("This log was never signed.")  # noqa: TRY301 - told as any other key
                found = open_checkpoint(note, self._key)
            except WrongKeyError as error:
                witness.say("wrong_key", str(error))
            except ProofError as error:
                witness.say("altered", str(error))
            else:
                witness.size = max(witness.size, found.size)
                self._seen.append((found, witness))


def notes_in(text: str) -> list[str]:
    """Finds the checkpoints in a text: notes one after the other, or a line each of a log."""
    lines = [json.loads(line)["checkpoint"] for line in _LINE.findall(text)]
    return [*_NOTE.findall(text), *lines]


def _loss(
    seen: Checkpoint, end: int, epoch: int, restored: Mapping[int, int]
) -> tuple[AnchorSays, str]:
    """Says how the log lacks what was seen of it."""
    kept = min((rows for to, rows in restored.items() if to > seen.epoch), default=end)
    if seen.epoch > epoch:
        return "differs", f"It has seen the log after a later restore (epoch {seen.epoch})."
    if kept < seen.size and kept < end:
        return "truncated", f"Rows {kept + 1} to {seen.size} were lost when a backup was restored."
    if end < seen.size:
        return "truncated", f"Row {seen.size} was seen there, and the log ends at row {end}."
    return "differs", f"The rows up to {seen.size} are not those that were seen there."
