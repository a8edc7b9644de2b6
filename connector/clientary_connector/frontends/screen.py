"""Prints words from elsewhere so that they are seen and never obeyed by the terminal.

1. A character that a terminal might act on, or that hides or turns text, is shown as its escape.
2. Colour and boxes appear on a terminal only; in a pipe the same table is plain and whole.
3. JSON stays JSON: there the same characters are escaped the way JSON escapes them.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

GAP: Final = "  "

_encoder = msgspec.json.Encoder(decimal_format="number")


class PipeClosedError(Exception):
    """Whoever read the output went away, as `head` does."""


def emit(text: str) -> None:
    """Writes to stdout at once.

    Raises:
        PipeClosedError: Nobody reads stdout any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise PipeClosedError from None


def emit_bytes(data: bytes) -> None:
    """Writes UTF-8 to stdout at once, whatever encoding the terminal claims.

    Raises:
        PipeClosedError: Nobody reads stdout any more.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise PipeClosedError from None


def note(text: str) -> None:
    """Writes a line for a person to stderr, where it is in nobody's way."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def visible(text: str) -> str:
    """Returns the text with every character that a terminal might obey shown as an escape."""
    return _escaped(text, _shown)


def cell(value: object) -> str:
    """Returns any JSON value as the text of one table cell, on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return visible(value)
        case int() | float() | Decimal():
            return str(value)
        case _:
            return compact(value)


def compact(value: object) -> str:
    """Returns a JSON value on one line."""
    return _escaped(_encoder.encode(value).decode(), _shown_in_json)


def spaced(value: object) -> str:
    """Returns a JSON value on one line that can be broken at its spaces."""
    line = msgspec.json.format(_encoder.encode(value), indent=0).decode()
    return _escaped(line, _shown_in_json)


def document(value: object) -> str:
    """Returns a JSON value laid out for people, one field a line."""
    pretty = msgspec.json.format(_encoder.encode(value), indent=2).decode()
    return "\n".join(_escaped(line, _shown_in_json) for line in pretty.split("\n"))


def shortened(text: str, width: int) -> str:
    """Returns the text cut to a width, with a mark where something was left out."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table: with colour on a terminal, plain and whole in a pipe."""
    texts = [[cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        emit(plain_table(columns, texts))
        return
    from clientary_connector.frontends.colour import coloured_table  # noqa: PLC0415 -- 75 ms of rich

    emit(coloured_table(columns, texts, width=terminal_width()))


def plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table as aligned text, without colour and without a cut."""
    lines = [[column.upper() for column in columns], *rows]
    widths = [max(width_of(line[at]) for line in lines) for at in range(len(columns))]
    return "".join(f"{_aligned(line, widths)}\n" for line in lines)


def pairs(items: Iterable[tuple[str, object]]) -> str:
    """Returns names and values, a pair a line, with the values under each other."""
    shown = [(name, cell(value)) for name, value in items]
    width = max((width_of(name) for name, _ in shown), default=0)
    return "".join(f"{_aligned((name, text), (width, 0))}\n" for name, text in shown)


def when(moment: datetime | str) -> str:
    """Returns a moment, which has a zone, as the clock on the wall shows it."""
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def terminal_width() -> int:
    """Returns how many columns the terminal on stdout has."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except OSError:
        return 80


def width_of(text: str) -> int:
    """Returns how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        text + " " * (width - width_of(text)) for text, width in zip(line, widths, strict=True)
    )
    return GAP.join(padded).rstrip()


def _escaped(text: str, shown: Callable[[str], str]) -> str:
    if text.isprintable():
        return text
    return "".join(character if _is_harmless(character) else shown(character) for character in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _shown(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _shown_in_json(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
