"""Answers the requests of clients: what a persona may do, and the calls that it makes.

1. Who calls is said by the transport, never by the client.
2. A call goes the one way, whatever the client was shown: what is not granted is refused there,
   and stands in the log.
3. A client that leaves a call cancels it; what is known of it is written down first.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final

from mcp import MCPError, types
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.models import InitializationOptions

from clientary_connector.call.result import Result
from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.finding import find
from clientary_connector.frontends.export import answering, finder
from clientary_connector.frontends.mcp import prompts, searching
from clientary_connector.frontends.mcp.caller import (
    REQUEST,
    Caller,
    Meta,
    call_of,
    search_of,
    tells_prompt,
)
from clientary_connector.frontends.mcp.describing import described, finding
from clientary_connector.frontends.mcp.eliciting import Answers, Eliciting
from clientary_connector.frontends.mcp.paged import page
from clientary_connector.frontends.mcp.progress import reporting
from clientary_connector.frontends.mcp.resources import Resources
from clientary_connector.frontends.mcp.underway import Underway
from clientary_connector.frontends.mcp.watching import Request, Watch
from clientary_connector.manifest import Action

DISTRIBUTION: Final = "clientary-connector"
#: On one page of a list: more than there are, for some clients read no second page.
A_PAGE: Final = 100
#: A longer list names no fields of the answers: some clients read no line beyond 64 KiB.
MOST_BYTES: Final = 60_000
_INSTRUCTIONS: Final = (
    "Work in the Clientary account through these tools. People say names and the tools want ids: "
    "find first. `request` is what the person asked for, in their own words. An answer whose "
    "outcome is `unknown` may have happened: look before you repeat."
)
_FIND_FIRST: Final = f"Find one with {searching.FIND}."
#: How the engine names the prompt, and how a model knows it.
_PROMPT_PATH: Final = "$.prompt"

Who = Callable[[Request], Caller]


class ActionServer(Server[dict[str, Any]]):
    """A server of the SDK that says of itself that its tools may change."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        """Returns what the server says of itself in a handshake."""
        return super().create_initialization_options(
            notification_options or NotificationOptions(tools_changed=True),
            experimental_capabilities,
            extensions,
        )


class Serving:
    """Serves one connector; `who` says who calls, and `watch` tells of what changes."""

    def __init__(
        self,
        connector: Connector,
        who: Who,
        *,
        search: bool = False,
        a_page: int = A_PAGE,
    ) -> None:
        """Takes the connector; with `search` three tools stand for all actions."""
        self._connector = connector
        self._who = who
        self._search = search
        self._a_page = a_page
        self._described: dict[tuple[str, bool, bool], types.Tool] = {}
        self._resources = Resources(connector)
        self._eliciting = Eliciting(connector)
        #: Set once a client has asked for its tools.
        self.listed = asyncio.Event()
        self.watch = Watch(self._offered)
        self.underway = Underway()

    def server(self) -> ActionServer:
        """Returns the server; a transport runs it."""
        return ActionServer(
            self._connector.manifest.name,
            title=self._connector.manifest.title,
            version=version(DISTRIBUTION),
            instructions=_INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
            on_list_prompts=self._list_prompts,
            on_get_prompt=_get_prompt,
            on_subscriptions_listen=self._listen,
        )

    async def _list_tools(
        self, request: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        caller = self._who(request)
        self.watch.note(caller, request)
        self.listed.set()
        asks = not tells_prompt(_meta(request))
        allowed = self._allowed(caller)
        schema = finder.offered(self._connector.manifest, allowed)
        first = [] if schema is None else [finding(schema, asks=asks)]
        if self._search:
            return types.ListToolsResult(tools=[*first, *searching.tools(asks=asks)])
        full = [*first, *(self._tool(action, asks=asks) for action in allowed)]
        chosen, onward = page(full, params, size=self._a_page)
        if sum(len(one.model_dump_json()) for one in chosen) > MOST_BYTES:
            short = (self._tool(action, asks=asks, brief=True) for action in allowed)
            chosen, onward = page([*first, *short], params, size=self._a_page)
        return types.ListToolsResult(tools=chosen, next_cursor=onward)

    async def _call_tool(
        self, request: Request, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        caller, given = self._who(request), params.arguments or {}
        self.watch.note(caller, request)
        if self._search and params.name in {searching.FIND, searching.DESCRIBE}:
            return self._looked_up(caller, params.name, given)
        async with reporting(request):
            if params.name == finder.FIND:
                return answer(await self._find(caller, given, _meta(request)))
            wrapped = self._search and params.name == searching.CALL
            name, given = searching.unwrapped(given) if wrapped else (params.name, given)
            result = await self._run(request, name, given, params.input_responses)
        if not wrapped and name not in self._connector.manifest.actions:
            # It was refused, and stands in the log; the protocol has an error of its own for it.
            raise MCPError(types.INVALID_PARAMS, f"There is no tool {name[:64]!r}.")
        return result if isinstance(result, types.InputRequiredResult) else answer(result)

    async def _run(
        self, request: Request, name: str, given: Mapping[str, Any], answers: Answers | None
    ) -> Result | types.InputRequiredResult:
        caller, meta = self._who(request), _meta(request)
        call = call_of(caller, name, given, meta, manifest=self._connector.manifest)
        work = self._eliciting.run(request, caller, answers, run=lambda: self._connector.run(call))
        result = await self.underway.finished(work, token=caller.token)
        if isinstance(result, types.InputRequiredResult) or tells_prompt(meta):
            return result
        return _for_model(result)

    async def _find(self, caller: Caller, given: Mapping[str, Any], meta: Meta) -> Result:
        schema = finder.offered(self._connector.manifest, self._allowed(caller)) or {}
        search = search_of(caller, schema, given, meta)
        result = await self.underway.finished(find(self._connector, search), token=caller.token)
        return result if tells_prompt(meta) else _for_model(result)

    def _looked_up(
        self, caller: Caller, name: str, given: Mapping[str, Any]
    ) -> types.CallToolResult:
        """Answers what the caller wants to know of what it may call."""
        allowed = self._allowed(caller)
        told: dict[str, Any] | None = {"actions": searching.found(given.get("words"), allowed)}
        if name == searching.DESCRIBE:
            told = searching.description(given.get("action"), allowed)
        lacking = {"error": {"message": "No such action was granted.", "hint": _FIND_FIRST}}
        return types.CallToolResult(
            content=[types.TextContent(text=json.dumps(told or lacking))],
            structured_content=told or lacking,
            is_error=told is None,
        )

    async def _list_resources(
        self, _: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        found, onward = page(self._resources.listed(), params, size=self._a_page)
        return types.ListResourcesResult(resources=found, next_cursor=onward)

    async def _list_templates(
        self, _: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        found, onward = page(self._resources.templates(), params, size=self._a_page)
        return types.ListResourceTemplatesResult(resource_templates=found, next_cursor=onward)

    async def _read_resource(
        self, request: Request, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        return await self._resources.read(self._who(request), params.uri)

    async def _list_prompts(
        self, _: Request, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        found, onward = page(prompts.listed(), params, size=self._a_page)
        return types.ListPromptsResult(prompts=found, next_cursor=onward)

    async def _listen(
        self, request: Request, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        caller = self._who(request)
        listening = self.watch.note(caller, request).listening(request, params)
        return await self.underway.finished(listening, token=caller.token)

    def _offered(self, caller: Caller) -> tuple[str, ...]:
        allowed = self._connector.allowed(caller.persona, caller.connection)
        return tuple(action.id for action in allowed)

    def _allowed(self, caller: Caller) -> tuple[Action, ...]:
        try:
            return self._connector.allowed(caller.persona, caller.connection)
        except ConnectorError as error:
            raise MCPError(types.INTERNAL_ERROR, error.message) from None

    def _tool(self, action: Action, *, asks: bool, brief: bool = False) -> types.Tool:
        which = (action.id, asks, brief)
        tool = self._described.get(which)
        if tool is None:
            tool = self._described[which] = described(action, asks=asks, brief=brief)
        return tool


async def _get_prompt(_: Request, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    return prompts.filled(params)


def answer(result: Result) -> types.CallToolResult:
    """Returns what a call came to, as text and as structure both."""
    return types.CallToolResult(
        content=[types.TextContent(text=answering.text(result))],
        structured_content=answering.content(result),
        is_error=answering.is_error(result),
    )


def _for_model(result: Result) -> Result:
    """Names the prompt that is missing as the model knows it."""
    error = result.error
    if error is None or not any(fault.path == _PROMPT_PATH for fault in error.faults):
        return result
    faults = tuple(
        replace(fault, path=f"$.{REQUEST}", expected="what the person asked for, in their words")
        if fault.path == _PROMPT_PATH
        else fault
        for fault in error.faults
    )
    return replace(result, error=replace(error, faults=faults))


def _meta(request: Request) -> Meta:
    return {} if request.meta is None else dict(request.meta)
