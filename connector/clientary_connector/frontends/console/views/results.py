"""Shapes what a call came to, so that a page can print it: records as tables, the rest as pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from clientary_connector.call.kinds import is_list, is_object

#: A page stays light: what is longer stands in the log, and in what the API answers.
MOST_ROWS: Final = 100
MOST_COLUMNS: Final = 12
MOST_CHARS: Final = 30_000
MOST_CELL: Final = 200
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Records, one a row; or one record, a field a row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    #: How many more there are.
    more: int
    #: Whether it is one record: the first cell of a row is its name.
    single: bool


def tables_of(data: object) -> tuple[Table, ...]:
    """Returns what a result holds as tables: the records, or the record and the lists in it."""
    if is_list(data):
        return (_records("Records", data),) if data else ()
    if not is_object(data):
        return ()
    lists = {name: part for name, part in data.items() if is_list(part) and _all_objects(part)}
    pairs = [(name, cell(part)) for name, part in data.items() if name not in lists]
    own = Table(
        caption="Record", columns=("Field", "Value"), rows=tuple(pairs), more=0, single=True
    )
    return (own, *(_records(name, part) for name, part in lists.items() if part))


def json_text(value: object) -> tuple[str, bool]:
    """Returns a value as JSON for a page, and whether it was cut short there."""
    text = msgspec.json.format(ENCODER.encode(value), indent=2).decode()
    return text[:MOST_CHARS], len(text) > MOST_CHARS


def cell(value: object) -> str:
    """Returns a value as a cell of a table holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ENCODER.encode(value).decode() if isinstance(value, dict | list) else str(value)
    return text if len(text) <= MOST_CELL else f"{text[:MOST_CELL]}…"


def _records(caption: str, records: Sequence[object]) -> Table:
    shown = records[:MOST_ROWS]
    columns = _columns(shown)
    return Table(
        caption=caption,
        columns=columns or ("Value",),
        rows=tuple(_row(one, columns) for one in shown),
        more=len(records) - len(shown),
        single=False,
    )


def _row(record: object, columns: Sequence[str]) -> tuple[str, ...]:
    if not is_object(record):
        return (cell(record),)
    return tuple(cell(record.get(name)) for name in columns)


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
