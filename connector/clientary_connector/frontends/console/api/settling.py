"""Holds the operations on changes of which nobody knows whether they were done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta
from starlette.concurrency import run_in_threadpool

from clientary_connector.call.settling import Verdict
from clientary_connector.frontends.console.api.log import entry_in
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import Fault, ProblemError, unusable
from clientary_connector.frontends.console.api.shapes import LogId, Note, shown
from clientary_connector.frontends.console.api.status import UnsettledShown
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledCalls:
    """Changes of which nobody knows whether they were done, oldest first."""

    unsettled: tuple[UnsettledShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlingWanted:
    """What somebody knows of a change; without a verdict it is looked up at the service."""

    verdict: Annotated[
        Literal["found", "not_found"] | None,
        Meta(description="found: it was done. Left out: look it up."),
    ] = None
    reason: Annotated[Note, Meta(description="How you know; it lies open in the log.")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementShown:
    """What became of a change, and how that is known."""

    id: Annotated[LogId, Meta(description="The call's line in the log.")]
    verdict: Annotated[str, Meta(description="found, not_found or cannot_tell")]
    reason: str
    record: Annotated[Any, Meta(description="What was found at the service.")]
    connection: str
    persona: str
    action: str
    operation: str
    user: str
    log_id: LogId


@operation("GET", "/unsettled", role=Role.VIEWER, gives=UnsettledCalls)
def list_unsettled(asked: Asked[Nothing, Nothing]) -> UnsettledCalls:
    """Lists the changes of which nobody knows whether they were done, oldest first.

    They were sent, and no answer came: each may have happened. A repeat of the operation sends
    nothing until it is settled.
    """
    found = asked.connector.settlements.unsettled()
    return UnsettledCalls(unsettled=tuple(shown(one, UnsettledShown) for one in found))


@operation(
    "POST",
    "/log/{entry}/settle",
    role=Role.ADMIN,
    body=SettlingWanted,
    gives=SettlementShown,
    refuses={
        409: "How it ended is known, or it may still arrive.",
        502: "The service could not be asked; nothing was settled.",
    },
)
async def settle_call(asked: Asked[Nothing, SettlingWanted]) -> SettlementShown:
    """Finds out whether a change was done, or takes your word for it.

    Found: a repeat of the operation gets the record. Not found: a repeat runs. Where the look-up
    cannot tell, look into the account yourself, and say which it is.
    """
    given, settlements, user = asked.body, asked.connector.settlements, asked.person.name
    entry = entry_in(asked.path)
    if given.verdict is None:
        if given.reason:
            raise _lonely()
        return shown(await settlements.settle(entry, user=user), SettlementShown)
    done = await run_in_threadpool(
        settlements.decide, entry, Verdict(given.verdict), user=user, reason=given.reason
    )
    return shown(done, SettlementShown)


def _lonely() -> ProblemError:
    fault = Fault(
        place="body",
        path="$.reason",
        expected="nothing",
        hint="A reason belongs to a verdict: found or not_found.",
    )
    return unusable(fault)


OPERATIONS = (list_unsettled, settle_call)
