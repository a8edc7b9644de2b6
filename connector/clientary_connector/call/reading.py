"""Reads a value by its output schema, leniently: what drifts is noted, nothing is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from clientary_connector.call.kinds import is_list, is_object

Schema: TypeAlias = Mapping[str, Any]

DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
DATE: Final = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})")
#: What old replies hold: slashes, a space, and the zone apart.
DATE_TIME: Final = re.compile(
    r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})[T ]"
    r"([0-9:]{5,8}(?:\.[0-9]{1,9})?) ?(Z|UTC|[+-][0-9:]{4,6})?"
)
#: A number whose digits would fill more than this keeps its exponent.
MAX_DIGITS: Final = 40
NAMES: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    Decimal: "a number",
    dict: "an object",
    list: "a list",
    type(None): "null",
}
SCALARS: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, Decimal),
}


class Drift:
    """Gathers where an answer differs from what was promised, each place once."""

    __slots__ = ("places",)

    def __init__(self) -> None:
        """Starts with no place."""
        self.places: dict[str, int] = {}

    def note(self, path: str, said: str) -> None:
        """Notes one place."""
        key = f"{path}: {said}"
        self.places[key] = self.places.get(key, 0) + 1

    def warnings(self, most: int) -> tuple[str, ...]:
        """Returns the places as warnings, at most so many."""
        if not self.places:
            return ()
        said = [
            key if count == 1 else f"{key} ({count} times)" for key, count in self.places.items()
        ]
        if len(said) > most:
            said = [*said[: most - 1], f"{len(said) - most + 1} more places differ"]
        return tuple(said)


Reader: TypeAlias = Callable[[Any, Drift], Any]


def reader(schema: Schema, path: str = "$") -> Reader:
    """Returns a function that reads values of a schema; all that can be is worked out here."""
    return _reader(_by_kind(schema, path), path)


def _reader(kinds: Mapping[type, Reader], path: str) -> Reader:
    """Returns a function that reads values of some kinds, each with what reads it."""
    if not kinds:
        return lambda value, _: kept(value)
    wanted = " or ".join(dict.fromkeys(NAMES[kind] for kind in kinds if kind is not type(None)))

    def read(value: object, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        known = kinds.get(type(value))
        if known is not None:
            return known(value, drift)
        if value is None:
            drift.note(path, "null was not expected")
            return None
        if int in kinds and type(value) is Decimal and _is_whole(value):
            return kinds[int](int(value), drift)
        return _differs(path, wanted, value, drift)

    return read


def kept(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Returns what no schema describes, fit for JSON: numbers stay exact."""
    if isinstance(value, Decimal):
        near = float(value)
        return near if Decimal(repr(near)) == value else digits(value)
    if is_object(value):
        return {name: kept(part) for name, part in value.items()}
    if is_list(value):
        return [kept(part) for part in value]
    return value


def digits(number: Decimal) -> str:
    """Writes a number with the digits that it came with."""
    return f"{number:f}" if abs(number.adjusted()) <= MAX_DIGITS else str(number)


def _by_kind(schema: Schema, path: str) -> dict[type, Reader]:
    """Returns a reader for each kind of value that a schema, or a part of its union, takes."""
    kinds = _own_kinds(schema, path)
    null = type(None) in kinds
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        others = _by_kind(part, path)
        null = null or type(None) in others
        if "x-enum" not in schema:
            kinds = {**others, **kinds}
    return {**kinds, type(None): _as_it_is} if null else kinds


def _own_kinds(schema: Schema, path: str) -> dict[type, Reader]:
    types = _types(schema)
    null: dict[type, Reader] = {type(None): _as_it_is} if "null" in types else {}
    if "x-enum" in schema:
        return dict.fromkeys((int, str), _enum(schema["x-enum"], path)) | null
    special = SPECIAL.get(schema.get("format", ""))
    if special is not None:
        kinds, make = special
        return dict.fromkeys(kinds, make(path)) | null
    found: dict[type, Reader] = {
        kind: _as_it_is for name in sorted(types & SCALARS.keys()) for kind in SCALARS[name]
    }
    if "number" in types:
        found[Decimal] = _kept
    if "object" in types or "properties" in schema:
        found[dict] = _object(schema, path)
    if "array" in types or "items" in schema:
        found[list] = _array(schema, path)
    return found | null


