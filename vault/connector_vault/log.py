"""Keeps the log: rows in one line, each bound to all rows before it.

leaf  = SHA-256(0x00 | encoding of every column from seq to payload_hash), an RFC 9162 leaf hash
chain = SHA-256(0x02 | chain of the row before | leaf); before the first row stands a hash of the
        vault's id
mac   = HMAC-SHA256(log-MAC key, seq as 8 bytes | chain)

The payload is sealed before, and the leaf holds the hash of the sealed bytes. So a
payload can be destroyed and the row still be proven.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from connector_vault import cipher
from connector_vault.cipher import Key, Sealing
from connector_vault.columns import LogColumns
from connector_vault.encoding import Value, encode_row, encode_rows, json_object, json_text
from connector_vault.errors import IntegrityError

#: What an anchor says of the log. Only `fits` is good: all that it has seen is there.
AnchorSays: TypeAlias = Literal[
    "fits", "truncated", "differs", "empty", "altered", "wrong_key", "unreadable"
]
#: The length of a row's own random name.
UID_BYTES: Final = 16
#: What is wrong with a row that has another MAC than this vault would give it.
UNWRITTEN: Final = "was not written by this vault"
#: So many columns of a row are hashed to its leaf.
HASHED: Final = 17
_LEAF: Final = b"\x00"
_CHAIN: Final = b"\x02"


class LogDraft(NamedTuple):
    """A row before it has a place in the log; `Vault.draft` makes one.

    Its fields stand in the order of the columns. A tuple, as two of them are made for each call.
    """

    uid: bytes
    at: int
    kind: str
    ref: int | None
    user: str | None
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    outcome: str | None
    subject: str | None
    revision: int | None
    facts: str
    key_id: str | None
    #: Sealed at the latest when the row is appended.
    payload: Sealing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A row of the log; `at` is in microseconds since 1970."""

    seq: int
    uid: bytes
    at: int
    kind: str
    ref: int | None
    user: str | None
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    outcome: str | None
    subject: str | None
    revision: int | None
    facts: dict[str, Any]
    key_id: str | None
    payload_hash: bytes | None
    leaf: bytes
    chain: bytes
    mac: bytes
    payload: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFault:
    """What is wrong with the log at one place."""

    seq: int
    what: str
    #: `integrity`: a row is not as it was. `coverage`: no MAC or signature of the vault covers it.
    verdict: Literal["integrity", "coverage"] = "integrity"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorVerdict:
    """What an anchor says of the log."""

    name: str
    says: AnchorSays
    #: The furthest row that it has seen.
    size: int
    what: str

    @property
    def ok(self) -> bool:
        """Says whether the log has all that the anchor has seen."""
        return self.says == "fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What a check of the whole log found."""

    rows: int
    faults: tuple[LogFault, ...]
    open: tuple[int, ...]
    #: Rows whose text was erased, as the log itself says.
    erased: int = 0
    #: Up to this row a checkpoint of the vault covers the log.
    signed: int = 0
    #: What the anchors say that it was compared with.
    anchors: tuple[AnchorVerdict, ...] = ()

    @property
    def ok(self) -> bool:
        """Says whether the log is whole, and has all that its anchors have seen."""
        return not self.faults and all(anchor.ok for anchor in self.anchors)

    def faults_of(self, verdict: str) -> tuple[LogFault, ...]:
        """Gives the faults that belong to one verdict."""
        return tuple(fault for fault in self.faults if fault.verdict == verdict)


