"""Signs how far the log is, in time: after so many rows, after so long, and when the vault closes.

1. Only rows are signed that follow, hash by hash, from those that were signed before, and whose
   last one this vault has written. So no checkpoint ever contradicts another one.
2. A checkpoint is kept in the database first, and then given to the anchors.
3. A thread of its own does all this. Nobody who writes waits for it, and where it fails it tries
   again; `trouble` says why.

Kept are a record for each checkpoint, named by its size, and one with the parts of the tree, from
which the next one goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import Final

from connector_vault import walks
from connector_vault.anchoring import Anchoring, AnchorState, CheckpointAnchor
from connector_vault.checkpoint import KIND, TREE, TREE_KIND, Checkpoint, name
from connector_vault.cipher import Key
from connector_vault.ended import Standing
from connector_vault.errors import ConflictError, IntegrityError, VaultError
from connector_vault.keyring import Keyring
from connector_vault.log import chain_hash
from connector_vault.merkle import Tree
from connector_vault.note import PublicKey, decoded, encoded
from connector_vault.origin import Origin
from connector_vault.places import LOG_SIGN
from connector_vault.records import Record, opened_row
from connector_vault.rows import Rows
from connector_vault.signing import public_of
from connector_vault.store import Store
from connector_vault.view import Tools, Transaction

#: So often another process may be faster.
_TRIES: Final = 16
#: So many rows are read in one snapshot.
_PIECE: Final = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPlan:
    """When checkpoints are made, and where they go."""

    rows: int = 1024
    seconds: float = 60.0
    anchors: Sequence[CheckpointAnchor] = ()
    #: So long is an anchor waited for, when the vault closes; then it counts as stale.
    answer_s: float = 5.0


@dataclass(slots=True)
class _Grown:
    """The tree of the log, the chain of its last row, and the record that it was read from."""

    tree: Tree
    chain: object
    revision: int | None
    #: The size that is stored, and signed.
    held: int


class Checkpoints:
    """The checkpoints of one open vault. Any thread may use it."""

    def __init__(self, store: Store, tools: Tools, plan: CheckpointPlan) -> None:
        """Takes what is signed; the first row that is noted starts the thread."""
        #: Why there is no newer checkpoint, if there has to be one.
        self.trouble: str | None = None
        self._store = store
        self._tools = tools
        self._plan = plan
        self._standing = Standing(tools.keyring.vault, tools.record_mac, tools.seal)
        self._anchoring = Anchoring(plan.anchors, limit_s=plan.answer_s)
        self._origin = Origin()
        self._key: Key | None = None
        # Like the keys of MACs, it is opened with the vault, and stays: its provider may be away.
        with suppress(VaultError):
            self._key = store.read(self._held)
        self._turn = Lock()
        self._starting = Lock()
        self._thread: Thread | None = None
        self._wake = Event()
        self._closed = self._waiting = False
        self._next = plan.rows

    def noted(self, seq: int) -> None:
        """Takes in that rows were committed up to a number; costs next to nothing."""
        if not self._waiting or seq >= self._next:
            self._waiting = True
            if self._thread is None:
                self._start()
            self._wake.set()

    def make(self) -> Checkpoint | None:
        """Signs the log as it is now; None if it is empty.

        Raises:
            IntegrityError: What was committed since the last checkpoint was altered.
            VaultLockedError: The key that signs does not open.
            StoreError: It cannot be kept.
        """
        with self._turn:
            checkpoint, note, fresh = self._made()
            self._next = checkpoint.size + self._plan.rows
            if fresh:
                self._store.settle()
            if checkpoint.size:
                self._anchoring.send(note, checkpoint.size)
        return checkpoint if checkpoint.size else None

    def public_key(self) -> PublicKey:
        """Gives the key that checks what is signed here.

        Raises:
            IntegrityError: It was altered or removed without the key.
            VaultLockedError: It does not open.
        """
        return PublicKey(self._tools.keyring.vault, public_of(self._signer().material))

    def signed(self, checkpoint: Checkpoint) -> str:
        """Gives a checkpoint as a signed note; the same one gives the same note."""
        return checkpoint.signed(self._signer().material)

    def anchors(self) -> tuple[AnchorState, ...]:
        """Says how the anchors are."""
        return self._anchoring.states()

    def close(self) -> None:
        """Signs what was written since the last checkpoint, and ends the thread.

        Raises:
            MisuseError: It is called from inside work, which it would wait for.
        """
        self._store.check_outside()
        if not self._origin.here or self._closed:
            return
        self._closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._waiting:
            self._try()
        self._anchoring.close()
        self._key = None

    def _start(self) -> None:
        """Starts the thread, once."""
        with self._starting:
            if self._thread is None and not self._closed:
                # A daemon: an interpreter that ends without closing is a crash, and is safe.
                self._thread = Thread(target=self._serve, name="vault-checkpoints", daemon=True)
                self._thread.start()

    def _serve(self) -> None:
        """Makes checkpoints in time until the vault closes."""
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            limit = time.monotonic() + self._plan.seconds
            while not self._closed and self._tools.seal.seen[0] < self._next:
                if not self._wake.wait(max(0.0, limit - time.monotonic())):
                    break
                self._wake.clear()
            if not self._closed and self._waiting:
                self._try()

    def _try(self) -> None:
        """Makes a checkpoint; one that cannot be made is tried again later."""
        self._waiting = False
        try:
            made = self.make()
        except VaultError as error:
            self.trouble = str(error)
            self._next = self._tools.seal.seen[0] + self._plan.rows
            self._waiting = True
        else:
            self.trouble = None
            if made is not None and made.size < self._tools.seal.seen[0]:
                self._waiting = True
        if self._waiting:
            self._wake.set()

    def _made(self) -> tuple[Checkpoint, str, bool]:
        """Gives the newest checkpoint, its note, and whether it was made just now."""
        signer = self._signer()
        for _ in range(_TRIES):
            grown, epoch = self._store.read(lambda rows: (self._stored(rows), self._epoch(rows)))
            while self._store.read(lambda rows: self._grow(rows, grown)):  # noqa: B023 - it is read at once
                pass
            size, root = grown.tree.size, grown.tree.root()
            checkpoint = Checkpoint(
                vault=self._tools.keyring.vault, epoch=epoch, size=size, root=root
            )
            note = checkpoint.signed(signer.material)
            if size == grown.held:
                return checkpoint, note, False
            # A conflict says that another process has made one meanwhile.
            with suppress(ConflictError):
                self._store.write(lambda rows: self._keep(rows, grown, note))  # noqa: B023 - it is written at once
                return checkpoint, note, True
        raise ConflictError("Other processes sign the log all the time; try again.")

    def _epoch(self, rows: Rows) -> int:
        """Gives how often the vault was restored, plus one."""
        return self._standing.epoch(rows)

    def _stored(self, rows: Rows) -> _Grown:
        """Reads how far the tree has grown."""
        row = rows.record(TREE_KIND, TREE)
        if row is None:
            if rows.last_record(KIND) is not None:
                raise IntegrityError(f"records {TREE_KIND} {TREE}", "is gone, and was signed")
            return _Grown(Tree(), self._tools.seal.start[1], None, 0)
        tools = self._tools
        record = opened_row(row, vault=tools.keyring.vault, key=tools.record_mac)
        parts = [decoded(part) or b"" for part in record.body["parts"]]
        chain = decoded(record.body["chain"])
        size = record.body["size"]
        return _Grown(Tree(size, parts), chain, record.revision, size)

    def _grow(self, rows: Rows, grown: _Grown) -> bool:
        """Lets the tree grow by some rows; False says that the log ends there.

        Raises:
            IntegrityError: A row does not follow the row before it, or the last is not ours.
        """
        found = walks.leaves(rows, grown.tree.size, _PIECE)
        if not found:
            return False
        for seq, (at, leaf, chain, _) in enumerate(found, grown.tree.size + 1):
            if at != seq or not _follows(grown.chain, leaf, chain):
                raise IntegrityError(f"log {seq}", "does not follow what was signed before")
            grown.chain = chain
        last, _, chain, mac = found[-1]
        if not self._tools.seal.wrote(last, chain, mac):
            raise IntegrityError(f"log {last}")
        grown.tree.extend(leaf for _, leaf, _, _ in found)
        return len(found) == _PIECE

    def _keep(self, rows: Rows, grown: _Grown, note: str) -> None:
        """Stores a checkpoint, and the parts from which the next one goes on."""
        change = Transaction(rows, self._tools, at=0, refusing=None)
        tree = grown.tree
        body = {
            "size": tree.size,
            "parts": [encoded(part) for part in tree.parts],
            "chain": encoded(grown.chain if isinstance(grown.chain, bytes) else b""),
        }
        change.put(Record(kind=TREE_KIND, id=TREE, body=body), expect=grown.revision)
        signed = {"note": note, "before": grown.held}
        change.put(Record(kind=KIND, id=name(tree.size), body=signed), expect=None)

    def _signer(self) -> Key:
        """Gives the key that signs; a vault of an older version gets one now.

        Raises:
            IntegrityError: It was altered, or is gone although something was signed.
        """
        if self._key is None:
            keyring = self._tools.keyring
            made_at = int(time.time() * 1_000_000)
            self._key = self._store.read(self._held) or keyring.hold(
                self._store.write(lambda rows: keyring.make(rows, LOG_SIGN, made_at))
            )
        return self._key

    def _held(self, rows: Rows) -> Key | None:
        """Opens the key that signs, for as long as the vault is open."""
        keyring = self._tools.keyring
        key = signing_key(rows, keyring)
        return None if key is None else keyring.hold(key)


def public_key(rows: Rows, keyring: Keyring) -> PublicKey | None:
    """Gives the key that has signed the checkpoints of a database; None if there is none.

    Raises:
        IntegrityError: It was altered or removed without the key.
    """
    key = signing_key(rows, keyring)
    return None if key is None else PublicKey(keyring.vault, public_of(key.material))


def signing_key(rows: Rows, keyring: Keyring) -> Key | None:
    """Opens the key that signs; None if nothing was ever signed.

    Raises:
        IntegrityError: It was altered or removed without the key.
    """
    key = keyring.current(rows, LOG_SIGN)
    if key is None and rows.record(TREE_KIND, TREE) is not None:
        raise IntegrityError("keys log-sign", "is missing")
    return key


def _follows(before: object, leaf: object, chain: object) -> bool:
    """Says whether a row follows; a damaged file may give anything."""
    if not isinstance(before, bytes) or not isinstance(leaf, bytes):
        return False
    return chain_hash(before, leaf) == chain
