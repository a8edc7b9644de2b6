"""Holds the operations on actions: what can be done, and how one thing is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from clientary_connector.errors import UnknownActionError
from clientary_connector.frontends.catalogue import Search, found_by
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import Fault, ProblemError, unusable
from clientary_connector.frontends.console.api.shapes import Name
from clientary_connector.manifest import Action
from clientary_connector.people import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionShown:
    """One of the things that a persona can do, in short."""

    id: str
    title: str
    alias: str
    resource: str
    effect: Annotated[str, Meta(description="read, write, delete or send")]
    scope: str
    cost: Annotated[int, Meta(description="In credits.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInFull(ActionShown):
    """One of the things that a persona can do, and how it is asked for."""

    description: str
    method: str
    path: str
    input: Annotated[dict[str, Any], Meta(description="JSON Schema of the arguments.")]
    output: Annotated[dict[str, Any], Meta(description="JSON Schema of the result's data.")]
    ids: Annotated[dict[str, tuple[str, ...]], Meta(description="Which actions find each id.")]
    takes_along: Annotated[tuple[str, ...], Meta(description="What goes with a deletion.")]
    example: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """Actions, in the order of the manifest."""

    actions: tuple[ActionShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichActions:
    """Which actions are wanted; what a persona may call takes a connection, too."""

    text: Annotated[str, Meta(description="In id, alias, title or description.")] = ""
    resource: str | None = None
    effect: Literal["read", "write", "delete", "send"] | None = None
    persona: Name | None = None
    connection: Name | None = None


@operation("GET", "/actions", role=Role.VIEWER, query=WhichActions, gives=Actions)
def list_actions(asked: Asked[WhichActions, Nothing]) -> Actions:
    """Lists the actions, or those that fit: all of them, or what a persona may call.

    What a persona may call differs by connection: name both.
    """
    wanted, connector = asked.query, asked.connector
    search = Search(text=wanted.text, resource=wanted.resource, effect=wanted.effect)
    found = found_by(search, connector.manifest)
    if wanted.persona is not None or wanted.connection is not None:
        if wanted.persona is None or wanted.connection is None:
            raise _lonely("connection" if wanted.connection is None else "persona")
        allowed = {one.id for one in connector.allowed(wanted.persona, wanted.connection)}
        found = tuple(one for one in found if one.id in allowed)
    return Actions(actions=tuple(map(_short, found)))


@operation("GET", "/actions/{action}", role=Role.VIEWER, gives=ActionInFull)
def show_action(asked: Asked[Nothing, Nothing]) -> ActionInFull:
    """Shows one action in full, by its id or its alias.

    With the JSON Schema of its arguments and of its result, an example, and what a deletion takes
    along: enough to draw a form.
    """
    try:
        action = asked.connector.manifest.action(asked.path["action"])
    except UnknownActionError as error:
        raise ProblemError(404, "There is no such action.", hint=error.hint) from None
    return ActionInFull(
        id=action.id,
        title=action.title,
        alias=action.alias,
        resource=action.resource,
        effect=action.effect.value,
        scope=action.scope,
        cost=action.cost,
        description=action.description,
        method=action.method,
        path=action.path,
        input=dict(action.input),
        output=dict(action.output),
        ids={name: tuple(sources) for name, sources in action.ids.items()},
        takes_along=tuple(step.resource for step in action.cascade),
        example=dict(action.example),
    )


def _short(action: Action) -> ActionShown:
    return ActionShown(
        id=action.id,
        title=action.title,
        alias=action.alias,
        resource=action.resource,
        effect=action.effect.value,
        scope=action.scope,
        cost=action.cost,
    )


def _lonely(missing: str) -> ProblemError:
    fault = Fault(
        place="query",
        path=missing,
        expected="a name",
        hint="A persona's actions are those over one connection: give both.",
    )
    return unusable(fault)


OPERATIONS = (list_actions, show_action)
