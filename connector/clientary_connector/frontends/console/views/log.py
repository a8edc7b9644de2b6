"""Shapes the log for its pages: which entries are wanted, what a line shows, where links lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from clientary_connector.logentry import EFFECTS, OPEN, OUTCOMES, LogEntry, LogFilter
from clientary_connector.moments import EXPECTED, read_moment

#: Sides of the filter that take a text, as they stand in an address.
TEXTS: Final = (
    "user", "persona", "connection", "action", "kind", "operation", "run", "flow", "session",
    "trace",
)  # fmt: skip
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {"effect": EFFECTS, "outcome": OUTCOMES}
MOMENTS: Final = ("since", "until")
NAMES: Final = (*TEXTS, *CHOICES, *MOMENTS)
#: Those that are asked for seldom stand apart on the page.
SELDOM: Final = ("effect", "operation", "run", "flow", "session", "trace")
#: Kinds of entries that are offered; others can be typed into the address.
KINDS: Final = (
    "call", "refusal", "replay", "approval", "settle", "connect", "grant", "rotate", "revoke",
    "budget", "read", "verify", "erase", "tend",
)  # fmt: skip
MOST_CHARS: Final = 256
PROMPT_CHARS: Final = 160
#: The kind of a line that is about a call, and is none.
APPROVAL: Final = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries somebody wants, as it was typed and as it is understood."""

    #: What was typed, by the names above; what was left empty is not there.
    typed: Mapping[str, str]
    where: LogFilter
    #: What cannot be understood, by the same names.
    faults: Mapping[str, str]

    def text(self, name: str) -> str:
        """Returns what was typed into a field."""
        return self.typed.get(name, "")

    def query(self, **more: object) -> str:
        """Returns the address of this choice, to be put behind a path."""
        pairs = {**self.typed, **{name: str(value) for name, value in more.items()}}
        return f"?{urlencode(pairs)}" if pairs else ""

    @property
    def seldom(self) -> bool:
        """Whether a field is used that stands apart."""
        return any(name in self.typed for name in SELDOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the list."""

    id: int
    at: datetime
    user: str
    persona: str
    #: The action, or what else was done.
    what: str
    effect: str
    connection: str
    outcome: str
    #: Why it did not succeed, and what was found out later.
    note: str
    erased: bool
    #: What was asked for, where it was opened.
    prompt: str


def wanted(query: Mapping[str, str]) -> Wanted:
    """Reads a choice of entries from an address or a form."""
    typed = {name: query[name].strip() for name in NAMES if query.get(name, "").strip()}
    faults: dict[str, str] = {}
    found: dict[str, str | datetime] = {}
    for name, text in typed.items():
        try:
            found[name] = _read(name, text)
        except ValueError as error:
            faults[name] = str(error)
    return Wanted(typed=typed, where=LogFilter(**found), faults=faults)  # type: ignore[arg-type] # each name has its type


def lines(entries: Iterable[LogEntry], names: Mapping[str, str]) -> tuple[Line, ...]:
    """Shapes entries; `names` are those of the connections, by id."""
    return tuple(_line(entry, names) for entry in entries)


def note_of(entry: LogEntry) -> str:
    """Returns why a call did not succeed, and what was found out later."""
    settled = entry.settled and f"settled: {entry.settled.replace('_', ' ')}"
    return ", ".join(part for part in (spoken(entry.error or ""), settled) if part)


def title_of(entry: LogEntry) -> str:
    """Returns what an entry is about: an action, or the kind of a change."""
    if entry.kind == APPROVAL and entry.action:
        return f"approval of {entry.action}"
    return entry.action or spoken(entry.kind)


def spoken(name: str) -> str:
    """Returns a name of the connector's as words."""
    return name.replace("_", " ")


def live_after(entries: Iterable[LogEntry], *, now: datetime, patience_s: float) -> int:
    """Returns after which entry the next look begins, if these are the newest.

    Calls that are under way are looked at again, until they have taken long.
    """
    shown = tuple(entries)
    ending = [
        one.id - 1
        for one in shown
        if one.outcome == OPEN and (now - one.at).total_seconds() < patience_s
    ]
    return min([*ending, max((one.id for one in shown), default=0)])


def _read(name: str, text: str) -> str | datetime:
    """Reads one side of the filter.

    Raises:
        ValueError: It cannot be understood; the message says what is expected.
    """
    if len(text) > MOST_CHARS or not text.isprintable():
        raise ValueError("This cannot stand in the log.")
    if name in CHOICES and text not in CHOICES[name]:
        raise ValueError(f"Choose of {', '.join(CHOICES[name])}.")
    if name not in MOMENTS:
        return text
    try:
        return read_moment(text, UTC)
    except ValueError:
        raise ValueError(EXPECTED[0].upper() + EXPECTED[1:]) from None


def _line(entry: LogEntry, names: Mapping[str, str]) -> Line:
    prompt = entry.prompt or ""
    return Line(
        id=entry.id,
        at=entry.at,
        user=entry.user,
        persona=entry.persona or "",
        what=title_of(entry),
        effect=entry.effect or "",
        connection=names.get(entry.connection or "", entry.connection or ""),
        outcome=entry.outcome,
        note=note_of(entry),
        erased=entry.erased,
        prompt=prompt if len(prompt) <= PROMPT_CHARS else f"{prompt[: PROMPT_CHARS - 1]}…",
    )
