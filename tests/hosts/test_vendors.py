"""Proves that each format is accepted by its provider's own library, and a call out of it runs.

Nothing here reaches a provider: the libraries are asked what they would send, or what they accept.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from typing import Any, Final

import pytest

from clientary_connector import Outcome, load_manifest
from clientary_connector.frontends.export import Toolset, export, tools
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage
from tests.hosts.calls import ASKED, TOLD

pytestmark = [pytest.mark.requirement("host.export.vendors"), pytest.mark.slow]

MANIFEST: Final = load_manifest()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector for the calls."""
    with set_stage(tmp_path_factory.mktemp("vendors") / "state") as ready:
        yield ready


def _toolset(stage: Stage, name: str) -> Toolset:
    return tools(stage.connector, format=name, connection=ACCOUNT, persona=PERSONA, user=USER)


def test_openai_agents_finds_nothing_to_make_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own conversion to strict leaves every schema as it is, open objects refused."""
    monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
    from agents.strict_schema import ensure_strict_json_schema  # noqa: PLC0415 - seconds to import

    for tool in export(MANIFEST, format="openai"):
        given = copy.deepcopy(tool["parameters"])
        assert ensure_strict_json_schema(given, _reject_open_objects=True) == tool["parameters"]


def test_openai_takes_every_tool() -> None:
    """Its library knows the shape as that of a function tool of the Responses API."""
    from openai.types.responses import FunctionTool  # noqa: PLC0415 - seconds to import

    for tool in export(MANIFEST, format="openai"):
        known = FunctionTool.model_validate(tool, strict=True, extra="forbid")
        assert known.model_dump(exclude_none=True) == tool


def test_an_agent_of_openai_runs_a_tool(stage: Stage) -> None:
    """A function tool made of the definition calls back, and its answer is what the model reads."""
    from agents import FunctionTool  # noqa: PLC0415 - seconds to import
    from agents.tool_context import ToolContext  # noqa: PLC0415 - as above

    toolset = _toolset(stage, "openai")

    async def invoke(context: ToolContext[Any], arguments: str) -> str:
        item = {"call_id": context.tool_call_id, "name": context.tool_name, "arguments": arguments}
        answer = await toolset.run(item, prompt=PROMPT)
        output: str = answer.item["output"]
        return output

    made = {
        tool["name"]: FunctionTool(
            name=tool["name"],
            description=tool["description"],
            params_json_schema=tool["parameters"],
            on_invoke_tool=invoke,
            strict_json_schema=tool["strict"],
        )
        for tool in toolset.tools
    }
    assert len(made) == len(MANIFEST.actions)
    context = ToolContext(
        context=None, tool_name="list_staff", tool_call_id="agents-1", tool_arguments="{}"
    )

    async def asked() -> str:
        told = await made["list_staff"].on_invoke_tool(context, '{"limit": 1, "fields": ["id"]}')
        return str(told)

    told = TOLD["openai"]({"output": stage.runner.run(asked())})
    assert told["outcome"] == "succeeded"


def test_anthropic_takes_every_tool_and_the_answer(stage: Stage) -> None:
    """Definition, call and answer fit the types of its library, with nothing left over."""
    import pydantic  # noqa: PLC0415 - comes with the library
    from anthropic.types import ToolParam, ToolResultBlockParam, ToolUseBlock  # noqa: PLC0415 - seconds to import

    params = pydantic.TypeAdapter(ToolParam)
    for tool in export(MANIFEST, format="anthropic"):
        # What the type does not know is left out of what comes back.
        assert params.validate_python(tool) == tool
    asked = ToolUseBlock.model_validate(ASKED["anthropic"]("toolu_1", "list_staff", {"limit": 1}))
    answer = stage.runner.run(_toolset(stage, "anthropic").run(asked.model_dump(), prompt=PROMPT))
    assert answer.result.outcome is Outcome.SUCCEEDED
    pydantic.TypeAdapter(ToolResultBlockParam).validate_python(answer.item)


def test_gemini_takes_every_tool_and_the_answer(stage: Stage) -> None:
    """Its types hold every declaration without loss, and turn back into the same JSON."""
    from google.genai import types  # noqa: PLC0415 - seconds to import

    (tool,) = export(MANIFEST, format="gemini")
    known = types.Tool.model_validate(tool)
    dumped = known.model_dump(exclude_none=True, by_alias=True, mode="json")
    assert dumped == tool
    asked = types.FunctionCall(id="gen-1", name="list_staff", args={"limit": 1.0})
    toolset = _toolset(stage, "gemini")
    answer = stage.runner.run(toolset.run(asked.model_dump(exclude_none=True), prompt=PROMPT))
    assert answer.result.outcome is Outcome.SUCCEEDED
    part = types.Part.model_validate(answer.item)
    assert part.function_response is not None
    assert part.function_response.response == answer.item["functionResponse"]["response"]


def test_mcp_takes_the_list_and_the_answer(stage: Stage) -> None:
    """The types of the official SDK hold the list and a result as they stand."""
    from mcp import types  # noqa: PLC0415 - a second to import

    listed = export(MANIFEST, format="mcp")
    known = types.ListToolsResult.model_validate(listed)
    dumped = known.model_dump(by_alias=True, exclude_none=True, mode="json")
    assert dumped["tools"] == listed["tools"]
    asked = types.CallToolRequestParams(name="list_staff", arguments={"limit": 1})
    item = asked.model_dump(exclude_none=True, by_alias=True)
    answer = stage.runner.run(_toolset(stage, "mcp").run(item, prompt=PROMPT))
    result = types.CallToolResult.model_validate(answer.item)
    assert result.is_error is False
    assert result.structured_content == answer.item["structuredContent"]


def test_langchain_makes_tools_of_them_and_runs_one(stage: Stage) -> None:
    """A structured tool of each definition is what LangChain gives its models, and it runs."""
    from langchain_core.messages import ToolMessage  # noqa: PLC0415 - a second to import
    from langchain_core.tools import StructuredTool  # noqa: PLC0415 - as above
    from langchain_core.utils.function_calling import convert_to_openai_tool  # noqa: PLC0415 - as above

    toolset = _toolset(stage, "langchain")
    ran: list[str] = []

    def made(spec: dict[str, Any]) -> StructuredTool:
        async def run(**arguments: Any) -> str:  # noqa: ANN401 - any JSON value
            item = ASKED["langchain"](f"lc-{len(ran)}", spec["name"], arguments)
            ran.append(spec["name"])
            content: str = (await toolset.run(item, prompt=PROMPT)).item["content"]
            return content

        return StructuredTool(**spec, coroutine=run)

    structured = {spec["name"]: made(spec) for spec in toolset.tools}
    for name, tool in structured.items():
        function = convert_to_openai_tool(tool)["function"]
        assert function["name"] == name
        assert set(function["parameters"]["properties"]) == set(
            MANIFEST.actions[name].input["properties"]
        )
    asked = ASKED["langchain"]("lc", "list_staff", {"limit": 1, "fields": ["id"]})
    message = asyncio.run(structured["list_staff"].ainvoke(asked))
    assert isinstance(message, ToolMessage)
    assert TOLD["langchain"]({"content": message.content})["outcome"] == "succeeded"
    answer = stage.runner.run(toolset.run(asked, prompt=PROMPT))
    assert ToolMessage(**answer.item).status == "success"