def _as_it_is(value: Any, _: Drift) -> Any:  # noqa: ANN401 - any JSON value
    return value


def _kept(value: Any, _: Drift) -> Any:  # noqa: ANN401 - any JSON value
    return kept(value)


def _types(schema: Schema) -> frozenset[str]:
    named = schema.get("type", ())
    return frozenset((named,) if isinstance(named, str) else named)


def _differs(path: str, wanted: str, value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
    drift.note(path, f"{wanted} was expected, {NAMES[type(value)]} came")
    return kept(value)


def _is_whole(number: Decimal) -> bool:
    return number.adjusted() <= MAX_DIGITS and number == number.to_integral_value()


def _decimal(path: str) -> Reader:
    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - a number, or the text of one
        if type(value) is Decimal:
            return digits(value)
        if type(value) is int:
            return str(value)
        return value if DECIMAL.fullmatch(value) else _differs(path, "a decimal", value, drift)

    return read


def _date(path: str) -> Reader:
    def read(value: str, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        found = DATE.fullmatch(value)
        if found is None:
            return _differs(path, "a date", value, drift)
        return f"{found[1]}-{found[2]}-{found[3]}"

    return read


def _date_time(path: str) -> Reader:
    def read(value: str, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        found = DATE_TIME.fullmatch(value)
        if found is None:
            return _differs(path, "a date and time", value, drift)
        if value[4] == "-" and value[10] == "T" and " " not in value:
            return value
        return _iso(found) or _differs(path, "a date and time", value, drift)

    return read


def _iso(found: re.Match[str]) -> str | None:
    zone = {"UTC": "Z", None: ""}.get(found[5], found[5])
    try:
        moment = datetime.fromisoformat(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}{zone}")
    except ValueError:
        return None
    return moment.isoformat().replace("+00:00", "Z")


def _enum(numbers: Mapping[str, Any], path: str) -> Reader:
    names: dict[Any, str] = {}
    for name, number in numbers.items():
        names |= {number: name, str(number): name, name: name}

    def read(value: int | str, drift: Drift) -> int | str:
        if value not in names:
            drift.note(path, "a value that is not in the list came")
        return names.get(value, value)

    return read


def _array(schema: Schema, path: str) -> Reader:
    one = reader(schema.get("items", {}), f"{path}[]")
    return lambda value, drift: [one(part, drift) for part in value]


def _object(schema: Schema, path: str) -> Reader:
    described: Schema = schema.get("properties", {})
    fields: dict[str, tuple[str, frozenset[type], Reader]] = {}
    for name, part in described.items():
        kinds = _by_kind(part, f"{path}.{name}")
        plain = frozenset(kind for kind, read in kinds.items() if read is _as_it_is)
        fields[part.get("x-name", name)] = (name, plain, _reader(kinds, f"{path}.{name}"))
    required = tuple(described[name].get("x-name", name) for name in schema.get("required", ()))

    def read(value: dict[str, Any], drift: Drift) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for wire_name, part in value.items():
            known = fields.get(wire_name)
            if known is None:
                record.setdefault(wire_name, kept(part))
            else:
                record[known[0]] = part if type(part) in known[1] else known[2](part, drift)
        for wire_name in required:
            if wire_name not in value:
                drift.note(f"{path}.{fields[wire_name][0]}", "missing")
        return record

    return read


SPECIAL: Final[Mapping[str, tuple[tuple[type, ...], Callable[[str], Reader]]]] = {
    "decimal": ((Decimal, int, str), _decimal),
    "date": ((str,), _date),
    "date-time": ((str,), _date_time),
}
