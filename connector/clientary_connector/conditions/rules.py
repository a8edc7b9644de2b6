"""Says whether the conditions of a grant hold for a call.

1. A condition holds, or does not, or it is open; a call goes on only where it holds.
2. A comparison holds where every source that tells something meets it, and one tells something.
   Under `not` every source has to fail it.
3. What is told is looked up by name in the arguments, in records that were read for it, and in
   the answer. Nothing else is reached: no attribute, no call, no text that is run.
"""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, TypeAlias, cast

from clientary_connector.conditions.kinds import Form, Kind, Plain, is_list, plain
from clientary_connector.conditions.parts import (
    ALL,
    EQUALITY,
    MEMBERSHIP,
    ORDER,
    TEXT,
    Both,
    Condition,
    Node,
    Not,
    Test,
)
from clientary_connector.conditions.sources import Source

#: The action that reads a record, and the id of the record.
Need: TypeAlias = tuple[str, int | str]
#: Is given a plain value.
Match: TypeAlias = Callable[[Plain], bool]

NOT_YET: Final = object()
COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operators.contains,
}
#: What each form can be compared by, beside equality and membership.
COMPARABLE: Final[Mapping[Form, tuple[str, ...]]] = {
    Form.NUMBER: ORDER,
    Form.DATE: ORDER,
    Form.MOMENT: ORDER,
    Form.TEXT: TEXT,
    Form.ADDRESS: TEXT,
    Form.CHOICE: (),
}


@dataclass(slots=True)
class Facts:
    """What is known of a call: its arguments, records that were read, a record of its answer."""

    arguments: Mapping[str, Any]
    #: None stands for a record that is not there.
    known: dict[Need, Mapping[str, Any] | None] = field(default_factory=dict[Need, Any])
    answer: Any = NOT_YET
    #: What was looked for and is not known yet.
    needs: set[Need] = field(default_factory=set[Need])

    def told(self, source: Source) -> Any:  # noqa: ANN401 - any JSON value
        """Returns what a source tells: None for nothing, NOT_YET for what has to be read first."""
        place: Any = self.answer if source.answer else self.arguments
        if place is NOT_YET:
            return NOT_YET
        for hop in source.hops:
            number = place.get(hop.given)
            if not isinstance(number, int | str) or isinstance(number, bool):
                return None
            need = (hop.action, number)
            if need not in self.known:
                self.needs.add(need)
                return NOT_YET
            place = self.known[need]
            if place is None:
                return None
        return _walked(place, source.path)


