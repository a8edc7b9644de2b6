"""Proves that a denied persona reaches nothing through any entrance, and that none is left out.

Every public entrance stands in one of the tables below: those by which a persona's call comes in,
with how it is tried, and those that take no call. An entrance that is in none fails a test.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import Any, Final

import httpx
import llm
import pluggy
import pytest
from mcp import Client

from clientary_connector import (
    Call,
    Decision,
    Manifest,
    Outcome,
    Question,
    Settings,
    Terms,
    finding,
    frontends,
    hooks,
)
from clientary_connector.finding import Search
from clientary_connector.frontends import llm as llm_plugin
from clientary_connector.frontends.cli import main
from clientary_connector.frontends.cli.commands import clientary
from clientary_connector.frontends.cli.lazygroup import LazyGroup
from clientary_connector.frontends.cli.status import Status
from clientary_connector.frontends.console import Person, Role, console
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.reading import schema_of
from clientary_connector.frontends.console.views.tryform import typed_of
from clientary_connector.frontends.export import FORMATS, Toolset, tools
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.hooks import hookimpl
from clientary_connector.plugin import plugin
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage
from tests.connector.cli.stage import commands_of
from tests.console.ground import Browser, served
from tests.hosts.over_http import Http, over_http

pytestmark = pytest.mark.requirement("policy.bypass")

#: Whoever is denied: without a grant, with another, with one that was closed, and those whose
#: grant says no to the very action or to its arguments.
DENIED: Final = ("stranger", "narrow", "closed", "but_these", "condition")
#: One action of each effect.
CALLS: Final[Mapping[str, dict[str, Any]]] = {
    "get_client": {"id": 1},
    "create_client": {"name": "Example Bakery"},
    "update_client": {"id": 1, "name": "Example Bakery"},
    "delete_client": {"id": 1},
    "send_invoice_message": {"invoice_id": 1, "recipients": ["ada@books.example"]},
}


class Yes:
    """A host's plugin that approves whatever it is asked."""

    @hookimpl
    def connector_approval_decide(self, question: Question) -> Decision:
        """Approves it."""
        del question
        return Decision(approve=True, user="grace")


