"""Reads what a write gives: a table of fields for each noun, and all faults at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

BLANK: Final = "can't be blank"
INVALID: Final = "is invalid"
NOT_A_NUMBER: Final = "is not a number"
NOT_LISTED: Final = "is not included in the list"
TAKEN: Final = "has already been taken"
NOT_THERE: Final = "must exist"

_DATE: Final = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}", re.ASCII)
_TRUE: Final = frozenset({"true", "1", "t", "yes"})
_FALSE: Final = frozenset({"false", "0", "f", "no", ""})

_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


class RejectedError(Exception):
    """A write breaks rules of its record: field names with their messages (422)."""

    def __init__(self, faults: Mapping[str, list[str]]) -> None:
        """Keep the faults of all fields."""
        super().__init__(f"rejected: {', '.join(faults)}")
        self.faults = faults


class FaultyError(ValueError):
    """One value does not fit its field; the message is what Clientary would answer."""


Reader = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Field:
    """One writable field: how its value is read, and where it is kept."""

    name: str
    read: Reader
    required: bool = False
    nullable: bool = True
    attribute: str = ""


def decode(body: bytes) -> Any:  # noqa: ANN401 - this is where JSON comes in
    """Decode JSON with every fraction as an exact Decimal."""
    return _decoder.decode(body)


def check(fields: tuple[Field, ...], given: Mapping[str, object], *, new: bool) -> dict[str, Any]:
    """Read the given fields into attributes; unknown names are ignored, as Clientary does.

    Raises:
        RejectedError: With all faults, when a required field is missing or a value does not fit.
    """
    values: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for field in fields:
        if field.name not in given:
            if new and field.required:
                faults[field.name] = [BLANK]
            continue
        try:
            values[field.attribute or field.name] = _read(field, given[field.name])
        except FaultyError as fault:
            faults[field.name] = [str(fault)]
    if faults:
        raise RejectedError(faults)
    return values


def _read(field: Field, value: object) -> object:
    blank = value is None or (isinstance(value, str) and not value.strip())
    if not blank:
        return field.read(value)
    if field.required or not field.nullable:
        raise FaultyError(BLANK)
    return None


def text(value: object) -> str:
    """Read a text; a number is taken as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise FaultyError(INVALID)
    return str(value)


def email(value: object) -> str:
    """Read an e-mail address."""
    address = text(value)
    name, _, host = address.partition("@")
    if not name or "." not in host or " " in address:
        raise FaultyError(INVALID)
    return address


def decimal(value: object) -> Decimal:
    """Read an amount from a number or a decimal string, exactly."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise FaultyError(NOT_A_NUMBER)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise FaultyError(NOT_A_NUMBER) from None
    if not number.is_finite():
        raise FaultyError(NOT_A_NUMBER)
    return number


def integer(value: object) -> int:
    """Read a whole number from a number or its digits."""
    number = decimal(value)
    if number != number.to_integral_value():
        raise FaultyError("must be an integer")
    return int(number)


def one_of(*numbers: int) -> Reader:
    """Make the reader of an enumeration."""

    def read(value: object) -> int:
        number = integer(value)
        if number not in numbers:
            raise FaultyError(NOT_LISTED)
        return number

    return read


def boolean(value: object) -> bool:
    """Read true or false, also as 1, 0 or their words."""
    word = str(value).lower()
    if isinstance(value, bool | int | str) and word in _TRUE | _FALSE:
        return word in _TRUE
    raise FaultyError(INVALID)


def day(value: object) -> date:
    """Read a date, written with dashes or slashes."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise FaultyError(INVALID)
    year, month, number = value.replace("/", "-").split("-")
    try:
        return date(int(year), int(month), int(number))
    except ValueError:
        raise FaultyError(INVALID) from None


def moment(value: str) -> datetime:
    """Read a date-time; a date alone is its first moment, and no offset means UTC."""
    if _DATE.fullmatch(value):
        first = day(value)
        return datetime(first.year, first.month, first.day, tzinfo=UTC)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise FaultyError(INVALID) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def anything(value: object) -> object:
    """Keep a value as it is."""
    return value
