"""Starts the programs of this folder as processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts a program of this folder; what it prints can be read."""
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, "-m", f"tests.acceptance.{program}", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], *, limit_s: float = 60) -> tuple[str, str]:
    """Waits for a program that must end well and returns what it printed."""
    out, err = process.communicate(timeout=limit_s)
    assert process.returncode == 0, err
    return out, err


def told(lines: str) -> list[Any]:
    """Returns the JSON lines that are whole; a killed process may leave half a line."""
    return list(_whole(lines.splitlines()))


def _whole(lines: list[str]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
