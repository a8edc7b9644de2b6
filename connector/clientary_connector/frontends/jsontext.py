"""Reads JSON that a person wrote: exact numbers, no key twice, and faults with line and column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Never, TypeAlias, cast

#: Whatever JSON can say.
Json: TypeAlias = Any


class JsonTextError(ValueError):
    """The text is no JSON; the message says where and why, and never repeats the text."""


def parse_json(data: bytes | str) -> Json:
    """Reads one JSON value, with fractions as exact decimals.

    Raises:
        JsonTextError: It is not UTF-8, not JSON, names a key twice, or is nested too deeply.
    """
    text = data if isinstance(data, str) else _decoded(data)
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_constant=_no_constant,
            object_pairs_hook=_no_key_twice,
        )
    except json.JSONDecodeError as error:
        message = f"bad JSON at line {error.lineno}, column {error.colno}: {error.msg}"
    except JsonTextError as error:
        message = str(error)
    except RecursionError:
        message = "bad JSON: it is nested too deeply"
    except ValueError:
        message = "bad JSON: it holds a number with too many digits"
    raise JsonTextError(message)


def parse_object(data: bytes | str) -> dict[str, Any]:
    """Reads one JSON object.

    Raises:
        JsonTextError: It is no JSON, or no object.
    """
    value = parse_json(data)
    if not isinstance(value, dict):
        raise JsonTextError('bad JSON: expected an object, as in {"name": "value"}')
    return cast("dict[str, Any]", value)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
    raise JsonTextError(f"bad UTF-8 at line {line}, byte {column}")


def _no_constant(name: str) -> Never:
    raise JsonTextError(f"bad JSON: {name} is not a JSON number")


def _no_key_twice(items: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) != len(items):
        raise JsonTextError("bad JSON: an object names a key twice")
    return found
