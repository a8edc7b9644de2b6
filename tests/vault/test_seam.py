"""Proves that what only the database's engine knows stands in a few named modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector_vault

pytestmark = pytest.mark.requirement("vault.seam")

ROOT = Path(connector_vault.__file__).parent
#: Where statements stand: single rows, the search and what it is found by, walks, tail, tables,
#: the times of runs, what is appended, the text of rows, growth.
STATEMENTS = {
    *(
        "rows.py",
        "search.py",
        "postings.py",
        "walks.py",
        "tail.py",
        "schema.py",
        "spans.py",
        "claims.py",
    ),
    *("appending.py", "texts.py", "growth.py"),
}
#: What opens, copies and settles the file of the one engine that there is.
ENGINE = {"sqlite.py", "store.py", "group.py"}
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|PRAGMA|BEGIN|COMMIT|ROLLBACK)\b")


def _texts(path: Path) -> Iterator[str]:
    """Gives the texts of a module, but for what documents it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield node.value


def _modules() -> list[Path]:
    found = sorted(ROOT.rglob("*.py"))
    assert len(found) > len(STATEMENTS | ENGINE)
    return found


def test_statements_stand_in_their_modules_alone() -> None:
    """Everything else sees rows, transactions and reads."""
    found = {path.name for path in _modules() if any(SQL.search(text) for text in _texts(path))}
    assert found <= STATEMENTS | ENGINE
    assert found >= {"rows.py", "search.py", "walks.py", "schema.py"}


def test_the_engine_is_known_by_its_neighbours_alone() -> None:
    """The rest takes a store, whatever engine is behind it."""
    known = STATEMENTS | ENGINE
    for path in _modules():
        text = path.read_text(encoding="utf-8")
        used = re.findall(r"from connector_vault\.sqlite import (.*)", text)
        if path.name not in known:
            assert used in ([], ["Durability"]), path.name
