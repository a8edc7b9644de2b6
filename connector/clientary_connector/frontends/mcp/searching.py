"""Stands for all actions with three tools, for models that have little room: find, describe, call.

Finding and describing tell only of what the caller may call; neither reaches the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcp import types

from clientary_connector.call.kinds import is_mapping
from clientary_connector.frontends.export import shapes
from clientary_connector.frontends.export.mcp import hints
from clientary_connector.frontends.mcp.caller import REQUEST
from clientary_connector.frontends.mcp.describing import Schema, asking
from clientary_connector.manifest import Action

FIND: Final = "find_actions"
DESCRIBE: Final = "describe_action"
CALL: Final = "call_action"
#: So many actions are found at most; whoever wants others gives other words.
MOST_FOUND: Final = 8
_WORD: Final = re.compile(r"[a-z0-9]+")
_TEXT: Final[Schema] = {"type": "string"}
_READS: Final = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, open_world_hint=False
)
#: What a call may do depends on the action; a client is told the worst of it.
_CHANGES: Final = types.ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
)


def tools(*, asks: bool) -> list[types.Tool]:
    """Returns the three tools; where they `ask`, a call has to say what was asked for."""
    call = _closed({"action": _TEXT, "arguments": {"type": "object"}}, "action", "arguments")
    return [
        types.Tool(
            name=FIND,
            title="Find Actions",
            description="Finds what can be done, by words such as `invoice send` or `hours`.",
            input_schema=_closed({"words": _TEXT}, "words"),
            annotations=_READS,
        ),
        types.Tool(
            name=DESCRIBE,
            title="Describe Action",
            description="Shows what an action is for and which arguments it takes.",
            input_schema=_closed({"action": _TEXT}, "action"),
            annotations=_READS,
        ),
        types.Tool(
            name=CALL,
            title="Call Action",
            description="Calls an action with its arguments. Describe it first.",
            input_schema=asking(call) if asks else call,
            annotations=_CHANGES,
        ),
    ]


def found(words: object, allowed: Sequence[Action]) -> list[dict[str, str]]:
    """Returns the actions that fit the words best, best first; without words the first of all."""
    wanted = _WORD.findall(words.lower()) if isinstance(words, str) else []
    # Of those that fit alike, the shorter name says less that nobody asked for.
    ranked = sorted(allowed, key=lambda one: (-_score(one, wanted), len(one.id) if wanted else 0))
    fitting = [one for one in ranked if not wanted or _score(one, wanted)]
    return [{"action": one.id, "description": one.description} for one in fitting[:MOST_FOUND]]


def description(name: object, allowed: Sequence[Action]) -> dict[str, Any] | None:
    """Returns an action in full; None where there is none, or it was not granted."""
    for one in allowed:
        if one.id == name:
            return {
                "action": one.id,
                "description": one.description,
                "arguments": shapes.offered(one),
                "hints": hints(one),
            }
    return None


def unwrapped(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Returns the name and the arguments of the action that a call is for."""
    name, arguments = given.get("action"), given.get("arguments", {})
    # What is no object is handed on under a name that no action has, and so refused in words.
    inner = dict(arguments) if is_mapping(arguments) else {"arguments": arguments}
    # A request among the arguments of the action is not the one that the tool asked for.
    inner.pop(REQUEST, None)
    asked = {REQUEST: given[REQUEST]} if REQUEST in given else {}
    return name if isinstance(name, str) else "", {**inner, **asked}


def _closed(properties: Schema, *required: str) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _score(action: Action, wanted: Sequence[str]) -> int:
    """Returns how well an action fits; its name says more than its description."""
    name = _stems(f"{action.id} {action.resource} {action.title}")
    text = _stems(action.description)
    stems = {_stem(word) for word in wanted}
    return 10 * len(stems & name) + len(stems & text)


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text.lower())}


def _stem(word: str) -> str:
    """Makes one of singular and plural."""
    if word.endswith("ies"):
        return word.removesuffix("ies") + "y"
    return word.removesuffix("s")
