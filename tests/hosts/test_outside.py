"""Lets clients and suites of others come to our server of MCP over HTTP, and over stdio."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from starlette.types import Receive, Scope, Send

from clientary_connector import open_connector
from clientary_connector.frontends.mcp.http import McpApplication
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.hosts import programs
from tests.hosts.over_http import Http, over_http
from tests.web.ground import serving

REVISIONS: Final = ("2025-11-25", "2026-07-28")
EXPECTED: Final = Path(__file__).with_name("conformance.yaml")
#: What every server has to pass, whatever its tools are.
GENERIC: Final = {
    "2025-11-25": {
        "server-initialize", "server-session-lifecycle", "ping", "tools-list", "prompts-list",
        "dns-rebinding-protection", "server-sse-multiple-streams",
    },
    "2026-07-28": {
        "server-stateless", "tools-list", "prompts-list", "dns-rebinding-protection", "caching",
        "http-header-validation", "sep-2164-resource-not-found", "server-sse-multiple-streams",
    },
}  # fmt: skip
#: An extension that nobody here says to have.
EXTENSION: Final = "tasks-"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector."""
    with set_stage(tmp_path_factory.mktemp("outside") / "state") as ready:
        yield ready


@pytest.fixture(scope="module")
def http(stage: Stage) -> Iterator[Http]:
    """A server of MCP over HTTP."""
    with over_http(stage) as running:
        yield running


# The official conformance suite


@pytest.mark.slow
@pytest.mark.requirement("host.mcp.conformance")
@pytest.mark.parametrize("revision", REVISIONS)
def test_the_official_suite_finds_what_was_expected_and_nothing_else(
    stage: Stage, tmp_path: Path, revision: str
) -> None:
    """Both ways: what was expected to fail and passes is an error, too."""
    with open_connector(stage.state) as connector:
        made = connector.tokens.for_mcp(connection=ACCOUNT, persona=PERSONA, user=USER)
        app = McpApplication(connector)

        async def known(scope: Scope, receive: Receive, send: Send) -> None:
            """Shows a token for the suite, which can show none."""
            token = (b"authorization", f"Bearer {made.text}".encode())
            await app({**scope, "headers": [*scope["headers"], token]}, receive, send)

        with serving(known, connector, ending=app.ending, running=app.running) as server:
            url = f"{server.url}/mcp"
            words = ("--url", url, "--requirements", revision, "-o", str(tmp_path))
            said = programs.run("conformance", "server", *words)
    found = _checks(tmp_path)
    assert set(found) >= GENERIC[revision], said.stderr
    failed = {check for checks in found.values() for check, how in checks if how == "FAILURE"}
    assert failed == _expected(revision)
    wire = [how for checks in found.values() for check, how in checks if "wire-schema" in check]
    assert wire
    assert set(wire) == {"SUCCESS"}


def _checks(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Reads what each scenario has found: its checks, and how each of them ended."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file in folder.glob("*/checks.json"):
        name = re.sub(r"^server-(.*)-\d{4}-\d\d-\d\dT.*$", r"\1", file.parent.name)
        if not name.startswith(EXTENSION):
            checks = json.loads(file.read_text(encoding="utf-8"))
            found[name] = [(check["id"], check["status"]) for check in checks]
    return found


def _expected(revision: str) -> set[str]:
    groups = yaml.safe_load(EXPECTED.read_text(encoding="utf-8"))
    assert all(group["because"] for group in groups)
    return {check for group in groups for check in group.get(revision, ())}


# MCP Inspector


@pytest.mark.slow
@pytest.mark.requirement("host.mcp.inspector")
@pytest.mark.parametrize("way", ["http", "stdio"])
def test_the_inspector_lists_and_calls(stage: Stage, http: Http, way: str) -> None:
    """Over HTTP with a token, and over stdio as an agent starts it."""
    server: tuple[str, ...] = (
        *(sys.executable, "-m", "clientary_connector.frontends.cli", "--state", str(stage.state)),
        *("mcp", "--connection", ACCOUNT, "--persona", PERSONA, "--user", USER),
    )
    if way == "http":
        told = f"Authorization: Bearer {http.token()}"
        server = (http.url, "--transport", "http", "--header", told)
    listed = _inspected(*server, "--method", "tools/list")
    assert {"list_clients", "delete_client"} <= {tool["name"] for tool in listed["tools"]}
    arguments = ("--tool-arg", "request=Who are our clients?", "--tool-arg", "limit=2")
    call = ("--method", "tools/call", "--tool-name", "list_clients", *arguments)
    told = _inspected(*server, *call)["structuredContent"]
    assert (told["outcome"], len(told["data"])) == ("succeeded", 2)


def _inspected(*words: str) -> Any:  # noqa: ANN401 - JSON
    said = programs.run("inspector", "--cli", *words)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


# Definable's own client


@pytest.mark.requirement("host.definable.mcp")
def test_an_agent_of_definable_works_through_its_own_client_over_http(stage: Stage) -> None:
    """It keeps no session, so the server asks for none; the token says for whom it works."""
    pytest.importorskip("definable", reason="Definable asks for Python 3.12.")
    ground = importlib.import_module("tests.hosts.test_definable")
    mcp: Any = importlib.import_module("definable.mcp.toolkit")
    config: Any = importlib.import_module("definable.mcp.config")
    why = "Who are our clients, over HTTP?"
    given = {"request": why, "limit": 2}
    mock = ground.model([("c-1", "clientary_list_clients", given)], "Two of them.")
    with over_http(stage, stateless=True) as http:
        server = config.MCPServerConfig(
            name="clientary",
            transport="http",
            url=http.url,
            headers={"Authorization": f"Bearer {http.token(user='dana')}"},
        )

        async def work() -> Any:  # noqa: ANN401 - what Definable gives
            async with mcp.MCPToolkit(config.MCPConfig(servers=[server])) as toolkit:
                return await ground.agent(mock, toolkit).arun(why, user_id="somebody")

        done: Any = asyncio.run(work())
    assert done.content == "Two of them."
    page = stage.connector.log.page(limit=20, user="auditor")
    (line,) = [one for one in page.entries if one.prompt == why and one.kind == "call"]
    assert (line.action, line.user, line.outcome) == ("list_clients", "dana", "succeeded")