YES: Final = Yes()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox, and a connector with a grant for every way of being denied."""
    with set_stage(tmp_path_factory.mktemp("bypass") / "state") as ready:
        connector = ready.connector
        everything = Terms(scopes=("*:*",), approve="never")
        connector.grant("narrow", ACCOUNT, scopes=["leads:read"], user=USER)
        connector.grant("closed", ACCOUNT, terms=everything, user=USER)
        ready.wait(lambda: connector.revoke(ACCOUNT, user=USER, persona="closed"))
        but = Terms(scopes=("*:*",), deny=tuple(CALLS), approve="never")
        connector.grant("but_these", ACCOUNT, terms=but, user=USER)
        none = Terms(scopes=("*:*",), conditions=CONDITIONS, approve="never")
        connector.grant("condition", ACCOUNT, terms=none, user=USER)
        connector.register(YES)
        ready.sandbox.forget()
        yield ready


#: Conditions that none of the calls meets.
CONDITIONS: Final = (
    "for get_client: id in [2]",
    'for create_client: name == "Nobody"',
    "for update_client: id in [2]",
    "for delete_client: id in [2]",
    "for send_invoice_message: invoice_id in [2]",
)

Entrance = Callable[[Stage, Call], None]


def _run(stage: Stage, call: Call) -> None:
    _refused(stage.run(call).outcome)


def _run_sync(stage: Stage, call: Call) -> None:
    _refused(stage.connector.run_sync(call).outcome)


def _preview(stage: Stage, call: Call) -> None:
    preview = stage.wait(lambda: stage.connector.preview(call))
    assert preview.error is not None
    assert (preview.url, preview.body, preview.cascade) == ("", None, ())


def _can(stage: Stage, call: Call) -> None:
    verdict = stage.connector.grants.can(
        call.persona, call.action, call.connection, dict(call.arguments)
    )
    assert verdict.to_json()["allowed"] is False


def _asked(stage: Stage, call: Call) -> None:
    """Whatever a denied persona does makes no approval, so that nobody approves by mistake."""
    before = stage.connector.approvals.all()
    assert stage.connector.approvals.asked(stage.run(call)) is None
    assert stage.connector.approvals.all() == before


def _settle(stage: Stage, call: Call) -> None:
    """A call that was refused is no change whose end is unknown."""
    refused = stage.run(call)
    before = stage.connector.settlements.unsettled()
    with pytest.raises(Exception, match=r"."):
        stage.wait(lambda: stage.connector.settlements.settle(refused.log_id or 0, user=USER))
    assert stage.connector.settlements.unsettled() == before


def _refused(outcome: Outcome) -> None:
    assert outcome is Outcome.REFUSED


#: How a call comes in through Python.
THROUGH_PYTHON: Final[Mapping[str, Entrance]] = {
    "run": _run,
    "run_sync": _run_sync,
    "preview": _preview,
    "grants.can": _can,
    "approvals.asked": _asked,
    "settlements.settle": _settle,
}
#: What a connector does for persons and hosts; none of it takes the call of a persona.
FOR_PERSONS: Final = frozenset(
    {
        "aclose",
        "allowed",
        "approvals.all",
        "approvals.approval",
        "approvals.approve",
        "approvals.check_reader",
        "approvals.decide",
        "approvals.deny",
        "approvals.expire",
        "approvals.pending",
        "approvals.show",
        "budgets.all",
        "budgets.set",
        "budgets.usage",
        "check_old_key",
        "close",
        "connect",
        "connection",
        "connections",
        "drop_new_key",
        "grant",
        "grants.all",
        "grants.allowed",
        "grants.apply",
        "grants.compare",
        "grants.give",
        "grants.one",
        "grants.revoke",
        "hosting.ask",
        "hosting.call",
        "hosting.close",
        "hosting.hears",
        "hosting.plugins",
        "hosting.register",
        "hosting.tell",
        "hosting.tell_of",
        "hosting.trusts",
        "hosting.unregister",
        "log.entry",
        "log.erasing.erase",
        "log.erasing.plan",
        "log.export",
        "log.follow",
        "log.open",
        "log.page",
        "log.proofs.anchors",
        "log.proofs.checkpoint",
        "log.proofs.consistency",
        "log.proofs.inclusion",
        "log.proofs.key",
        "log.proofs.ready",
        "log.proofs.signed",
        "log.proofs.verify",
        "log.reads.check",
        "log.reads.note",
        "log.search",
        "log.verify",
        "oauth.finish",
        "oauth.one",
        "oauth.refresh",
        "oauth.revoke",
        "oauth.start",
        "oauth.statuses",
        "oauth.tend",
        "prepare",
        "register",
        "register_rotation_hooks",
        "revoke",
        "rotate",
        "rotate_every",
        "rotations",
        "settlements.decide",
        "settlements.is_due",
        "settlements.unsettled",
        "tend",
        "tokens.admit",
        "tokens.all",
        "tokens.check",
        "tokens.for_admin",
        "tokens.for_mcp",
        "tokens.one",
        "tokens.revoke",
        "vault.back_up",
        "vault.rotate_keys",
        "vault.status",
        "vault.verify",
        "grants.faults",
        "users.add",
        "users.all",
        "users.change_password",
        "users.change_role",
        "users.device",
        "users.knows",
        "users.remove",
        "users.sign_in",
        "users.signed_in",
        "users.signed_out",
        "users.stamp",
        "log.news",
        "log.rows",
        "log.search_in_steps",
        "log.verifying.check",
        "log.verifying.newest",
        "log.verifying.start",
    }
)
#: How a call comes in from a host that has loaded the plugin.
THROUGH_PLUGIN: Final[Mapping[str, Callable[[Stage, Call], Any]]] = {
    "connector_call": lambda stage, call: stage.wait(
        lambda: _host().connector_call(connector=stage.connector, call=call)
    ),
    "connector_call_sync": lambda stage, call: _host().connector_call_sync(
        connector=stage.connector, call=call
    ),
}
#: What such a host asks for besides; none of it takes the call of a persona.
PLUGIN_FOR_PERSONS: Final = frozenset(
    {
        "connector_approvals",
        "connector_close",
        "connector_connect",
        "connector_decide",
        "connector_grant",
        "connector_log",
        "connector_manifest",
        "connector_open",
        "connector_register",
        "connector_revoke",
        "connector_rotate",
        "connector_status",
        "connector_tend",
        "connector_tools",
        "connector_used",
    }
)
#: How the tools of a model come in, by the format of its provider.
ITEMS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "openai": lambda call: {
        "call_id": call.operation,
        "name": call.action,
        "arguments": json.dumps(dict(call.arguments)),
    },
    "anthropic": lambda call: {"id": call.operation, "name": call.action, "input": call.arguments},
    "gemini": lambda call: {"functionCall": {"name": call.action, "args": call.arguments}},
    "mcp": lambda call: {"name": call.action, "arguments": call.arguments},
    "langchain": lambda call: {"id": call.operation, "name": call.action, "args": call.arguments},
}
#: How a call comes in at the command line.
THROUGH_COMMANDS: Final[Mapping[str, Callable[[Call], tuple[str, ...]]]] = {
    "call": lambda call: ("call", call.action, ACCOUNT, *_who(call), *_given(call)),
    "call --dry-run": lambda call: ("call", call.action, ACCOUNT, *_who(call), *_given(call), DRY),
    "can": lambda call: ("can", call.persona, call.action, "-c", ACCOUNT, *_given(call)),
    "batch": lambda call: ("batch", _line(call), *_who(call), "--connection", ACCOUNT),
}
DRY: Final = "--dry-run"
DEFINABLE: Final = "clientary_connector.frontends.definable"
#: Operations of the admin API that name a persona, and make no call in its name.
API_FOR_PERSONS: Final = frozenset(
    {
        "explain",
        "export_log",
        "export_log_opened",
        "follow_log",
        "list_actions",
        "list_grants",
        "list_log",
        "make_token",
        "open_log",
        "put_grant",
        "remove_grant",
        "search_log",
        "show_difference",
        "show_grant",
        "show_usage",
    }
)
#: Commands for persons: what they ask of the service is for no persona.
COMMANDS_FOR_PERSONS: Final = frozenset(
    {
        "action",
        "actions",
        "approvals",
        "approve",
        "budget list",
        "budget set",
        "budget",
        "connect",
        "connections",
        "console serve",
        "console token list",
        "console token new",
        "console token revoke",
        "console user",
        "console user add",
        "console user list",
        "console user passwd",
        "console user remove",
        "console user role",
        "demo",
        "deny",
        "export",
        "grant give",
        "grant revoke",
        "grant show",
        "grants apply",
        "grants export",
        "grants list",
        "init",
        "log erase",
        "log export",
        "log key",
        "log open",
        "log prove",
        "log search",
        "log show",
        "log verify",
        "log",
        "manifest check",
        "manifest format",
        "manifest table",
        "manifest",
        "mcp serve",
        "mcp token list",
        "mcp token new",
        "mcp token revoke",
        "revoke",
        "rotate",
        "sandbox",
        "settle",
        "usage",
        "vault backup",
        "vault restore",
        "vault rotate-kek",
        "vault rotate-keys",
        "vault status",
        "vault tend",
        "vault verify",
    }
)
#: The parts of the frontends, and what stands for each of them here.
FRONTENDS: Final = {
    "catalogue": "finds actions in a manifest",
    "cli": "the tables of commands",
    "colour": "prints",
    "console": "tried as an admin who tries an action, by its page and by its API",
    "definable": "tried as a function of its toolkit",
    "demo": "plays a story of its own, over a state of its own",
    "export": "the table of items",
    "invocation": "says how the program was called",
    "jsontext": "reads JSON",
    "llm": "tried as a plugin of llm",
    "mcp": "tried by a client of MCP",
    "schematext": "says what an argument takes",
    "screen": "prints",
    "upkeep": "tends, as a person's command does",
    "waiting": "waits",
    "web": "hands requests on to a frontend that stands here, or none",
}
#: The hooks, none of which can make a call: what a plugin answers is all that comes back.
HOOKS: Final = frozenset(
    {
        "connector_approval_asked",
        "connector_approval_decide",
        "connector_call_finished",
        "connector_due",
        "connector_may_read",
        "connector_notices_lost",
        "connector_operation_settled",
        "connector_person",
        "connector_usage",
    }
)


def _host() -> Any:  # noqa: ANN401 - pluggy makes the hooks
    """Returns the hooks of a host that has loaded the plugin."""
    host = pluggy.PluginManager(hooks.HOST)
    host.add_hookspecs(hooks)
    host.register(plugin)
    return host.hook


def _who(call: Call) -> tuple[str, ...]:
    return ("--persona", call.persona, "--user", call.user, "--prompt", call.prompt)


def _given(call: Call) -> Iterator[str]:
    for name, value in call.arguments.items():
        yield from ("-a", f"{name}:={json.dumps(value)}")


def _line(call: Call) -> str:
    """Writes a file of one line with the call, and returns its path."""
    with NamedTemporaryFile("w", suffix=".jsonl", delete=False, encoding="utf-8") as file:
        json.dump({"action": call.action, "arguments": dict(call.arguments)}, file)
    return file.name


@pytest.fixture(params=DENIED)
def persona(request: pytest.FixtureRequest) -> str:
    """A persona that is denied."""
    return str(request.param)


@pytest.fixture(params=sorted(CALLS))
def call(request: pytest.FixtureRequest, stage: Stage, persona: str) -> Iterator[Call]:
    """A call of a persona that is denied; nothing of it may reach the far side."""
    stage.sandbox.forget()
    yield stage.call(request.param, CALLS[request.param], persona=persona)
    assert stage.sandbox.requests == []


@pytest.mark.parametrize("entrance", sorted(THROUGH_PYTHON))
def test_nothing_of_a_denied_call_passes_through_python(
    stage: Stage, call: Call, entrance: str
) -> None:
    """Not even where a plugin of the host approves whatever it is asked."""
    THROUGH_PYTHON[entrance](stage, call)


@pytest.mark.parametrize("hook", sorted(THROUGH_PLUGIN))
def test_nothing_of_a_denied_call_passes_through_the_plugin_of_a_host(
    stage: Stage, call: Call, hook: str
) -> None:
    """The contract has no word by which a host could have a call run without its grant."""
    _refused(THROUGH_PLUGIN[hook](stage, call).outcome)


@pytest.mark.parametrize("form", sorted(ITEMS))
def test_nothing_of_a_denied_call_passes_through_the_tools_of_a_model(
    stage: Stage, call: Call, form: str
) -> None:
    """A model that names a tool it was not given is refused like anybody."""
    for_model = tools(
        stage.connector, format=form, connection=ACCOUNT, persona=call.persona, user=USER
    )
    offered = f'"name": "{call.action}"' in json.dumps(for_model.tools)
    assert offered == (call.persona == "condition"), "a condition is judged at the call"
    item = ITEMS[form](call)
    assert stage.wait(lambda: for_model.run(item, prompt=PROMPT)).result.outcome is Outcome.REFUSED
    assert for_model.run_sync(item, prompt=PROMPT).result.outcome is Outcome.REFUSED


def test_nothing_of_a_denied_call_passes_through_the_plugin_of_llm(
    stage: Stage, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even as a tool by itself, which is there whatever was granted."""
    monkeypatch.setenv("CLIENTARY_STATE", str(stage.state))
    work = llm_plugin.Work(connection=ACCOUNT, persona=call.persona, user=USER, prompt=PROMPT)
    tool: Any = work.tools([stage.connector.manifest.action(call.action)])[0]
    asked = llm.ToolCall(tool.name, dict(call.arguments), f"llm_{call.operation}")
    try:
        told = json.loads(tool.implementation(llm_tool_call=asked, **call.arguments))
        assert told["outcome"] == Outcome.REFUSED
    finally:
        llm_plugin.opened().close()
        llm_plugin.opened.cache_clear()


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_nothing_of_a_denied_call_passes_through_a_client_of_mcp(
    stage: Stage, call: Call, era: str
) -> None:
    """Whatever the client was shown, it is refused like anybody."""
    caller = Caller(connection=ACCOUNT, persona=call.persona, user=USER)

    async def work() -> bool:
        async with Client(Serving(stage.connector, lambda _: caller).server(), mode=era) as client:
            listed = await client.list_tools()
            result = await client.call_tool(call.action, {"request": PROMPT, **call.arguments})
            assert result.structured_content["outcome"] == Outcome.REFUSED
            return call.action in {tool.name for tool in listed.tools}

    assert stage.wait(work) == (call.persona == "condition"), "a condition is judged at the call"


