"""Gives a result the size that was asked for: named fields only, and no more than fits."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.call.result import Page

ENCODER: Final = msgspec.json.Encoder()
#: Stays in every record that is cut down: without it the rest could not be asked for.
ID: Final = "id"


def pick(data: Any, fields: Sequence[str]) -> tuple[Any, tuple[str, ...]]:  # noqa: ANN401 - any JSON value
    """Returns data with only the named fields, and a warning for each that is nowhere."""
    records = [part for part in (data if is_list(data) else [data]) if is_object(part)]
    wanted = set(fields)
    there: set[str] = {name for record in records for name in record}
    warnings = tuple(_nowhere(name, there) for name in fields if records and name not in there)
    if is_list(data):
        return [_picked(part, wanted) for part in data], warnings
    return _picked(data, wanted), warnings


def fit(data: Any, page: Page | None, *, most: int) -> tuple[Any, Page | None, tuple[str, ...]]:  # noqa: ANN401 - any JSON value
    """Returns data that is no larger than so many bytes of JSON, and says what was left out."""
    if size_of(data) <= most:
        return data, page, ()
    if is_list(data) and page is not None:
        return _fit_list(data, page, most=most)
    data, left_out = _fit_record(data, most=most)
    return data, page, (_advice(left_out),)


def size_of(data: Any) -> int:  # noqa: ANN401 - any JSON value
    """Returns how many bytes of JSON a value takes."""
    return len(ENCODER.encode(data))


def _picked(record: Any, wanted: set[str]) -> Any:  # noqa: ANN401 - any JSON value
    if not is_object(record):
        return record
    return {name: part for name, part in record.items() if name in wanted}


def _nowhere(name: str, there: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(there), n=1)
    return f"No record has a field {name}." + (f" Did you mean {near[0]}?" if near else "")


def _fit_list(data: list[Any], page: Page, *, most: int) -> tuple[Any, Page, tuple[str, ...]]:
    warnings: tuple[str, ...] = ()
    ends = accumulate((size_of(record) + len(",") for record in data), initial=len("["))
    fitting = sum(end <= most for end in ends) - 1
    if fitting == 0:
        first, left_out = _fit_record(data[0], most=most - len("[]"))
        warnings, kept = (_advice(left_out),), [first]
    else:
        kept = data[:fitting]
    if len(kept) == len(data):
        return kept, page, warnings
    cut, where = _cut(page, kept=len(kept))
    said = f"{len(data) - len(kept)} of {len(data)} records were left out: the result is too large."
    return kept, cut, (*warnings, f"{said} {where}Name fewer `fields` to get more at once.")


def _cut(page: Page, *, kept: int) -> tuple[Page, str]:
    """Returns where to go on after so many records; a page given in part is given again."""
    if page.number is None or not page.size:
        return dataclasses.replace(page, next_page=page.number, complete=False), ""
    onward = page.number + kept // page.size
    return (
        dataclasses.replace(page, next_page=onward, complete=False),
        f"Go on at page {onward}. ",
    )


def _fit_record(record: Any, *, most: int) -> tuple[Any, list[str]]:  # noqa: ANN401 - any JSON value
    """Leaves out the largest fields until the rest fits; the last one is shortened."""
    if not is_object(record):
        return shortened(record, most), ["the end"]
    sizes = sorted(((size_of(part), name) for name, part in record.items()), reverse=True)
    kept, left_out = dict(record), list[str]()
    for _, name in sizes:
        if size_of(kept) <= most:
            break
        if name != ID:
            left_out.append(name)
            if set(kept) <= {name, ID}:
                rest = size_of({**kept, name: ""})
                kept[name] = shortened(kept[name], most - rest)
            else:
                del kept[name]
    return kept, left_out


def shortened(value: Any, most: int) -> Any:  # noqa: ANN401 - any JSON value
    """Returns the beginning of a text or list that fits; null where there is none."""
    if not (isinstance(value, str) or is_list(value)):
        return None
    low, high = 0, len(value)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size_of(value[:middle]) <= most else (low, middle - 1)
    return value[:low]


def _advice(left_out: Sequence[str]) -> str:
    names = ", ".join(left_out)
    return f"The record is too large; left out: {names}. Ask for them one by one with `fields`."
