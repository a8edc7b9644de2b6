"""Keeps, outside the database and its backups, what makes the text of the log readable.

The database holds every audit key masked: the key itself, combined by exclusive or with a **shred
key** of the same length. The shred keys of a vault lie in the folder `shreds/ID`, in files of
slots of 64 bytes: id of the audit key (16), shred key (32), check (16).

1. A shred key is random, masks one audit key and no other, and is on the disk before the masked
   key is committed. Without it the masked key says nothing: any key could be behind it.
2. Destroying one overwrites its slot in place and leaves the id, so that "destroyed" and "lost"
   are told apart. It cannot be taken back.
3. A key of which only some messages are erased is narrowed: its shred key is destroyed, and what
   opens the messages that stay, each by itself, lies masked in the file `rest-KEY`. That file is
   whole and on the disk before the slot is overwritten.
4. After something was destroyed, a counter grows: whoever keeps opened keys in memory looks at it
   before every use and drops them.
5. A folder that is missing is made only where there is no masked key yet.
6. Files are made closed to everybody else; links in place of them are not followed.

A copy of the folder undoes what is destroyed later: it belongs in no backup that is kept for long.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
from bisect import bisect_left
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from itertools import groupby
from pathlib import Path
from time import monotonic
from typing import Final

from connector_vault.cipher import KEY_BYTES, KEY_ID_BYTES, Entropy
from connector_vault.errors import ErasedError, ShredError, StoreFullError
from connector_vault.files import NO_ROOM, sync, write_at

#: So old may be a look at the counter by which a text is sealed, as it is committed later anyway.
MOMENT_S: Final = 0.005
_SLOT: Final = 64
_SECRET_END: Final = KEY_ID_BYTES + KEY_BYTES
_CHECK: Final = b"connector-vault/1/shred-slot"
_GONE: Final = b"connector-vault/1/shred-gone"
_NARROWED: Final = b"connector-vault/1/shred-narrowed"
_COUNTER: Final = "destroyed"
_ADVICE: Final = (
    "Put the folder back as it was. If it is lost, so is the text of the log that was sealed with "
    "it: `vault restore`, of a backup made just now too, goes on without that text."
)


class Held(Enum):
    """What a folder of shred keys knows of one audit key."""

    PRESENT = "present"
    #: Destroyed, save for what opens single messages of it.
    NARROWED = "narrowed"
    DESTROYED = "destroyed"
    LOST = "lost"


_STATES: Final = {_GONE: Held.DESTROYED, _NARROWED: Held.NARROWED}


class Shreds:
    """The shred keys of one vault. Any thread and any process may use them."""

    def __init__(self, folder: Path, vault: str, entropy: Entropy) -> None:
        """Names the folder of the vault, in the folder of all vaults."""
        self.folder = folder / vault
        self._entropy = entropy
        #: As text: joining paths would cost more than the look at the file does.
        self._counter = str(self.folder / _COUNTER)
        self._seen = self._count()
        #: Until when the last look at the counter counts as one taken just now.
        self._fresh_until = 0.0

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

        A key that has one, since an older database with the whole key was put back, keeps it.

        Raises:
            StoreFullError: There is no room for them.
            ShredError: They cannot be written.
        """
        shreds = {key_id: self._entropy(KEY_BYTES) for key_id in keys}
        for shard, ids in groupby(sorted(shreds), key=_shard):
            with self._opened(shard, os.O_RDWR | os.O_CREAT) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                data = _read(file)
                fresh: list[bytes] = []
                for key_id in ids:
                    at = _find(data, key_id)
                    if at is None:
                        fresh.append(_slot(key_id, shreds[key_id]))
                        continue
                    shred = data[at + KEY_ID_BYTES : at + _SECRET_END]
                    if data[at : at + _SLOT] == _slot(key_id, shred):
                        shreds[key_id] = shred  # else it was destroyed, and the key is lost with it
                end = len(data) // _SLOT * _SLOT
                write_at(file, b"".join(fresh), end)
                if not end:
                    sync(self.folder)
        return {key_id: combined(key, shreds[key_id]) for key_id, key in keys.items()}

    def check(self, key_id: str) -> None:
        """Looks whether there is a shred key.

        Raises:
            ErasedError: It was destroyed.
            ShredError: It is lost.
        """
        self.unmask(key_id, bytes(KEY_BYTES))

    def unmask(self, key_id: str, masked: bytes | bytearray) -> bytes | None:
        """Gives an audit key from what the database holds of it; None if it was narrowed.

        Raises:
            ErasedError: Its shred key was destroyed.
            ShredError: Its shred key is lost.
        """
        state, shred = self._look(key_id)
        if state is Held.DESTROYED:
            raise ErasedError(f"The shred key of {key_id} was destroyed.")
        if state is Held.LOST:
            raise self._lost(key_id)
        return None if state is Held.NARROWED else combined(masked, shred)

    def narrow(self, key_id: str, roots: Mapping[str, bytes]) -> None:
        """Destroys a shred key, save for what opens some messages: masked, by their names.

        Of a key that was narrowed before, what opens other messages is overwritten. Done again it
        changes nothing; a key that was destroyed stays so, and one that is lost.

        Raises:
            ShredError: They cannot be written.
        """
        with self._opened(_shard(key_id), os.O_RDWR | os.O_CREAT) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            data = _read(file)
            at = _find(data, key_id)
            slot = b"" if at is None else data[at : at + _SLOT]
            if slot == _marked(key_id, _NARROWED):
                self._keep_of_rest(key_id, roots)
            elif at is not None and slot != _marked(key_id, _GONE):
                self._write_rest(key_id, roots)
                write_at(file, _marked(key_id, _NARROWED), at)
        self.tell()

    def root(self, key_id: str, name: str) -> bytes:
        """Gives what opens one message of a narrowed key, masked as it was given.

        Raises:
            ErasedError: It was destroyed.
            ShredError: It is lost.
        """
        try:
            with self._opened(_rest(key_id), os.O_RDONLY) as file:
                slot = _find_sorted(file, name)
        except FileNotFoundError:
            if self.state(key_id) is Held.DESTROYED:
                raise ErasedError(f"The shred key of {key_id} was destroyed.") from None
            raise self._lost(key_id) from None
        root = slot[KEY_ID_BYTES:_SECRET_END]
        if not slot or hmac.compare_digest(slot, _marked(name, _GONE)):
            raise ErasedError(f"What opens {name} was destroyed.")
        if not hmac.compare_digest(slot, _slot(name, root)):
            raise self._lost(key_id)
        return root

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
                    end = len(data) // _SLOT * _SLOT
                    write_at(file, _marked(key_id, _GONE), end if at is None else at)
                    self._destroy_rest(key_id)
        self.tell()

    def tell(self) -> None:
        """Tells every process to look at the shred keys anew.

        Raises:
            ShredError: It cannot be written.
        """
        with self._opened(_COUNTER, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
            os.write(file, b".")
            os.fsync(file)
        self._fresh_until = 0.0
        sync(self.folder)

    def changed(self, *, lately: bool = False) -> bool:
        """Says whether any process has destroyed something since; costs a look at a file.

        With `lately` a look that was taken a moment ago will do.
        """
        if lately and monotonic() < self._fresh_until:
            return False
        count = self._count()
        changed, self._seen = count != self._seen, count
        self._fresh_until = monotonic() + MOMENT_S
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
        for mark, state in _STATES.items():
            if hmac.compare_digest(slot, _marked(key_id, mark)):
                return state, b""
        shred = slot[KEY_ID_BYTES:_SECRET_END]
        sound = hmac.compare_digest(slot, _slot(key_id, shred))
        return (Held.PRESENT, shred) if sound else (Held.LOST, b"")

    def _write_rest(self, key_id: str, roots: Mapping[str, bytes]) -> None:
        """Writes what opens single messages, in the order of their names; names the file last."""
        fresh = f"{_rest(key_id)}.new"
        with self._opened(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as file:
            write_at(file, b"".join(_slot(name, roots[name]) for name in sorted(roots)), 0)
        (self.folder / fresh).replace(self.folder / _rest(key_id))
        sync(self.folder)

    def _keep_of_rest(self, key_id: str, roots: Iterable[str]) -> None:
        """Overwrites what opens messages that are not among these."""
        kept = frozenset(bytes.fromhex(name) for name in roots)
        with self._opened(_rest(key_id), os.O_RDWR) as file:
            data = bytearray(_read(file))
            for at in range(0, len(data), _SLOT):
                name = bytes(data[at : at + KEY_ID_BYTES])
                if name not in kept:
                    data[at : at + _SLOT] = _marked(name.hex(), _GONE)
            write_at(file, bytes(data), 0)

    def _destroy_rest(self, key_id: str) -> None:
        """Overwrites and removes what opens single messages of a key, if it was narrowed."""
        for name in (f"{_rest(key_id)}.new", _rest(key_id)):
            with suppress(FileNotFoundError), self._opened(name, os.O_RDWR) as file:
                write_at(file, bytes(os.fstat(file).st_size), 0)
                (self.folder / name).unlink()

    def _lost(self, key_id: str) -> ShredError:
        return ShredError(f"The shred key of {key_id} is not in {self.folder}. {_ADVICE}")

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


def _marked(key_id: str, mark: bytes) -> bytes:
    """Gives the bytes of a slot whose shred key was destroyed or narrowed."""
    name = bytes.fromhex(key_id)
    return name + bytes(KEY_BYTES) + hashlib.sha256(mark + name).digest()[:16]


def _rest(key_id: str) -> str:
    """Names the file that holds what opens single messages of a narrowed key."""
    return f"rest-{key_id}"


def _find_sorted(file: int, name: str) -> bytes:
    """Finds a slot among slots in the order of their names, without reading all of them."""
    wanted = bytes.fromhex(name)
    slots = range(os.fstat(file).st_size // _SLOT)
    found = bisect_left(slots, wanted, key=lambda at: os.pread(file, KEY_ID_BYTES, at * _SLOT))
    slot = os.pread(file, _SLOT, found * _SLOT)
    return slot if slot[:KEY_ID_BYTES] == wanted else b""


def _find(data: bytes, key_id: str) -> int | None:
    """Finds where the slot of an audit key begins."""
    name, at = bytes.fromhex(key_id), -1
    while (at := data.find(name, at + 1)) >= 0:
        if at % _SLOT == 0:
            return at
    return None


def combined(one: bytes | bytearray, other: bytes) -> bytes:
    """Gives the exclusive or of two values of a key's length."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(KEY_BYTES)


def _read(file: int) -> bytes:
    """Reads a file from its beginning."""
    return os.pread(file, os.fstat(file).st_size, 0)
