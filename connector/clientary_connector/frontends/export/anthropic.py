"""Writes tools as Anthropic takes them in its Messages API.

Any JSON Schema serves but for a choice at the top (`anyOf`, `oneOf`, `allOf`), which is left out.
Its strict mode is not asked for: it bears 20 tools and 24 optional arguments a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clientary_connector.call.result import Result
from clientary_connector.frontends.export import answering, restoring, shapes
from clientary_connector.frontends.export.formats import Item, ToolCall
from clientary_connector.manifest import Action

_CHOICES: Final = frozenset({"anyOf", "oneOf", "allOf"})


class Anthropic:
    """The format of Anthropic."""

    def tools(self, tools: Mapping[str, Action]) -> list[Item]:
        """Returns the value of `tools` of a request."""
        return [
            {
                "name": name,
                "description": action.description,
                "input_schema": {
                    key: part for key, part in shapes.offered(action).items() if key not in _CHOICES
                },
            }
            for name, action in tools.items()
        ]

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads a block of the type `tool_use`."""
        return ToolCall(id=item["id"], name=item["name"], arguments=item["input"])

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leaves out what is null and may not be."""
        return restoring.restored(action.input, given)

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns a block of the type `tool_result`."""
        return {
            "type": "tool_result",
            "tool_use_id": call.id,
            "content": answering.text(result),
            "is_error": answering.is_error(result),
        }
