"""Finds records by what somebody calls them, and says how well each one fits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from clientary_connector.call.failure import failure
from clientary_connector.call.kinds import is_object
from clientary_connector.call.result import (
    ArgumentFault,
    Call,
    ErrorKind,
    Outcome,
    Page,
    Result,
    mint_operation,
)
from clientary_connector.errors import UnknownConnectionError
from clientary_connector.finding.chains import Chain, chosen, findable, narrowing
from clientary_connector.finding.looking import Looking
from clientary_connector.finding.names import Fit, Match, Wanted
from clientary_connector.manifest import Action, Find, Manifest, nearest

if TYPE_CHECKING:
    from clientary_connector.connector import Connector

#: So many records are told at most; whoever means another says more of its name.
MOST_TOLD: Final = 50
USUALLY_TOLD: Final = 10
#: A longer text is no name.
MAX_TEXT_CHARS: Final = 200
#: Says in the log of which search a call was a part.
CONTEXT: Final = "part_of"

_NAMED: Final = ("id", "name")

Start = Callable[[Call], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Says what is called by which name, and, as a call does, who wants to know it and why."""

    #: The kind of record: `clients`, `projects`, `staff` and so on.
    resource: str
    text: str
    #: Ids of the records above it, such as `client_id`, by the arguments of the lists.
    within: Mapping[str, int] = field(default_factory=dict[str, int])
    #: So many are told, from 1 to `MOST_TOLD`.
    limit: int = USUALLY_TOLD
    connection: str
    user: str
    persona: str
    prompt: str
    operation: str = field(default_factory=mint_operation)
    context: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that fits, and how well."""

    fit: Fit
    record: Mapping[str, Any]
    name: str

    @property
    def order(self) -> tuple[int, float, int, str]:
        """What sorts better hits first, and of those that fit alike the shorter names."""
        return (*self.fit.order, len(self.name), self.name)


async def find(connector: Connector, search: Search) -> Result:
    """Returns the records that fit a name, best first, as the result of a call would be.

    `page` says how many fit and whether all lists were looked through; a warning says why not.
    Where no list could be read, outcome and error are those of the first call.

    Raises:
        ClosedError: The connector was closed.
        OperatorError: The vault cannot be used.
    """
    return await _found(connector, search, connector.run)


def find_sync(connector: Connector, search: Search) -> Result:
    """Does the same for callers without an event loop.

    Raises:
        ClosedError: The connector was closed.
        OperatorError: The vault cannot be used.
    """

    def start(call: Call) -> Awaitable[Result]:
        return asyncio.to_thread(connector.run_sync, call)

    return asyncio.run(_found(connector, search, start))


async def _found(connector: Connector, search: Search, start: Start) -> Result:
    faults = tuple(_faults(connector.manifest, search))
    if faults:
        error = failure(ErrorKind.INVALID_ARGUMENTS, faults=faults)
        return Result(outcome=Outcome.REFUSED, operation=search.operation, error=error)
    chain = chosen(connector.manifest, search.resource, search.within, _allowed(connector, search))
    # That there is such a list is what the faults are about.
    chain = cast("Chain", chain)
    finds = cast("Find", chain[-1].find)
    wanted, hits = Wanted(search.text), dict[Any, Hit]()

    def run(action: Action, arguments: Mapping[str, Any], mark: str) -> Awaitable[Result]:
        return start(_call(search, action, arguments, mark))

    def take(records: list[dict[str, Any]]) -> None:
        found = ((one.get("id"), _hit(finds, one, wanted)) for one in records)
        hits.update((id_, hit) for id_, hit in found if hit is not None)

    looking = Looking(run, take, most=connector.settings.find_requests)
    await looking.through(chain, search.within)
    return _result(search, chain, looking, list(hits.values()))


def _allowed(connector: Connector, search: Search) -> list[str]:
    """Returns what the persona may call; over a connection that is not there, nothing."""
    try:
        return [one.id for one in connector.allowed(search.persona, search.connection)]
    except UnknownConnectionError:
        return []


def _faults(manifest: Manifest, search: Search) -> Iterator[ArgumentFault]:
    known = findable(manifest)
    if search.resource not in known:
        near = nearest(str(search.resource)[:MAX_TEXT_CHARS], known)
        hint = f"Did you mean {near[0]}?" if near else ""
        yield ArgumentFault(path="$.resource", expected=f"one of {', '.join(known)}", hint=hint)
        return
    if not _is_text(search.text):
        said = f"what it is called, in at most {MAX_TEXT_CHARS} characters"
        yield ArgumentFault(path="$.text", expected=said)
    takes = narrowing(manifest, [search.resource])
    for name, value in search.within.items():
        if name not in takes:
            said = f"nothing but {' or '.join(takes)}" if takes else "nothing: it has one list"
            yield ArgumentFault(path="$.within", expected=said)
        elif not _is_number(value, most=None):
            yield ArgumentFault(path=f"$.{name}", expected="an id")
    if chosen(manifest, search.resource, set(search.within) & set(takes), ()) is None:
        yield ArgumentFault(path="$.within", expected=f"{' or '.join(takes)}, and only one of them")
    if not _is_number(search.limit, most=MOST_TOLD):
        yield ArgumentFault(path="$.limit", expected=f"a number from 1 to {MOST_TOLD}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.strip() != "" and len(value) <= MAX_TEXT_CHARS


def _is_number(value: object, *, most: int | None) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and cast("int", value) >= 1 and (most is None or cast("int", value) <= most)


def _call(search: Search, action: Action, arguments: Mapping[str, Any], mark: str) -> Call:
    return Call(
        action=action.id,
        arguments=arguments,
        connection=search.connection,
        user=search.user,
        persona=search.persona,
        prompt=search.prompt,
        # The same search under the same operation makes the same calls, so they are repeats.
        operation=f"{search.operation}/{mark}",
        context={**search.context, CONTEXT: search.operation},
    )


def _hit(finds: Find, record: Mapping[str, Any], wanted: Wanted) -> Hit | None:
    """Returns a record with how well it fits; None where it does not."""
    held = (record.get(name) for name in finds.by)
    names = [str(value) for value in held if isinstance(value, str | int) and value != ""]
    fit = wanted.best(names)
    return None if fit is None else Hit(fit, record, names[0])


def _result(search: Search, chain: Chain, looking: Looking, hits: list[Hit]) -> Result:
    if looking.failed is not None and not looking.pages:
        return replace(looking.failed, operation=search.operation, replayed=False)
    # A typo is forgiven only where nothing fits as it was written.
    sound = [hit for hit in hits if hit.fit.match is not Match.FUZZY]
    ranked = sorted(sound or hits, key=lambda hit: hit.order)
    told = [_told(chain[-1], hit) for hit in ranked[: search.limit]]
    return Result(
        outcome=Outcome.SUCCEEDED,
        operation=search.operation,
        data=told,
        page=Page(
            number=None,
            size=None,
            total=len(ranked),
            pages=None,
            next_page=None,
            limit=search.limit,
            complete=looking.complete and len(told) == len(ranked),
        ),
        warnings=tuple(_warnings(search, chain, looking)),
        log_id=None if looking.first is None else looking.first.log_id,
    )


def _told(action: Action, hit: Hit) -> dict[str, Any]:
    """Returns what tells a record from others of its name, and how well it fits."""
    find = cast("Find", action.find)
    names = dict.fromkeys(("id", *find.by, *find.show))
    held = ((name, hit.record.get(name)) for name in names)
    shown = {name: _brief(value) for name, value in held if value is not None}
    return {**shown, "match": hit.fit.match.value}


def _brief(value: object) -> object:
    """Returns of a record within a record what says which it is."""
    return {name: value[name] for name in _NAMED if name in value} if is_object(value) else value


def _warnings(search: Search, chain: Chain, looking: Looking) -> Iterator[str]:
    *above, last = chain
    if above:
        yield (
            f"Only {search.resource} that belong to {above[-1].resource} were looked through: "
            "no list has all."
        )
    if looking.complete:
        return
    takes = [name for name in last.place.path if name not in search.within]
    narrower = f" Give {takes[0]} to look through fewer." if takes else ""
    seen = f"{looking.records} {search.resource} were looked at, in {looking.requests} requests"
    if looking.failed is not None and looking.failed.error is not None:
        yield f"Not all was looked through: {looking.failed.error.message} {seen}.{narrower}"
    if looking.bounded:
        yield f"Not all was looked through: {seen}, and it may make no more.{narrower}"