#: Is given the facts and whether the opposite is asked; None where it is open.
Judge: TypeAlias = Callable[[Facts, bool], bool | None]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One condition, ready to be judged for calls of one action."""

    text: str
    judge: Judge
    #: Whether the answer to the call tells something that it names.
    answers: bool


def rule(condition: Condition, sources: Callable[[tuple[str, ...]], tuple[Source, ...]]) -> Rule:
    """Makes a condition ready for the calls of the action that the sources are of."""
    found: list[Source] = []

    def looked_up(path: tuple[str, ...]) -> tuple[Source, ...]:
        here = sources(path)
        found.extend(here)
        return here

    judge = _judge(condition.node, looked_up)
    return Rule(str(condition), judge, any(source.answer for source in found))


def misfit(test: Test, kind: Kind) -> str:
    """Says why a comparison makes no sense for a kind of value; empty where it does."""
    if kind.many and not test.quantifier:
        return f"{test.name} is a list: say `{test.name} all` or `{test.name} any`"
    if test.quantifier and not kind.many:
        return f"{test.name} is no list: leave `{test.quantifier}` out"
    by = (*EQUALITY, *MEMBERSHIP, *COMPARABLE[kind.form]) if kind.form in COMPARABLE else EQUALITY
    if test.operator not in by:
        return f"{test.name} is {kind.form}, which is compared by {', '.join(by)}"
    for value in test.values:
        if _literal(value, kind, test.operator) is None:
            return f"{test.name} is {kind.form}{_form_of(kind)}"
    return ""


def _form_of(kind: Kind) -> str:
    match kind.form:
        case Form.CHOICE:
            return f": {', '.join(kind.choices)}"
        case Form.TEXT | Form.ADDRESS:
            return ', written in "double quotes"'
        case Form.DATE:
            return ', written as "2026-12-31"'
        case Form.MOMENT:
            return ', written as "2026-12-31T18:00:00Z"'
        case _:
            return ""


def _literal(value: Plain, kind: Kind, operator: str) -> Plain | None:
    """Returns a value of a condition in the plain form of a kind; None where it is of another."""
    if kind.form is Form.NUMBER:
        return None if isinstance(value, str | bool) else value
    if kind.form is Form.FLAG or not isinstance(value, str):
        return value if isinstance(value, bool) and kind.form is Form.FLAG else None
    if kind.form is Form.ADDRESS and operator in TEXT:
        return value.casefold()
    if kind.form is Form.DATE and not _is_date(value):
        return None
    return plain(value, kind)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _judge(node: Node, sources: Callable[[tuple[str, ...]], tuple[Source, ...]]) -> Judge:
    if isinstance(node, Test):
        return _comparison(node, sources(node.path))
    if isinstance(node, Not):
        inner = _judge(node.part, sources)
        return lambda facts, opposite: inner(facts, not opposite)
    parts = tuple(_judge(part, sources) for part in node.parts)
    joined = isinstance(node, Both)
    # Of `not (a and b)` one part has to fail, of `not (a or b)` every one.
    return lambda facts, opposite: (
        _every(parts, facts, opposite) if joined != opposite else _one(parts, facts, opposite)
    )


def _every(parts: Sequence[Judge], facts: Facts, opposite: bool) -> bool | None:  # noqa: FBT001 - as of a Judge
    verdict: bool | None = True
    for part in parts:
        held = part(facts, opposite)
        if held is False:
            return False
        verdict = verdict and held
    return verdict


def _one(parts: Sequence[Judge], facts: Facts, opposite: bool) -> bool | None:  # noqa: FBT001 - as of a Judge
    verdict: bool | None = False
    for part in parts:
        held = part(facts, opposite)
        if held:
            return True
        verdict = None if held is None else verdict
    return verdict


def _comparison(test: Test, sources: Sequence[Source]) -> Judge:
    if any(misfit(test, source.kind) for source in sources):
        # It was checked against another manifest: nobody can say any more what it means.
        return lambda _facts, _opposite: None
    ways = tuple((source, _match(test, source.kind)) for source in sources)

    def judge(facts: Facts, opposite: bool) -> bool | None:  # noqa: FBT001 - as of a Judge
        said, waiting = False, False
        for source, match in ways:
            told = facts.told(source)
            if told is NOT_YET:
                waiting = True
                continue
            met = _met(told, test.quantifier, source.kind, match)
            if met is None:
                continue
            if met is opposite:
                return False
            said = True
        return True if said and not waiting else None

    return judge


def _met(told: Any, quantifier: str, kind: Kind, match: Match) -> bool | None:  # noqa: ANN401 - any JSON value
    if told is None:
        return None
    if not quantifier:
        value = plain(told, kind)
        return None if value is None else match(value)
    if not is_list(told) or not told:
        return None
    values = [plain(one, kind) for one in told]
    met = {match(value) for value in values if value is not None}
    decisive = quantifier != ALL
    if decisive in met:
        return decisive
    return None if None in values else not decisive


def _match(test: Test, kind: Kind) -> Match:
    values = tuple(_literal(value, kind, test.operator) for value in test.values)
    if test.operator in MEMBERSHIP:
        wanted = test.operator == "in"
        return lambda value: (value in values) is wanted
    compare, given = _compared(test.operator), values[0]
    return lambda value: compare(value, given)


def _compared(operator: str) -> Callable[[Any, Any], bool]:
    return COMPARED[operator]


def _walked(place: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - any JSON value
    """Returns what lies at a path; of a list on the way, what lies there in each of its items."""
    for at, name in enumerate(path):
        if is_list(place):
            return [_walked(item, path[at:]) for item in place]
        if not isinstance(place, Mapping):
            return None
        place = cast("Mapping[str, Any]", place).get(name)
    return place
