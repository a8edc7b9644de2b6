"""Holds the operation on usage: who has used what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from clientary_connector.frontends.console.api.log import moment
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import Moment, Name
from clientary_connector.people import Role

Dimension = Literal["day", "month", "user", "persona", "connection", "action"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichUsage:
    """What usage is shown by, and of whom; by default that of this month."""

    by: Annotated[tuple[Dimension, ...], Meta(min_length=1, max_length=6)] = ("persona",)
    since: Moment | None = None
    until: Moment | None = None
    user: Name | None = None
    persona: Name | None = None
    connection: Name | None = None
    action: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageShown:
    """What calls that are alike have come to."""

    by: Annotated[dict[str, str], Meta(description="The dimensions asked for.")]
    calls: int
    succeeded: int
    failed: int
    refused: int
    unknown: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Who has used what."""

    usage: tuple[UsageShown, ...]


@operation("GET", "/usage", role=Role.VIEWER, query=WhichUsage, gives=Used)
def show_usage(asked: Asked[WhichUsage, Nothing]) -> Used:
    """Shows calls and credits by day, month, user, persona, connection or action.

    Days and months are those of UTC, in which a call ended. Without `since` it is this month; a
    call that was refused, or never reached the service, costs nothing.
    """
    wanted = asked.query
    found = asked.connector.budgets.usage(
        by=wanted.by,
        since=moment("since", wanted.since),
        until=moment("until", wanted.until),
        user=wanted.user,
        persona=wanted.persona,
        connection=wanted.connection,
        action=wanted.action,
    )
    return Used(
        usage=tuple(
            UsageShown(
                by=dict(one.by),
                calls=one.calls,
                succeeded=one.succeeded,
                failed=one.failed,
                refused=one.refused,
                unknown=one.unknown,
                credits=one.credits,
            )
            for one in found
        )
    )


OPERATIONS = (show_usage,)
