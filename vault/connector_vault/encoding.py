"""Writes a row of values as the one string of bytes that hashes, MACs and keys are bound to.

The form is MessagePack: an array, every value with its type and length before it, in the
shortest form there is. Two rows of values that differ in any value, in a type, or in where one
value ends and the next begins, never give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

Value: TypeAlias = str | bytes | int | None


def _plain(value: object) -> dict[Any, Any]:
    """Gives a mapping as JSON knows it.

    Raises:
        TypeError: It is none.
    """
    if isinstance(value, Mapping):
        return {**value}
    raise TypeError(f"JSON has no {type(value).__name__}.")


_ENCODER: Final = msgspec.msgpack.Encoder()
#: The body of a record that was read is a mapping that JSON does not know.
_JSON: Final = msgspec.json.Encoder(order="sorted", enc_hook=_plain)
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])


def encode(*values: Value) -> bytes:
    """Gives the bytes that stand for exactly these values."""
    return _ENCODER.encode(values)


def encode_row(values: Sequence[Value]) -> bytes:
    """Gives the bytes that stand for exactly the values of a row."""
    return _ENCODER.encode(values)


def encode_rows(rows: Iterable[Sequence[Value]]) -> list[bytes]:
    """Gives the same for each of many rows."""
    return [*map(_ENCODER.encode, rows)]


def json_text(value: object) -> str:
    """Gives JSON with sorted keys and no spaces, so that equal values give equal text."""
    return _JSON.encode(value).decode()


def json_object(text: str) -> dict[str, Any]:
    """Reads a JSON object."""
    return _OBJECT.decode(text)


def json_facts(text: object) -> dict[str, Any] | None:
    """Reads a JSON object that may have been altered; None if it is none."""
    try:
        return None if not isinstance(text, str) else _OBJECT.decode(text)
    except msgspec.DecodeError:
        return None


def microseconds(clock: Callable[[], float]) -> int:
    """Gives the time of a clock as the vault stores it."""
    return int(clock() * 1_000_000)
