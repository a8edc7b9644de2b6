"""Proves the three tools that stand for all actions."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

import pytest
import tiktoken
from mcp import Client, MCPError, types

from clientary_connector import LogFilter
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.benchmarks.tokens import VOCABULARY

pytestmark = pytest.mark.requirement("host.mcp.search")

T = TypeVar("T")
WHO: Final = "Who works here?"
CALLER: Final = Caller(connection=ACCOUNT, persona=PERSONA, user=USER)
READER: Final = Caller(connection=ACCOUNT, persona="reader", user=USER)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector, with a persona that may do little."""
    with set_stage(tmp_path_factory.mktemp("mcp") / "state") as ready:
        ready.connector.grant("reader", ACCOUNT, scopes=["leads:read"], user=USER)
        yield ready


def _with_client(
    stage: Stage, work: Callable[[Client], Awaitable[T]], caller: Caller = CALLER
) -> T:
    async def whole() -> T:
        server = Serving(stage.connector, lambda _: caller, search=True).server()
        async with Client(server) as client:
            return await work(client)

    return stage.wait(whole)


def _called(
    stage: Stage, name: str, arguments: dict[str, Any], caller: Caller = CALLER
) -> tuple[dict[str, Any], bool]:
    """Returns what a tool told, and whether it was an error."""
    result = _with_client(stage, lambda client: client.call_tool(name, arguments), caller)
    told: dict[str, Any] = result.structured_content
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    assert json.loads(content.text) == told
    return told, result.is_error


def test_the_tools_cost_less_than_a_thousand_tokens(stage: Stage) -> None:
    """Counted as a model is given them; only those that reach the service ask for the prompt."""
    listed = _with_client(stage, lambda client: client.list_tools()).tools
    given = [
        {"name": one.name, "description": one.description, "inputSchema": one.input_schema}
        for one in listed
    ]
    text = json.dumps(given, separators=(",", ":"))
    assert len(tiktoken.get_encoding(VOCABULARY).encode(text)) < 1000
    asking = [one.name for one in listed if "request" in one.input_schema["required"]]
    assert asking == ["find", "call_action"]
    for one in listed:
        assert one.annotations is not None
        assert one.annotations.read_only_hint is (one.name != "call_action")
        assert one.annotations.destructive_hint is (one.name == "call_action")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("send an invoice", "send_invoice_message"),
        ("log hours on a project", "create_project_hours"),
        ("companies: list clients", "list_clients"),
        ("make recurring schedules", "create_recurring_schedule"),
    ],
)
def test_words_find_the_action(stage: Stage, words: str, first: str) -> None:
    """Among the first few, in singular and plural."""
    told, _ = _called(stage, "find_actions", {"words": words})
    assert first in [one["action"] for one in told["actions"]]
    assert len(told["actions"]) <= 8


def test_only_what_was_granted_is_found_and_described(stage: Stage) -> None:
    """What was not is not even named."""
    told, _ = _called(stage, "find_actions", {"words": ""}, READER)
    assert [one["action"] for one in told["actions"]] == ["get_lead", "list_leads"]
    assert _called(stage, "find_actions", {"words": "invoice"}, READER)[0] == {"actions": []}
    told, is_error = _called(stage, "describe_action", {"action": "delete_client"}, READER)
    assert is_error
    assert "find_actions" in told["error"]["hint"]
    told, is_error = _called(stage, "describe_action", {"action": "list_leads"}, READER)
    assert not is_error
    assert told["arguments"]["additionalProperties"] is False
    nobody = Caller(connection="nothing", persona=PERSONA, user=USER)

    async def refused(client: Client) -> MCPError:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("find_actions", {"words": ""})
        return raised.value

    assert "nothing" in _with_client(stage, refused, nobody).message


def test_an_action_is_called_the_one_way(stage: Stage) -> None:
    """With what the person asked for; a request inside the arguments is not taken for it."""
    arguments = {"limit": 1, "request": "something else"}
    given = {"request": WHO, "action": "list_staff", "arguments": arguments}
    told, is_error = _called(stage, "call_action", given)
    assert (told["outcome"], is_error) == ("succeeded", False)
    (entry,) = stage.connector.log.page(LogFilter(kind="call"), limit=1, user="auditor").entries
    assert (entry.action, entry.prompt) == ("list_staff", WHO)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"request": WHO, "action": "delete_client", "arguments": {"id": 1}}, "denied"),
        ({"request": WHO, "action": "nothing", "arguments": {}}, "invalid_arguments"),
        ({"request": WHO, "action": 7, "arguments": {}}, "invalid_arguments"),
        ({"request": WHO, "action": "list_leads", "arguments": "all"}, "invalid_arguments"),
        ({"action": "list_leads", "arguments": {}}, "invalid_arguments"),
    ],
)
def test_what_cannot_be_called_is_refused_in_words(
    stage: Stage, given: dict[str, Any], kind: str
) -> None:
    """As an answer that a model can act on."""
    stage.sandbox.forget()
    told, is_error = _called(stage, "call_action", given, READER)
    assert (told["error"]["kind"], is_error) == (kind, True)
    assert stage.sandbox.requests == []