@pytest.fixture(scope="module")
def http(stage: Stage) -> Iterator[Http]:
    """A server of MCP over HTTP."""
    with over_http(stage) as running:
        running.connector.register(YES)
        yield running


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_nothing_of_a_denied_call_passes_through_a_client_of_mcp_over_http(
    stage: Stage, http: Http, call: Call, era: str
) -> None:
    """A token opens the door, and its persona may do no more behind it; no token, no door."""
    token = http.token(persona=call.persona)

    async def work() -> None:
        async with http.client(token, era) as client:
            result = await client.call_tool(call.action, {"request": PROMPT, **call.arguments})
            assert result.structured_content["outcome"] == Outcome.REFUSED

    stage.wait(work)
    given = {"name": call.action, "arguments": {"request": PROMPT, **call.arguments}}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": given}
    told = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    for headers in (told, {**told, "Authorization": "Bearer " + token[:-1]}):
        said = http.server.ask("POST", "/mcp", headers, body=json.dumps(asked).encode())
        assert said.status == 401


def test_nothing_of_a_denied_call_passes_through_the_toolkit_of_definable(
    stage: Stage, call: Call
) -> None:
    """Not even by a function that an agent still holds from when its persona was allowed."""
    pytest.importorskip("definable", reason="Definable asks for Python 3.12.")
    run, toolkits = map(importlib.import_module, ("definable.agent.run", DEFINABLE))
    toolkit = toolkits.ClientaryToolkit(
        connection=ACCOUNT, persona=PERSONA, connector=stage.connector
    )
    held = next(one for one in toolkit.tools if one.name == call.action)
    toolkit.persona = call.persona
    context = run.RunContext(run_id="r", session_id="s", user_id=USER)
    asked = SimpleNamespace(call_id=call.operation)
    told = stage.wait(lambda: held.entrypoint(run_context=context, fc=asked, **call.arguments))
    assert json.loads(told.splitlines()[-1])["outcome"] == Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class Served:
    """A console over the same connector: its address, an admin's browser and an admin's token."""

    url: str
    browser: Browser
    token: str

    def asked(self, path: str, call: Call) -> dict[str, Any]:
        """Asks the admin API to try a call, and returns what it answers."""
        answer = httpx.post(
            f"{self.url}/api/{path}",
            json={
                "action": call.action,
                "connection": call.connection,
                "persona": call.persona,
                "prompt": call.prompt,
                "arguments": dict(call.arguments),
                "operation": call.operation,
            },
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback; spares loading certificates
            timeout=30,
        )
        assert answer.status_code == 200
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture(scope="module")
def served_console(stage: Stage) -> Iterator[Served]:
    """A console over the same connector, and an admin at it."""
    app = console(stage.connector)
    with served(app) as url:
        browser = Browser(url)
        browser.open(f"/sign-in/{app.state.desk.links.make(Person(USER, Role.ADMIN))}")
        token = stage.connector.tokens.for_admin(role="admin", user=USER).text
        yield Served(url, browser, token)
        browser.close()


