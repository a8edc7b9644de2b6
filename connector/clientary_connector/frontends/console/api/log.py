"""Holds the operations on the log: list it, open an entry, prove it, check all of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta

from clientary_connector.frontends.console.api.cursors import cursor_behind
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import Fault, ProblemError, unusable
from clientary_connector.frontends.console.api.shapes import LogId, Moment, Name, shown
from clientary_connector.logentry import LogFilter, LogPage
from clientary_connector.people import Role
from clientary_connector.verifying import Verification

_ENTRY: Final = re.compile(r"[1-9][0-9]{0,17}")
#: Of what opens something sealed.
NOT_LET: Final = {403: "The role is too small, or the host does not let this user read it."}
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
    cursor: Annotated[
        str | None, Meta(description="For GET /log/news; null where the newest are not here.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """By what entries are chosen; what is left out is left open."""

    user: Name | None = None
    persona: Name | None = None
    connection: Name | None = None
    action: Name | None = None
    effect: Literal["read", "write", "delete", "send"] | None = None
    outcome: Annotated[
        str | None,
        Meta(
            description="succeeded, refused, failed, unknown, open; of approvals: asked, given, "
            "denied, expired, used."
        ),
    ] = None
    since: Moment | None = None
    until: Annotated[Moment | None, Meta(description="This moment is left out.")] = None
    operation: Name | None = None
    kind: Annotated[str | None, Meta(description="call, refusal, replay, grant, revoke …")] = None
    run: Name | None = None
    flow: Name | None = None
    session: Name | None = None
    trace: Name | None = None

    def where(self, place: str) -> LogFilter:
        """Returns the choice as the connector knows it.

        Raises:
            ProblemError: A moment is none.
        """
        sides: dict[str, Any] = {name: getattr(self, name) for name in SIDES}
        sides |= {name: moment(name, sides[name], place) for name in ("since", "until")}
        return LogFilter(**sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichEntries(Sides):
    """Which entries are wanted, a page at a time."""

    before: Annotated[LogId | None, Meta(description="Go on after this entry.")] = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proof that a row is in the log, for `python -m connector_vault.verify`."""

    proof: dict[str, Any]
    key: Annotated[str, Meta(description="The public key that checks it.")]
    rows: Annotated[
        tuple[LogId, ...],
        Meta(description="The rows that the entry is made of: each has a proof of its own."),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The proof that the log has only grown since it had so many rows."""

    proof: dict[str, Any]
    key: Annotated[str, Meta(description="The public key that checks it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """Since when the log is to be shown to have only grown."""

    rows: Annotated[LogId, Meta(description="Of an older checkpoint: its number of rows.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What others keep of the log, to hold it to later."""

    key: Annotated[str, Meta(description="Checks every proof; keep it elsewhere.")]
    signed: Annotated[int, Meta(description="Up to which row it is signed.")]
    checkpoint: Annotated[str | None, Meta(description="A signed note; null: the log is empty.")]


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
    """Lists entries that fit, newest first, without what is sealed in them.

    A page at a time: give `next_before` as `before`. For what comes after it, `GET /log/news`.
    """
    wanted = asked.query
    page = asked.connector.log.page(wanted.where("query"), before=wanted.before, limit=wanted.limit)
    return _listed(page, wanted)


@operation(
    "POST",
    "/log/open",
    role=Role.ADMIN,
    body=WhichEntries,
    gives=Entries,
    refuses=NOT_LET,
)
def open_log(asked: Asked[Nothing, WhichEntries]) -> Entries:
    """Lists entries that fit, newest first, with what is sealed in them.

    Who read which of them stands in the log first, as an entry of kind `read`; the host may
    refuse it.
    """
    wanted = asked.body
    page = asked.connector.log.page(
        wanted.where("body"),
        before=wanted.before,
        limit=wanted.limit,
        user=asked.person.name,
    )
    return _listed(page, wanted)


@operation("GET", "/log/check", role=Role.VIEWER, gives=Check)
def show_check(asked: Asked[Nothing, Nothing]) -> Check:
    """Says how far the newest check of the whole log is, and what it has found.

    Whoever started it, in whatever process.
    """
    return _check(asked.connector.log.verifying.newest())


@operation("POST", "/log/check", role=Role.ADMIN, gives=Check, status=202)
def start_check(asked: Asked[Nothing, Nothing]) -> Check:
    """Starts a check of the whole log, or tells of the one that is under way.

    It goes on in the background; look how far it is with `GET /log/check`. What came of it stands
    in the log.
    """
    return _check(asked.connector.log.verifying.start(asked.person.name))


@operation("GET", "/log/{entry}", role=Role.VIEWER, gives=EntryShown)
def show_entry(asked: Asked[Nothing, Nothing]) -> EntryShown:
    """Shows one entry without what is sealed in it; the id of an outcome leads to its call.

    To read prompt, arguments, request and response, open it.
    """
    return shown(asked.connector.log.entry(entry_in(asked.path)), EntryShown)


@operation("POST", "/log/{entry}/open", role=Role.ADMIN, gives=EntryShown, refuses=NOT_LET)
def open_entry(asked: Asked[Nothing, Nothing]) -> EntryShown:
    """Opens what is sealed in an entry: prompt, arguments, request and response.

    Who opened it stands in the log as an entry of kind `read`; the host may refuse it.
    """
    found = asked.connector.log.entry(entry_in(asked.path), user=asked.person.name)
    return shown(found, EntryShown)


@operation("GET", "/log/{entry}/proof", role=Role.VIEWER, gives=Proof)
def prove_entry(asked: Asked[Nothing, Nothing]) -> Proof:
    """Proves that an entry is in the log, to whoever has the public key.

    `python -m connector_vault.verify FILE --key KEY` checks the `proof`, saved as a file, without
    the vault. A call is two rows: `rows` names both, and each has a proof of its own.
    """
    log, entry = asked.connector.log, entry_in(asked.path)
    rows = log.rows(entry)
    return Proof(proof=log.proofs.inclusion(entry), key=log.proofs.key(), rows=rows)


@operation("GET", "/log/checkpoint", role=Role.VIEWER, gives=Checkpoint)
def show_checkpoint(asked: Asked[Nothing, Nothing]) -> Checkpoint:
    """Gives the newest signed checkpoint of the log, and the key that checks it.

    Kept elsewhere, it is what a later log can be held to.
    """
    proofs = asked.connector.log.proofs
    note = proofs.checkpoint()
    return Checkpoint(key=proofs.key(), signed=proofs.signed(), checkpoint=note)


@operation("GET", "/log/growth", role=Role.VIEWER, query=Since, gives=Growth)
def prove_growth(asked: Asked[Since, Nothing]) -> Growth:
    """Proves that the log still holds the rows of an older checkpoint, and has only grown.

    A checkpoint is named by its number of rows, which stands in its second line.
    """
    proofs = asked.connector.log.proofs
    return Growth(proof=proofs.consistency(asked.query.rows), key=proofs.key())


def _listed(page: LogPage, wanted: WhichEntries) -> Entries:
    return Entries(
        entries=tuple(shown(one, EntryShown) for one in page.entries),
        next_before=page.next_before,
        cursor=None if wanted.before is not None else str(cursor_behind(page.entries)),
    )


def _check(newest: Verification | None) -> Check:
    return Check(newest=None if newest is None else shown(newest, CheckShown))


def moment(name: str, text: str | None, place: str = "query") -> datetime | None:
    """Returns a moment of a query or a body.

    Raises:
        ProblemError: It has the form of one, and is none that can be told in UTC.
    """
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    path = name if place == "query" else f"$.{name}"
    fault = Fault(
        place=place, path=path, expected="a moment of our time", hint="As in 2026-03-01T08:30:00Z."
    )
    raise unusable(fault)


def entry_in(path: Mapping[str, str]) -> int:
    """Returns the number of the entry in a path.

    Raises:
        ProblemError: It is none.
    """
    text = path["entry"]
    if _ENTRY.fullmatch(text) is None:
        raise ProblemError(404, "The log has no such entry.", hint="List them: GET /log.")
    return int(text)


OPERATIONS = (
    list_log,
    open_log,
    show_check,
    start_check,
    show_checkpoint,
    prove_growth,
    show_entry,
    open_entry,
    prove_entry,
)
