"""Builds the project and installs it into environments of its own, without any download."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that sees the packages of the running one, but not the project."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Environment:
        """Makes a fresh one; a path line lends the packages and runs no path file of theirs."""
        venv.create(folder, symlinks=True)
        environment = cls(folder)
        lent = environment.packages / "lent.pth"
        lent.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        return environment

    @property
    def packages(self) -> Path:
        """Where packages are installed."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "lib" / version / "site-packages"

    def program(self, name: str) -> Path:
        """Where an installed program lies."""
        return self.folder / "bin" / name

    def install(self, *what: str) -> None:
        """Installs a wheel or a checkout with pip, and nothing that it needs."""
        options = ("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
        run(self.program("python"), "-m", "pip", *options, *what)

    def python(self, code: str, *, path: str = "", cwd: Path | None = None) -> str:
        """Runs a piece of Python and returns what it printed."""
        return run(
            self.program("python"), "-c", code, cwd=cwd or self.folder, environ={"PYTHONPATH": path}
        )


def run(*command: str | Path, cwd: Path = ROOT, environ: Mapping[str, str] | None = None) -> str:
    """Runs a command and returns its standard output; a failure shows all that it said."""
    done = subprocess.run(  # noqa: S603 - the tests' own commands
        command,
        cwd=cwd,
        env={**clean_environment(), **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Returns the environment of this process, less what would lead a child to the checkout."""
    hidden = {"PYTHONPATH", "VIRTUAL_ENV", "COVERAGE_PROCESS_START"}
    return {name: value for name, value in os.environ.items() if name not in hidden}
