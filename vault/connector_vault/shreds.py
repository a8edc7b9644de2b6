"""Keeps, outside the database and its backups, what makes the text of the log readable.

The database holds every audit key masked: the key itself, combined by exclusive or with a **shred
key** of the same length. The shred keys of a vault lie in the folder `shreds/ID`, in files of
slots of 64 bytes: id of the audit key (16), shred key (32), check (16).

1. A shred key is random, masks one audit key and no other, and is on the disk before the masked
   key is committed. Without it the masked key says nothing: any key could be behind it.
2. Destroying one overwrites its slot in place and leaves the id, so that "destroyed" and "lost"
   are told apart. It cannot be taken back.
3. After something was destroyed, a counter grows: whoever keeps opened keys in memory looks at it
   before every use and drops them.
4. A folder that is missing is made only where there is no masked key yet.
5. Files are made closed to everybody else; links in place of them are not followed.

A copy of the folder undoes what is destroyed later: it belongs in no backup that is kept for long.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from enum import Enum
from itertools import groupby
from pathlib import Path
from typing import Final

from connector_vault.cipher import KEY_BYTES, KEY_ID_BYTES, Entropy
from connector_vault.errors import ErasedError, ShredError, StoreFullError
from connector_vault.files import NO_ROOM, sync, write_at

_SLOT: Final = 64
_SECRET_END: Final = KEY_ID_BYTES + KEY_BYTES
_CHECK: Final = b"connector-vault/1/shred-slot"
_GONE: Final = b"connector-vault/1/shred-gone"
_COUNTER: Final = "destroyed"
_ADVICE: Final = (
    "Put the folder back as it was. If it is lost, so is the text of the log that was sealed with "
    "it: `vault restore`, of a backup made just now too, goes on without that text."
)


class Held(Enum):
    """What a folder of shred keys knows of one audit key."""

    PRESENT = "present"
    DESTROYED = "destroyed"
    LOST = "lost"


class Shreds:
    """The shred keys of one vault. Any thread and any process may use them."""

    def __init__(self, folder: Path, vault: str, entropy: Entropy) -> None:
        """Names the folder of the vault, in the folder of all vaults."""
        self.folder = folder / vault
        self._entropy = entropy
        #: As text: joining paths would cost more than the look at the file does.
        self._counter = str(self.folder / _COUNTER)
        self._seen = self._count()

    @property
    def missing(self) -> bool:
        """Whether there is no folder."""
        return not self.folder.is_dir()

    def create(self) -> None:
        """Makes the folder, closed to everybody else; one that is there is left as it is.

        Raises:
            ShredError: It cannot be made.
        """
        try:
            for folder in (self.folder.parent, self.folder):
                if not folder.exists():
                    folder.mkdir(parents=True, mode=0o700)
                    folder.chmod(0o700)
                    sync(folder.parent)
        except OSError as error:
            raise ShredError(f"{self.folder} cannot be made: {error.strerror}.") from None
        # A look at a file that is there costs a third of one at a file that is not.
        with self._opened(_COUNTER, os.O_WRONLY | os.O_CREAT):
            pass

    def mask(self, keys: Mapping[str, bytearray]) -> dict[str, bytes]:
        """Makes a shred key for each audit key, by id; gives what the database may hold of them.

        Raises:
            StoreFullError: There is no room for them.
            ShredError: They cannot be written.
        """
        shreds = {key_id: self._entropy(KEY_BYTES) for key_id in keys}
        for shard, ids in groupby(sorted(shreds), key=_shard):
            with self._opened(shard, os.O_RDWR | os.O_CREAT) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                end = os.fstat(file).st_size // _SLOT * _SLOT
                slots = b"".join(_slot(key_id, shreds[key_id]) for key_id in ids)
                write_at(file, slots, end)
                if not end:
                    sync(self.folder)
        return {key_id: _combined(key, shreds[key_id]) for key_id, key in keys.items()}

    def check(self, key_id: str) -> None:
        """Looks whether there is a shred key.

        Raises:
            ErasedError: It was destroyed.
            ShredError: It is lost.
        """
        self.unmask(key_id, bytes(KEY_BYTES))

    def unmask(self, key_id: str, masked: bytes | bytearray) -> bytes:
        """Gives an audit key from what the database holds of it.

        Raises:
            ErasedError: Its shred key was destroyed.
            ShredError: Its shred key is lost.
        """
        state, shred = self._look(key_id)
        if state is Held.DESTROYED:
            raise ErasedError(f"The shred key of {key_id} was destroyed.")
        if state is Held.LOST:
            raise ShredError(f"The shred key of {key_id} is not in {self.folder}. {_ADVICE}")
        return _combined(masked, shred)

    def state(self, key_id: str) -> Held:
        """Says what is known of the shred key of an audit key.

        Raises:
            ShredError: The folder cannot be read.
        """
        return self._look(key_id)[0]

    def destroy(self, key_ids: Iterable[str]) -> None:
        """Overwrites shred keys, and tells every process; what has none gets a mark that says so.

        Raises:
            ShredError: They cannot be written.
        """
        for shard, ids in groupby(sorted(set(key_ids)), key=_shard):
            with self._opened(shard, os.O_RDWR | os.O_CREAT) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                for key_id in ids:
                    data = _read(file)
                    at = _find(data, key_id)
                    write_at(file, _mark(key_id), len(data) // _SLOT * _SLOT if at is None else at)
        with self._opened(_COUNTER, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
            os.write(file, b".")
            os.fsync(file)
        sync(self.folder)

    def changed(self) -> bool:
        """Says whether any process has destroyed something since; costs a look at a file."""
        count = self._count()
        changed, self._seen = count != self._seen, count
        return changed

    def _count(self) -> int:
        """Gives how often something was destroyed."""
        try:
            return os.stat(self._counter).st_size  # noqa: PTH116 - a third of the time of Path.stat, at every row
        except OSError:
            return 0

    def _look(self, key_id: str) -> tuple[Held, bytes]:
        """Finds the slot of an audit key."""
        if self.missing:
            raise ShredError(f"The folder of the shred keys, {self.folder}, is missing. {_ADVICE}")
        try:
            with self._opened(_shard(key_id), os.O_RDONLY) as file:
                data = _read(file)
        except FileNotFoundError:
            return Held.LOST, b""
        at = _find(data, key_id)
        if at is None:
            return Held.LOST, b""
        slot = data[at : at + _SLOT]
        if hmac.compare_digest(slot, _mark(key_id)):
            return Held.DESTROYED, b""
        shred = slot[KEY_ID_BYTES:_SECRET_END]
        sound = hmac.compare_digest(slot, _slot(key_id, shred))
        return (Held.PRESENT, shred) if sound else (Held.LOST, b"")

    @contextmanager
    def _opened(self, name: str, mode: int) -> Generator[int]:
        """Opens a file of the folder, and says what is wrong where it cannot be used."""
        if mode & os.O_CREAT and self.missing:
            raise ShredError(f"The folder of the shred keys, {self.folder}, is missing. {_ADVICE}")
        try:
            file = os.open(self.folder / name, mode | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                yield file
            finally:
                os.close(file)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in NO_ROOM:
                raise StoreFullError(f"The disk that holds {self.folder} is full.") from None
            raise ShredError(
                f"The shred keys in {self.folder} cannot be used: {error.strerror}."
            ) from None


def _shard(key_id: str) -> str:
    """Names the file in which the slot of an audit key stands."""
    return key_id[:2]


def _slot(key_id: str, shred: bytes) -> bytes:
    """Gives the bytes of a slot; the check finds damage, and no more is asked of it."""
    name = bytes.fromhex(key_id)
    return name + shred + hashlib.sha256(_CHECK + name + shred).digest()[:16]


def _mark(key_id: str) -> bytes:
    """Gives the bytes of a slot whose shred key was destroyed."""
    name = bytes.fromhex(key_id)
    return name + bytes(KEY_BYTES) + hashlib.sha256(_GONE + name).digest()[:16]


def _find(data: bytes, key_id: str) -> int | None:
    """Finds where the slot of an audit key begins."""
    name, at = bytes.fromhex(key_id), -1
    while (at := data.find(name, at + 1)) >= 0:
        if at % _SLOT == 0:
            return at
    return None


def _combined(one: bytes | bytearray, other: bytes) -> bytes:
    """Gives the exclusive or of two values of a key's length."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(KEY_BYTES)


def _read(file: int) -> bytes:
    """Reads a file from its beginning."""
    return os.pread(file, os.fstat(file).st_size, 0)
