"""Holds the operations that try an action: what it would send, and the call itself.

A call is made in the name of who asks, as a persona, and goes the way of every call: without the
grant of that persona nothing is sent. What a call comes to is its result, whatever the outcome; a
refusal is a result too, and no error of the API.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from msgspec import Meta

from clientary_connector.call.result import Call, mint_operation
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import Name, shown
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGiven:
    """What is to be called: as which persona, why, and through which connection."""

    action: Name
    connection: Name
    persona: Annotated[Name, Meta(description="It needs a grant over the connection.")]
    prompt: Annotated[str, Meta(min_length=1, description="Why; it goes into the log, sealed.")]
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    operation: Annotated[
        Name | None, Meta(description="Give it again and nothing is sent twice.")
    ] = None
    context: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentFaultShown:
    """One argument that cannot be used."""

    path: str
    expected: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallErrorShown:
    """What went wrong with a call."""

    kind: str
    message: str
    hint: str
    retryable: bool
    wait_s: float | None
    status: int | None
    faults: tuple[ArgumentFaultShown, ...]
    fields: dict[str, tuple[str, ...]]
    approval: Annotated[str | None, Meta(description="The approval that the call waits for.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShown:
    """Which part of a list a result holds."""

    number: int | None
    size: int | None
    total: int | None
    pages: int | None
    next_page: int | None
    limit: int | None
    complete: bool
    filtered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultShown:
    """What a call came to; the same shape for every action and every outcome."""

    outcome: Annotated[str, Meta(description="succeeded, refused, failed or unknown")]
    data: Any
    page: PageShown | None
    warnings: tuple[str, ...]
    error: CallErrorShown | None
    log_id: int | None
    operation: str
    replayed: Annotated[bool, Meta(description="The first result of this operation, again.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeShown:
    """How many records of one resource a deletion would take along."""

    resource: str
    count: int | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewShown:
    """The exact request of a call, without the secret and without sending it."""

    action: str
    effect: str
    method: str
    url: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: Any
    cascade: tuple[CascadeShown, ...]
    needs_approval: bool
    error: CallErrorShown | None
    log_id: int | None


@operation("POST", "/calls", role=Role.ADMIN, body=CallGiven, gives=ResultShown)
async def call(asked: Asked[Nothing, CallGiven]) -> ResultShown:
    """Runs a call as a persona, in the name of who asks, and returns its result.

    A call that was refused or has failed is answered with its result, too: the outcome says it.
    """
    return shown(await asked.connector.run(call_of(asked)), ResultShown)


@operation("POST", "/previews", role=Role.ADMIN, body=CallGiven, gives=PreviewShown)
async def preview(asked: Asked[Nothing, CallGiven]) -> PreviewShown:
    """Shows what a call would send and take along; sends nothing but reads that count.

    What the policy would refuse is told in `error`, and stands in the log.
    """
    return shown(await asked.connector.preview(call_of(asked)), PreviewShown)


def call_of(asked: Asked[Nothing, CallGiven]) -> Call:
    """Returns the call that was asked for."""
    given = asked.body
    return Call(
        action=given.action,
        arguments=given.arguments,
        connection=given.connection,
        user=asked.person.name,
        persona=given.persona,
        prompt=given.prompt,
        operation=given.operation or mint_operation(),
        context=given.context,
    )


OPERATIONS = (call, preview)
