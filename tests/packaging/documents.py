"""Writes the parts of the documents that are made from code, or says which of them are stale.

`python -m tests.packaging.documents` writes, with `--check` it compares and ends with 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from clientary_connector.call.failure import MAYBE_DONE, NOTHING_DONE, WORDS
from clientary_connector.call.result import ErrorKind
from clientary_connector.frontends.cli.commands import COMMANDS
from clientary_connector.limits import PREFIX
from clientary_connector.manifest import load_manifest
from clientary_connector.manifest_table import manifest_table
from clientary_connector.settings import limits
from tests.packaging.installation import ROOT


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


def renewed_readme(text: str) -> str:
    """Returns README.md with every generated section as the code would have it.

    Raises:
        ValueError: A section's two marks are missing, or in the wrong order.
    """
    for name, section in SECTIONS.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        head, opened, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        if not (opened and closed):
            raise ValueError(f"README.md needs {start.strip()} and, below it, {end}.")
        text = f"{head}{start}{section()}{end}{tail}"
    return text


def renewed_list(text: str) -> str:
    """Returns manifests/README.md with the table of actions, which ends it."""
    table = manifest_table(load_manifest())
    return text.partition(table.partition("\n")[0])[0] + table


DOCUMENTS: Final[Mapping[str, Callable[[str], str]]] = {
    "README.md": renewed_readme,
    "manifests/README.md": renewed_list,
}


def stale(*, write: bool) -> list[str]:
    """Returns the documents that are not what the code says, and writes them anew if asked."""
    found: list[str] = []
    for name, renewed in DOCUMENTS.items():
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        fresh = renewed(text)
        if fresh != text:
            found.append(name)
            if write:
                path.write_text(fresh, encoding="utf-8")
    return found


def main(arguments: list[str]) -> int:
    """Writes the documents anew, or only compares them."""
    only_check = "--check" in arguments
    found = stale(write=not only_check)
    for name in found:
        verb = "is not what the code says" if only_check else "written"
        sys.stderr.write(f"{name}: {verb}\n")
    return 1 if only_check and found else 0


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
