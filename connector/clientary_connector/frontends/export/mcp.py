"""Writes tools as the Model Context Protocol lists them.

https://modelcontextprotocol.io/specification/2025-11-25/server/tools
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clientary_connector.call.result import Result
from clientary_connector.frontends.export import answering, restoring, shapes
from clientary_connector.frontends.export.formats import Item, ToolCall
from clientary_connector.manifest import Action, Effect


class Mcp:
    """The format of the Model Context Protocol."""

    def tools(self, tools: Mapping[str, Action]) -> Item:
        """Returns the result of `tools/list`."""
        return {"tools": [_tool(name, action) for name, action in tools.items()]}

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads the parameters of `tools/call`; an id of the caller's own may stand beside them."""
        return ToolCall(id=item.get("id"), name=item["name"], arguments=item.get("arguments"))

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leaves out what is null and may not be."""
        return restoring.restored(action.input, given)

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns the result of `tools/call`, as text and as structure both."""
        del call
        return {
            "content": [{"type": "text", "text": answering.text(result)}],
            "structuredContent": answering.content(result),
            "isError": answering.is_error(result),
        }


def hints(action: Action) -> dict[str, bool]:
    """Returns what an action may do, in the protocol's hints; the first two are always set.

    A change of a record is destructive there, for what stood in it is gone; making one is not.
    """
    reads = action.effect is Effect.READ
    adds = action.effect is Effect.SEND or (
        action.effect is Effect.WRITE and action.method == "POST"
    )
    told = {"readOnlyHint": reads, "destructiveHint": not reads and not adds}
    if action.effect is Effect.DELETE:
        told["idempotentHint"] = True
    return {**told, "openWorldHint": action.effect is Effect.SEND}


def _tool(name: str, action: Action) -> Item:
    return {
        "name": name,
        "title": action.title,
        "description": action.description,
        "inputSchema": shapes.offered(action),
        "annotations": hints(action),
    }
