"""Is the pages of the actions: what can be done, who may do it, and how one thing is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError, UnknownActionError
from clientary_connector.frontends.catalogue import Search, found_by
from clientary_connector.frontends.console.desk import connector_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views.actions import resources_of, rows_of, sheet_of
from clientary_connector.frontends.console.views.results import json_text
from clientary_connector.manifest import Action, Effect

#: What a list offers: values and what is shown for them.
Choices: TypeAlias = tuple[tuple[str, str], ...]
ANY: Final = "any"
EFFECTS: Final = tuple(effect.value for effect in Effect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which actions are to be listed, as it stands in the address."""

    text: str
    resource: str
    effect: str
    persona: str
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Whom and what the filters can name."""

    personas: tuple[str, ...]
    connections: tuple[str, ...]

    def choices(self, nothing: str) -> dict[str, Choices]:
        """Returns what a list of each offers; `nothing` stands where none is chosen."""
        return {
            "personas": choices(self.personas, nothing),
            "connections": choices(self.connections, nothing),
        }


@needs("viewer")
async def actions(request: Request) -> Response:
    """Lists the actions, or those that fit."""
    connector = connector_of(request)
    given = {name: request.query_params.get(name, "") for name in Wanted.__dataclass_fields__}
    wanted = Wanted(**given)
    search = Search(
        text=wanted.text, resource=wanted.resource or None, effect=wanted.effect or None
    )
    known = await run_in_threadpool(known_to, connector)
    fault, allowed = await run_in_threadpool(_allowed, connector, wanted)
    rows = rows_of(found_by(search, connector.manifest), allowed)
    return page(
        request,
        "actions.html",
        rows=rows,
        wanted=wanted,
        choices={
            **known.choices(ANY),
            "resources": choices(resources_of(connector.manifest), ANY),
            "effects": choices(EFFECTS, ANY),
        },
        fault=fault,
        total=len(connector.manifest.actions),
    )


@needs("viewer")
async def action(request: Request) -> Response:
    """Shows one action in full."""
    found = action_of(request)
    return page(
        request,
        "action.html",
        section="actions",
        sheet=sheet_of(found),
        action=found,
        json=_json(found),
    )


def choices(names: Iterable[str], nothing: str) -> Choices:
    """Returns names as a list offers them, after the choice of none."""
    return (("", nothing), *((name, name) for name in names))


def _json(action: Action) -> dict[str, str]:
    """Returns what is shown of an action as JSON."""
    shown = {"input": action.input, "output": action.output, "example": action.example}
    return {name: json_text(dict(part))[0] for name, part in shown.items()}


def action_of(request: Request) -> Action:
    """Returns the action in the path.

    Raises:
        HTTPException: There is none.
    """
    try:
        return connector_of(request).manifest.action(request.path_params["action"])
    except UnknownActionError as error:
        raise HTTPException(404, f"There is no such action. {error.hint}".strip()) from None


def known_to(connector: Connector) -> Known:
    """Returns the personas that hold a grant, and the connections that are active."""
    grants = connector.grants.all()
    return Known(
        personas=tuple(sorted({one.persona for one in grants if one.active})),
        connections=tuple(one.name for one in connector.connections()),
    )


def _allowed(connector: Connector, wanted: Wanted) -> tuple[str, frozenset[str] | None]:
    """Returns what a persona may call, where one is named; or what is missing to say it."""
    if not wanted.persona:
        return ("", None)
    if not wanted.connection:
        return ("Choose a connection, too: a persona may do other things over each.", None)
    try:
        allowed = connector.allowed(wanted.persona, wanted.connection)
    except ConnectorError as error:
        return (error.message, frozenset())
    return ("", frozenset(one.id for one in allowed))


ROUTES: Final = (
    Route("/actions", actions, name="actions"),
    Route("/actions/{action}", action, name="action"),
)
