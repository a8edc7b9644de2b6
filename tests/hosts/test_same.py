"""Proves that every entrance is the same way: twelve jobs, each result and log entry compared."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import llm
import pluggy
import pytest
from mcp import Client

from clientary_connector import Call, LogFilter, Terms, hooks
from clientary_connector.frontends import llm as llm_plugin
from clientary_connector.frontends.cli import main
from clientary_connector.frontends.export import tools
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.plugin import plugin
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage
from tests.hosts.over_http import over_http

pytestmark = [pytest.mark.requirement("host.same"), pytest.mark.slow]

#: The ids are those of the sandbox's seed; `made` is the id of the client that the third job makes.
JOBS: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("list_clients", {"limit": 3, "fields": ["id", "name"]}),
    ("list_staff", {}),
    ("create_client", {"name": "Bäckerei Ümlaut"}),
    ("get_client", {"id": "made"}),
    ("update_client", {"id": "made", "name": "Bakery"}),
    ("create_lead", {"name": "Mill"}),
    ("get_client", {"id": 999_999}),
    ("create_client", {"name": 7, "nonsense": True}),
    ("get_project", {"id": 999_999}),
    ("delete_client", {"id": "made"}),
    ("list_projects", {"limit": 2}),
    ("list_clients", {"page": 0}),
)
#: A read and a write that go well, a condition that does not hold, and a yes that is not there.
TERMS: Final = Terms(
    scopes=("*:*",),
    conditions=("for get_project: id in [1]",),
    approve="never",
    approve_for=(("delete_client", "always"),),
)
Entrance = Callable[[Stage, Call, pytest.CaptureFixture[str]], Any]


def _command(stage: Stage, call: Call, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - JSON
    given = [
        word
        for name, value in call.arguments.items()
        for word in ("-a", f"{name}:={json.dumps(value)}")
    ]
    who = ("--persona", call.persona, "--user", call.user, "--prompt", call.prompt)
    main(["--state", str(stage.state), "call", call.action, ACCOUNT, *who, *given, "-o", "json"])
    return json.loads(capsys.readouterr().out)


def _batch(stage: Stage, call: Call, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - JSON
    lines = Path(stage.state).parent / "lines.jsonl"
    line = {"action": call.action, "arguments": dict(call.arguments)}
    lines.write_text(json.dumps(line), encoding="utf-8")
    who = ("--persona", call.persona, "--user", call.user, "--prompt", call.prompt)
    words = ("batch", str(lines), *who, "--connection", ACCOUNT)
    main(["--state", str(stage.state), *words])
    return json.loads(capsys.readouterr().out)


def _hooks(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    host = pluggy.PluginManager(hooks.HOST)
    host.add_hookspecs(hooks)
    host.register(plugin)
    return host.hook.connector_call_sync(connector=stage.connector, call=call).to_json()


def _toolset(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    made = tools(
        stage.connector, format="anthropic", connection=ACCOUNT, persona=PERSONA, user=USER
    )
    item = {"id": call.operation, "name": call.action, "input": dict(call.arguments)}
    return made.run_sync(item, prompt=PROMPT).result.to_json()


def _llm(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    work = llm_plugin.Work(connection=ACCOUNT, persona=PERSONA, user=USER, prompt=PROMPT)
    (tool,) = work.tools([stage.connector.manifest.action(call.action)])
    asked = llm.ToolCall(tool.name, dict(call.arguments), call.operation)
    run: Any = getattr(tool, "implementation")  # noqa: B009 - llm gives it no types
    return json.loads(run(llm_tool_call=asked, **call.arguments))


def _mcp(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    caller = Caller(connection=ACCOUNT, persona=PERSONA, user=USER)

    async def work() -> Any:  # noqa: ANN401 - JSON
        async with Client(Serving(stage.connector, lambda _: caller).server()) as client:
            given = {"request": PROMPT, **call.arguments}
            return (await client.call_tool(call.action, given)).structured_content

    return stage.wait(work)


def _mcp_http(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    with over_http(stage) as http:
        token = http.token()

        async def work() -> Any:  # noqa: ANN401 - JSON
            async with http.client(token) as client:
                given = {"request": PROMPT, **call.arguments}
                return (await client.call_tool(call.action, given)).structured_content

        return stage.wait(work)


def _definable(stage: Stage, call: Call, _: object) -> Any:  # noqa: ANN401 - JSON
    pytest.importorskip("definable", reason="Definable asks for Python 3.12.")
    names = ("definable.agent.run", "definable.model.message")
    run, message = map(importlib.import_module, names)
    toolkits = importlib.import_module("clientary_connector.frontends.definable")
    kit = toolkits.ClientaryToolkit(connection=ACCOUNT, persona=PERSONA, connector=stage.connector)
    function = next(one for one in kit.tools if one.name == call.action)
    said = [message.Message(role="user", content=PROMPT)]
    context = run.RunContext("r", "s", user_id=USER, metadata={"_messages": said})
    asked = SimpleNamespace(call_id=call.operation)
    work = {"run_context": context, "fc": asked, **call.arguments}
    return json.loads(stage.wait(lambda: function.entrypoint(**work)).splitlines()[-1])


ENTRANCES: Final[Mapping[str, Entrance]] = {
    "run": lambda stage, call, _: stage.run(call).to_json(),
    "run_sync": lambda stage, call, _: stage.connector.run_sync(call).to_json(),
    "call": _command,
    "batch": _batch,
    "hooks": _hooks,
    "toolset": _toolset,
    "llm": _llm,
    "mcp": _mcp,
    "mcp over http": _mcp_http,
    "definable": _definable,
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What the jobs come to through the Python API."""
    with stage_of(tmp_path_factory.mktemp("same") / "state") as stage:
        return jobs(stage, lambda call: ENTRANCES["run"](stage, call, None))  # type: ignore[arg-type] # it prints nothing


