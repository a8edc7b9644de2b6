"""Writes the parts of README.md that are made from code, or says which of them are stale.

`python -m tests.packaging.documents` writes, with `--check` it compares and ends with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from clientary_connector.call.failure import MAYBE_DONE, NOTHING_DONE, WORDS
from clientary_connector.call.result import ErrorKind
from clientary_connector.frontends.cli.commands import COMMANDS
from clientary_connector.settings import PREFIX, limits
from tests.packaging.installation import ROOT

README: Final = ROOT / "README.md"


def commands() -> str:
    """The table of the commands, in the order of use."""
    rows = ((f"`clientary {name}`", entry.summary) for name, entry in COMMANDS.items())
    return _table(("Command", "Does"), rows)


def errors() -> str:
    """The table of the kinds of error, with what a model is told to do about each."""
    rows = (
        (f"`{kind.value}`", *(word.removesuffix(".") for word in WORDS[kind]), _repeatable(kind))
        for kind in ErrorKind
    )
    return _table(("Kind", "What happened", "What to do", "Repeat"), rows)


def settings() -> str:
    """The table of the limits, with unit, default and reason."""
    rows = (
        (
            f"`{PREFIX}{limit.name.upper()}`",
            f"{limit.default:,} {limit.metadata['unit']}",
            f"{limit.metadata['least']:,} to {limit.metadata['most']:,}",
            limit.metadata["why"],
        )
        for limit in limits()
    )
    return _table(("Variable", "Default", "Range", "Why"), rows)


SECTIONS: Final[Mapping[str, Callable[[], str]]] = {
    "commands": commands,
    "errors": errors,
    "settings": settings,
}


def renewed(text: str) -> str:
    """Returns the README with every generated section as the code would have it.

    Raises:
        ValueError: A section's two marks are missing, or in the wrong order.
    """
    for name, section in SECTIONS.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        head, opened, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        if not (opened and closed):
            raise ValueError(f"{README.name} needs {start.strip()} and, below it, {end}.")
        text = f"{head}{start}{section()}{end}{tail}"
    return text


def main(arguments: list[str]) -> int:
    """Writes the README anew, or only compares it."""
    text = README.read_text(encoding="utf-8")
    fresh = renewed(text)
    if "--check" not in arguments:
        README.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        sys.stderr.write("README.md is not what the code says. Write it anew: make docs\n")
        return 1
    return 0


def _repeatable(kind: ErrorKind) -> str:
    """Says when the same call may be made again, in a word."""
    if kind in NOTHING_DONE:
        return "yes"
    return "reads only" if kind in MAYBE_DONE else "no"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(_row(cells) for cells in (head, ("---",) * len(head), *rows))


def _row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
