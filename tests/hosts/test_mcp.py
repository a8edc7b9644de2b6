"""Proves the server of the Model Context Protocol with the official client, in one process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

import pytest
from mcp import Client, MCPError, types
from mcp.server.subscriptions import ToolsListChanged

from clientary_connector import LogFilter, Settings, Terms, open_connector
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.frontends.mcp.watching import MOST_SESSIONS, Watch
from clientary_connector.frontends.upkeep import EVERY_S, FIRST_S, upkeep
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.hosts.calls import logged

T = TypeVar("T")
#: What a client sends beside the arguments.
Meta = Any

ERAS: Final = ("legacy", "2026-07-28")
WHO: Final = "Who are our clients?"
CALLER: Final = Caller(connection=ACCOUNT, persona=PERSONA, user=USER)
TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector."""
    with set_stage(tmp_path_factory.mktemp("mcp") / "state") as ready:
        yield ready


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """How a client begins: with a handshake, as until 2025, or without one."""
    return str(request.param)


def _with_client(
    stage: Stage,
    era: str,
    work: Callable[[Client], Awaitable[T]],
    *,
    caller: Caller = CALLER,
    a_page: int = 100,
) -> T:
    """Lets a client of an era work with a server of its own."""
    serving = Serving(stage.connector, lambda _: caller, a_page=a_page)

    async def whole() -> T:
        async with Client(serving.server(), mode=era) as client:
            return await work(client)

    return stage.wait(whole)


def _tools(stage: Stage, era: str, meta: Meta | None = None) -> dict[str, types.Tool]:
    listed = _with_client(stage, era, lambda client: client.list_tools(meta=meta))
    return {tool.name: tool for tool in listed.tools}


def _called(
    stage: Stage, era: str, name: str, arguments: dict[str, Any], meta: Meta | None = None
) -> types.CallToolResult:
    return _with_client(stage, era, lambda client: client.call_tool(name, arguments, meta=meta))


async def _refusal(work: Awaitable[object]) -> MCPError:
    """Returns the error that the protocol has for what was asked."""
    with pytest.raises(MCPError) as raised:
        await work
    return raised.value


