"""Writes the encoding and the hashes a second time, from their specifications."""

from __future__ import annotations

import struct

from connector_vault.encoding import Value


def by_hand(*values: Value) -> bytes:
    """Writes the MessagePack of a row from its specification, for rows under 16 values."""
    return bytes((0x90 | len(values),)) + b"".join(_one(value) for value in values)


def _one(value: Value) -> bytes:
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, str):
        text = value.encode()
        return (
            bytes((0xA0 | len(text),)) if len(text) < 32 else b"\xd9" + bytes((len(text),))
        ) + text
    return b"\xc4" + bytes((len(value),)) + value


def _number(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b", value) if value < 0 else bytes((value,))
    forms = (
        [(0xCC, ">B"), (0xCD, ">H"), (0xCE, ">I"), (0xCF, ">Q")]
        if value >= 0
        else [(0xD0, ">b"), (0xD1, ">h"), (0xD2, ">i"), (0xD3, ">q")]
    )
    for tag, form in forms:
        try:
            return bytes((tag,)) + struct.pack(form, value)
        except struct.error:
            continue
    raise AssertionError(value)


def long_row(*values: Value) -> bytes:
    """Writes a row of 16 values or more, or of fewer."""
    if len(values) < 16:
        return by_hand(*values)
    return b"\xdc" + struct.pack(">H", len(values)) + b"".join(_one(value) for value in values)
