"""Writes a tool call as each provider does, and reads what it is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from clientary_connector import Connector, LogEntry, LogFilter

Item = dict[str, Any]

#: How a provider's model asks for a call: with its id, the name of the tool, and arguments.
ASKED: Final[Mapping[str, Callable[[str, str, Mapping[str, Any]], Item]]] = {
    "openai": lambda id_, name, arguments: {
        "type": "function_call",
        "call_id": id_,
        "name": name,
        "arguments": json.dumps(arguments),
    },
    "anthropic": lambda id_, name, arguments: {
        "type": "tool_use",
        "id": id_,
        "name": name,
        "input": arguments,
    },
    "gemini": lambda id_, name, arguments: {
        "functionCall": {"id": id_, "name": name, "args": arguments}
    },
    "mcp": lambda id_, name, arguments: {"id": id_, "name": name, "arguments": arguments},
    "langchain": lambda id_, name, arguments: {
        "type": "tool_call",
        "id": id_,
        "name": name,
        "args": arguments,
    },
}

#: What a model reads in the answer, as JSON.
TOLD: Final[Mapping[str, Callable[[Item], Any]]] = {
    "openai": lambda item: json.loads(item["output"]),
    "anthropic": lambda item: json.loads(item["content"]),
    "gemini": lambda item: item["functionResponse"]["response"],
    "mcp": lambda item: json.loads(item["content"][0]["text"]),
    "langchain": lambda item: json.loads(item["content"]),
}


def logged(connector: Connector, operation: str) -> LogEntry:
    """Returns the one entry that the log has of an operation."""
    (entry,) = connector.log.page(LogFilter(operation=operation), user="auditor").entries
    return entry