def _told(result: types.CallToolResult) -> dict[str, Any]:
    """Returns what was answered, which stands there twice."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    told: dict[str, Any] = json.loads(content.text)
    assert told == result.structured_content
    return told


# What is listed


@pytest.mark.requirement("host.mcp.tools")
def test_every_action_that_is_granted_is_a_tool_and_no_other(stage: Stage, era: str) -> None:
    """Each with a title, a closed schema, and both hints; the search by name stands first."""
    found = _tools(stage, era)
    assert next(iter(found)) == "find"
    del found["find"]
    assert list(found) == list(stage.connector.manifest.actions)
    for name, tool in found.items():
        action = stage.connector.manifest.actions[name]
        assert (tool.title, tool.description) == (action.title, action.description)
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is (action.effect.value == "read")
        assert tool.annotations.destructive_hint is not None
    stage.connector.grant("reader", ACCOUNT, scopes=["leads:read"], user=USER)
    reader = Caller(connection=ACCOUNT, persona="reader", user=USER)
    listed = _with_client(stage, era, lambda client: client.list_tools(), caller=reader)
    assert [tool.name for tool in listed.tools] == ["find", "get_lead", "list_leads"]


@pytest.mark.requirement("host.mcp.tools")
def test_a_long_list_comes_in_pages(stage: Stage, era: str) -> None:
    """A cursor leads on; one that is none is refused."""

    async def pages(client: Client) -> list[int]:
        sizes, cursor = list[int](), None
        while True:
            listed = await client.list_tools(cursor=cursor)
            sizes.append(len(listed.tools))
            if (cursor := listed.next_cursor) is None:
                break
        error = await _refusal(client.list_tools(cursor="none of ours"))
        assert error.code == types.INVALID_PARAMS
        return sizes

    assert _with_client(stage, era, pages, a_page=20) == [20, 20, 18]


@pytest.mark.requirement("host.mcp.tools")
def test_the_list_of_all_tools_fits_on_a_line_that_every_client_reads(
    stage: Stage, era: str
) -> None:
    """Readers of asyncio take 64 KiB; a long list leaves out the fields of the answers."""
    listed = _with_client(stage, era, lambda client: client.list_tools())
    assert len(listed.model_dump_json(by_alias=True, exclude_none=True)) < 64 * 1024
    for tool in listed.tools:
        assert tool.output_schema is not None
        assert tool.output_schema["required"] == ["outcome"]


@pytest.mark.requirement("host.mcp.tools")
def test_a_connection_that_is_not_there_lists_nothing(stage: Stage, era: str) -> None:
    """The error says which one."""
    nobody = Caller(connection="nothing", persona=PERSONA, user=USER)
    error = _with_client(stage, era, lambda client: _refusal(client.list_tools()), caller=nobody)
    assert "nothing" in error.message


# What is called


@pytest.mark.requirement("host.mcp.calls")
def test_a_call_is_answered_as_text_and_as_structure(stage: Stage, era: str) -> None:
    """The official client checks the structure by the output schema that was listed."""

    async def work(client: Client) -> types.CallToolResult:
        await client.list_tools()
        arguments = {"request": WHO, "limit": 2, "fields": ["id", "name"]}
        return await client.call_tool("list_clients", arguments)

    result = _with_client(stage, era, work)
    told = _told(result)
    assert not result.is_error
    assert told["outcome"] == "succeeded"
    assert [sorted(client) for client in told["data"]] == [["id", "name"]] * 2


@pytest.mark.requirement("host.mcp.calls")
@pytest.mark.parametrize("action", ["get_client", "list_staff"])
def test_an_answer_that_drifts_comes_through(stage: Stage, era: str, action: str) -> None:
    """A client refuses what its schema does not allow, so the schema allows it."""
    stage.connector.grant("few", ACCOUNT, scopes=["clients:read", "staff:read"], user=USER)
    few = Caller(connection=ACCOUNT, persona="few", user=USER)
    listed = _with_client(stage, era, lambda client: client.list_tools(), caller=few)
    schema = {tool.name: tool for tool in listed.tools}[action].output_schema
    assert schema is not None
    data = schema["properties"]["data"]
    names = data.get("items", data)["properties"]
    assert {"id", "name"} <= set(names)
    assert all(set(part) <= {"description"} for part in names.values())


@pytest.mark.requirement("host.mcp.calls")
def test_an_error_says_what_to_do(stage: Stage, era: str) -> None:
    """Kind, hint, and whether the call may be made again."""
    result = _called(stage, era, "get_client", {"request": WHO, "id": 999_999})
    error = _told(result)["error"]
    assert result.is_error
    assert (error["kind"], error["retryable"]) == ("not_found", False)
    assert error["hint"]


@pytest.mark.requirement("host.mcp.calls")
def test_a_tool_that_was_not_shown_is_refused_the_one_way(stage: Stage, era: str) -> None:
    """The refusal stands in the log; a name that is no action's is the protocol's error too."""
    reader = Caller(connection=ACCOUNT, persona="reader", user=USER)
    stage.connector.grant("reader", ACCOUNT, scopes=["leads:read"], user=USER)
    arguments = {"request": WHO, "id": 1}
    result = _with_client(
        stage, era, lambda client: client.call_tool("delete_client", arguments), caller=reader
    )
    assert _told(result)["error"]["kind"] == "denied"
    error = _with_client(
        stage, era, lambda client: _refusal(client.call_tool("drop_everything", {"request": WHO}))
    )
    assert error.code == types.INVALID_PARAMS
    entries = stage.connector.log.page(LogFilter(kind="refusal"), limit=2).entries
    assert [entry.action for entry in entries] == ["drop_everything", "delete_client"]


@pytest.mark.requirement("host.mcp.calls")
def test_a_client_that_leaves_a_write_cancels_it(stage: Stage, era: str) -> None:
    """What is known of it stands in the log: it was sent, and may have happened."""
    stage.sandbox.forget()
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, delay_s=30, times=1))
    meta: Meta = {"clientary/operation": f"left-{era}"}

    async def work(client: Client) -> None:
        arguments = {"request": WHO, "name": "Example Bakery"}
        call = asyncio.ensure_future(client.call_tool("create_client", arguments, meta=meta))
        while not stage.sandbox.requests:  # noqa: ASYNC110 - the far side runs in another thread
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait([call])
        left = LogFilter(operation=f"left-{era}", outcome="unknown")
        while not stage.connector.log.page(left).entries:  # noqa: ASYNC110 - nobody else tells
            await asyncio.sleep(0.01)

    _with_client(stage, era, work)
    assert logged(stage.connector, f"left-{era}").outcome == "unknown"


# What is found by name


@pytest.mark.requirement("host.mcp.find")
@pytest.mark.parametrize("search", [False, True])
def test_a_name_is_turned_into_ids(stage: Stage, era: str, search: bool) -> None:  # noqa: FBT001 - pytest hands it over by name
    """In both modes; the official client checks the answer by the schema that was listed."""
    serving = Serving(stage.connector, lambda _: CALLER, search=search)

    async def whole() -> types.CallToolResult:
        async with Client(serving.server(), mode=era) as client:
            assert (await client.list_tools()).tools[0].name == "find"
            asked = {"request": WHO, "resource": "staff", "text": "OTIS", "limit": 1.0}
            return await client.call_tool("find", asked)

    result = stage.wait(whole)
    told = _told(result)
    assert not result.is_error
    assert [one["match"] for one in told["data"]] == ["prefix"]
    (entry,) = stage.connector.log.page(limit=1, user="auditor").entries
    assert (entry.action, entry.prompt) == ("list_staff", WHO)
    assert entry.context["prompt_from"] == "model"


@pytest.mark.requirement("host.mcp.find")
def test_what_cannot_be_found_says_why(stage: Stage, era: str) -> None:
    """An argument that is none, a prompt that is missing, and a list that was not granted."""
    told = _told(_called(stage, era, "find", {"request": WHO, "resource": "ships", "text": "a"}))
    assert told["error"]["faults"][0]["path"] == "$.resource"
    told = _told(_called(stage, era, "find", {"resource": "staff", "text": "a"}))
    assert told["error"]["faults"][0]["path"] == "$.request"
    writer = Caller(connection=ACCOUNT, persona="writer", user=USER)
    stage.connector.grant("writer", ACCOUNT, scopes=["tasks:write"], user=USER)

    async def work(client: Client) -> types.CallToolResult:
        assert next(one.name for one in (await client.list_tools()).tools) == "create_task"
        return await client.call_tool("find", {"request": WHO, "resource": "staff", "text": "a"})

    told = _told(_with_client(stage, era, work, caller=writer))
    assert told["error"]["kind"] == "denied"


# Why it was called


@pytest.mark.requirement("host.mcp.prompt")
def test_a_client_that_tells_no_prompt_has_the_model_tell_it(stage: Stage, era: str) -> None:
    """Every tool asks for it, and a call without it is refused in those words."""
    assert all(
        tool.input_schema["required"][0] == "request" for tool in _tools(stage, era).values()
    )
    told = _told(_called(stage, era, "list_staff", {}))
    assert told["outcome"] == "refused"
    assert [fault["path"] for fault in told["error"]["faults"]] == ["$.request"]
    _called(stage, era, "list_staff", {"request": WHO})
    (entry,) = stage.connector.log.page(limit=1, user="auditor").entries
    assert (entry.prompt, entry.context) == (WHO, {"prompt_from": "model"})


@pytest.mark.requirement("host.mcp.prompt")
def test_a_client_that_tells_the_prompt_has_tools_without_that_argument(
    stage: Stage, era: str
) -> None:
    """The log has its words, not those of a model that fills the argument in all the same."""
    meta = {"clientary/prompt": WHO}
    for tool in _tools(stage, era, meta=meta).values():
        assert "request" not in tool.input_schema["properties"]
    _called(stage, era, "list_staff", {"request": "I feel like it"}, meta)
    (entry,) = stage.connector.log.page(limit=1, user="auditor").entries
    assert (entry.prompt, entry.context) == (WHO, {"prompt_from": "host"})
    strange = _told(_called(stage, era, "list_staff", {}, {"clientary/prompt": 7}))
    assert strange["error"]["faults"][0]["path"] == "$.prompt"


@pytest.mark.requirement("host.mcp.prompt")
def test_the_ids_of_a_client_stand_in_the_log(stage: Stage, era: str) -> None:
    """A repeat of an operation gives the first result again, and sends nothing."""
    meta = {"clientary/operation": f"op-{era}", "clientary/run": "r1", "traceparent": TRACE}
    given = {"request": WHO, "name": "Once"}
    first = _told(_called(stage, era, "create_client", given, meta))
    again = _told(_called(stage, era, "create_client", given, meta))
    assert again == {**first, "replayed": True}
    entry = stage.connector.log.page(LogFilter(operation=f"op-{era}")).entries[-1]
    assert (entry.context["run"], entry.context["traceparent"]) == ("r1", TRACE)


# What a person picks


@pytest.mark.requirement("host.mcp.prompts")
def test_a_person_picks_a_prompt_for_a_common_job(stage: Stage, era: str) -> None:
    """With what the job needs filled in, as it was given."""
    given = {"project": "Acme", "thread": "Ben: I will call $them", "goal": "cash"}

    async def work(client: Client) -> dict[str, str]:
        texts = dict[str, str]()
        for prompt in (await client.list_prompts()).prompts:
            wanted = {one.name: given[one.name] for one in prompt.arguments or ()}
            (message,) = (await client.get_prompt(prompt.name, wanted)).messages
            assert isinstance(message.content, types.TextContent)
            assert all(text in message.content.text for text in wanted.values())
            texts[prompt.name] = message.content.text
        return texts

    texts = _with_client(stage, era, work)
    assert list(texts) == ["thread_into_tasks", "standup_digest", "reprioritise"]


@pytest.mark.requirement("host.mcp.prompts")
@pytest.mark.parametrize(
    ("name", "given"), [("nothing", {}), ("reprioritise", {"project": "Acme", "goal": " "})]
)
def test_a_prompt_that_cannot_be_filled_is_refused(
    stage: Stage, era: str, name: str, given: dict[str, str]
) -> None:
    """There is none of that name, or it lacks what it needs."""
    error = _with_client(stage, era, lambda client: _refusal(client.get_prompt(name, given)))
    assert error.code == types.INVALID_PARAMS


# What changes meanwhile


@pytest.mark.requirement("host.mcp.changes")
def test_a_client_with_a_session_is_told_that_its_tools_have_changed(stage: Stage) -> None:
    """Also where another process has changed the grant; and not before."""
    told = list[str]()

    async def heard(message: Any) -> None:  # noqa: ANN401 - whatever the SDK hands on
        told.append(message.method)

    async def whole() -> None:
        caller = Caller(connection=ACCOUNT, persona="session", user=USER)
        stage.connector.grant("session", ACCOUNT, scopes=["leads:read"], user=USER)
        serving = Serving(stage.connector, lambda _: caller)
        async with Client(serving.server(), mode="legacy", message_handler=heard) as client:
            assert client.server_capabilities.tools == types.ToolsCapability(list_changed=True)
            await client.list_tools()
            await serving.watch.look()
            assert told == []
            with open_connector(stage.state, settings=Settings()) as other:
                other.grant("session", ACCOUNT, scopes=["staff:read"], user=USER)
            await serving.watch.look()
            listed = await client.list_tools()
            assert [tool.name for tool in listed.tools] == ["find", "get_staff", "list_staff"]
        assert told == ["notifications/tools/list_changed"]

    stage.wait(whole)


@pytest.mark.requirement("host.mcp.changes")
def test_a_client_that_listens_is_told_that_its_tools_have_changed(stage: Stage) -> None:
    """A revoke ends them all."""

    async def whole() -> None:
        caller = Caller(connection=ACCOUNT, persona="listener", user=USER)
        stage.connector.grant("listener", ACCOUNT, scopes=["leads:read"], user=USER)
        serving = Serving(stage.connector, lambda _: caller)
        async with (
            Client(serving.server(), mode="2026-07-28") as client,
            client.listen(tools_list_changed=True) as events,
        ):
            await stage.connector.revoke(ACCOUNT, user=USER, persona="listener")
            await serving.watch.look()
            assert await anext(aiter(events)) == ToolsListChanged()
            assert (await client.list_tools()).tools == []

    stage.wait(whole)


@pytest.mark.requirement("host.mcp.changes")
def test_looking_goes_on_and_clients_that_were_not_heard_of_for_long_are_forgotten() -> None:
    """So that neither a vault that fails for a moment nor many clients end it."""
    looks = list[float]()

    async def rest(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            raise asyncio.CancelledError

    watch = Watch(lambda _: (), sleep=rest)
    requests: list[Any] = [_Request(str(number)) for number in range(MOST_SESSIONS + 1)]
    sessions = [watch.note(CALLER, request) for request in requests][-1].sessions
    assert len(sessions) == MOST_SESSIONS
    assert "0" not in sessions
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(watch.run())
    assert looks == [1.0] * 3


class _Request:
    """As much of a request as says which session it belongs to."""

    def __init__(self, session: str) -> None:
        """Takes the id of the session."""
        self.request = self
        self.headers = {"mcp-session-id": session}
        self.session = session


@pytest.mark.requirement("host.mcp.changes")
def test_a_server_tends_the_connector_hour_after_hour(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """What a person has to do is said; a failure is tried again."""
    rests = list[float]()

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        stage.wait(lambda: upkeep(stage.connector, USER, sleep=rest))
    assert rests == [FIRST_S, EVERY_S, EVERY_S]
    rests.clear()
    with pytest.raises(asyncio.CancelledError):
        stage.wait(lambda: upkeep(stage.connector, "", sleep=rest))
    assert "What is due could not be done" in caplog.text


@pytest.mark.requirement("host.mcp.calls")
def test_a_call_that_needs_a_yes_says_how_to_get_it(stage: Stage, era: str) -> None:
    """The error names the approval, and the hint what a person does."""
    asking = Caller(connection=ACCOUNT, persona="asking", user=USER)
    stage.connector.grant(
        "asking", ACCOUNT, user=USER, terms=Terms(scopes=("clients:*",), approve="always")
    )
    arguments = {"request": WHO, "name": era}
    result = _with_client(
        stage, era, lambda client: client.call_tool("create_client", arguments), caller=asking
    )
    error = _told(result)["error"]
    assert (error["kind"], bool(error["approval"])) == ("approval_required", True)
    assert error["hint"]
