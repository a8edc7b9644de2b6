"""Checks a proof of a log with nothing but the log's public key: no vault, no database.

    python -m connector_vault.verify PROOF --key KEY [--checkpoint FILE]

A proof is a JSON document. A proof of inclusion holds a row of the log, the way from its leaf to
the root of a tree (RFC 9162), and a checkpoint that signs this root. A proof of consistency holds
two checkpoints, and the way from the tree of the one to the tree of the other.

1. The document has the form of a proof; nothing else is looked at.
2. Each checkpoint has the signature of the key.
3. The leaf is computed from the row, and the root from the leaf; the row's payload is not needed,
   as the row holds the hash of its sealed bytes.
4. With a checkpoint of your own, kept since before, the proof is held to that one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from connector_vault import merkle
from connector_vault.checkpoint import Checkpoint, open_checkpoint
from connector_vault.encoding import Value, encode
from connector_vault.errors import ProofError, WrongKeyError
from connector_vault.note import PublicKey, decoded

INCLUSION: Final = "connector-vault/inclusion/1"
CONSISTENCY: Final = "connector-vault/consistency/1"
#: The columns of a row that are hashed to its leaf, in this order.
COLUMNS: Final = (
    "seq",
    "uid",
    "at",
    "kind",
    "ref",
    "user",
    "persona",
    "connection",
    "action",
    "effect",
    "operation",
    "outcome",
    "subject",
    "revision",
    "facts",
    "key_id",
    "payload_hash",
)
#: Columns of bytes, which stand in the document as base64.
_BYTES: Final = frozenset({"uid", "payload_hash"})
_LEAF: Final = b"\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a proof has shown."""

    #: The newer checkpoint, and the older one of a proof of consistency.
    checkpoint: Checkpoint
    since: Checkpoint | None = None
    #: The row of a proof of inclusion, as it stands in the log.
    row: Mapping[str, Any] | None = None


def verify(document: object, key: PublicKey | str, *, checkpoint: str | None = None) -> Verified:
    """Checks a proof; `checkpoint` is a note that the proof has to be held to.

    Raises:
        WrongKeyError: It was signed by another key.
        ProofError: It does not hold, or is no proof.
    """
    public = PublicKey.parse(key) if isinstance(key, str) else key
    try:
        shown = _shown(document, public)
    except (TypeError, KeyError, AttributeError, ValueError):
        raise ProofError("This is no proof: its parts cannot be read.") from None
    if checkpoint is not None:
        kept = open_checkpoint(f"{checkpoint.strip()}\n", public)
        if kept not in {shown.checkpoint, shown.since}:
            raise ProofError("The proof is not about the checkpoint that you have kept.")
    return shown


def _shown(document: Any, key: PublicKey) -> Verified:  # noqa: ANN401 - anything may be given
    """Checks a proof of either kind."""
    proof = [decoded(part) or b"" for part in document["proof"]]
    if document["type"] == INCLUSION:
        return _included(document, key, proof)
    if document["type"] == CONSISTENCY:
        return _consistent(document, key, proof)
    raise ProofError("This is no proof of a kind that is known here.")


def _included(document: Any, key: PublicKey, proof: list[bytes]) -> Verified:  # noqa: ANN401 - the same
    """Checks that a row is in the log that a checkpoint signs."""
    checkpoint = open_checkpoint(document["checkpoint"], key)
    row = document["row"]
    leaf = _leaf(row)
    if decoded(document["leaf"]) != leaf:
        raise ProofError("The leaf is not that of the row.")
    if not merkle.includes(
        leaf, proof, index=row["seq"] - 1, size=checkpoint.size, root=checkpoint.root
    ):
        raise ProofError("The row is not in the log that the checkpoint signs.")
    return Verified(checkpoint=checkpoint, row=row)


def _consistent(document: Any, key: PublicKey, proof: list[bytes]) -> Verified:  # noqa: ANN401 - the same
    """Checks that the log of one checkpoint has become that of another."""
    old, new = open_checkpoint(document["old"], key), open_checkpoint(document["new"], key)
    if not merkle.is_consistent(
        proof, old=old.size, old_root=old.root, new=new.size, new_root=new.root
    ):
        raise ProofError("The log of the newer checkpoint does not hold that of the older one.")
    return Verified(checkpoint=new, since=old)


def _leaf(row: Any) -> bytes:  # noqa: ANN401 - the same
    """Computes the leaf of a row, from its columns in their order and from nothing else."""
    if set(row) != set(COLUMNS):
        raise ProofError("The row has other columns than a row of the log.")
    values: list[Value] = [
        decoded(row[column]) if column in _BYTES and row[column] is not None else row[column]
        for column in COLUMNS
    ]
    if any(isinstance(value, bool | float | list | dict) for value in values):
        raise ProofError("The row holds a value that no row of the log can hold.")
    return sha256(_LEAF + encode(*values)).digest()


def main(arguments: list[str] | None = None) -> int:
    """Checks the proof in a file; 0 where it holds, 1 where it does not, 3 for another key."""
    options = _options().parse_args(arguments)
    try:
        document = msgspec.json.decode(_read(options.proof))
        note = None if options.checkpoint is None else _read(options.checkpoint).decode()
        shown = verify(document, options.key, checkpoint=note)
    except WrongKeyError as error:
        sys.stderr.write(f"wrong key: {error}\n")
        return 3
    except (OSError, ValueError, ProofError) as error:
        sys.stderr.write(f"does not hold: {error}\n")
        return 1
    sys.stdout.write(f"{_words(shown)}\n")
    return 0


def _words(shown: Verified) -> str:
    """Says what was shown."""
    log = f"the log of {shown.checkpoint.vault}, epoch {shown.checkpoint.epoch}"
    if shown.row is not None:
        row = msgspec.json.encode(shown.row).decode()
        return f"holds: row {shown.row['seq']} of {shown.checkpoint.size} is in {log}\n{row}"
    old = 0 if shown.since is None else shown.since.size
    return f"holds: the {old} rows are still in the {shown.checkpoint.size} rows of {log}"


def _read(path: Path) -> bytes:
    """Reads a file, or what is piped in."""
    return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def _options() -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(prog="python -m connector_vault.verify")
    parser.description = "Check a proof of a log with the log's public key alone."
    parser.add_argument("proof", type=Path, help="the proof, a JSON file; - for what is piped in")
    parser.add_argument("--key", required=True, help="the public key: `clientary log key` shows it")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint that you have kept yourself")
    return parser


if __name__ == "__main__":
    sys.exit(main())
