"""Writes tools as the arguments of LangChain's `StructuredTool`; a host adds its `coroutine`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clientary_connector.call.result import Result
from clientary_connector.frontends.export import answering, restoring, shapes
from clientary_connector.frontends.export.formats import Item, ToolCall
from clientary_connector.manifest import Action


class LangChain:
    """The format of LangChain."""

    def tools(self, tools: Mapping[str, Action]) -> list[Item]:
        """Returns one object a tool."""
        return [
            {
                "name": name,
                "description": action.description,
                "args_schema": shapes.offered(action),
                "metadata": {"effect": action.effect.value, "scope": action.scope},
            }
            for name, action in tools.items()
        ]

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads one of the `tool_calls` of a message."""
        return ToolCall(id=item.get("id"), name=item["name"], arguments=item["args"])

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leaves out what is null and may not be."""
        return restoring.restored(action.input, given)

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns the arguments of a `ToolMessage`."""
        return {
            "type": "tool",
            "tool_call_id": call.id or result.operation,
            "name": call.name,
            "content": answering.text(result),
            "status": "error" if answering.is_error(result) else "success",
        }
