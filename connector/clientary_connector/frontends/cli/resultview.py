"""Shows results and previews to people: what matters first, as much as the terminal can hold."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from clientary_connector.call.result import Page, Preview, Result
from clientary_connector.frontends import screen

#: Columns of one field are never wider than this when they are chosen for a terminal.
MAX_FIELD: Final = 28


def show_result(result: Result, columns: tuple[str, ...] = ()) -> None:
    """Prints the data to stdout, and what is to be said about them to stderr."""
    if result.data == []:
        screen.note("No records.")
    elif result.data is not None:
        show_data(result.data, columns)
    if result.page is not None:
        screen.note(_page_text(result.page, result.data))
    for warning in result.warnings:
        screen.note(f"Warning: {screen.visible(warning)}")
    if result.replayed:
        screen.note("This is the first result of the same operation; nothing was sent again.")
    if result.log_id is not None:
        screen.note(f"Log: {result.log_id} (clientary log show {result.log_id})")


def show_data(data: object, columns: tuple[str, ...] = ()) -> None:
    """Prints any JSON value: records as a table, one record as pairs."""
    if records := _records_in(data):
        _show_records(records, columns)
    elif isinstance(data, dict):
        _show_record(cast("dict[str, Any]", data))
    else:
        screen.emit(f"{screen.document(data)}\n")


def show_preview(preview: Preview) -> None:
    """Prints what a call would do, and that it was not done."""
    show_request(preview)
    if preview.needs_approval:
        screen.note("A person would have to approve it first.")
    screen.note("Dry run: nothing was sent but reads.")


def show_request(preview: Preview) -> None:
    """Prints the request as it would be sent, and what a deletion would take along."""
    query = "&".join(f"{name}={value}" for name, value in preview.query)
    address = f"{preview.url}?{query}" if query else preview.url
    screen.emit(f"{preview.method} {screen.visible(address)}\n")
    for name, value in preview.headers.items():
        screen.emit(f"{screen.visible(f'{name}: {value}')}\n")
    screen.emit("Authorization: (put on when it is sent; never shown)\n")
    if preview.body is not None:
        screen.emit(f"\n{screen.document(preview.body)}\n")
    if preview.cascade:
        screen.emit("\nIt would take along, for good:\n")
        screen.table(
            ("resource", "records", "note"),
            (
                (item.resource, "?" if item.count is None else item.count, item.note)
                for item in preview.cascade
            ),
        )


def _show_records(records: Sequence[Mapping[str, Any]], columns: tuple[str, ...]) -> None:
    every = tuple(columns or _simple_fields(records))
    chosen = every if columns or not sys.stdout.isatty() else _fitting(every, records)
    screen.table(
        [screen.visible(name) for name in chosen],
        ([record.get(name) for name in chosen] for record in records),
    )
    if len(chosen) < len(every):
        left = len(every) - len(chosen)
        screen.note(f"{left} more fields: name those you want with --fields, or use -o json.")


def _show_record(record: Mapping[str, Any]) -> None:
    nested = {name: records for name, value in record.items() if (records := _records_in(value))}
    plain = ((name, value) for name, value in record.items() if name not in nested)
    screen.emit(screen.pairs((screen.visible(name), value) for name, value in plain))
    for name, records in nested.items():
        screen.emit(f"\n{screen.visible(name)}:\n")
        _show_records(records, ())


def _records_in(value: object) -> list[dict[str, Any]]:
    """Returns the value where it is a list of records, else nothing."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    records = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    return records if len(records) == len(items) else []


def _simple_fields(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Returns the fields that hold a plain value in some row, in the order in which they come."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(
            (name, None)
            for name, value in row.items()
            if value is not None and not isinstance(value, dict | list)
        )
    return list(found)


def _fitting(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Returns the first fields that fit beside each other on the terminal."""
    chosen: list[str] = []
    left = screen.terminal_width()
    for name in names:
        widest = max(screen.width_of(screen.cell(row.get(name))) for row in rows)
        left -= max(min(widest, MAX_FIELD), len(name)) + len(screen.GAP)
        if left < 0 and chosen:
            break
        chosen.append(name)
    return tuple(chosen)


def _page_text(page: Page, data: object) -> str:
    count = len(cast("list[object]", data)) if isinstance(data, list) else 0
    total = "" if page.total is None else f" of {page.total}"
    more = "" if page.next_page is None else f" Go on with --page {page.next_page}."
    ends = " That is all." if page.complete and not more else ""
    return f"{count}{total} records.{more}{ends}"
