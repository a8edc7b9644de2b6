"""What estimates, invoices and schedules have in common: lines, totals, numbers, fields."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from clientary_connector.sandbox.exchange import Request, missing
from clientary_connector.sandbox.fields import (
    INVALID,
    FaultyError,
    Field,
    RejectedError,
    boolean,
    check,
    decimal,
    integer,
    one_of,
    text,
)
from clientary_connector.sandbox.money import HEADER, add_up
from clientary_connector.sandbox.records import Document, Item
from clientary_connector.sandbox.render import Json, stamped
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.table import Table
from clientary_connector.sandbox.writing import Noun, read_write

COMMON_FIELDS: Final = (
    Field("number", text),
    Field("client_id", integer),
    *(Field(name, text) for name in ("title", "note", "summary", "po")),
    *(Field(name, decimal) for name in ("tax", "tax2", "tax3")),
    *(Field(name, text) for name in ("tax_label", "tax2_label", "tax3_label")),
    Field("compound_tax", boolean, nullable=False),
)
ITEM_FIELDS: Final = (
    Field("title", text, required=True),
    Field("quantity", decimal, required=True),
    Field("price", decimal, required=True),
    Field("item_type", one_of(0, 1, 3), nullable=False),
    Field("taxable", boolean, nullable=False),
)
QUESTIONED_FIELDS: Final = (
    Field("taxable?", boolean, nullable=False, attribute="taxable"),
    Field("secondary_tax?", boolean, nullable=False, attribute="secondary_tax"),
    Field("tertiary_tax?", boolean, nullable=False, attribute="tertiary_tax"),
)

D = TypeVar("D", bound=Document)

_TRAILING_NUMBER: Final = re.compile(r"\d+$", re.ASCII)


def read_document(
    noun: Noun,
    state: State,
    request: Request,
    *,
    table: Table[D],
    old: D | None = None,
) -> dict[str, Any]:
    """Read the values of a create or change with its lines, all faults of both at once.

    Raises:
        RefusedError: When the wrapper is missing (400) or an id is not a line's (404).
        RejectedError: With the faults of the record and of its lines (422).
    """
    faults: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    try:
        values = read_write(noun, state, request, table=table, old=old)
    except RejectedError as rejected:
        faults |= rejected.faults
    given = request.wrapped(noun.wrapper).get(f"{noun.lines}_attributes")
    if given is not None:
        try:
            values["items"] = read_items(state, given, old=old.items if old else [], noun=noun)
        except RejectedError as rejected:
            faults |= rejected.faults
    if faults:
        raise RejectedError(faults)
    if values.get("number") is None:
        values["number"] = old.number if old else next_number(row.number for row in table)
    return values


def read_items(state: State, given: object, *, old: list[Item], noun: Noun) -> list[Item]:
    """Apply nested attributes: with an id edits, without adds, with id and `_destroy` deletes.

    Raises:
        RefusedError: When an id is none of the document's (404).
        RejectedError: When a line lacks something or holds what does not fit (422).
    """
    if not isinstance(given, list):
        raise RejectedError({f"{noun.lines}_attributes": [INVALID]})
    items = {item.id: item for item in old}
    faults: dict[str, list[str]] = {}
    for entry in cast("list[object]", given):
        try:
            _apply(state, items, entry, noun.line_fields)
        except RejectedError as rejected:
            faults |= {f"{noun.lines}.{field}": texts for field, texts in rejected.faults.items()}
    if faults:
        raise RejectedError(faults)
    return list(items.values())


def next_number(numbers: Iterable[str]) -> str:
    """Continue the last of these numbers, past every one that is taken."""
    taken = dict.fromkeys(numbers)
    number = next(reversed(taken), "0")
    while number in taken or number == "0":
        number = _TRAILING_NUMBER.sub(_one_more, number) if number[-1:].isdigit() else number + "1"
    return number


def sum_up(document: Document) -> None:
    """Add up the lines and taxes of a document anew."""
    rates = (document.tax, document.tax2, document.tax3)
    document.totals = add_up(document.items, rates, compound=document.compound_tax)


def view_document(document: Document) -> Json:
    """Write what all documents show."""
    totals = document.totals
    return {
        "id": document.id,
        "number": document.number,
        "title": document.title,
        "client_id": document.client_id,
        "user_id": document.user_id,
        "note": document.note,
        "summary": document.summary,
        "po": document.po,
        "status": document.status,
        "currency_code": document.currency_code,
        "tax": document.tax,
        "tax2": document.tax2,
        "tax3": document.tax3,
        "tax_label": document.tax_label,
        "tax2_label": document.tax2_label,
        "tax3_label": document.tax3_label,
        "compound_tax": document.compound_tax,
        "subtotal": totals.subtotal,
        "total_tax": totals.tax,
        "total_tax2": totals.tax2,
        "total_tax3": totals.tax3,
        "total_cost": totals.total,
        "created_at": stamped(document.created_at),
        "updated_at": stamped(document.updated_at),
    }


def view_item(item: Item) -> Json:
    """Write a line of an estimate or an invoice."""
    return {
        "id": item.id,
        "item_type": item.item_type,
        "title": item.title,
        "price": item.price,
        "quantity": item.quantity,
        "taxable": item.taxable,
    }


def _apply(state: State, items: dict[int, Item], entry: object, fields: tuple[Field, ...]) -> None:
    if not isinstance(entry, dict):
        raise RejectedError({"base": [INVALID]})
    given = cast("dict[str, object]", entry)
    destroy = _flag(given.get("_destroy"))
    if given.get("id") is None:
        if not destroy:
            item = _new_item(state, given, fields)
            items[item.id] = item
        return
    item = _own_item(items, given["id"])
    if destroy:
        del items[item.id]
    else:
        items[item.id] = replace(item, **check(fields, given, new=False))


def _new_item(state: State, given: dict[str, object], fields: tuple[Field, ...]) -> Item:
    if given.get("item_type") in (HEADER, str(HEADER)):
        fields = tuple(replace(field, required=field.name == "title") for field in fields)
    values = check(fields, given, new=True)
    kept = {name: value for name, value in values.items() if value is not None}
    return Item(id=state.new_item_id(), **kept)


def _own_item(items: dict[int, Item], given: object) -> Item:
    try:
        return items[integer(given)]
    except (FaultyError, KeyError):
        raise missing() from None


def _flag(value: object) -> bool:
    try:
        return value is not None and boolean(value)
    except FaultyError:
        return False


def _one_more(digits: re.Match[str]) -> str:
    found = digits.group()
    return str(int(found) + 1).zfill(len(found))
