"""Holds the operations on the log: list it, open an entry, prove it, check all of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import Fault, ProblemError
from clientary_connector.frontends.console.api.shapes import LogId, Moment, Name, shown
from clientary_connector.logentry import LogFilter
from clientary_connector.people import Role
from clientary_connector.verifying import Verification

_ENTRY: Final = re.compile(r"[1-9][0-9]{0,17}")
SIDES: Final = tuple(item.name for item in fields(LogFilter))


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryShown:
    """One call, refusal or change; what is sealed in it is null unless it was opened."""

    id: LogId
    at: Moment
    kind: str
    user: str
    persona: str | None
    connection: str | None
    action: str | None
    effect: str | None
    operation: str | None
    outcome: str
    settled: str | None
    settled_by: str | None
    status: int | None
    attempts: int | None
    duration_ms: float | None
    error: str | None
    cost: int | None
    warnings: int
    prompt: str | None
    arguments: Any
    request: Any
    response: Any
    context: dict[str, Any]
    facts: dict[str, Any]
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """Entries of the log, newest first."""

    entries: tuple[EntryShown, ...]
    next_before: Annotated[
        int | None, Meta(description="Give it as `before` to go on; null at the end.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichEntries:
    """Which entries are wanted."""

    user: Name | None = None
    persona: Name | None = None
    connection: Name | None = None
    action: Name | None = None
    effect: Literal["read", "write", "delete", "send"] | None = None
    outcome: str | None = None
    since: Moment | None = None
    until: Annotated[Moment | None, Meta(description="This moment is left out.")] = None
    operation: Name | None = None
    kind: Annotated[str | None, Meta(description="call, refusal, replay, grant, revoke …")] = None
    run: Name | None = None
    flow: Name | None = None
    session: Name | None = None
    trace: Name | None = None
    before: Annotated[LogId | None, Meta(description="Go on after this entry.")] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proof that a row is in the log, for `python -m connector_vault.verify`."""

    proof: dict[str, Any]
    key: Annotated[str, Meta(description="The public key that checks it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckShown:
    """One check of the whole log, under way or over."""

    id: str
    state: Annotated[str, Meta(description="running, ended or cut_short")]
    by: str
    begun: Moment
    seen: Annotated[Moment, Meta(description="When it was last heard of.")]
    done: Annotated[int, Meta(description="Rows looked at, of `total`.")]
    total: int
    verdicts: Annotated[dict[str, Any] | None, Meta(description="What it has found.")]
    faults: int
    error: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The newest check of the whole log; null where there was none."""

    newest: CheckShown | None


@operation("GET", "/log", role=Role.VIEWER, query=WhichEntries, gives=Entries)
def list_log(asked: Asked[WhichEntries, Nothing]) -> Entries:
    """Lists entries that fit, newest first, without what is sealed in them."""
    wanted = asked.query
    sides: dict[str, Any] = {name: getattr(wanted, name) for name in SIDES}
    sides |= {name: moment(name, sides[name]) for name in ("since", "until")}
    page = asked.connector.log.page(LogFilter(**sides), before=wanted.before, limit=wanted.limit)
    return Entries(
        entries=tuple(shown(one, EntryShown) for one in page.entries),
        next_before=page.next_before,
    )


@operation("GET", "/log/check", role=Role.VIEWER, gives=Check)
def show_check(asked: Asked[Nothing, Nothing]) -> Check:
    """Says how far the newest check of the whole log is, and what it has found."""
    return _check(asked.connector.log.verifying.newest())


@operation("POST", "/log/check", role=Role.ADMIN, gives=Check, status=202)
def start_check(asked: Asked[Nothing, Nothing]) -> Check:
    """Starts a check of the whole log, or tells of the one that is under way."""
    return _check(asked.connector.log.verifying.start(asked.person.name))


@operation("GET", "/log/{entry}", role=Role.VIEWER, gives=EntryShown)
def show_entry(asked: Asked[Nothing, Nothing]) -> EntryShown:
    """Shows one entry without what is sealed in it; the id of an outcome leads to its call."""
    return shown(asked.connector.log.entry(_entry(asked)), EntryShown)


@operation("POST", "/log/{entry}/open", role=Role.ADMIN, gives=EntryShown, refuses=(403,))
def open_entry(asked: Asked[Nothing, Nothing]) -> EntryShown:
    """Opens what is sealed in an entry: prompt, arguments, request and response.

    Who opened it stands in the log as an entry of kind `read`; the host may refuse it.
    """
    found = asked.connector.log.entry(_entry(asked), user=asked.person.name)
    return shown(found, EntryShown)


@operation("GET", "/log/{entry}/proof", role=Role.VIEWER, gives=Proof)
def prove_entry(asked: Asked[Nothing, Nothing]) -> Proof:
    """Proves that an entry is in the log, to whoever has the public key."""
    proofs = asked.connector.log.proofs
    return Proof(proof=proofs.inclusion(_entry(asked)), key=proofs.key())


def _check(newest: Verification | None) -> Check:
    return Check(newest=None if newest is None else shown(newest, CheckShown))


def moment(name: str, text: str | None) -> datetime | None:
    """Returns a moment of a query.

    Raises:
        ProblemError: It has the form of one, and is none that can be told in UTC.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    fault = Fault(place="query", path=name, expected="a moment of our time")
    raise ProblemError(422, "The request cannot be used.", faults=(fault,))


def _entry(asked: Asked[Nothing, Nothing]) -> int:
    """Returns the number of the entry in the path.

    Raises:
        ProblemError: It is none.
    """
    text = asked.path["entry"]
    if _ENTRY.fullmatch(text) is None:
        raise ProblemError(404, "The log has no such entry.")
    return int(text)


OPERATIONS = (list_log, show_check, start_check, show_entry, open_entry, prove_entry)
