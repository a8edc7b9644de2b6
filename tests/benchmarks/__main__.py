"""Measures the numbers to hold: `python -m tests.benchmarks [--full] [--json FILE] [--readme]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.status import Status

from tests.benchmarks import (
    calls,
    checking,
    cold,
    gate,
    governing,
    keys,
    memory,
    pages,
    parts,
    serving,
    tokens,
)
from tests.benchmarks.ground import ROOT, Ground, prepared
from tests.benchmarks.report import document, table, write_readme
from tests.benchmarks.rows import Row, Sizes, Tell

SUITES: Final = (
    "cold",
    "calls",
    "parts",
    "keys",
    "checking",
    "gate",
    "governing",
    "memory",
    "pages",
    "serving",
    "tokens",
)


def main() -> int:
    """Measures, prints a table, and returns 1 with `--strict` where a number is not held."""
    options = _options()
    sizes = Sizes.full() if options.full else Sizes.usual()
    options.on.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.on) as folder:
        rows = _measured(Path(folder), sizes, options.only)
    sys.stdout.write(table(rows) + "\n")
    if options.json is not None:
        options.json.write_text(document(rows) + "\n", encoding="utf-8")
    if options.readme:
        write_readme(ROOT / "README.md", rows)
    missed = [row.what for row in rows if not row.holds]
    for what in missed:
        sys.stderr.write(f"not held: {what}\n")
    return 1 if options.strict and missed else 0


def _measured(folder: Path, sizes: Sizes, only: list[str]) -> list[Row]:
    with Console(stderr=True).status("starting") as status, prepared(folder) as ground:
        return [
            row
            for name, suite in _suites(folder, ground).items()
            if name in only
            for row in suite(sizes, _teller(status))
        ]


def _suites(folder: Path, ground: Ground) -> dict[str, Callable[[Sizes, Tell], list[Row]]]:
    return {
        "cold": lambda sizes, tell: cold.rows(ground, sizes, tell),
        "calls": lambda sizes, tell: calls.rows(ground, sizes, tell),
        "parts": lambda sizes, tell: parts.rows(folder / "parts", sizes, tell),
        "keys": lambda sizes, tell: keys.rows(folder / "keys", sizes, tell),
        "gate": lambda sizes, tell: gate.rows(folder / "gate", sizes, tell),
        "checking": lambda sizes, tell: checking.rows(folder / "checking", sizes, tell),
        "governing": lambda sizes, tell: governing.rows(folder / "governing", sizes, tell),
        "memory": lambda sizes, tell: memory.rows(ground, sizes, tell),
        "pages": lambda sizes, tell: pages.rows(folder / "pages", sizes, tell),
        "serving": lambda sizes, tell: serving.rows(ground, sizes, tell),
        "tokens": lambda _sizes, _tell: tokens.rows(),
    }


def _teller(status: Status) -> Tell:
    def tell(what: str) -> None:
        status.update(f"measuring: {what}")

    return tell


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the design")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    parser.add_argument("--strict", action="store_true", help="exit 1 where a number is not held")
    parser.add_argument("--only", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument(
        "--on",
        type=Path,
        default=ROOT / ".benchmarks",
        help="folder on the disk to measure; the checkout's by default, as /tmp may be memory",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
