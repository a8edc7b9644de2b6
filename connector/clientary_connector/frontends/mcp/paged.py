"""Cuts a list into pages, with a cursor that says how much of it came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from mcp import MCPError, types

Item = TypeVar("Item")


def page(
    items: Sequence[Item], params: types.PaginatedRequestParams | None, *, size: int
) -> tuple[list[Item], str | None]:
    """Returns one page, and the cursor of the next.

    Raises:
        MCPError: The cursor is none of ours.
    """
    cursor = None if params is None else params.cursor
    if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
        raise MCPError(types.INVALID_PARAMS, "The cursor is none of ours: list from the start.")
    # A list that has become shorter simply ends; longer digits than this are past every list.
    start = int((cursor or "0")[:9])
    end = start + size
    return list(items[start:end]), str(end) if end < len(items) else None
