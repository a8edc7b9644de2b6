"""Offers the search by name as a tool, beside the actions: people say names, actions want ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clientary_connector.finding import MOST_TOLD, USUALLY_TOLD, Search, findable, narrowing
from clientary_connector.frontends.export import restoring
from clientary_connector.frontends.export.shapes import Schema
from clientary_connector.manifest import Action, Manifest

FIND: Final = "find"
TITLE: Final = "Find by Name"
DESCRIPTION: Final = (
    "Finds ids by name; typos are forgiven. `match` says how well a name fits, `page` whether all "
    "was looked through."
)
#: What is no id to narrow a search by.
_OWN: Final = frozenset({"resource", "text", "limit"})


def offered(manifest: Manifest, allowed: Iterable[Action]) -> Schema | None:
    """Returns what a model is offered as arguments; None where the persona may list nothing."""
    kinds = findable(manifest, allowed)
    if not kinds:
        return None
    above = {name: {"type": "integer"} for name in narrowing(manifest, kinds)}
    return {
        "type": "object",
        "properties": {
            "resource": {"type": "string", "enum": list(kinds)},
            "text": {"type": "string", "description": "Name, number, title or e-mail."},
            **above,
            "limit": {"type": "integer", "description": f"At most {MOST_TOLD}."},
        },
        "required": ["resource", "text"],
        "additionalProperties": False,
    }


def asked(schema: Mapping[str, Any], given: Mapping[str, Any], **who: Any) -> Search:  # noqa: ANN401 - the fields of a call
    """Returns the search that a tool call asks for; what is wrong with it, the search says."""
    said = restoring.restored(schema, given)
    return Search(
        resource=said.get("resource", ""),
        text=said.get("text", ""),
        limit=said.get("limit", USUALLY_TOLD),
        within={name: value for name, value in said.items() if name not in _OWN},
        **who,
    )
