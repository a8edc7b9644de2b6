"""Proves that a fresh machine's Python is found, however it lies there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.installation import ROOT

pytestmark = pytest.mark.requirement("house.setup")

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
#: The interpreter that an environment was made from, as the script names it.
REAL = str(getattr(sys, "_base_executable", sys.executable))
SYSTEM = ("/usr/bin", "/bin")


def test_a_shim_that_fails_is_passed_over(tmp_path: Path) -> None:
    """A name that exists and fails is no Python; the next one on the path is taken."""
    _script(tmp_path / "broken" / f"python{VERSION}", "echo 'not installed' >&2; exit 127")
    _script(tmp_path / "good" / f"python{VERSION}", f'exec {REAL} "$@"')
    done = _ask(VERSION, tmp_path / "broken", tmp_path / "good")
    assert done.stdout.strip() == REAL


def test_a_python_that_cannot_make_environments_is_passed_over(tmp_path: Path) -> None:
    """A Python without ensurepip would fail halfway; it is not taken."""
    without = f"exec {REAL} -c 'raise ImportError(\"No module named ensurepip\")'"
    _script(tmp_path / f"python{VERSION}", without)
    assert _ask(VERSION, tmp_path, hide_system=True).returncode == 1


def test_a_name_that_lies_about_its_version_is_passed_over(tmp_path: Path) -> None:
    """The interpreter is asked which version it is; its name does not decide."""
    other = "3.12" if VERSION != "3.12" else "3.11"
    _script(tmp_path / f"python{other}", f'exec {REAL} "$@"')
    assert _ask(other, tmp_path, hide_system=True).returncode == 1


def test_a_version_that_only_the_version_manager_holds_is_found(tmp_path: Path) -> None:
    """What lies in pyenv's folder counts, though no name on the path leads there."""
    _script(tmp_path / "bin" / "pyenv", f"echo {tmp_path}")
    _script(
        tmp_path / "versions" / f"{VERSION}.99" / "bin" / f"python{VERSION}",
        f'exec {REAL} "$@"',
    )
    assert _ask(VERSION, tmp_path / "bin", hide_system=True).stdout.strip() == REAL


def test_where_there_is_none_the_message_says_what_to_install(tmp_path: Path) -> None:
    """The failure names the versions and the packages to install."""
    done = _ask("newest", tmp_path, hide_system=True)
    assert done.returncode == 1
    assert "3.13, 3.12 or 3.11" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def _script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def _ask(what: str, *folders: Path, hide_system: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the script with a path of these folders, with the system's own behind them or not."""
    places = [*map(str, folders), *(() if hide_system else SYSTEM)]
    return subprocess.run(  # noqa: S603 - the project's own script
        ["/bin/sh", ROOT / ".ci" / "python", what],
        env={"PATH": ":".join(places)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
