"""Keeps the key in a file that is this user's alone.

The rules of `private_file` hold, and then: the file holds one version line and one key. Anything
else is a wrong file, never a new key. A key is made by `create` alone, and only where there is
no file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from connector_vault import cipher
from connector_vault.cipher import Entropy
from connector_vault.errors import VaultLockedError
from connector_vault.private_file import absolute, locked, make_private, read_private
from connector_vault.provider import LocalKey
from connector_vault.providers.material import decode_key, encode_key
from connector_vault.providers.means import Means

_VERSION_LINE: Final = "connector-vault-key 1"
_MAX_BYTES: Final = 256


def load(place: str, means: Means) -> LocalKey:
    """Reads the key.

    Raises:
        VaultLockedError: It is missing, unreadable, open to others, or no key.
    """
    path = _path(place)
    material = _parse(read_private(path, most=_MAX_BYTES))
    if isinstance(material, str):
        raise locked(path, material)
    return LocalKey(material, means.entropy)


def create(place: str, means: Means) -> LocalKey:
    """Reads the key, and makes it first where there is none.

    Raises:
        VaultLockedError: What is there cannot be used, or nothing can be made there.
    """
    make_private(_path(place), lambda: _new(means.entropy))
    return load(place, means)


def _path(place: str) -> Path:
    """Reads the path in the URI."""
    path = absolute(place)
    if path is None:
        raise VaultLockedError("Name the key's file with its whole path: file:/absolute/path.")
    return path


def _new(entropy: Entropy) -> bytes:
    """Writes the two lines of a new key."""
    key = encode_key(entropy(cipher.KEY_BYTES))
    return f"{_VERSION_LINE}\n{key}\n".encode()


def _parse(text: bytes) -> bytes | str:
    """Reads the version line and the key, or says what is wrong with them."""
    version, _, rest = text.partition(b"\n")
    if version != _VERSION_LINE.encode():
        return f"is not a vault key file (its first line is not {_VERSION_LINE!r})"
    return decode_key(rest.strip()) or "is damaged: it does not hold one whole key"
