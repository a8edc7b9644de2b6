"""Says what kind of value a schema describes, and brings values of it into one plain form.

1. What says nothing stays silent: null, an empty text where a number is due, and whatever is not
   of its kind. What is silent meets no condition.
2. Numbers are compared exactly, whether they came as number or as text.
3. Addresses are compared without regard to case. One that a mail server could read in two ways
   (quoted, or with a comma, space or bracket in it) is silent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeGuard

Schema: TypeAlias = Mapping[str, Any]
Plain: TypeAlias = Decimal | str | bool

DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
ADDRESS: Final = re.compile(r"[^\s,;:\"<>()\[\]@\\]+@[^\s,;:\"<>()\[\]@\\]+")


class Form(StrEnum):
    """Names what a value is compared as."""

    NUMBER = "a number"
    TEXT = "a text"
    ADDRESS = "an e-mail address"
    DATE = "a date"
    MOMENT = "a date and time"
    FLAG = "true or false"
    CHOICE = "one of a list"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is compared as, and whether there is a list of them."""

    form: Form
    many: bool = False
    #: The names of a choice by all that may stand for them.
    names: Mapping[Any, str] | None = None

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of a choice, in their order."""
        return tuple(dict.fromkeys((self.names or {}).values()))


def kind_of(schema: Schema) -> Kind | None:
    """Returns the kind of what a schema describes; None for what cannot be compared."""
    if schema.get("type") == "array" or "array" in schema.get("type", ()):
        inner = kind_of(schema.get("items", {}))
        return (
            None if inner is None or inner.many else Kind(inner.form, many=True, names=inner.names)
        )
    names = _names(schema)
    if names:
        return Kind(Form.CHOICE, names=names)
    form = _form(schema)
    return None if form is None else Kind(form)


def plain(value: Any, kind: Kind) -> Plain | None:  # noqa: ANN401, PLR0911 - any JSON value
    """Returns one value in its plain form; None where it says nothing."""
    match kind.form:
        case Form.NUMBER:
            return _number(value)
        case Form.FLAG:
            return value if isinstance(value, bool) else None
        case Form.CHOICE:
            known = isinstance(value, str | int) and not isinstance(value, bool)
            return (kind.names or {}).get(value) if known else None
        case Form.TEXT:
            text = str(value) if type(value) is int else value
            return text if isinstance(text, str) else None
        case Form.ADDRESS:
            fits = isinstance(value, str) and ADDRESS.fullmatch(value)
            return value.casefold() if fits else None
        case Form.DATE:
            return value if isinstance(value, str) and DATE.fullmatch(value) else None
        case _:
            return _moment(value)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Tells whether a JSON value is a list."""
    return isinstance(value, list)


def _form(schema: Schema) -> Form | None:
    named = schema.get("type", ())
    types = {named} if isinstance(named, str) else set(named)
    types -= {"null"}
    by_format = {
        "decimal": Form.NUMBER,
        "date": Form.DATE,
        "date-time": Form.MOMENT,
        "email": Form.ADDRESS,
    }
    if schema.get("format") in by_format:
        return by_format[schema["format"]]
    if types and types <= {"integer", "number"}:
        return Form.NUMBER
    if types == {"boolean"}:
        return Form.FLAG
    return Form.TEXT if "string" in types and types <= {"string", "integer"} else None


def _names(schema: Schema) -> dict[Any, str]:
    """Returns the names of a choice by name, number and number as text."""
    if "x-enum" in schema:
        found: dict[Any, str] = {}
        for name, number in schema["x-enum"].items():
            found |= {name: name, number: name, str(number): name}
        return found
    values = schema.get("enum", ())
    return {name: name for name in values if isinstance(name, str)}


def _number(value: Any) -> Decimal | None:  # noqa: ANN401 - any JSON value
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else None


def _moment(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Returns a time as ISO 8601 in UTC, so that two can be compared as texts."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        if read is None:
            return None
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return None
