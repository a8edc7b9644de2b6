"""Shapes what a call came to, so that a page can print it: records as tables, the rest as pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from clientary_connector.call.kinds import is_list, is_object

#: A page stays light: what is longer stands in the log, and in what the API answers.
MOST_ROWS: Final = 100
MOST_COLUMNS: Final = 12
MOST_CHARS: Final = 30_000
MOST_CELL: Final = 200
#: What is shown in the reader's form, by its format in a schema.
FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "date-time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})"),
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "decimal": re.compile(r"-?[0-9]+(\.[0-9]+)?"),
}
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one cell; a moment, a day or an amount is shown in the reader's form."""

    text: str
    #: `date-time`, `date` or `decimal`, as the schema of the result says; empty for all else.
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Records, one a row; or one record, a field a row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    #: How many more there are.
    more: int
    #: Whether it is one record: the first cell of a row is its name.
    single: bool


def tables_of(data: object, schema: Mapping[str, Any]) -> tuple[Table, ...]:
    """Returns what a result holds as tables: the records, or the record and the lists in it."""
    forms = dict(_forms(schema))
    if is_list(data):
        return (_records("Records", data, forms),) if data else ()
    if not is_object(data):
        return ()
    lists = {name: part for name, part in data.items() if is_list(part) and _all_objects(part)}
    pairs = [
        (Cell(name), cell(part, forms.get(name, "")))
        for name, part in data.items()
        if name not in lists
    ]
    own = Table(
        caption="Record", columns=("Field", "Value"), rows=tuple(pairs), more=0, single=True
    )
    return (own, *(_records(name, part, forms) for name, part in lists.items() if part))


def json_text(value: object) -> tuple[str, bool]:
    """Returns a value as JSON for a page, and whether it was cut short there."""
    text = msgspec.json.format(ENCODER.encode(value), indent=2).decode()
    return text[:MOST_CHARS], len(text) > MOST_CHARS


def cell(value: object, form: str = "") -> Cell:
    """Returns a value as a cell of a table holds it; what is not of its form is plain text."""
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    text = ENCODER.encode(value).decode() if isinstance(value, dict | list) else str(value)
    fits = form in FORMS and FORMS[form].fullmatch(text) is not None
    return Cell(text if len(text) <= MOST_CELL else f"{text[:MOST_CELL]}…", form if fits else "")


def _forms(schema: object) -> Iterator[tuple[str, str]]:
    """Gives the forms of all fields that a schema names, those of parts first."""
    if not is_object(schema):
        return
    for name, part in schema.get("properties", {}).items():
        yield from _forms(part)
        if part.get("format") in FORMS:
            yield name, part["format"]
    yield from _forms(schema.get("items"))


def _records(caption: str, records: Sequence[object], forms: Mapping[str, str]) -> Table:
    shown = records[:MOST_ROWS]
    columns = _columns(shown)
    return Table(
        caption=caption,
        columns=columns or ("Value",),
        rows=tuple(_row(one, columns, forms) for one in shown),
        more=len(records) - len(shown),
        single=False,
    )


def _row(record: object, columns: Sequence[str], forms: Mapping[str, str]) -> tuple[Cell, ...]:
    if not is_object(record):
        return (cell(record),)
    return tuple(cell(record.get(name), forms.get(name, "")) for name in columns)


def _columns(records: Iterable[object]) -> tuple[str, ...]:
    """Returns the fields that hold something plain in some record, in the order that they have."""
    found: dict[str, None] = {}
    for record in records:
        parts: Mapping[str, Any] = record if is_object(record) else {}
        found.update(
            (name, None)
            for name, part in parts.items()
            if part is not None and not isinstance(part, dict | list)
        )
    return tuple(found)[:MOST_COLUMNS]


def _all_objects(part: Sequence[object]) -> bool:
    return all(is_object(one) for one in part)
