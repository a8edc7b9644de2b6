"""Takes the key from an environment variable, as base64 of 32 bytes.

Whoever may read this process's environment has the key: a file is safer where there is one.
"""

from __future__ import annotations

import re
from typing import Final

from connector_vault.errors import VaultLockedError
from connector_vault.provider import LocalKey
from connector_vault.providers.material import decode_key
from connector_vault.providers.means import Means

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def load(place: str, means: Means) -> LocalKey:
    """Reads the key.

    Raises:
        VaultLockedError: The variable is not set, or holds no key.
    """
    # A key pasted in place of a name would be shown to whoever reads the message.
    if not _NAME.fullmatch(place):
        raise VaultLockedError("Name the variable that holds the key: env:NAME.")
    if not _is_set(place, means):
        raise VaultLockedError(f"The vault stays locked: the variable {place} is not set.")
    material = decode_key(means.environ[place].strip())
    if material is None:
        raise VaultLockedError(
            f"The vault stays locked: the variable {place} does not hold base64 of 32 bytes."
        )
    return LocalKey(material, means.entropy)


def create(place: str, means: Means) -> LocalKey:
    """Reads the key; a variable that outlives this process can only be set from outside.

    Raises:
        VaultLockedError: The variable is not set, or holds no key.
    """
    if _NAME.fullmatch(place) and not _is_set(place, means):
        raise VaultLockedError(
            f"The variable {place} is not set, and a process cannot set it for the next one. "
            f'Make a key with: export {place}="$(head -c 32 /dev/urandom | base64)", and keep it: '
            "without it nothing in the vault can be read again."
        )
    return load(place, means)


def _is_set(name: str, means: Means) -> bool:
    """Sees whether the variable holds anything."""
    return bool(means.environ.get(name, "").strip())
