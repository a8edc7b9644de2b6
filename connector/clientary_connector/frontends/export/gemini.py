"""Writes tools as Gemini takes them: declarations whose parameters are its own subset of OpenAPI.

A value has one type there, and a text of the formats `enum` and `date-time` at most:
https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clientary_connector.call.result import Result
from clientary_connector.frontends.export import answering, restoring, shapes
from clientary_connector.frontends.export.formats import Item, ToolCall
from clientary_connector.manifest import Action


class Gemini:
    """The format of Gemini."""

    def tools(self, tools: Mapping[str, Action]) -> list[Item]:
        """Returns the value of `tools` of a request: one tool with all declarations."""
        declared = [
            {
                "name": name,
                "description": action.description,
                "parameters": _schema(action.input),
            }
            for name, action in tools.items()
        ]
        return [{"functionDeclarations": declared}]

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads a part with a `functionCall`, or what stands in it."""
        asked = item.get("functionCall") or item.get("function_call") or item
        return ToolCall(id=asked.get("id"), name=asked["name"], arguments=asked.get("args"))

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leaves out what is null and may not be; whole numbers lose the point they came with."""
        return restoring.restored(action.input, given)

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns a part with a `functionResponse`."""
        answered: Item = {"name": call.name, "response": answering.content(result)}
        return {"functionResponse": answered if call.id is None else {"id": call.id, **answered}}


def _schema(schema: Mapping[str, Any]) -> Item:
    kind, nullable = shapes.kind_of(schema)
    made: Item = {"type": kind.upper()}
    if nullable:
        made["nullable"] = True
    if "enum" in schema:
        made |= {"format": "enum", "enum": shapes.names_of(schema)}
    if kind == "array":
        made["items"] = _schema(schema["items"])
    if kind == "object":
        fields = shapes.fields_of(schema)
        made["properties"] = {name: _schema(part) for name, part in fields.items()}
        if required := [name for name in schema.get("required", ()) if name in fields]:
            made["required"] = required
    if description := shapes.described(schema):
        made["description"] = description
    return made