class LogSeal:
    """Binds rows to one another under the log-MAC key of one vault."""

    def __init__(self, vault: str, key: Key) -> None:
        """Takes what all rows are bound to."""
        self._key = key
        #: Number and chain of what stands before the first row.
        self.start: tuple[int, bytes] = (0, sha256(cipher.context("log", vault)).digest())
        #: The furthest end of the log that this process has committed.
        self.seen: tuple[int, bytes] = self.start

    def tip(self, stored: tuple[int, bytes, bytes] | None) -> tuple[int, bytes]:
        """Gives the end of the log as it is stored.

        Raises:
            IntegrityError: The last row was not written by this vault, or rows after it are gone.
        """
        seq, chain, mac = stored or (*self.start, b"")
        if stored is not None and not self.wrote(seq, chain, mac):
            raise IntegrityError(f"log {seq}")
        if seq < self.seen[0] or (seq == self.seen[0] and chain != self.seen[1]):
            raise IntegrityError(f"log {self.seen[0]}", "is gone, with all after it")
        return seq, chain

    def row(self, draft: LogDraft, tip: tuple[int, bytes]) -> LogColumns:
        """Gives the row that follows the tip, without its MAC."""
        seq, before = tip[0] + 1, tip[1]
        payload = None if draft.payload is None else draft.payload.sealed()
        # All columns of a draft but the payload, which stands in the leaf by its hash.
        hashed: tuple[Any, ...] = (seq, *draft[:-1], payload_hash(payload))
        leaf = leaf_hash(hashed)
        chain = chain_hash(before, leaf)
        head = head_of(seq, draft.kind, draft.ref)
        return LogColumns._make((*hashed, leaf, chain, b"", head, payload, before))

    def public(self, row: LogColumns) -> LogRow:
        """Gives a stored row as callers see it.

        Raises:
            IntegrityError: It, or the row before it, was altered.
        """
        if fault(self, row, row.before or self.start[1]):
            raise IntegrityError(f"log {row.seq}")
        columns = row._asdict()
        del columns["head"], columns["before"]
        columns["facts"] = json_object(row.facts)
        return LogRow(**columns)

    def macs(self, rows: Sequence[LogColumns]) -> list[bytes]:
        """Computes what the MACs of rows must be."""
        places = [_place(row.seq, row.chain) for row in rows]
        return [self._key.mac(places[0])] if len(places) == 1 else self._key.macs(places)

    def wrote(self, seq: int, chain: object, mac: object) -> bool:
        """Says whether this vault has written a row; a damaged file may give anything."""
        if seq < 0 or not isinstance(chain, bytes):
            return False
        return self._key.authentic(_place(seq, chain), mac)

    def wrote_all(
        self, seqs: Iterable[int], chains: Iterable[bytes], macs: Iterable[bytes]
    ) -> bool:
        """Says whether this vault has written all of some rows."""
        places = [seq.to_bytes(8) + chain for seq, chain in zip(seqs, chains, strict=True)]
        wanted = self._key.macs(places)
        return all(map(hmac.compare_digest, wanted, macs))


def change_draft(  # noqa: PLR0913 - a column each, all by name
    *, kind: str, uid: bytes, at: int, subject: str, revision: int, facts: Mapping[str, Any]
) -> LogDraft:
    """Gives the draft of a row that says how something in the vault was changed."""
    return LogDraft(
        uid=uid,
        at=at,
        kind=kind,
        ref=None,
        user=None,
        persona=None,
        connection=None,
        action=None,
        effect=None,
        operation=None,
        outcome=None,
        subject=subject,
        revision=revision,
        facts=json_text(facts),
        key_id=None,
        payload=None,
    )


def leaf_hash(hashed: tuple[Value, ...]) -> bytes:
    """Computes the leaf of a row from its columns."""
    return sha256(_LEAF + encode_row(hashed)).digest()


def head_of(seq: int, kind: str, ref: int | None) -> int | None:
    """Gives what a search finds a row by: an outcome by its intent, a head by itself."""
    return seq if ref is None else ref if kind == "outcome" else None


def chain_hash(before: bytes, leaf: bytes) -> bytes:
    """Computes the chain of a row from the chain of the row before it."""
    return sha256(_CHAIN + before + leaf).digest()


def leaf_hashes(rows: Iterable[tuple[Value, ...]]) -> list[bytes]:
    """Computes the leaves of many stored rows."""
    encoded = encode_rows(row[:HASHED] for row in rows)
    return [sha256(_LEAF + one).digest() for one in encoded]


def chain_hashes(before: Iterable[bytes], leaves: Iterable[bytes]) -> list[bytes]:
    """Computes the chains of many rows, each from the chain before it and its leaf."""
    start, found = sha256(_CHAIN).copy, list[bytes]()
    for leaf, chain in zip(leaves, before, strict=False):
        hashed = start()
        hashed.update(chain)
        hashed.update(leaf)
        found.append(hashed.digest())
    return found


def _place(seq: int, chain: bytes) -> bytes:
    """Gives what the MAC of a row is made of."""
    return seq.to_bytes(8) + chain


def payload_hash(payload: object) -> bytes | None:
    """Computes the hash by which a row holds its payload; a damaged file may give anything."""
    if payload is None:
        return None
    return sha256(payload).digest() if isinstance(payload, bytes) else b""


def fault(seal: LogSeal, row: LogColumns, before: object) -> str | None:
    """Says what is wrong with a row, given the chain of the row before it."""
    if leaf_hash(row[:HASHED]) != row.leaf:
        return "a column was altered"
    # Text that is missing may have been erased: whoever reads the row looks for who said so.
    if row.payload is not None and row.payload_hash != payload_hash(row.payload):
        return "the payload was altered or removed"
    if not isinstance(before, bytes) or chain_hash(before, row.leaf) != row.chain:
        return "does not follow the row before it"
    if not seal.wrote(row.seq, row.chain, row.mac):
        return UNWRITTEN
    if head_of(row.seq, row.kind, row.ref) != row.head:
        return "cannot be found by a search"
    return None
