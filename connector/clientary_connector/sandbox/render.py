"""Writes dates and amounts the way Clientary answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from clientary_connector.sandbox.fields import FaultyError, RejectedError, moment
from clientary_connector.sandbox.records import Record

R = TypeVar("R")
T = TypeVar("T", bound=Record)
Json = dict[str, Any]


def slashed(day: date | None) -> str | None:
    """Write a date with slashes, as invoices, estimates, projects, hours and expenses do."""
    return None if day is None else day.strftime("%Y/%m/%d")


def dashed(day: date | None) -> str | None:
    """Write a date with dashes, as everything else does."""
    return None if day is None else day.isoformat()


def stamped(at: datetime | None) -> str | None:
    """Write a date-time in UTC with `Z`."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def page_of(
    name: str,
    rows: Sequence[R],
    query: Mapping[str, str],
    *,
    size: int,
    view: Callable[[R], Json],
) -> Json:
    """Cut one page out of a list and wrap it in the paging envelope."""
    number = max(whole(query.get("page"), 1), 1)
    start = (number - 1) * size
    return {
        "page_count": max(-(-len(rows) // size), 1),
        "page_size": size,
        "total_count": len(rows),
        name: [view(row) for row in rows[start : start + size]],
    }


def whole(digits: str | None, default: int) -> int:
    """Read a number of a query; anything else is the default."""
    if digits is None or not digits.isascii() or not digits.isdigit():
        return default
    return int(digits[:18])


def updated_since(rows: list[T], query: Mapping[str, str]) -> list[T]:
    """Keep the records that changed at or after `updated_since`, where that is given.

    Raises:
        RejectedError: When it is not a moment.
    """
    given = query.get("updated_since")
    if not given:
        return rows
    try:
        since = moment(given)
    except FaultyError as fault:
        raise RejectedError({"updated_since": [str(fault)]}) from None
    return [row for row in rows if row.updated_at >= since]