def test_nothing_of_a_denied_call_passes_through_the_admin_api(
    served_console: Served, call: Call
) -> None:
    """Neither as a preview nor as a call: an admin has no way past the grant of the persona."""
    preview = served_console.asked("previews", call)
    assert preview["error"] is not None
    assert (preview["url"], preview["body"], preview["cascade"]) == ("", None, [])
    assert served_console.asked("calls", call)["outcome"] == Outcome.REFUSED


def test_nothing_of_a_denied_call_passes_through_the_page_that_tries_it(
    stage: Stage, served_console: Served, call: Call
) -> None:
    """Not at the look, and not where the button to run it is sent by hand."""
    typed = typed_of(call.arguments, stage.connector.manifest.action(call.action))
    form = {"connection": ACCOUNT, "persona": call.persona, "prompt": call.prompt}
    form |= {f"a:{name}": text for name, text in typed.texts.items()}
    page = served_console.browser.open(f"/actions/{call.action}/try")
    page = page.send(form, action="/try", button=("do", "look"))
    assert page.status == 422
    assert "It would be refused" in page.text
    page = page.send(form, action="/try", button=("do", "run"))
    assert "What came of it refused" in page.text


@pytest.mark.parametrize("command", sorted(THROUGH_COMMANDS))
def test_nothing_of_a_denied_call_passes_through_a_command(
    stage: Stage, call: Call, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit status says that it was refused."""
    words = THROUGH_COMMANDS[command](call)
    assert main(["--state", str(stage.state), *words]) == Status.REFUSED
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    if command == "batch":
        Path(words[1]).unlink()


def _search(persona: str) -> Search:
    return Search(
        resource="staff",
        text="otis",
        connection=ACCOUNT,
        user=USER,
        persona=persona,
        prompt=PROMPT,
    )


def _find_by_mcp(stage: Stage, persona: str) -> str:
    caller = Caller(connection=ACCOUNT, persona=persona, user=USER)

    async def work() -> str:
        async with Client(Serving(stage.connector, lambda _: caller).server()) as client:
            asked = {"request": PROMPT, "resource": "staff", "text": "otis"}
            return str((await client.call_tool("find", asked)).structured_content["outcome"])

    return stage.wait(work)


def _find_by_command(stage: Stage, persona: str) -> str:
    words = ("find", "staff", "otis", ACCOUNT, "--persona", persona, "--user", USER)
    status = main(["--state", str(stage.state), *words])
    return {Status.REFUSED: "refused", Status.SUCCEEDED: "succeeded"}[Status(status)]


def _find_by_definable(stage: Stage, persona: str) -> str:
    pytest.importorskip("definable", reason="Definable asks for Python 3.12.")
    run, toolkits = map(importlib.import_module, ("definable.agent.run", DEFINABLE))
    kit = toolkits.ClientaryToolkit(connection=ACCOUNT, persona=PERSONA, connector=stage.connector)
    held = kit.tools[0]
    kit.persona = persona
    context = run.RunContext(run_id="r", session_id="s", user_id=USER, metadata=SAID)
    work = {"run_context": context, "fc": SimpleNamespace(call_id=None)}
    told = stage.wait(lambda: held.entrypoint(**work, resource="staff", text="otis"))
    return str(json.loads(told.splitlines()[-1])["outcome"])


def _find_by_llm(stage: Stage, persona: str) -> str:
    box = llm_plugin.Clientary(ACCOUNT, persona, USER, PROMPT)
    work = llm_plugin.Work(connection=ACCOUNT, persona=persona, user=USER, prompt=PROMPT)
    (tool,) = work.finder(stage.connector.manifest.actions.values(), box)
    run: Any = getattr(tool, "implementation")  # noqa: B009 - llm gives it no types
    asked = llm.ToolCall(tool.name, {}, None)
    return str(json.loads(run(llm_tool_call=asked, resource="staff", text="otis"))["outcome"])


SAID: Final = {"_messages": [SimpleNamespace(role="user", get_content_string=lambda: PROMPT)]}


def _find_by_api(stage: Stage, persona: str) -> str:
    token = stage.connector.tokens.for_admin(role="admin", user=USER).text
    with served(console(stage.connector)) as url:
        asked = {"resource": "staff", "text": "otis", "connection": ACCOUNT}
        answer = httpx.post(
            f"{url}/api/find",
            json={**asked, "persona": persona, "prompt": PROMPT},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback; spares loading certificates
            timeout=30,
        )
        return str(answer.json()["outcome"])


#: How a search by name comes in; it reads lists, so whoever may not list finds nothing.
THROUGH_FIND: Final[Mapping[str, Callable[[Stage, str], str]]] = {
    "find": lambda stage, who: (
        stage.wait(lambda: finding.find(stage.connector, _search(who))).outcome
    ),
    "find_sync": lambda stage, who: finding.find_sync(stage.connector, _search(who)).outcome,
    "connector_find": lambda stage, who: (
        stage.wait(
            lambda: _host().connector_find(connector=stage.connector, search=_search(who))
        ).outcome
    ),
    "mcp": _find_by_mcp,
    "command": _find_by_command,
    "definable": _find_by_definable,
    "llm": _find_by_llm,
    "api": _find_by_api,
}


@pytest.mark.parametrize("entrance", sorted(THROUGH_FIND))
def test_whoever_may_not_list_finds_nothing_through_any_entrance(
    stage: Stage, entrance: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent; whoever may list is answered, so the refusal is that of the grant."""
    monkeypatch.setenv("CLIENTARY_STATE", str(stage.state))
    try:
        stage.sandbox.forget()
        for persona in ("stranger", "narrow", "closed"):
            assert THROUGH_FIND[entrance](stage, persona) == Outcome.REFUSED
        assert stage.sandbox.requests == []
        assert THROUGH_FIND[entrance](stage, PERSONA) == Outcome.SUCCEEDED
        assert len(stage.sandbox.requests) == 1
    finally:
        if llm_plugin.opened.cache_info().currsize:
            llm_plugin.opened().close()
            llm_plugin.opened.cache_clear()


def test_a_search_has_no_other_way_in() -> None:
    """What its package offers is tried above, or tells only of the manifest."""
    functions = {name for name in finding.__all__ if inspect.isfunction(getattr(finding, name))}
    assert functions - set(THROUGH_FIND) == {"findable", "narrowing"}


def test_an_approval_from_before_shows_and_sends_nothing_once_the_persona_is_denied(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither showing it nor approving it reaches the service."""
    connector = stage.connector
    connector.grant("former", ACCOUNT, scopes=["*:*"], user=USER)
    connector.hosting.unregister(YES)
    call = stage.call("delete_client", {"id": 1}, persona="former")
    approval = connector.approvals.asked(stage.run(call))
    connector.register(YES)
    assert approval is not None
    stage.wait(lambda: connector.revoke(ACCOUNT, user=USER, persona="former"))
    stage.sandbox.forget()
    for words in (("approvals", approval.id), ("approve", approval.id, "--yes")):
        main(["--state", str(stage.state), *words, "--user", "grace"])
    assert "Traceback" not in capsys.readouterr().err
    _run(stage, call)
    assert stage.sandbox.requests == []


# No entrance is left out


def test_every_public_method_of_a_connector_stands_in_a_table(stage: Stage) -> None:
    """Also those of its parts; one that takes a call is tried above."""
    found = dict(_methods(stage.connector, ""))
    assert set(found) - set(THROUGH_PYTHON) == FOR_PERSONS
    taking = {name for name, method in found.items() if "Call" in _annotations(method)}
    assert taking <= set(THROUGH_PYTHON)
    assert not FOR_PERSONS & set(THROUGH_PYTHON)


def test_every_command_stands_in_a_table() -> None:
    """Also those of its groups; one that names a persona is tried above or gives and shows."""
    tried = {words.split()[0] for words in THROUGH_COMMANDS} | {"find"}
    named = {words for words, one in commands_of(clientary) if not isinstance(one, LazyGroup)}
    assert named - tried == COMMANDS_FOR_PERSONS


def test_every_operation_of_the_admin_api_stands_in_a_table() -> None:
    """One that names a persona is tried above, or gives, shows and asks what it may do."""
    naming = {
        one.name
        for one in OPERATIONS
        if any("persona" in schema_of(part).get("properties", {}) for part in (one.body, one.query))
    }
    assert naming - {"call", "preview", "find_records"} == API_FOR_PERSONS


def test_every_part_of_the_frontends_stands_in_a_table() -> None:
    """A frontend that is added has to say how it is tried."""
    assert {part.name for part in pkgutil.iter_modules(frontends.__path__)} == set(FRONTENDS)
    assert set(ITEMS) == set(FORMATS)
    assert {name for name, _ in _methods_of(Toolset)} == {"run", "run_sync"}


def test_every_hook_stands_in_a_table() -> None:
    """None of them hands a plugin anything that it could make a call with."""
    specs = {name for name, part in vars(hooks).items() if hasattr(part, f"{hooks.PROJECT}_spec")}
    assert specs == HOOKS
    called = {name for name, part in vars(hooks).items() if hasattr(part, f"{hooks.HOST}_spec")}
    assert called - {*THROUGH_PLUGIN, *THROUGH_FIND} == PLUGIN_FOR_PERSONS


def _methods(thing: object, prefix: str) -> Iterator[tuple[str, Callable[..., object]]]:
    """Walks the public methods of a connector and of the parts that it hands out."""
    for name, method in _methods_of(type(thing)):
        yield prefix + name, method
    made = (name for name, part in vars(type(thing)).items() if isinstance(part, property))
    for name in {*getattr(thing, "__dict__", {}), *made}:
        part = None if name.startswith("_") else getattr(thing, name)
        ours = type(part).__module__.partition(".")[0] in {"clientary_connector", "connector_vault"}
        if ours and not isinstance(part, Manifest | Settings):
            yield from _methods(part, f"{prefix}{name}.")


def _methods_of(kind: type) -> Iterator[tuple[str, Callable[..., object]]]:
    for name, part in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_"):
            yield name, part


def _annotations(method: Callable[..., object]) -> set[str]:
    parameters = inspect.signature(method).parameters.values()
    return {str(one.annotation) for one in parameters}
