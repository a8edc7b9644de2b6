"""Reads and writes a key as one line of base64."""

from __future__ import annotations

import base64
import binascii

from connector_vault import cipher


def encode_key(material: bytes) -> str:
    """Writes a key."""
    return base64.b64encode(material).decode()


def decode_key(text: str | bytes) -> bytes | None:
    """Reads a key of 32 bytes; None if it is anything else."""
    try:
        material = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return material if len(material) == cipher.KEY_BYTES else None
