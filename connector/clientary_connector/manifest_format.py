"""Lays a manifest out for people: a field a line, and short objects and lists on one line."""

from __future__ import annotations

import json
from typing import Final, TypeAlias, cast

from clientary_connector.errors import ManifestError
from clientary_connector.manifest.reading import no_number, parsed, unique

Json: TypeAlias = "str | bool | list[Json] | dict[str, Json] | None"

WIDTH: Final = 120
INDENT: Final = "  "
# The members of these stand on lines of their own, however short they are.
OPEN: Final = frozenset({"$defs", "actions", "actions[]", "properties"})


class Number(str):
    """A number, spelled as it was."""

    __slots__ = ()


def format_manifest(text: str) -> str:
    """Lays out a JSON text; what it says stays the same, down to the spelling of numbers.

    Raises:
        ManifestError: The text is not JSON, or an object names a key twice.
    """
    value = cast("Json", parsed(text, _DECODER))
    try:
        return _laid_out(value, key="", depth=0, taken=0) + "\n"
    except RecursionError as error:
        raise ManifestError("Nested too deeply.", hint="Flatten the JSON.") from error


def _laid_out(value: Json, *, key: str, depth: int, taken: int) -> str:
    """Writes a value that starts at column `taken` of its line."""
    members = _members(value, key)
    flat = _flat(value)
    # The comma behind the value belongs to the width of its line.
    if not members or (taken + len(flat) < WIDTH and not _stays_open(value, key)):
        return flat
    start = INDENT * (depth + 1)
    parts = [
        label + _laid_out(part, key=name, depth=depth + 1, taken=len(start + label))
        for name, label, part in members
    ]
    side_by_side = key not in OPEN and all(_simple(part) for _, _, part in members)
    lines = _filled(parts, len(start)) if side_by_side else [f"{part}," for part in parts]
    left, right = "{}" if isinstance(value, dict) else "[]"
    body = "\n".join(start + line for line in lines).removesuffix(",")
    return f"{left}\n{body}\n{INDENT * depth}{right}"


def _simple(value: Json) -> bool:
    return not any(isinstance(part, dict | list) for _, _, part in _members(value, ""))


def _filled(parts: list[str], taken: int) -> list[str]:
    """Sets short values side by side for as long as the line holds them."""
    lines = [f"{parts[0]},"]
    for part in parts[1:]:
        fits = taken + len(lines[-1]) + len(part) + 2 <= WIDTH
        if fits and "\n" not in lines[-1] + part:
            lines[-1] += f" {part},"
        else:
            lines.append(f"{part},")
    return lines


def _members(value: Json, key: str) -> list[tuple[str, str, Json]]:
    """Names what a value holds: the key of each part, what stands before it, and the part."""
    if isinstance(value, dict):
        return [(name, f"{_quoted(name)}: ", part) for name, part in value.items()]
    if isinstance(value, list):
        return [(f"{key}[]", "", part) for part in value]
    return []


def _stays_open(value: Json, key: str) -> bool:
    members = _members(value, key)
    several = len(members) > 1 or key == "actions[]"
    return (key in OPEN and several) or any(_stays_open(part, name) for name, _, part in members)


def _flat(value: Json) -> str:
    if isinstance(value, Number):
        return value
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, dict | list):
        parts = ", ".join(label + _flat(part) for _, label, part in _members(value, ""))
        return f"{{{parts}}}" if isinstance(value, dict) else f"[{parts}]"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """Quotes a text as itself; half a surrogate pair, which no file can hold, is escaped."""
    halved = any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(text, ensure_ascii=halved)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=unique, parse_float=Number, parse_int=Number, parse_constant=no_number
)
