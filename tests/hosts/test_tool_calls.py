"""Proves that a tool call out of any provider's hand is run once, the one way, as its persona."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from clientary_connector import Outcome
from clientary_connector.errors import UnknownConnectionError
from clientary_connector.frontends.export import FORMATS, Toolset, tools
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage
from tests.hosts.calls import ASKED, TOLD, logged

pytestmark = pytest.mark.requirement("host.export.calls")

LOADED = """
import sys
import clientary_connector.frontends.export
heavy = {"httpx", "aiohttp", "apsw", "click", "connector_vault", "jsonschema_rs"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector for all calls."""
    with set_stage(tmp_path_factory.mktemp("tools") / "state") as ready:
        yield ready


def _toolset(stage: Stage, name: str, *, session: str = "", prefix: str = "") -> Toolset:
    return tools(
        stage.connector,
        format=name,
        connection=ACCOUNT,
        persona=PERSONA,
        user=USER,
        session=session,
        prefix=prefix,
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_read_comes_back_as_what_the_account_holds(stage: Stage, name: str) -> None:
    """The model is told outcome, data and page; the call is logged with user, persona, prompt."""
    item = ASKED[name](f"{name}-read", "list_clients", {"limit": 2, "fields": ["id", "name"]})
    answer = stage.runner.run(_toolset(stage, name).run(item, prompt=PROMPT))
    told = TOLD[name](answer.item)
    assert told["outcome"] == "succeeded"
    assert [sorted(record) for record in told["data"]] == [["id", "name"]] * 2
    assert told["page"]["complete"] is False
    assert told["data"] == answer.result.data
    entry = logged(stage.connector, f"{name}-read")
    assert (entry.user, entry.persona, entry.prompt) == (USER, PERSONA, PROMPT)


@pytest.mark.parametrize("name", FORMATS)
def test_a_repeated_tool_call_is_answered_and_not_sent_again(stage: Stage, name: str) -> None:
    """The id of the tool call is the operation: the second answer is the first one again."""
    toolset = _toolset(stage, name)
    item = ASKED[name](f"{name}-write", "create_client", {"name": f"Bakery {name}"})
    before = stage.sandbox.done("POST", "/clients")
    first = stage.runner.run(toolset.run(item, prompt=PROMPT))
    again = stage.runner.run(toolset.run(item, prompt=PROMPT))
    assert stage.sandbox.done("POST", "/clients") == before + 1
    assert again.result.data == first.result.data
    assert TOLD[name](again.item)["replayed"] is True


@pytest.mark.parametrize("name", FORMATS)
def test_a_fault_is_told_to_the_model_with_what_to_do(stage: Stage, name: str) -> None:
    """Kind, hint and every fault are there, and it is marked as an error where it can be."""
    item = ASKED[name](f"{name}-fault", "get_client", {"id": 0, "colour": "red"})
    answer = stage.runner.run(_toolset(stage, name).run(item, prompt=PROMPT))
    error = TOLD[name](answer.item)["error"]
    assert error["kind"] == "invalid_arguments"
    assert error["retryable"] is False
    assert [fault["path"] for fault in error["faults"]] == ["$.colour", "$.id"]
    marks: dict[str, dict[str, object]] = {
        "anthropic": {"is_error": True},
        "mcp": {"isError": True},
        "langchain": {"status": "error"},
    }
    assert marks.get(name, {}).items() <= answer.item.items()


@pytest.mark.parametrize("name", FORMATS)
def test_a_tool_that_does_not_exist_is_refused_and_logged(stage: Stage, name: str) -> None:
    """What a model makes up goes the one way too, and ends before anything is sent."""
    sent = len(stage.sandbox.requests)
    item = ASKED[name](f"{name}-none", "paint_client", {})
    answer = stage.runner.run(_toolset(stage, name).run(item, prompt=PROMPT))
    assert answer.result.outcome is Outcome.REFUSED
    assert answer.result.log_id is not None
    assert len(stage.sandbox.requests) == sent


def test_arguments_that_cannot_be_read_send_nothing(stage: Stage) -> None:
    """A text that was cut off is told to the model; it is no call without arguments."""
    sent = len(stage.sandbox.requests)
    item = {"type": "function_call", "call_id": "c", "name": "list_clients", "arguments": '{"li'}
    toolset = _toolset(stage, "openai")
    answers = (
        stage.runner.run(toolset.run(item, prompt=PROMPT)),
        toolset.run_sync(item, prompt=PROMPT),
    )
    for answer in answers:
        assert TOLD["openai"](answer.item)["error"]["kind"] == "invalid_arguments"
        assert answer.item["call_id"] == "c"
    assert len(stage.sandbox.requests) == sent


def test_a_host_without_a_loop_runs_a_tool_call_too(stage: Stage) -> None:
    """The answer is the same, and the host's own ids reach the log."""
    item = ASKED["anthropic"]("sync-1", "list_staff", {"fields": ["id"]})
    answer = _toolset(stage, "anthropic").run_sync(item, prompt=PROMPT, context={"run": "r-1"})
    assert answer.item["tool_use_id"] == "sync-1"
    assert answer.item["is_error"] is False
    assert answer.result.operation == "sync-1"


def test_ids_that_repeat_in_another_conversation_are_told_apart(stage: Stage) -> None:
    """With a session before it, the same id of a tool call is another operation."""
    item = ASKED["langchain"]("call_0", "list_staff", {})
    ran = [
        stage.runner.run(_toolset(stage, "langchain", session=name).run(item, prompt=PROMPT))
        for name in ("monday", "tuesday")
    ]
    assert [answer.result.operation for answer in ran] == ["monday:call_0", "tuesday:call_0"]
    assert not ran[1].result.replayed


@pytest.mark.parametrize("name", ["gemini", "mcp", "langchain"])
def test_a_call_without_an_id_is_an_operation_of_its_own(stage: Stage, name: str) -> None:
    """Some providers give no id: then each call is one step, and none is taken for another."""
    item = ASKED[name]("", "list_staff", {})
    for part in (item, item.get("functionCall", {})):
        part.pop("id", None)
    toolset = _toolset(stage, name)
    operations = {
        stage.runner.run(toolset.run(item, prompt=PROMPT)).result.operation for _ in range(2)
    }
    assert len(operations) == 2


def test_what_stands_in_a_part_of_gemini_is_read_as_well(stage: Stage) -> None:
    """Its library hands out the call alone, and names in another case."""
    toolset = _toolset(stage, "gemini")
    items: list[dict[str, Any]] = [
        {"name": "list_staff", "args": None},
        {"function_call": {"name": "list_staff"}},
    ]
    for item in items:
        answer = stage.runner.run(toolset.run(item, prompt=PROMPT))
        assert answer.result.outcome is Outcome.SUCCEEDED
        assert "id" not in answer.item["functionResponse"]


def test_a_prefixed_tool_runs_its_action(stage: Stage) -> None:
    """The prefix is for the model; the log and the engine know the action."""
    toolset = _toolset(stage, "openai", prefix="north_")
    item = ASKED["openai"]("prefixed", "north_list_staff", {"fields": None, "limit": None})
    answer = stage.runner.run(toolset.run(item, prompt=PROMPT))
    assert answer.result.outcome is Outcome.SUCCEEDED
    assert logged(stage.connector, "prefixed").action == "list_staff"


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_tool_call_is_the_hosts_mistake(stage: Stage, name: str) -> None:
    """A message that was taken for a call raises; no model is told of it."""
    with pytest.raises(KeyError):
        _toolset(stage, name).run_sync({"type": "message"}, prompt=PROMPT)


def test_the_tools_follow_grants_and_revokes(stage: Stage) -> None:
    """A toolset made once shows what the persona may do now, and runs nothing beyond that."""
    toolset = tools(
        stage.connector, format="openai", connection=ACCOUNT, persona="intern", user=USER
    )
    connector = stage.connector
    assert toolset.tools == []
    connector.grant("intern", ACCOUNT, scopes=["staff:read"], user=USER)
    assert [tool["name"] for tool in toolset.tools] == ["get_staff", "list_staff"]
    denied = stage.runner.run(
        toolset.run(ASKED["openai"]("i-1", "delete_client", {"id": 1}), prompt=PROMPT)
    )
    assert TOLD["openai"](denied.item)["error"]["kind"] == "denied"
    stage.runner.run(connector.revoke(ACCOUNT, user=USER, persona="intern"))
    assert toolset.tools == []
    refused = stage.runner.run(toolset.run(ASKED["openai"]("i-2", "list_staff", {}), prompt=PROMPT))
    assert refused.result.outcome is Outcome.REFUSED


def test_a_connection_that_is_not_there_has_no_tools(stage: Stage) -> None:
    """The host hears of it, and is given no empty list."""
    toolset = tools(stage.connector, format="mcp", connection="nowhere", persona=PERSONA, user=USER)
    with pytest.raises(UnknownConnectionError):
        _ = toolset.tools


def test_writing_a_document_loads_neither_vault_nor_network() -> None:
    """A program that only wants the schemas does not pay for the connector."""
    subprocess.run([sys.executable, "-c", LOADED], check=True)  # noqa: S603 - our own interpreter
