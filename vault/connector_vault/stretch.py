"""Stretches a passphrase into a key, so that guessing it costs time and memory."""

from __future__ import annotations

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from connector_vault.cipher import KEY_BYTES


def stretch(passphrase: bytes, *, salt: bytes, memory_kib: int, passes: int, lanes: int) -> bytes:
    """Gives the key that Argon2id (RFC 9106) makes of a passphrase."""
    argon = Argon2id(
        salt=salt, length=KEY_BYTES, iterations=passes, lanes=lanes, memory_cost=memory_kib
    )
    return argon.derive(passphrase)
