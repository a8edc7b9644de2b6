"""Proves the server of MCP by programs that others wrote: a host, and two that look for faults."""

from __future__ import annotations

import asyncio
import importlib
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from clientary_connector import load_manifest
from clientary_connector.frontends.export import export
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

pytestmark = pytest.mark.slow

WAIT_S: Final = 120
BIN: Final = Path(sys.executable).parent
#: Fields whose names the account's people choose: no strict mode can say that.
OPEN: Final = "#/properties/invoice_extra_fields"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector, beside the one of the server."""
    with set_stage(tmp_path_factory.mktemp("mcp") / "state") as ready:
        yield ready


def words(stage: Stage, *more: str) -> list[str]:
    """The command that serves the usual persona."""
    who = ["--connection", ACCOUNT, "--persona", PERSONA, "--user", USER]
    module = ["-m", "clientary_connector.frontends.cli", "--state", str(stage.state)]
    return [sys.executable, *module, "mcp", *who, *more]


def tool(name: str) -> str:
    """Where a program of others lies; without it the test is skipped, and says so."""
    found = shutil.which(name, path=str(BIN))
    if found is None:
        pytest.skip(f"{name} is not installed here: .ci/install dev brings it.")
    return found


def ended(*command: str) -> tuple[int, str]:
    """Runs a program; returns its status and all that it said."""
    done = subprocess.run(  # noqa: S603 - the programs named below
        command, capture_output=True, check=False, text=True, timeout=WAIT_S
    )
    return done.returncode, done.stdout + done.stderr


# A checker of schemas


def checked(*options: str) -> tuple[int, dict[str, Any]]:
    """What mcp-strict-check says, as its JSON."""
    status, said = ended(tool("mcp-strict-check"), "--json", "--no-color", *options)
    found: dict[str, Any] = json.loads(said)
    return status, found


@pytest.mark.requirement("host.mcp.checkers")
def test_no_tool_breaks_a_rule_that_always_holds(stage: Stage) -> None:
    """What strict modes reject are the fields whose names people choose, and 58 tools at once."""
    _, found = checked("--cmd", shlex.join(words(stage)))
    assert (found["axes"]["A"]["n_findings"], found["axes"]["C0"]["n_findings"]) == (0, 0)
    rejected = {one["json_pointer"] for one in found["findings"] if one["axis"] in {"B", "C"}}
    assert rejected == {OPEN}


@pytest.mark.requirement("host.mcp.checkers")
def test_the_three_tools_break_no_rule_at_all(stage: Stage) -> None:
    """Nor does the search by name beside them; strict modes included."""
    status, found = checked("--cmd", shlex.join(words(stage, "--tools", "search")))
    assert status == 0, found


@pytest.mark.requirement("host.mcp.checkers")
def test_strict_tools_for_openai_are_strict(tmp_path: Path) -> None:
    """What MCP must leave open, the export for OpenAI closes."""
    made = export(load_manifest(), format="openai")
    tools = [
        {"name": one["name"], "description": one["description"], "inputSchema": one["parameters"]}
        for one in made
    ]
    path = tmp_path / "tools.json"
    path.write_text(json.dumps({"tools": tools}), encoding="utf-8")
    status, found = checked("--tools", str(path), "--axis", "openai", "--fail-on", "silent")
    assert (status, found["findings"]) == (0, [])


# A caller of every tool


@pytest.mark.requirement("host.mcp.checkers")
@pytest.mark.parametrize("mode", ["all", "search"])
def test_every_tool_answers_a_stranger_as_its_schema_says(stage: Stage, mode: str) -> None:
    """Called with arguments made from the schemas alone; what destroys is known and left alone."""
    command = words(stage, "--tools", mode)
    status, said = ended(tool("amagi-mcp-probe"), "--format", "json", "--", *command)
    assert status == 0, said
    report = json.loads(said[said.index("{") : said.rindex("}") + 1])
    counts = report["servers"][0]["counts"]
    assert counts["fail"] == 0
    assert counts["pass"] >= (10 if mode == "all" else 2)


# Definable's own client


# Definable leaves the pipes of the server that it has ended to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.requirement("host.definable.mcp")
def test_an_agent_of_definable_works_through_its_own_client_of_mcp(stage: Stage) -> None:
    """Over stdio, in steps that build on each other; the log has all of it."""
    pytest.importorskip("definable", reason="Definable asks for Python 3.12.")
    ground = importlib.import_module("tests.hosts.test_definable")
    mcp: Any = importlib.import_module("definable.mcp.toolkit")
    config: Any = importlib.import_module("definable.mcp.config")
    command, *arguments = words(stage)
    server = config.MCPServerConfig(name="clientary", command=command, args=arguments)
    why = {"request": "Set up the bakery, please."}

    def told(messages: list[Any]) -> Any:  # noqa: ANN401 - JSON
        text = str([one for one in messages if one.role == "tool"][-1].content)
        return json.loads(text[text.index("{") : text.rindex("}") + 1])

    def then(action: str, **given: Any) -> Any:  # noqa: ANN401 - the model's turn
        return [(f"c-{action}", f"clientary_{action}", {**why, **given})]

    heard = list[Any]()

    def third(seen: list[Any]) -> Any:  # noqa: ANN401 - the model's turn
        heard.append(told(seen))
        return then("get_client", id=heard[-1]["data"][0]["id"])

    def last(seen: list[Any]) -> str:
        heard.append(told(seen))
        return "All is set up."

    mock = ground.model(
        then("create_client", name="Bakery over MCP"),
        then("find", resource="clients", text="bakry over mcp"),
        third,
        last,
    )

    async def work() -> Any:  # noqa: ANN401 - what Definable gives
        async with mcp.MCPToolkit(config.MCPConfig(servers=[server])) as toolkit:
            helper = ground.agent(mock, toolkit)
            return await helper.arun("Set up the bakery, please.", user_id="dana")

    done: SimpleNamespace = asyncio.run(work())
    assert done.content == "All is set up."
    assert heard[0]["data"][0]["match"] == "fuzzy"
    assert heard[1]["data"]["name"] == "Bakery over MCP"
    page = stage.connector.log.page(limit=50, user="auditor")
    lines = [one for one in page.entries if one.prompt == why["request"] and one.kind == "call"]
    assert {(one.user, one.persona) for one in lines} == {(USER, PERSONA)}
    assert {one.action for one in lines} == {"create_client", "list_clients", "get_client"}
