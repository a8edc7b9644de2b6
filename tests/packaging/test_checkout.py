"""Proves what holds for every file of the checkout: it is small, pinned, and names no machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.packaging.installation import ROOT

CODE: Final = (ROOT / "connector", ROOT / "vault")
PLACES: Final = ("connector", "vault", "manifests", "tests", "requirements", ".ci")
FILES: Final = ("Makefile", "README.md", "CHANGELOG.md", "pyproject.toml", ".gitignore")
# Written in two parts each, so that this file does not find itself.
REGISTRIES: Final = ("pypi" + ".org", "python" + "hosted", "npm" + "js.", "--index" + "-url ")
MACHINES: Final = re.compile(r"(?<![\w.:])/(?:" + "root|work|home/[a-z]+|Users" + r")/")
LATER: Final = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 40


@pytest.mark.requirement("house.portable")
def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    """What is installed comes from wherever the machine is told to look, never from here."""
    found = [
        f"{path.relative_to(ROOT)}: {sign}"
        for path, text in _texts()
        for sign in [
            *(name for name in REGISTRIES if name in text),
            *(match.group() for match in MACHINES.finditer(text)),
        ]
    ]
    assert found == []


@pytest.mark.requirement("house.shape")
def test_no_file_puts_work_off() -> None:
    """There is no note of what would have to be done some day."""
    assert [str(path) for path, text in _texts() if LATER.search(text)] == []


@pytest.mark.requirement("house.shape")
def test_no_module_and_no_function_is_too_long_to_read() -> None:
    """A module stops at 400 lines and a function at 40."""
    modules = {str(path.relative_to(ROOT)): text for path, text in _modules()}
    long_modules = [name for name, text in modules.items() if text.count("\n") > LONGEST_MODULE]
    long_functions = [
        f"{name}::{function.name}"
        for name, text in modules.items()
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and _lines(function) > LONGEST_FUNCTION
    ]
    assert (long_modules, long_functions) == ([], [])


@pytest.mark.requirement("house.shape")
def test_one_module_of_each_package_reads_the_environment() -> None:
    """Each package has one place that reads it: settings, and the means to reach a vault's key."""
    readers = {path.name for path, text in _modules() if re.search(r"\bos\.(environ|getenv)", text)}
    assert readers <= {"settings.py", "means.py"}


@pytest.mark.requirement("house.pins")
def test_every_pin_has_a_version_and_a_hash() -> None:
    """Nothing is installed that was not named to the byte."""
    for name in ("run", "test", "dev"):
        entries = _entries(name)
        assert [entry for entry in entries if "==" not in entry or "sha256:" not in entry] == []


@pytest.mark.requirement("house.pins")
def test_what_is_shown_is_what_is_tested() -> None:
    """Each pin of a smaller set is one of the large set, to the hash, whoever asks for it."""
    run, test, dev = (
        {re.sub(" ;.*? --", " --", entry) for entry in _entries(name)}
        for name in ("run", "test", "dev")
    )
    assert (run | test) - dev == set()


def _texts() -> Iterator[tuple[Path, str]]:
    inside = [path for place in PLACES for path in (ROOT / place).rglob("*")]
    for path in [*inside, *(ROOT / name for name in FILES)]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, path.read_text(encoding="utf-8")


def _modules() -> Iterator[tuple[Path, str]]:
    for root in CODE:
        for path in sorted(root.rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Counts the lines of a function, its docstring aside."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _entries(name: str) -> list[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    joined = text.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]
