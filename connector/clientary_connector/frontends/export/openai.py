"""Writes tools as OpenAI takes them in its Responses API, strictly.

Strict tools know no optional argument: every one is required, and null stands for "not given".
So where null means to empty a field, `clear` names the fields to empty. Keywords that strict mode
leaves unheeded, here or at Azure, are left out; the engine checks them:
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/structured-outputs
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from clientary_connector.call.result import Result
from clientary_connector.frontends.export import answering, restoring, shapes
from clientary_connector.frontends.export.formats import Item, ToolCall
from clientary_connector.manifest import Action

#: The methods of HTTP under which a field that is not given stays as it was.
_CHANGES: Final = frozenset({"PUT", "PATCH"})


class OpenAI:
    """The format of OpenAI."""

    def tools(self, tools: Mapping[str, Action]) -> list[Item]:
        """Returns the value of `tools` of a request."""
        return [
            {
                "type": "function",
                "name": name,
                "description": action.description,
                "parameters": parameters(action),
                "strict": True,
            }
            for name, action in tools.items()
        ]

    def call(self, item: Mapping[str, Any]) -> ToolCall:
        """Reads an output of the type `function_call`."""
        return ToolCall(id=item["call_id"], name=item["name"], arguments=item["arguments"])

    def arguments(self, action: Action, given: Mapping[str, Any]) -> dict[str, Any]:
        """Leaves out what is null, and empties what `clear` names."""
        return restoring.restored_strict(action.input, given)

    def answer(self, call: ToolCall, result: Result) -> Item:
        """Returns an input of the type `function_call_output`."""
        return {
            "type": "function_call_output",
            "call_id": call.id,
            "output": answering.text(result),
        }


def parameters(action: Action) -> Item:
    """Returns the strict schema of the arguments of an action."""
    schema = _strict(action.input, optional=False)
    emptied = restoring.clearable(action.input) if action.method in _CHANGES else []
    if emptied and restoring.CLEAR not in schema["properties"]:
        schema["properties"][restoring.CLEAR] = {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": emptied},
            "description": "Fields to empty. A field that is null stays as it is.",
        }
        schema["required"].append(restoring.CLEAR)
    return schema


def _strict(schema: Mapping[str, Any], *, optional: bool) -> Item:
    kind, nullable = shapes.kind_of(schema)
    nullable = nullable or optional
    made: Item = {"type": [kind, "null"] if nullable else kind}
    if "enum" in schema:
        made["enum"] = shapes.names_of(schema) + ([None] if nullable else [])
    if kind == "array":
        made["items"] = _strict(schema["items"], optional=False)
    if kind == "object":
        required = schema.get("required", ())
        fields = shapes.fields_of(schema)
        made["properties"] = {
            name: _strict(part, optional=name not in required) for name, part in fields.items()
        }
        made["required"] = list(fields)
        made["additionalProperties"] = False
    if description := shapes.described(schema):
        made["description"] = description
    return made
