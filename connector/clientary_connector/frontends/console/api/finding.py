"""Holds the operation that finds the ids of records by what people call them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from msgspec import Meta

from clientary_connector.call.result import mint_operation
from clientary_connector.finding import MOST_TOLD, USUALLY_TOLD, Search, find
from clientary_connector.frontends.console.api.calls import ResultShown
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import MOST, Name, shown
from clientary_connector.people import Role

Id = Annotated[int, Meta(ge=1, le=MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindWanted:
    """What is called by which name, as which persona it is looked for, and why."""

    resource: Annotated[Name, Meta(description="clients, projects, invoices, staff …")]
    text: Annotated[str, Meta(min_length=1, max_length=200, description="What it is called.")]
    connection: Name
    persona: Annotated[Name, Meta(description="It needs a grant of the lists over it.")]
    prompt: Annotated[str, Meta(min_length=1, description="Why; it goes into the log, sealed.")]
    within: Annotated[
        dict[str, Id], Meta(description="Only below these records, as in client_id: 42.")
    ] = field(default_factory=dict[str, int])
    limit: Annotated[int, Meta(ge=1, le=MOST_TOLD)] = USUALLY_TOLD
    operation: Annotated[
        Name | None, Meta(description="Give it again and nothing is sent twice.")
    ] = None


@operation("POST", "/find", role=Role.ADMIN, body=FindWanted, gives=ResultShown)
async def find_records(asked: Asked[Nothing, FindWanted]) -> ResultShown:
    """Finds the ids of what people call by a name, best first.

    It calls list actions as the persona, in the name of who asks, by the persona's grant; each of
    these calls stands in the log. `data` says how well each name fits, `page` and `warnings` what
    was not looked through.
    """
    wanted = asked.body
    search = Search(
        resource=wanted.resource,
        text=wanted.text,
        within=wanted.within,
        limit=wanted.limit,
        connection=wanted.connection,
        user=asked.person.name,
        persona=wanted.persona,
        prompt=wanted.prompt,
        operation=wanted.operation or mint_operation(),
    )
    return shown(await find(asked.connector, search), ResultShown)


OPERATIONS = (find_records,)
