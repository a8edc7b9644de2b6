"""Turns an action and its arguments into a request: pure data, no secret, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeAlias
from urllib.parse import quote, urlencode

import msgspec

from clientary_connector.call.kinds import is_mapping, is_sequence
from clientary_connector.manifest import Action

Schema: TypeAlias = Mapping[str, Any]
Convert: TypeAlias = Callable[[Any], Any]

ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
#: Numbers longer than that keep their exponent: written out they could fill the memory.
MAX_DIGITS: Final = 30
#: A path part that a client or server would take for "here" or "above".
DOTS: Final = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Holds what would be sent, save for the host and the secret."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)

    @property
    def resource(self) -> str:
        """The path and the query, as they stand in a URL."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    @property
    def document(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body, decoded; numbers keep their digits."""
        return None if self.body is None else DECODER.decode(self.body)

    def to_json(self) -> dict[str, Any]:
        """Returns the request as a JSON object; the body keeps its exact digits."""
        return {
            "method": self.method,
            "path": self.path,
            "query": [list(pair) for pair in self.query],
            "body": None if self.body is None else msgspec.Raw(self.body),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Holds a form that would be posted; unlike a request, it holds its secrets itself."""

    path: str
    body: bytes = field(repr=False)
    #: What shows who the sender is, where that is not in the body.
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    method: str = "POST"


class PathPartError(ValueError):
    """An argument of the path would lead to another resource."""

    def __init__(self, name: str) -> None:
        """Takes the name of the argument."""
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Slot:
    """One argument, the name it has on the wire, and how its value is written there."""

    name: str
    wire_name: str
    convert: Convert


class Requests:
    """Builds the requests of one action; what its schema says is worked out once."""

    def __init__(self, action: Action, *, base_path: str) -> None:
        """Takes the action and what comes before each of its paths."""
        fields: Schema = action.input.get("properties", {})
        self._action = action
        self._template = base_path + action.path
        self._path = _slots(action.place.path, fields)
        self._query = _slots(action.place.query, fields)
        self._body = _slots(action.place.body, fields)
        self._canonical = {name: canonical(schema) for name, schema in fields.items()}

    def build(self, arguments: Mapping[str, Any]) -> Request:
        """Returns the request for arguments that were checked.

        Raises:
            PathPartError: An argument of the path would lead elsewhere.
        """
        return Request(
            method=self._action.method,
            path=self._filled(arguments),
            query=self._asked(arguments) if self._query else (),
            body=self._encoded(arguments) if self._body else None,
        )

    def canonical(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the arguments in the one form in which equal ones are equal."""
        return {name: self._canonical[name](arguments[name]) for name in sorted(arguments)}

    def _asked(self, arguments: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        return tuple(
            (slot.wire_name, text)
            for slot in self._query
            if slot.name in arguments
            for text in _texts(slot.convert(arguments[slot.name]))
        )

    def _filled(self, arguments: Mapping[str, Any]) -> str:
        path = self._template
        for slot in self._path:
            part = str(slot.convert(arguments[slot.name]))
            if part in DOTS:
                raise PathPartError(slot.name)
            # Most are numbers, which are written as they are.
            safe = part if part.isascii() and part.isalnum() else quote(part, safe="")
            path = path.replace(f"{{{slot.name}}}", safe)
        return path

    def _encoded(self, arguments: Mapping[str, Any]) -> bytes:
        body = {
            slot.wire_name: slot.convert(arguments[slot.name])
            for slot in self._body
            if slot.name in arguments
        }
        wrapper = self._action.wrapper
        return ENCODER.encode(body if wrapper is None else {wrapper: body})


def wire(schema: Schema) -> Convert:
    """Returns how a value of this schema is written on the wire."""
    return _convert(schema, decimal=exact, rename=True)


def canonical(schema: Schema) -> Convert:
    """Returns how a value of this schema is written so that equal ones look equal."""
    return _convert(schema, decimal=plain, rename=False)


def exact(value: Any) -> Any:  # noqa: ANN401 - numbers, texts of numbers and null
    """Returns a number with the digits that were given, never through a binary fraction."""
    if isinstance(value, float):
        return Decimal(repr(value))
    return Decimal(value) if isinstance(value, str) else value


def plain(value: Any) -> Any:  # noqa: ANN401 - numbers, texts of numbers and null
    """Returns a number as a text in its one shortest form."""
    if value is None:
        return None
    number = Decimal(exact(value))
    return f"{number.normalize():f}" if abs(number.adjusted()) <= MAX_DIGITS else str(number)


def _slots(names: tuple[str, ...], fields: Schema) -> tuple[Slot, ...]:
    return tuple(Slot(name, fields[name].get("x-name", name), wire(fields[name])) for name in names)


def _texts(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    if is_sequence(value):
        return tuple(text for part in value for text in _texts(part))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return () if value is None else (str(value),)


def _convert(schema: Schema, *, decimal: Convert, rename: bool) -> Convert:
    """Follows a schema down to the values that are written otherwise than they are given."""
    if schema.get("format") == "decimal":
        return decimal
    if "x-enum" in schema:
        numbers: Mapping[Any, Any] = schema["x-enum"]
        return lambda value: numbers.get(value, value)
    if "properties" in schema:
        return _object(schema["properties"], decimal=decimal, rename=rename)
    if isinstance(schema.get("items"), Mapping):
        return _array(_convert(schema["items"], decimal=decimal, rename=rename))
    parts = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    inner = [_convert(part, decimal=decimal, rename=rename) for part in parts]
    return next((convert for convert in inner if convert is not as_given), as_given)


def _array(one: Convert) -> Convert:
    def convert(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        return [one(part) for part in value] if is_sequence(value) else value

    return convert


def _object(fields: Schema, *, decimal: Convert, rename: bool) -> Convert:
    names = {name: part.get("x-name", name) if rename else name for name, part in fields.items()}
    converts = {
        name: _convert(part, decimal=decimal, rename=rename) for name, part in fields.items()
    }

    def convert(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not is_mapping(value):
            return value
        return {
            names.get(name, name): converts.get(name, as_given)(part)
            for name, part in value.items()
        }

    return convert


def as_given(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the value."""
    return value
