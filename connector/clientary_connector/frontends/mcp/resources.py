"""Offers what a client may read beside the tools: its actions, and what it did with them.

1. Only of what the caller may call is told; an action that was not granted is not there.
2. Of the log a caller reads its own lines: those of its user, persona and connection. That it
   did stands in the log, and the host may refuse it, as for every reader.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from mcp import MCPError, types

import clientary_connector
from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError, UnknownEntryError
from clientary_connector.frontends.export import shapes
from clientary_connector.frontends.export.mcp import hints
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.describing import named
from clientary_connector.manifest import Action

if TYPE_CHECKING:
    from clientary_connector.logentry import LogEntry

JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
#: Lines of the log that are read at once.
LINES: Final = 50
#: What a list of lines leaves out: one line is read for that.
_LONG: Final = ("request", "response")
_ACTION: Final = re.compile(r"actions/([a-z][a-z0-9_]{0,63})")
_LOG: Final = re.compile(r"log(?:\?before=([0-9]{1,18}))?")
_ENTRY: Final = re.compile(r"log/([0-9]{1,18})")


class Resources:
    """The resources of one connector."""

    def __init__(self, connector: Connector) -> None:
        """Takes the connector; its manifest names the scheme of the addresses."""
        self._connector = connector
        self._scheme = f"{connector.manifest.name}://"

    def listed(self) -> list[types.Resource]:
        """Returns those that have one address."""
        title = self._connector.manifest.title
        return [
            types.Resource(
                name="manifest",
                uri=f"{self._scheme}manifest",
                title="Actions",
                description=f"What may be done in {title} here: the actions that were granted.",
            ),
            types.Resource(
                name="log",
                uri=f"{self._scheme}log",
                title="Log",
                description=f"The caller's own last {LINES} lines of the log, newest first.",
                mime_type=JSON,
            ),
        ]

    def templates(self) -> list[types.ResourceTemplate]:
        """Returns those whose address says which one is wanted."""
        return [
            types.ResourceTemplate(
                name="action",
                uri_template=f"{self._scheme}actions/{{action}}",
                title="Action",
                description="One action in full: its arguments, what it may do, an example.",
                mime_type=JSON,
            ),
            types.ResourceTemplate(
                name="older",
                uri_template=f"{self._scheme}log{{?before}}",
                title="Older Lines of the Log",
                description="The caller's own lines before one of them.",
                mime_type=JSON,
            ),
            types.ResourceTemplate(
                name="entry",
                uri_template=f"{self._scheme}log/{{id}}",
                title="Line of the Log",
                description="One of the caller's own lines, with what was sent and answered.",
                mime_type=JSON,
            ),
        ]

    async def read(self, caller: Caller, uri: str) -> types.ReadResourceResult:
        """Returns what lies at an address.

        Raises:
            MCPError: Nothing does, for this caller, or it cannot be read.
        """
        place = uri.removeprefix(self._scheme) if uri.startswith(self._scheme) else ""
        try:
            contents = await self._contents(caller, place)
        except ConnectorError as error:
            raise MCPError(types.INTERNAL_ERROR, f"{error.message} {error.hint}".strip()) from None
        if contents is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no resource {uri[:200]!r}.")
        parts = [types.TextResourceContents(uri=uri, mime_type=m, text=t) for m, t in contents]
        return types.ReadResourceResult(contents=[*parts])

    async def _contents(self, caller: Caller, place: str) -> list[tuple[str, str]] | None:
        """Returns the kinds and texts of what lies at a place; None where there is nothing."""
        if place == "manifest":
            allowed = self._connector.allowed(caller.persona, caller.connection)
            told = self._manifest(caller, allowed)
            return [_json(told), (MARKDOWN, _readable(self._connector.manifest.title, allowed))]
        if found := _ACTION.fullmatch(place):
            allowed = self._connector.allowed(caller.persona, caller.connection)
            return next(([_json(_full(one))] for one in allowed if one.id == found[1]), None)
        if found := _LOG.fullmatch(place):
            before = None if found[1] is None else int(found[1])
            return [_json(await asyncio.to_thread(self._lines, caller, before))]
        if found := _ENTRY.fullmatch(place):
            entry = await asyncio.to_thread(self._entry, caller, int(found[1]))
            return None if entry is None else [_json(entry.to_json())]
        return None

    def _manifest(self, caller: Caller, allowed: Sequence[Action]) -> dict[str, Any]:
        manifest = self._connector.manifest
        return {
            "name": manifest.name,
            "title": manifest.title,
            "version": manifest.version,
            "persona": caller.persona,
            "actions": [
                {
                    "action": one.id,
                    "title": one.title,
                    "description": one.description,
                    "resource": one.resource,
                    "effect": one.effect.value,
                    "cost": one.cost,
                    "uri": f"{self._scheme}actions/{one.id}",
                }
                for one in allowed
            ],
        }

    def _lines(self, caller: Caller, before: int | None) -> dict[str, Any]:
        # A public name that is loaded when it is first used: few clients read the log.
        where = clientary_connector.LogFilter(
            user=caller.user, persona=caller.persona, connection=caller.connection
        )
        found = self._connector.log.page(where, before=before, limit=LINES, user=caller.user)
        told: dict[str, Any] = {"entries": [_short(entry) for entry in found.entries]}
        if found.next_before is not None:
            told["older"] = f"{self._scheme}log?before={found.next_before}"
        return told

    def _entry(self, caller: Caller, number: int) -> LogEntry | None:
        """Returns a line of the caller; one of another is as if it were not there."""
        try:
            line = self._connector.log.entry(number)
        except UnknownEntryError:
            return None
        connection = self._connector.connection(caller.connection)
        whose = (line.user, line.persona, line.connection)
        if whose != (caller.user, caller.persona, connection.id):
            return None
        return self._connector.log.entry(number, user=caller.user)


def _json(told: object) -> tuple[str, str]:
    return JSON, json.dumps(told, ensure_ascii=False, default=str)


def _short(entry: LogEntry) -> dict[str, Any]:
    return {
        name: value
        for name, value in entry.to_json().items()
        if name not in _LONG and value not in (None, "", {}, [])
    }


def _full(action: Action) -> dict[str, Any]:
    return {
        "action": action.id,
        "title": action.title,
        "description": action.description,
        "effect": action.effect.value,
        "scope": action.scope,
        "cost": action.cost,
        "arguments": shapes.offered(action),
        "example": dict(action.example),
        "answer": named(action.output),
        "hints": hints(action),
    }


def _readable(title: str, allowed: Sequence[Action]) -> str:
    """Writes the actions for people, by the kind of record that they are about."""
    lines = [f"# What may be done in {title}", ""]
    for resource in dict.fromkeys(one.resource for one in allowed):
        about = [one for one in allowed if one.resource == resource]
        lines += [f"## {resource.replace('_', ' ').capitalize()}", ""]
        lines += [f"- `{one.id}` ({one.effect.value}): {one.description}" for one in about]
        lines.append("")
    return "\n".join(lines)
