"""Draws tables on a terminal; the only module that loads rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

#: Top, right, bottom, left: columns stand as far apart as in the plain table.
PADDING: Final = (0, 2, 0, 0)
STYLES: Final[Mapping[str, str]] = {
    "succeeded": "green",
    "active": "green",
    "refused": "yellow",
    "open": "yellow",
    "failed": "red",
    "revoked": "red",
    "closed": "red",
    "unknown": "bold red",
}


def coloured_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int) -> str:
    """Returns a table no wider than that; cells are text, never markup."""
    drawn = Table(box=None, pad_edge=False, padding=PADDING, header_style="bold underline")
    for column in columns:
        drawn.add_column(column.upper(), overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
    console = Console(file=StringIO(), force_terminal=True, width=width)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()
