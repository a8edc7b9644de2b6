"""Reads conditions: the one place that knows how they are spelled.

It is loaded where a grant is made and nowhere on the way of a call.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any, Final, cast

from lark import (
    Lark,
    Token,
    Transformer,
    UnexpectedCharacters,
    UnexpectedInput,
    UnexpectedToken,
)

from clientary_connector.conditions.parts import (
    MAX_CHARS,
    MAX_DEPTH,
    Condition,
    Node,
    Not,
    Test,
    Value,
    both,
    depth_of,
    either,
)
from clientary_connector.errors import ConditionError

GRAMMAR: Final = r"""
start: targets? either
targets: "for" target ("," target)* ":"
target: SCOPE | NAME
either: both ("or" both)*
both: negation ("and" negation)*
?negation: "not" negation -> negated
         | "(" either ")"
         | test
test: path quantifier? operator value
    | path quantifier? membership "[" value ("," value)* "]"
path: NAME ("." NAME)*
!quantifier: "all" | "any"
!operator: "==" | "!=" | "<=" | "<" | ">=" | ">" | "startswith" | "endswith" | "contains"
!membership: "in" | "not" "in"
value: NUMBER -> number
     | STRING -> text
     | "true" -> yes
     | "false" -> no

SCOPE: /(\*|[a-z][a-z0-9_]*):(\*|[a-z]+)/
NAME: /[A-Za-z_][A-Za-z0-9_]{0,63}/
NUMBER: /-?[0-9]{1,15}(\.[0-9]{1,6})?/
STRING: /"(\\.|[^"\\\n])*"/
%ignore /[ \t\r\n]+/
"""
#: What a reader of an error knows each kind of sign as.
SIGNS: Final = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": 'a text in "double quotes"',
    "SCOPE": "a scope",
    "$END": "the end",
}
#: Half a sign, which UTF-8 cannot hold; it stands for every text that cannot be read.
LONE: Final = re.compile("[\ud800-\udfff]")
LONE_EXAMPLE: Final = "\ud800"


class _Parts(Transformer[Token, Any]):
    """Makes the parts of a condition from the bottom up."""

    def start(self, parts: list[Any]) -> Condition:
        targets, node = parts if len(parts) > 1 else ((), parts[0])
        return Condition(targets, node)

    def targets(self, parts: list[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(parts))

    def target(self, parts: list[Token]) -> str:
        return str(parts[0])

    def either(self, parts: list[Node]) -> Node:
        return _bounded(either(parts))

    def both(self, parts: list[Node]) -> Node:
        return _bounded(both(parts))

    def negated(self, parts: list[Node]) -> Node:
        return _bounded(Not(parts[0]))

    def test(self, parts: list[Any]) -> Test:
        path, *rest = parts
        quantifier = rest.pop(0) if rest[0] in {"all", "any"} else ""
        return Test(path, quantifier, rest[0], tuple(rest[1:]))

    def path(self, parts: list[Token]) -> tuple[str, ...]:
        return tuple(str(part) for part in parts)

    def quantifier(self, parts: list[Token]) -> str:
        return str(parts[0])

    def operator(self, parts: list[Token]) -> str:
        return str(parts[0])

    def membership(self, parts: list[Token]) -> str:
        return " ".join(str(part) for part in parts)

    def number(self, parts: list[Token]) -> Value:
        return Decimal(parts[0])

    def text(self, parts: list[Token]) -> Value:
        return _text(parts[0])

    def yes(self, _: list[Token]) -> Value:
        return True

    def no(self, _: list[Token]) -> Value:
        return False


def parse(text: str) -> Condition:
    """Reads a condition.

    Raises:
        ConditionError: It is none; the error says where.
    """
    if len(text) > MAX_CHARS:
        raise ConditionError(f"A condition has at most {MAX_CHARS:,} characters.")
    try:
        parser: Any = _parser()
        return cast("Condition", parser.parse(text))
    except UnexpectedInput as error:
        place, wanted = _place(error, text), _wanted(error)
    raise ConditionError(
        f"The condition cannot be read at character {place + 1}.",
        hint=f"Expected there: {wanted}." if wanted else "",
    )


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", transformer=_Parts(), maybe_placeholders=False)


def _bounded(node: Node) -> Node:
    if depth_of(node) > MAX_DEPTH:
        raise ConditionError(f"A condition has at most {MAX_DEPTH} parts within one another.")
    return node


def _text(token: Token) -> str:
    try:
        text = str(json.loads(token))
    except ValueError:
        text = LONE_EXAMPLE
    if LONE.search(text):
        raise ConditionError(
            f"The text at character {(token.start_pos or 0) + 1} cannot be read.",
            hint='A text is written as in JSON: "in double quotes", a quote in it as \\".',
        )
    return text


def _place(error: UnexpectedInput, text: str) -> int:
    """Returns the character at which the reading ended."""
    last = cast("Token | None", getattr(error, "token", None))
    at_end = last is not None and last.type == "$END"
    return len(text.rstrip()) if at_end else (error.pos_in_stream or 0)


def _wanted(error: UnexpectedInput) -> str:
    """Says what could have stood there."""
    names: set[str] = set()
    if isinstance(error, UnexpectedToken):
        names = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        names = set(error.allowed or ())
    patterns = {one.name: one.pattern.value for one in _parser().terminals}
    words = {SIGNS.get(name) or patterns.get(name, name).replace("\\", "") for name in names}
    return " or ".join(sorted(words))
