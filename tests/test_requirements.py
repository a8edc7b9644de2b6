"""Proves that the list of requirements and the tests agree, in both directions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests import requirements
from tests.requirements import REQUIREMENTS

pytestmark = pytest.mark.requirement("house.requirements")

TESTS = Path(__file__).parent
MARK = "pytest.mark.requirement"

SOURCE_WITH_A_CLASS = """
pytestmark = [pytest.mark.requirement("x")]
@pytest.mark.requirement("y")
class TestB:
    def test_a(self): ...
"""


@dataclass(frozen=True, slots=True)
class MarkedTest:
    """One test function, where it stands and the requirements that it says it proves."""

    where: str
    documented: bool
    ids: frozenset[str]


def test_every_requirement_has_a_test() -> None:
    """No entry of the list is left without a test that carries its id."""
    proven = {id_ for test in _tests() for id_ in test.ids}
    assert sorted(set(REQUIREMENTS) - proven) == []


def test_every_test_names_a_requirement_of_the_list() -> None:
    """No test stands outside the list, and none carries an id that the list does not know."""
    strays = {
        test.where: sorted(test.ids - set(REQUIREMENTS))
        for test in _tests()
        if not test.ids or test.ids - set(REQUIREMENTS)
    }
    assert strays == {}


def test_every_test_says_in_a_sentence_what_it_proves() -> None:
    """Each test has a docstring."""
    assert [test.where for test in _tests() if not test.documented] == []


def test_no_two_sections_of_the_list_share_an_id() -> None:
    """Joining the sections loses no entry."""
    sections = [
        value
        for name, value in vars(requirements).items()
        if name.isupper() and name != "REQUIREMENTS"
    ]
    assert sum(map(len, sections)) == len(REQUIREMENTS)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def test_a(): ...", {"test_a": set[str]()}),
        ('@pytest.mark.requirement("x", "y")\ndef test_a(): ...', {"test_a": {"x", "y"}}),
        ('pytestmark = pytest.mark.requirement("x")\nasync def test_a(): ...', {"test_a": {"x"}}),
        (SOURCE_WITH_A_CLASS, {"test_a": {"x", "y"}}),
    ],
)
def test_the_reader_of_marks_sees_all_ways_to_mark(
    source: str, expected: dict[str, set[str]]
) -> None:
    """Marks are read off functions, classes and modules alike, and their absence is seen."""
    found = {test.where.rpartition("::")[2]: set(test.ids) for test in _tests_of(source, "m")}
    assert found == expected


@cache
def _tests() -> tuple[MarkedTest, ...]:
    return tuple(
        test
        for path in sorted(TESTS.rglob("test_*.py"))
        for test in _tests_of(path.read_text(encoding="utf-8"), str(path.relative_to(TESTS)))
    )


def _tests_of(source: str, where: str) -> Iterator[MarkedTest]:
    module = ast.parse(source)
    marks = [
        part.value
        for part in module.body
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "pytestmark"
    ]
    yield from _tests_in(module.body, where, _ids(marks))


def _tests_in(body: list[ast.stmt], where: str, outer: frozenset[str]) -> Iterator[MarkedTest]:
    for part in body:
        if isinstance(part, ast.ClassDef) and part.name.startswith("Test"):
            own = outer | _ids(part.decorator_list)
            yield from _tests_in(part.body, f"{where}::{part.name}", own)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) and part.name.startswith(
            "test_"
        ):
            yield MarkedTest(
                where=f"{where}::{part.name}",
                documented=bool(ast.get_docstring(part)),
                ids=outer | _ids(part.decorator_list),
            )


def _ids(expressions: list[ast.expr]) -> frozenset[str]:
    """Reads the ids in marks; one that is no plain string fails, so that a search finds it."""
    return frozenset(
        str(ast.literal_eval(argument))
        for expression in expressions
        for node in ast.walk(expression)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == MARK
        for argument in node.args
    )
