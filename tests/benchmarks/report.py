"""Turns rows into a table for people, a JSON document, and the README's section."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.rows import Row

START: Final = "<!-- bench:start -->"
END: Final = "<!-- bench:end -->"


def machine() -> str:
    """Returns one line that says on what the figures were measured."""
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    busy = f", busy with other work (load {load:.1f})" if load > cores else ""
    return (
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {cores} cores{busy}"
    )


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a Markdown table."""
    head = ("What", "To hold", "Seen", "Reference, same run", "Ratio", "Holds")
    lines = [_line(head), _line(("---",) * len(head))]
    for row in rows:
        references = "; ".join(f"{name} {value}" for name, value in row.references.items())
        verdict = "yes" if row.holds else "**no**"
        lines.append(_line((row.what, row.hold, row.seen, references, row.ratio, verdict)))
    notes = [f"- {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join([*lines, "", *notes, *([""] if notes else []), f"Medians, on {machine()}."])


def document(rows: Sequence[Row]) -> str:
    """Returns the rows, with all their figures, as one JSON document."""
    return json.dumps(
        {
            "machine": machine(),
            "sqlite_of_python": sqlite3.sqlite_version,
            "rows": [row.to_json() for row in rows],
        },
        indent=2,
    )


def write_readme(readme: Path, rows: Sequence[Row]) -> None:
    """Puts the table between the README's two markers.

    Raises:
        ValueError: the README does not hold both markers, in order.
    """
    text = readme.read_text(encoding="utf-8")
    start, end = text.find(START), text.find(END)
    if start < 0 or end < start:
        raise ValueError(f"{readme.name} needs {START} and, below it, {END}.")
    section = f"{START}\n{table(rows)}\n{END}"
    readme.write_text(text[:start] + section + text[end + len(END) :], encoding="utf-8")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
