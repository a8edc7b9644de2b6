"""Says how far a log was: its number of rows and its root, signed, as anybody can check it.

The text of a checkpoint is that of https://c2sp.org/tlog-checkpoint: origin, size and root, a
line each. The origin is the vault's id and its epoch, `VAULT/EPOCH`: a log that was restored from
an older backup goes on as another one, with the same rows up to there. The key has the name of
the vault, so that it stays the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from connector_vault.errors import ProofError
from connector_vault.merkle import HASH_BYTES
from connector_vault.note import PublicKey, decoded, encoded, open_note, sign_note

#: Kind of the records that hold checkpoints; each names the one before it by its size.
KIND: Final = "checkpoint"
#: The record that says how far the newest one is.
TREE_KIND: Final = "tree"
TREE: Final = "log"
_DIGITS: Final = 15

_ORIGIN: Final = re.compile(r"(?P<vault>[^ +/]+)/(?P<epoch>[1-9][0-9]{0,8})")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How far a log was."""

    vault: str
    epoch: int
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.vault}/{self.epoch}\n{self.size}\n{encoded(self.root)}\n"

    def signed(self, seed: bytes | bytearray) -> str:
        """Gives the checkpoint as a note that is signed with a seed of 32 bytes."""
        return sign_note(self.text, name=self.vault, seed=seed)


def open_checkpoint(note: str, key: PublicKey) -> Checkpoint:
    """Reads a checkpoint that a key has signed.

    Raises:
        WrongKeyError: Only other keys have signed it.
        ProofError: It is no checkpoint, or the signature is not that of its text.
    """
    lines = open_note(note, key).split("\n")[:-1]
    if len(lines) < _LINES or not all(lines):
        raise ProofError("This is no checkpoint: origin, size and root were expected.")
    origin, size, root = _ORIGIN.fullmatch(lines[0]), _SIZE.fullmatch(lines[1]), decoded(lines[2])
    if origin is None or size is None or root is None or len(root) != HASH_BYTES:
        raise ProofError("This is no checkpoint: its origin, size or root cannot be read.")
    return Checkpoint(
        vault=origin["vault"], epoch=int(origin["epoch"]), size=int(size[0]), root=root
    )


def name(size: int) -> str:
    """Gives the id of a checkpoint's record, so that ids sort as sizes do."""
    return f"{size:0{_DIGITS}d}"
