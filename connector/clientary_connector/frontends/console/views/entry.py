"""Shapes one entry of the log: what lies open in it, what is sealed, and how to prove it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector.call.result import Outcome
from clientary_connector.call.settling import Verdict
from clientary_connector.frontends.console.views.log import note_of, spoken, title_of
from clientary_connector.logentry import CALL, LogEntry

#: What is sealed, with its heading, in the order in which it came to be.
SEALED: Final = (
    ("arguments", "Arguments"),
    ("request", "Request as it was sent"),
    ("response", "Answer as it was given to the host"),
)
#: Facts that stand on the page by other names, or elsewhere; `by` is the id of a process.
SHOWN: Final = frozenset(
    {"status", "attempts", "duration_ms", "error", "cost", "warnings", "tries", "context", "by"}
)


#: What a settlement says that leaves it open.
OPEN: Final = frozenset({None, Verdict.CANNOT_TELL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One send of a call: what it came to, by names that the log has."""

    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part that was sealed."""

    name: str
    heading: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One entry as its page shows it."""

    entry: LogEntry
    title: str
    note: str
    connection: str
    #: Names and values that lie open, in their order.
    facts: tuple[tuple[str, str], ...]
    #: What the host said beside the call.
    context: tuple[tuple[str, str], ...]
    #: Each send, where there was more than one.
    tries: tuple[Try, ...]
    columns: tuple[str, ...]
    parts: tuple[Part, ...]
    #: Whether it has, or had, something sealed.
    is_call: bool
    #: Whether nobody knows yet what became of it.
    is_open: bool


def shown(entry: LogEntry, names: Mapping[str, str]) -> Shown:
    """Shapes an entry; `names` are those of the connections, by id."""
    tries = tuple(Try(facts=_words(one)) for one in entry.facts.get("tries") or ())
    columns = tuple(dict.fromkeys(name for one in tries for name in one.facts))
    return Shown(
        entry=entry,
        title=title_of(entry),
        note=note_of(entry),
        connection=names.get(entry.connection or "", entry.connection or ""),
        facts=tuple(_facts(entry)),
        context=tuple(_words(entry.context).items()),
        tries=tries,
        columns=columns,
        parts=tuple(
            Part(name=name, heading=heading, value=value)
            for name, heading in SEALED
            if (value := getattr(entry, name)) is not None
        ),
        is_call=entry.kind == CALL,
        is_open=entry.outcome == Outcome.UNKNOWN and entry.settled in OPEN,
    )


def _facts(entry: LogEntry) -> list[tuple[str, str]]:
    named = {
        "Kind": spoken(entry.kind),
        "Effect": entry.effect,
        "Operation": entry.operation,
        "HTTP status": entry.status,
        "Sends": entry.attempts,
        "Duration": None if entry.duration_ms is None else f"{entry.duration_ms:,.0f} ms",
        "Cost": None if entry.cost is None else _counted(entry.cost, "credit"),
        "Warnings": entry.warnings or None,
        "Settled by": entry.settled_by,
    }
    rest = {name: value for name, value in entry.facts.items() if name not in SHOWN}
    found = {name: value for name, value in named.items() if value not in (None, "")}
    found |= {name.capitalize(): value for name, value in _words(rest).items()}
    return [(name, str(value)) for name, value in found.items()]


def _words(facts: Mapping[str, Any]) -> dict[str, str]:
    """Returns facts by their names as words; what is nothing is left out."""
    return {spoken(name): _text(value) for name, value in facts.items() if value not in (None, {})}


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int() | float():
            return str(value)
        case _:
            return _listed(value)


def _listed(value: object) -> str:
    """Returns a list or an object on one line."""
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value) or "none"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, dict):
        pairs: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return ", ".join(f"{spoken(name)}: {_text(one)}" for name, one in pairs.items())
    return str(value)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
