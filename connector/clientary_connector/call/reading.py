"""Reads a value by its output schema, leniently: what drifts is noted, nothing is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
KINDS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, Decimal),
    "object": dict,
    "array": list,
    "null": type(None),
}


@dataclass(slots=True)
class Drift:
    """Gathers where an answer differs from what was promised, each place once."""

    places: dict[str, int] = field(default_factory=dict[str, int])

    def note(self, path: str, said: str) -> None:
        """Notes one place."""
        key = f"{path}: {said}"
        self.places[key] = self.places.get(key, 0) + 1

    def warnings(self, most: int) -> tuple[str, ...]:
        """Returns the places as warnings, at most so many."""
        said = [
            key if count == 1 else f"{key} ({count} times)" for key, count in self.places.items()
        ]
        if len(said) > most:
            said = [*said[: most - 1], f"{len(said) - most + 1} more places differ"]
        return tuple(said)


Reader: TypeAlias = Callable[[Any, Drift], Any]


def reader(schema: Schema, path: str = "$") -> Reader:
    """Returns a function that reads values of a schema; all that can be is worked out here."""
    parts = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    solid = [part for part in parts if part.get("type") != "null"]
    if "x-enum" not in schema and solid:
        return nullable(reader(solid[0], path), null=len(solid) < len(parts), path=path)
    types = _types(schema)
    null = "null" in types
    if "x-enum" in schema:
        return nullable(_enum(schema["x-enum"], path), null=null or solid != list(parts), path=path)
    special = SPECIAL.get(schema.get("format", ""))
    if special is not None:
        return nullable(special(path), null=null, path=path)
    if "object" in types:
        return nullable(_object(schema, path), null=null, path=path)
    if "array" in types:
        return nullable(_array(schema, path), null=null, path=path)
    return _scalar(types, path) if types else lambda value, _: kept(value)


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


def nullable(read: Reader, *, null: bool, path: str) -> Reader:
    """Lets null pass, with a note where it was not promised."""

    def read_nullable(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if value is not None:
            return read(value, drift)
        if not null:
            drift.note(path, "null was not expected")
        return None

    return read_nullable


def _types(schema: Schema) -> frozenset[str]:
    named = schema.get("type", ())
    return frozenset((named,) if isinstance(named, str) else named)


def _differs(path: str, wanted: str, value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
    drift.note(path, f"{wanted} was expected, {NAMES[type(value)]} came")
    return kept(value)


def _scalar(types: frozenset[str], path: str) -> Reader:
    kinds = tuple(_flat(KINDS[name] for name in sorted(types)))
    wanted = " or ".join(NAMES[kind] for kind in dict.fromkeys(kinds) if kind is not type(None))
    exact = frozenset(kinds)

    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if type(value) in exact:
            return kept(value) if type(value) is Decimal else value
        if int in exact and type(value) is Decimal and _is_whole(value):
            return int(value)
        return _differs(path, wanted, value, drift)

    return read


def _flat(kinds: Any) -> Any:  # noqa: ANN401 - types and tuples of types
    for kind in kinds:
        yield from kind if isinstance(kind, tuple) else (kind,)


def _is_whole(number: Decimal) -> bool:
    return number.adjusted() <= MAX_DIGITS and number == number.to_integral_value()


def _decimal(path: str) -> Reader:
    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if type(value) is Decimal:
            return digits(value)
        if type(value) is int:
            return str(value)
        if type(value) is str and DECIMAL.fullmatch(value):
            return value
        return _differs(path, "a decimal", value, drift)

    return read


def _date(path: str) -> Reader:
    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        found = DATE.fullmatch(value) if type(value) is str else None
        if found is None:
            return _differs(path, "a date", value, drift)
        return f"{found[1]}-{found[2]}-{found[3]}"

    return read


def _date_time(path: str) -> Reader:
    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        found = DATE_TIME.fullmatch(value) if type(value) is str else None
        if found is None:
            return _differs(path, "a date and time", value, drift)
        if "/" not in value and value[10] == "T" and " " not in value:
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

    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if type(value) in {int, str}:
            if value in names:
                return names[value]
            drift.note(path, "a value that is not in the list came")
            return value
        return _differs(path, "a name or number of the list", value, drift)

    return read


def _array(schema: Schema, path: str) -> Reader:
    one = reader(schema.get("items", {}), f"{path}[]")

    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if not is_list(value):
            return _differs(path, "a list", value, drift)
        return [one(part, drift) for part in value]

    return read


def _object(schema: Schema, path: str) -> Reader:
    described: Schema = schema.get("properties", {})
    fields = {
        part.get("x-name", name): (name, reader(part, f"{path}.{name}"))
        for name, part in described.items()
    }
    required = tuple(described[name].get("x-name", name) for name in schema.get("required", ()))

    def read(value: Any, drift: Drift) -> Any:  # noqa: ANN401 - any JSON value
        if not is_object(value):
            return _differs(path, "an object", value, drift)
        record: dict[str, Any] = {}
        for wire_name, part in value.items():
            known = fields.get(wire_name)
            if known is None:
                record.setdefault(wire_name, kept(part))
            else:
                record[known[0]] = known[1](part, drift)
        for wire_name in required:
            if wire_name not in value:
                drift.note(f"{path}.{fields[wire_name][0]}", "missing")
        return record

    return read


SPECIAL: Final[Mapping[str, Callable[[str], Reader]]] = {
    "decimal": _decimal,
    "date": _date,
    "date-time": _date_time,
}
