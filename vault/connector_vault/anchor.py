"""Remembers, outside the database's folder, what an older database must not undo.

The anchor of a vault is one file, `anchors/ID.anchor` beside the database's folder:

    two slots of 512 bytes, written in turn, each a head: counter, epoch, row and chain of the
    end of the log, and how many ended things follow
    the ended things, one after the other: records that were closed for good, and secrets that
    were destroyed

1. Head and ended things have MACs under a key of the vault, bound to vault and place.
2. A head is advanced, never set back, under a lock, and only after the database has committed.
3. An ended thing reaches the disk before the head that counts it. A torn write leaves the other
   slot, which is whole.
4. A database is refused whose epoch is older than the head's, or that lacks the head's row.
5. A record or secret is refused that is older than what the anchor says of its end, even where
   the log in the database was edited too.

Who puts back both the database and the anchor is not found out.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeAlias

import msgspec

from connector_vault import cipher
from connector_vault.cipher import Key
from connector_vault.encoding import json_object
from connector_vault.errors import AnchorError
from connector_vault.files import make_folder, sync, write_at

#: A sector: what a disk writes whole or, where it breaks, not at all.
_SLOT_BYTES: Final = 512
_SLOTS: Final = 2
_ENDED_AT: Final = _SLOTS * _SLOT_BYTES
_MAC_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
#: So long is the lock waited for; a process that was stopped may hold it for ever.
_LOCK_S: Final = 2.0
_LOCK_POLL_S: Final = 0.01
_READ_BYTES: Final = 1 << 20

_HEAD: Final = msgspec.msgpack.Decoder(tuple[int, int, int, bytes, int])
_ADVICE: Final = "To take the database as it is, restore it in place: `vault restore`."

#: What was ended at once: {"records": [[kind, id, parent, name, revision, body]],
#: "secrets": [[owner, field, version]]}.
Ended: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far a vault was when its anchor was last written."""

    epoch: int
    seq: int
    chain: bytes
    #: How many entries of ended things the anchor holds.
    ended: int = 0


@dataclass(frozen=True, slots=True)
class _Stored:
    """A head with the number of its writing."""

    counter: int
    head: Head


class Floors:
    """Tells which records and secrets were ended, for whoever reads a row."""

    __slots__ = ("records", "versions")

    def __init__(self) -> None:
        """Starts with nothing ended."""
        #: The revision in which a record was closed for good.
        self.records: dict[tuple[str, str], int] = {}
        #: The highest version of a secret that was destroyed.
        self.versions: dict[tuple[str, str], int] = {}

    def add(self, entry: Ended) -> None:
        """Takes in what was ended."""
        for kind, name, _, _, revision, _ in entry["records"]:
            self.records[kind, name] = revision
        for owner, field, version in entry["secrets"]:
            self.versions[owner, field] = version


