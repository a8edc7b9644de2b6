"""Says for whom a request is, and what its client told of it in `_meta`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector.call.context import IDS, TRACEPARENT, TRACESTATE
from clientary_connector.call.result import Call, mint_operation
from clientary_connector.finding import Search
from clientary_connector.frontends.export import finder, restoring
from clientary_connector.manifest import Manifest

#: Stands before our own names in `_meta`.
OURS: Final = "clientary/"
PROMPT: Final = f"{OURS}prompt"
OPERATION: Final = f"{OURS}operation"
#: The argument in which a model says what the person asked for.
REQUEST: Final = "request"
#: Who told the prompt of a call, as the log says it.
HOST: Final = "host"
MODEL: Final = "model"
#: Where a call says in the log who told its prompt.
PROMPT_FROM: Final = "prompt_from"

Meta = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: a persona over a connection, for a user."""

    #: Id or name of the connection.
    connection: str
    persona: str
    user: str
    #: Id of the token that it has shown; None where it was not asked for one.
    token: str | None = None


def tells_prompt(meta: Meta) -> bool:
    """Tells whether the client says itself what the person asked for."""
    return PROMPT in meta


def call_of(
    caller: Caller, name: str, given: Mapping[str, Any], meta: Meta, *, manifest: Manifest
) -> Call:
    """Returns the call that a request asks for; what is wrong with it, the engine says."""
    # Taken out even where the client tells the prompt: a model may fill it in all the same.
    arguments = {key: value for key, value in given.items() if key != REQUEST}
    action = manifest.actions.get(name)
    if action is not None:
        arguments = restoring.restored(action.input, arguments)
    return Call(action=name, arguments=arguments, **_who(caller, given, meta))


def search_of(
    caller: Caller, schema: Mapping[str, Any], given: Mapping[str, Any], meta: Meta
) -> Search:
    """Returns the search that a request asks for; what is wrong with it, the search says."""
    wanted = {key: value for key, value in given.items() if key != REQUEST}
    return finder.asked(schema, wanted, **_who(caller, given, meta))


def _who(caller: Caller, given: Mapping[str, Any], meta: Meta) -> dict[str, Any]:
    """Returns who calls and why, under which operation, and what else the client told of it."""
    return {
        "connection": caller.connection,
        "user": caller.user,
        "persona": caller.persona,
        "prompt": _text(meta[PROMPT] if tells_prompt(meta) else given.get(REQUEST, "")),
        "operation": _text(meta.get(OPERATION)) or mint_operation(),
        "context": _context(meta),
    }


def _context(meta: Meta) -> dict[str, str]:
    told = {name: meta.get(OURS + name) for name in IDS}
    told |= {name: meta.get(name) for name in (TRACEPARENT, TRACESTATE)}
    found = {name: text for name, text in told.items() if isinstance(text, str)}
    return {**found, PROMPT_FROM: HOST if tells_prompt(meta) else MODEL}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
