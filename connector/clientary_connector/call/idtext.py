"""Says which texts can stand in the log as ids and as names of who calls."""

from __future__ import annotations

from typing import Final

MAX_ID_CHARS: Final = 256


def usable(value: object, *, longest: int | None) -> bool:
    """Tells whether a value can stand in the log as the text of an identity."""
    if not isinstance(value, str) or not value or value.isspace():
        return False
    if not value.isascii() and not encodable(value):
        return False
    return longest is None or (len(value) <= longest and value.isprintable())


def encodable(text: str) -> bool:
    """Tells whether a text can be written as UTF-8 (a lone surrogate cannot)."""
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