def stage_of(state: Path) -> Any:  # noqa: ANN401 - a context manager
    """A stage on which a moment is always the same."""
    return set_stage(state, clock=lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC))


def jobs(stage: Stage, enter: Callable[[Call], Any]) -> list[Any]:
    """Does all jobs through one entrance; returns each result and its entry in the log."""
    stage.connector.grant(PERSONA, ACCOUNT, terms=TERMS, user=USER)
    done: list[Any] = []
    made = 0
    for action, given in JOBS:
        arguments = {name: made if value == "made" else value for name, value in given.items()}
        result = told(enter(stage.call(action, arguments)))
        made = result["data"]["id"] if action == "create_client" and "data" in result else made
        done.append((action, result, logged(stage, action)))
    return done


def told(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what differs from call to call, and without what is empty."""
    shown = {name: result.get(name) for name in ("outcome", "data", "warnings", "error", "page")}
    if shown["page"]:
        page = {name: shown["page"].get(name) for name in ("total", "next_page", "complete")}
        shown["page"] = {name: value for name, value in page.items() if value is not None}
    if shown["error"]:
        error = {**shown["error"], "approval": bool(shown["error"].get("approval"))}
        shown["error"] = {name: value for name, value in error.items() if value}
    text = json.dumps({name: value for name, value in shown.items() if value})
    return dict(json.loads(re.sub(r"apr_\w+", "apr_", text)))


def logged(stage: Stage, action: str) -> dict[str, Any]:
    """The newest entry of an action, without what differs from call to call."""
    page = stage.connector.log.page(LogFilter(action=action), limit=5, user="auditor")
    entry = next(one for one in page.entries if one.kind in {"call", "refusal"}).to_json()
    for name in ("id", "at", "operation", "duration_ms", "connection", "context", "facts"):
        del entry[name]
    response = entry["response"]
    entry["response"] = response and told(response)
    return dict(json.loads(re.sub(r"apr_\w+", "apr_", json.dumps(entry))))


@pytest.mark.parametrize("entrance", sorted(set(ENTRANCES) - {"run"}))
def test_twelve_jobs_come_to_the_same_through_every_entrance(
    entrance: str,
    expected: list[Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Results and log entries are the same, field by field: user, persona, prompt and all."""
    with stage_of(tmp_path / "state") as stage:
        monkeypatch.setenv("CLIENTARY_STATE", str(stage.state))
        try:
            done = jobs(stage, lambda call: ENTRANCES[entrance](stage, call, capsys))
        finally:
            if entrance == "llm":
                llm_plugin.opened().close()
                llm_plugin.opened.cache_clear()
    assert len(done) == len(expected) == 12
    for came, wanted in zip(done, expected, strict=True):
        assert came == wanted


def test_the_jobs_come_to_every_kind_of_end(expected: list[Any]) -> None:
    """Succeeded, failed, and refused for three reasons: the table proves enough."""
    assert all(entry["user"] == USER and entry["prompt"] == PROMPT for _, _, entry in expected)
    ends = {(one["outcome"], one.get("error", {}).get("kind")) for _, one, _ in expected}
    assert ends == {
        ("succeeded", None),
        ("failed", "not_found"),
        ("refused", "invalid_arguments"),
        ("refused", "denied"),
        ("refused", "approval_required"),
    }
