"""Describes actions as tools of the protocol: what goes in, what comes out, what it may do.

https://modelcontextprotocol.io/specification/2025-11-25/server/tools
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mcp import types

from clientary_connector.call.result import ErrorKind, Outcome
from clientary_connector.finding import Match
from clientary_connector.frontends.export import finder, shapes
from clientary_connector.frontends.export.mcp import hints
from clientary_connector.frontends.mcp.caller import REQUEST
from clientary_connector.manifest import Action

Schema = dict[str, Any]

_ASKED: Final[Schema] = {
    "type": "string",
    "description": "What the person asked for.",
}
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": [kind.value for kind in ErrorKind]},
        "message": _TEXT,
        "hint": _TEXT,
        "retryable": _FLAG,
    },
    "required": ["kind", "message", "retryable"],
}
#: An answer of which only the frame is told.
_BRIEF: Final[Schema] = {
    "type": "object",
    "properties": {"outcome": _TEXT, "data": {}, "error": {"type": "object"}},
    "required": ["outcome"],
}
_PAGE: Final[Schema] = {
    "type": "object",
    "properties": {
        "total": {"type": "integer"},
        "next_page": {"type": "integer"},
        "complete": _FLAG,
    },
    "required": ["complete"],
}


def described(action: Action, *, asks: bool, brief: bool = False) -> types.Tool:
    """Returns an action as a tool; where it `asks`, the model has to say what was asked for.

    A `brief` one names no fields of its answer.
    """
    told = hints(action)
    schema = shapes.offered(action)
    return types.Tool(
        name=action.id,
        title=action.title,
        description=action.description,
        input_schema=asking(schema) if asks else schema,
        output_schema=_BRIEF if brief else answered(action),
        annotations=types.ToolAnnotations(
            read_only_hint=told["readOnlyHint"],
            destructive_hint=told["destructiveHint"],
            idempotent_hint=told.get("idempotentHint"),
            open_world_hint=told["openWorldHint"],
        ),
    )


def finding(schema: Schema, *, asks: bool) -> types.Tool:
    """Returns the search by name as a tool."""
    record = {"properties": {"id": {}, "match": {"enum": [one.value for one in Match]}}}
    return types.Tool(
        name=finder.FIND,
        title=finder.TITLE,
        description=finder.DESCRIPTION,
        input_schema=asking(schema) if asks else schema,
        output_schema=_result({"items": record}),
        annotations=types.ToolAnnotations(
            read_only_hint=True, destructive_hint=False, open_world_hint=False
        ),
    )


def asking(schema: Schema) -> Schema:
    """Returns a schema with the argument in which a model says what the person asked for."""
    return {
        **schema,
        "properties": {REQUEST: _ASKED, **schema.get("properties", {})},
        "required": [REQUEST, *schema.get("required", ())],
    }


def answered(action: Action) -> Schema:
    """Returns the schema of what a tool answers.

    Of the data it names the fields and promises no types: a client refuses an answer that does
    not fit, and the answer of a change that happened must come through, whatever came back.
    """
    return _result(named(action.output))


def _result(data: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {
            "outcome": {"type": "string", "enum": [one.value for one in Outcome]},
            "data": data,
            "page": _PAGE,
            "warnings": {"type": "array", "items": _TEXT},
            "error": _ERROR,
            "replayed": _FLAG,
        },
        "required": ["outcome"],
        "additionalProperties": False,
    }


def named(schema: Mapping[str, Any]) -> Schema:
    """Returns the fields of a record, or of the records of a list, by their names."""
    record = schema.get("items", schema)
    fields: Schema = {
        "properties": {
            name: {key: part[key] for key in ("description",) if key in part}
            for name, part in record.get("properties", {}).items()
        }
    }
    return {"items": fields} if "items" in schema else fields
