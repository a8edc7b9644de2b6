"""Finds the key that opens the vault: the one key that the vault itself does not hold.

A URI names where the key lives, and a provider wraps and unwraps with it. `file:/path` is a file
that is read under these rules, in this order:

1. Its directory is a directory, not a link, belongs to this user and is closed to all others.
2. The file is opened without following a link, and every further check is made on the file
   that was opened, not on its name.
3. It is a regular file, belongs to this user and is closed to all others.
4. It holds one version line and one key. Anything else is a wrong file, never a new key.

A key file is made by `create_key` alone, and only where there is none.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from connector_vault import cipher
from connector_vault.cipher import Entropy, Key
from connector_vault.errors import VaultLockedError

_VERSION_LINE: Final = "connector-vault-key 1"
_MAX_FILE_BYTES: Final = 256


class KeyProvider(Protocol):
    """Wraps and unwraps the vault's terms with a key that stays outside the vault.

    `id` names the key for good: it is stored beside what the key wrapped. `fingerprint` may be
    shown to anyone. `wrap` binds what it wraps to the context; `unwrap` raises CipherError
    if key, context or bytes are not the same, and VaultLockedError if the key is out of reach.
    """

    @property
    def id(self) -> str:
        """The name that is stored beside wrapped keys."""
        ...

    @property
    def fingerprint(self) -> str:
        """The name that people see."""
        ...

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""
        ...

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""
        ...


class LocalKey:
    """A provider whose key is in this process's memory."""

    def __init__(self, material: bytes, entropy: Entropy) -> None:
        """Takes the 32 bytes of the key."""
        self._key = Key(_fingerprint(material), material)
        self._entropy = entropy

    @property
    def id(self) -> str:
        """The fingerprint: the same key is the same wherever its file lies."""
        return self._key.id

    @property
    def fingerprint(self) -> str:
        """A one-way hash of the key."""
        return self._key.id

    def wrap(self, material: bytes | bytearray, bound: bytes) -> bytes:
        """Seals key material, bound to a context."""
        return cipher.seal(self._key, material, bound, self._entropy)

    def unwrap(self, sealed: bytes, bound: bytes) -> bytearray:
        """Opens what `wrap` sealed under the same context."""
        return cipher.unseal(self._key, sealed, bound)


def load_key(uri: str, entropy: Entropy = os.urandom) -> KeyProvider:
    """Reads the key that a URI names.

    Raises:
        VaultLockedError: It is missing, unreadable, open to others, or no key.
    """
    path = key_path(uri)
    with _directory(path) as directory:
        text = _read_file(path, directory)
    return LocalKey(_parse(text, path), entropy)


def create_key(uri: str, entropy: Entropy = os.urandom) -> KeyProvider:
    """Reads the key that a URI names, and makes it first where there is none.

    Raises:
        VaultLockedError: What is there cannot be used, or nothing can be made there.
    """
    path = key_path(uri)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.parent.chmod(0o700)
    except OSError as error:
        raise _locked(path, f"cannot be made ({error.strerror})") from None
    with _directory(path) as directory:
        _make_file(path, directory, entropy)
    return load_key(uri, entropy)


def key_path(uri: str) -> Path:
    """Gives the path in a `file:` URI.

    Raises:
        VaultLockedError: It is no such URI, or its path is not absolute.
    """
    scheme, _, rest = uri.partition(":")
    if scheme != "file" or not Path(rest).is_absolute():
        raise VaultLockedError("Name the key as file:/absolute/path; no other place is known.")
    return Path(rest)


@contextmanager
def _directory(path: Path) -> Generator[int]:
    """Opens the key's directory, checked, for as long as the file in it is used."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        directory = os.open(path.parent, flags)
    except OSError as error:
        raise _locked(path.parent, f"cannot be opened ({error.strerror})") from None
    try:
        _check_private(os.fstat(directory), path.parent, advice="chmod 700")
        yield directory
    finally:
        os.close(directory)


def _read_file(path: Path, directory: int) -> bytes:
    """Reads the key file through one descriptor that was checked."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = os.open(path.name, flags, dir_fd=directory)
    except FileNotFoundError:
        raise _locked(path, "does not exist; put the key back, no new one is made") from None
    except OSError as error:
        raise _locked(path, f"cannot be opened, or is a link ({error.strerror})") from None
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise _locked(path, "is not a regular file")
        _check_private(status, path, advice="chmod 600")
        return os.read(file, _MAX_FILE_BYTES + 1)
    finally:
        os.close(file)


def _check_private(status: os.stat_result, path: Path, *, advice: str) -> None:
    """Refuses what belongs to, or is open to, somebody else."""
    if status.st_uid != os.geteuid():
        raise _locked(path, "belongs to another user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise _locked(path, f"is open to other users; run {advice} on it")


def _make_file(path: Path, directory: int, entropy: Entropy) -> None:
    """Writes a new key file, unless there is one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        file = os.open(path.name, flags, 0o600, dir_fd=directory)
    except FileExistsError:
        return
    except OSError as error:
        raise _locked(path, f"cannot be made ({error.strerror})") from None
    key = base64.b64encode(entropy(cipher.KEY_BYTES)).decode()
    try:
        os.fchmod(file, 0o600)
        os.write(file, f"{_VERSION_LINE}\n{key}\n".encode())
        os.fsync(file)
        os.fsync(directory)
    except OSError as error:
        os.unlink(path.name, dir_fd=directory)
        raise _locked(path, f"cannot be written ({error.strerror})") from None
    finally:
        os.close(file)


def _parse(text: bytes, path: Path) -> bytes:
    """Reads the version line and the key."""
    version, _, rest = text.partition(b"\n")
    if version != _VERSION_LINE.encode():
        raise _locked(path, f"is not a vault key file (its first line is not {_VERSION_LINE!r})")
    material = _decode(rest.strip())
    if len(material) != cipher.KEY_BYTES:
        raise _locked(path, "is damaged: it does not hold one whole key")
    return material


def _decode(line: bytes) -> bytes:
    """Decodes base64; what is not base64 is empty."""
    try:
        return base64.b64decode(line, validate=True)
    except binascii.Error:
        return b""


def _fingerprint(material: bytes) -> str:
    """Gives 16 bytes of a hash that only this use of the key has."""
    digest = hashlib.sha256(cipher.context("fingerprint", material)).digest()
    return digest[: cipher.KEY_ID_BYTES].hex()


def _locked(path: Path, why: str) -> VaultLockedError:
    """Says which file keeps the vault locked, and why."""
    return VaultLockedError(f"The vault stays locked: {path} {why}.")