class Anchor:
    """The anchor of one vault. Any thread may use it."""

    def __init__(self, path: Path, vault: str, key: Key) -> None:
        """Names the file, and takes the key that authenticates it."""
        self.path = path
        self._name = str(path)
        self.floors = Floors()
        self._vault = vault
        self._key = key
        self._lock = Lock()
        self._turn = Lock()
        self._size = -1
        self._offset = _ENDED_AT
        #: How many entries were taken in.
        self.count = 0

    def create(self, head: Head) -> None:
        """Makes the file, closed to everybody else; one that is there is written anew.

        Raises:
            AnchorError: It cannot be made.
        """
        fresh = self.path.with_name(f"{self.path.name}.new-{os.getpid()}")
        try:
            make_folder(self.path.parent)
            fresh.unlink(missing_ok=True)
            file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.fchmod(file, 0o600)
                os.pwrite(file, self._slot(_Stored(0, head)).ljust(_ENDED_AT, b"\0"), 0)
                os.fsync(file)
            finally:
                os.close(file)
            fresh.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise AnchorError(f"No anchor can be made at {self.path}: {error.strerror}.") from None

    def head(self) -> Head:
        """Reads the head.

        Raises:
            AnchorError: The anchor is missing, unreadable, or was altered.
        """
        with self._opened(os.O_RDONLY) as file:
            return self._stored(file).head

    def ended(self) -> list[Ended]:
        """Reads all that was ended, oldest first.

        Raises:
            AnchorError: The anchor is missing, unreadable, or was altered.
        """
        with self._opened(os.O_RDONLY) as file:
            return self._entries(file, _ENDED_AT, 0, self._stored(file).head.ended)[0]

    def refresh(self) -> None:
        """Takes in what any process has ended since the last time; costs a look at the file.

        Raises:
            AnchorError: The anchor is unreadable, or was altered.
        """
        try:
            size = os.stat(self._name).st_size  # noqa: PTH116 - a third of the time of Path.stat
        except FileNotFoundError:
            # What was read before still holds; opening the vault again refuses.
            return
        if size != self._size:
            self._take_in(size)

    def advance(self, now: Callable[[int], tuple[Head, Sequence[bytes]]]) -> None:
        """Writes how far the vault is, unless the anchor is further already.

        `now` reads the database: it is told how many ended things the anchor holds, and gives
        the head, which counts all, and those that the anchor lacks.

        Raises:
            AnchorError: The anchor is missing, altered, or cannot be written.
        """
        # Threads of this process take turns first, so that none of them has to poll for the lock.
        with self._turn, self._opened(os.O_RDWR) as file, _locked(file, self.path):
            stored = self._stored(file)
            head, missing = now(stored.head.ended)
            if (head.epoch, head.seq) <= (stored.head.epoch, stored.head.seq) and not missing:
                return
            if missing:
                end = self._entries(file, _ENDED_AT, 0, stored.head.ended)[1]
                write_at(file, self._sealed(missing, stored.head.ended), end)
            counter = stored.counter + 1
            slot = self._slot(_Stored(counter, head))
            write_at(file, slot, _SLOT_BYTES * (counter % _SLOTS))

    def _take_in(self, size: int) -> None:
        """Reads the ended things that were added."""
        with self._lock, self._opened(os.O_RDONLY) as file:
            count = self._stored(file).head.ended
            entries, self._offset = self._entries(file, self._offset, self.count, count)
            for entry in entries:
                self.floors.add(entry)
            self.count = max(self.count, count)
            self._size = size

    def _slot(self, stored: _Stored) -> bytes:
        """Gives the bytes of a slot."""
        head = stored.head
        body = msgspec.msgpack.encode(
            (stored.counter, head.epoch, head.seq, head.chain, head.ended)
        )
        mac = self._key.mac(cipher.context("anchor-head", self._vault, body))
        return (len(body).to_bytes(_LENGTH_BYTES) + body + mac).ljust(_SLOT_BYTES, b"\0")

    def _stored(self, file: int) -> _Stored:
        """Reads the newest whole slot."""
        found = [
            self._read_slot(os.pread(file, _SLOT_BYTES, _SLOT_BYTES * number))
            for number in range(_SLOTS)
        ]
        whole = [one for one in found if one is not None]
        if not whole:
            raise AnchorError(f"The anchor {self.path} was altered. {_ADVICE}")
        return max(whole, key=lambda one: one.counter)

    def _read_slot(self, slot: bytes) -> _Stored | None:
        """Reads a slot; None if it is empty, torn or altered."""
        end = _LENGTH_BYTES + int.from_bytes(slot[:_LENGTH_BYTES])
        body, mac = slot[_LENGTH_BYTES:end], slot[end : end + _MAC_BYTES]
        wanted = self._key.mac(cipher.context("anchor-head", self._vault, body))
        if not hmac.compare_digest(mac, wanted):
            return None
        counter, epoch, seq, chain, ended = _HEAD.decode(body)
        return _Stored(counter, Head(epoch=epoch, seq=seq, chain=chain, ended=ended))

    def _sealed(self, entries: Sequence[bytes], count: int) -> bytes:
        """Gives the bytes of entries that follow after `count` others."""
        return b"".join(
            len(body).to_bytes(_LENGTH_BYTES) + body + self._entry_mac(number, body)
            for number, body in enumerate(entries, count + 1)
        )

    def _entries(self, file: int, offset: int, done: int, count: int) -> tuple[list[Ended], int]:
        """Reads the entries after the `done` first, and gives where they end."""
        data = _read_from(file, offset)
        entries: list[Ended] = []
        at = 0
        for number in range(done + 1, count + 1):
            start = at + _LENGTH_BYTES
            end = start + int.from_bytes(data[at:start])
            body, mac = data[start:end], data[end : end + _MAC_BYTES]
            if not hmac.compare_digest(mac, self._entry_mac(number, body)):
                raise AnchorError(f"The anchor {self.path} was altered. {_ADVICE}")
            entries.append(json_object(body.decode()))
            at = end + _MAC_BYTES
        return entries, offset + at

    def _entry_mac(self, number: int, body: bytes) -> bytes:
        """Computes what the MAC of an entry must be."""
        return self._key.mac(cipher.context("anchor-ended", self._vault, number, body))

    @contextmanager
    def _opened(self, mode: int) -> Generator[int]:
        """Opens the file, and says what is wrong where it cannot be used."""
        try:
            file = os.open(self.path, mode | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                yield file
            finally:
                os.close(file)
        except FileNotFoundError:
            raise AnchorError(f"The anchor {self.path} is missing. {_ADVICE}") from None
        except OSError as error:
            raise AnchorError(f"The anchor {self.path} cannot be used: {error.strerror}.") from None


@contextmanager
def _locked(file: int, path: Path) -> Generator[None]:
    """Holds the lock of the file, which every process takes that writes it."""
    limit = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > limit:
                raise AnchorError(f"Another process holds the anchor {path}.") from None
            time.sleep(_LOCK_POLL_S)
    # Closing the file gives the lock back.
    yield


def _read_from(file: int, offset: int) -> bytes:
    """Reads from a place to the end."""
    parts: list[bytes] = []
    while part := os.pread(file, _READ_BYTES, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)
