"""Makes the key from a passphrase with Argon2id; a file holds the salt and the parameters.

1. The file is private (see `private_file`) and holds nothing secret. Without it the passphrase
   opens nothing, so it belongs into every backup of the vault; it may lie beside the vault.
2. Its parameters must lie within bounds before they are used: whoever could write the file can
   neither weaken the key nor take all memory.
3. The passphrase is asked for last, once, and wiped.
4. A wrong one gives another key, which the vault tells by its fingerprint.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from connector_vault.errors import VaultLockedError
from connector_vault.private_file import absolute, locked, make_private, read_private
from connector_vault.provider import LocalKey
from connector_vault.providers.means import Means
from connector_vault.secret import Secret
from connector_vault.stretch import stretch

#: A new passphrase has at least so many characters: the file and the database may be stolen.
LEAST_CHARACTERS: Final = 12

_VERSION_LINE: Final = "connector-vault-passphrase 1"
_MAX_BYTES: Final = 256
_SALT_BYTES: Final = 16
_LINE: Final = re.compile(
    r"argon2id m=([1-9]\d{0,8}) t=([1-9]\d{0,2}) p=([1-9]\d{0,2}) salt=([A-Za-z0-9+/]{22}==)"
)
# From the second recommendation of RFC 9106, section 4, up to what a small server can spare.
_MEMORY_KIB: Final = range(64 * 1024, 1024 * 1024 + 1)
_PASSES: Final = range(3, 11)
_LANES: Final = range(1, 17)


@dataclass(frozen=True, slots=True)
class _Parameters:
    """How a passphrase becomes a key; by default as RFC 9106 recommends where memory is dear."""

    salt: bytes
    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4


def load(place: str, means: Means) -> LocalKey:
    """Asks for the passphrase and makes the key.

    Raises:
        VaultLockedError: The file cannot be used, or nobody knows the passphrase.
    """
    path = _path(place)
    return _key(_stored(path), path, means, new=False)


def create(place: str, means: Means) -> LocalKey:
    """Makes the file where there is none, asks for the passphrase and makes the key.

    Raises:
        VaultLockedError: The file cannot be made or used, or the passphrase is too short.
    """
    path = _path(place)
    make_private(path, lambda: _written(_Parameters(means.entropy(_SALT_BYTES))))
    return _key(_stored(path), path, means, new=True)


def _path(place: str) -> Path:
    """Reads the path in the URI."""
    path = absolute(place)
    if path is None:
        raise VaultLockedError("Name the file with its whole path: passphrase:/absolute/path.")
    return path


def _key(parameters: _Parameters, path: Path, means: Means, *, new: bool) -> LocalKey:
    """Asks for the passphrase, and wipes it once the key is made."""
    if means.passphrase is None:
        raise locked(path, "needs a passphrase, and here is nobody to ask")
    least = LEAST_CHARACTERS if new else 1
    with means.passphrase(f"the vault key at {path}", new=new) as secret:
        material = _stretched(secret, parameters, least)
    if material is None:
        raise locked(path, f"needs a passphrase of at least {least} characters")
    return LocalKey(material, means.entropy)


def _stretched(secret: Secret, parameters: _Parameters, least: int) -> bytes | None:
    """Makes the key; None if the passphrase is too short."""
    # The same letters come composed from one keyboard and decomposed from another.
    passphrase = unicodedata.normalize("NFC", secret.reveal())
    if len(passphrase) < least:
        return None
    return stretch(
        passphrase.encode(),
        salt=parameters.salt,
        memory_kib=parameters.memory_kib,
        passes=parameters.passes,
        lanes=parameters.lanes,
    )


def _written(parameters: _Parameters) -> bytes:
    """Writes the two lines of the file."""
    salt = base64.b64encode(parameters.salt).decode()
    line = (
        f"argon2id m={parameters.memory_kib} t={parameters.passes} p={parameters.lanes} salt={salt}"
    )
    return f"{_VERSION_LINE}\n{line}\n".encode()


def _stored(path: Path) -> _Parameters:
    """Reads the file, and takes no parameter that is out of bounds."""
    text = read_private(path, most=_MAX_BYTES).decode("ascii", "replace")
    version, _, rest = text.partition("\n")
    found = _LINE.fullmatch(rest.rstrip("\n"))
    if version != _VERSION_LINE or found is None:
        raise locked(path, f"is damaged, or no passphrase file ({_VERSION_LINE!r})")
    memory_kib, passes, lanes = (int(found[number]) for number in (1, 2, 3))
    if memory_kib not in _MEMORY_KIB or passes not in _PASSES or lanes not in _LANES:
        raise locked(path, "asks for an Argon2id that is too weak or too costly")
    return _Parameters(base64.b64decode(found[4]), memory_kib, passes, lanes)
