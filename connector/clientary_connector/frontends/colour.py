"""Draws tables on a terminal; the only module that loads rich."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

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
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(text, style=STYLES.get(text, "")) for text in row))
    console = Console(file=StringIO(), force_terminal=True, width=width)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get()
