"""What a condition is made of, how it is written, and how the vault keeps it.

1. Nothing here can reach beyond the values that it is given: there are names, plain values and a
   closed list of operators.
2. Depth and length are bounded where a part is made, whatever it is made from.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from clientary_connector.errors import ConditionError

Value: TypeAlias = Decimal | str | bool

EQUALITY: Final = ("==", "!=")
ORDER: Final = ("<", "<=", ">", ">=")
TEXT: Final = ("startswith", "endswith", "contains")
MEMBERSHIP: Final = ("in", "not in")
OPERATORS: Final = frozenset({*EQUALITY, *ORDER, *TEXT, *MEMBERSHIP})
ALL: Final = "all"
SOME: Final = "any"
QUANTIFIERS: Final = frozenset({"", ALL, SOME})
MAX_CHARS: Final = 4000
MAX_DEPTH: Final = 16


@dataclass(frozen=True, slots=True)
class Test:
    """Compares what one name tells with values."""

    path: tuple[str, ...]
    #: `all` or `any` of a list; empty for a plain value.
    quantifier: str
    operator: str
    #: One; for `in` and `not in` as many as there are.
    values: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The name as it is written."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: Node


@dataclass(frozen=True, slots=True)
class Both:
    """Holds where all of its parts do; none of them is a Both."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Holds where one of its parts does; none of them is an Either."""

    parts: tuple[Node, ...]


Node: TypeAlias = Test | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition, and the actions or scopes that it is limited to; none for every action."""

    targets: tuple[str, ...]
    node: Node

    def __str__(self) -> str:
        """Writes it in the one form that it has."""
        limited = f"for {', '.join(self.targets)}: " if self.targets else ""
        return limited + written(self.node)


def both(parts: Sequence[Node]) -> Node:
    """Joins parts by `and`; one alone stays as it is."""
    flat = tuple(
        inner for part in parts for inner in (part.parts if isinstance(part, Both) else (part,))
    )
    return flat[0] if len(flat) == 1 else Both(flat)


def either(parts: Sequence[Node]) -> Node:
    """Joins parts by `or`; one alone stays as it is."""
    flat = tuple(
        inner for part in parts for inner in (part.parts if isinstance(part, Either) else (part,))
    )
    return flat[0] if len(flat) == 1 else Either(flat)


def written(node: Node) -> str:
    """Writes a part, with no more parentheses than it needs."""
    match node:
        case Test():
            quantifier = f"{node.quantifier} " if node.quantifier else ""
            return f"{node.name} {quantifier}{node.operator} {_values(node)}"
        case Not():
            return f"not {_inside(node.part, loose=(Both, Either))}"
        case Both():
            return " and ".join(_inside(part, loose=(Either,)) for part in node.parts)
        case _:
            return " or ".join(written(part) for part in node.parts)


def depth_of(node: Node) -> int:
    """Returns how many parts lie within one another."""
    match node:
        case Test():
            return 1
        case Not():
            return 1 + depth_of(node.part)
        case _:
            return 1 + max(depth_of(part) for part in node.parts)


def tests_of(node: Node) -> tuple[Test, ...]:
    """Returns the comparisons in a part, from left to right."""
    match node:
        case Test():
            return (node,)
        case Not():
            return tests_of(node.part)
        case _:
            return tuple(test for part in node.parts for test in tests_of(part))


def to_form(condition: Condition) -> list[Any]:
    """Returns a condition as the vault keeps it: no text has to be parsed for a call."""
    return [list(condition.targets), _form(condition.node)]


def from_form(form: Any) -> Condition:  # noqa: ANN401 - what the vault kept
    """Returns the condition that the vault keeps in a form.

    Raises:
        ConditionError: It is none.
    """
    try:
        targets, node = form
        return Condition(tuple(str(target) for target in targets), _node(node, 1))
    except (TypeError, ValueError, KeyError, ArithmeticError):
        raise ConditionError(
            "A condition is kept in a form that this version cannot read."
        ) from None


def plain_number(number: Decimal) -> str:
    """Writes a number with the digits that it needs."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _inside(node: Node, *, loose: tuple[type, ...]) -> str:
    return f"({written(node)})" if isinstance(node, loose) else written(node)


def _values(test: Test) -> str:
    texts = [_value(value) for value in test.values]
    return f"[{', '.join(texts)}]" if test.operator in MEMBERSHIP else texts[0]


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        plain_number(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
    )


def _form(node: Node) -> list[Any]:
    match node:
        case Test():
            values = [_value_form(value) for value in node.values]
            return ["test", list(node.path), node.quantifier, node.operator, values]
        case Not():
            return ["not", _form(node.part)]
        case Both():
            return ["and", *map(_form, node.parts)]
        case _:
            return ["or", *map(_form, node.parts)]


def _value_form(value: Value) -> Any:  # noqa: ANN401 - a text, a boolean, or the text of a number
    return [plain_number(value)] if isinstance(value, Decimal) else value


def _node(form: Any, depth: int) -> Node:  # noqa: ANN401 - what the vault kept
    if depth > MAX_DEPTH:
        raise ValueError(form)
    name, *rest = form
    match name:
        case "test":
            return _test(*rest)
        case "not":
            (part,) = rest
            return Not(_node(part, depth + 1))
        case "and" | "or" if len(rest) > 1:
            parts = tuple(_node(part, depth + 1) for part in rest)
            return Both(parts) if name == "and" else Either(parts)
        case _:
            raise ValueError(name)


def _test(path: Any, quantifier: Any, operator: Any, values: Any) -> Test:  # noqa: ANN401 - kept
    if quantifier not in QUANTIFIERS or operator not in OPERATORS or not path or not values:
        raise ValueError(operator)
    read = tuple(_value_of(value) for value in values)
    return Test(tuple(str(name) for name in path), quantifier, operator, read)


def _value_of(form: Any) -> Value:  # noqa: ANN401 - what the vault kept
    if isinstance(form, str | bool):
        return form
    (text,) = cast("Sequence[str]", form)
    return Decimal(text)
