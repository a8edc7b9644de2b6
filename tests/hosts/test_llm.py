"""Proves the plugin of `llm`, in its own process and at its own command line."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import llm
import pytest

from clientary_connector import LogFilter, open_connector
from clientary_connector.errors import InvalidValueError, UnknownConnectionError
from clientary_connector.frontends import llm as plugin
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.hosts.calls import logged

pytestmark = [pytest.mark.requirement("host.llm.tools"), pytest.mark.slow]

LLM: Final = str(Path(sys.executable).with_name("llm"))
TOOLBOX: Final = f'Clientary(connection="{ACCOUNT}", persona="{PERSONA}", user="{USER}")'
WHO: Final = "Who works here?"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector, beside the one that the plugin opens."""
    with set_stage(tmp_path_factory.mktemp("llm") / "state") as ready:
        yield ready


@pytest.fixture(autouse=True)
def state(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Gives the plugin the state, and `llm` a folder of its own; closes what the plugin opened."""
    monkeypatch.setenv("CLIENTARY_STATE", str(stage.state))
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    yield
    if plugin.opened.cache_info().currsize:
        plugin.opened().close()
        plugin.opened.cache_clear()


def _box(prompt: str | None = WHO) -> plugin.Clientary:
    return plugin.Clientary(connection=ACCOUNT, persona=PERSONA, user=USER, prompt=prompt)


def _asked(*calls: tuple[str, dict[str, Any]]) -> str:
    """Returns the prompt that makes the echo of a model ask for tool calls."""
    wanted = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps({"tool_calls": wanted, "prompt": "go on"})


def _chained(tools: list[Any], *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Lets the echo of a model ask, `llm` run, and returns what the model was told."""
    model: Any = llm.get_model("echo")
    text: str = model.chain(_asked(*calls), tools=tools).text()
    told: list[dict[str, Any]] = json.loads(text[text.rindex('{\n  "prompt": ""') :])[
        "tool_results"
    ]
    return told


def test_a_model_works_in_the_account_with_the_toolbox(stage: Stage) -> None:
    """Each tool call is one call: by the user and persona given, for the prompt given."""
    one, two = _chained(
        [_box()],
        ("Clientary_list_staff", {"limit": 1, "fields": ["id"]}),
        ("Clientary_get_staff", {"id": 999_999}),
    )
    assert json.loads(one["output"])["data"] == [{"id": stage.world.id("staff")}]
    assert json.loads(two["output"])["error"]["kind"] == "not_found"
    entry = logged(stage.connector, one["tool_call_id"])
    assert (entry.user, entry.persona, entry.prompt) == (USER, PERSONA, WHO)
    assert entry.action == "list_staff"
    assert entry.context == {"prompt_from": "host"}


def test_a_model_says_itself_what_was_asked_for_where_nobody_else_did(stage: Stage) -> None:
    """Each tool then has a required `request`, and the log says that it is the model's word."""
    box = _box(prompt=None)
    found: list[Any] = list(box.tools())
    assert all(tool.input_schema["required"][0] == "request" for tool in found)
    (told,) = _chained([box], ("Clientary_list_staff", {"request": "Count us!", "limit": 1}))
    entry = logged(stage.connector, told["tool_call_id"])
    assert entry.prompt == "Count us!"
    assert entry.arguments == {"limit": 1}
    assert entry.context == {"prompt_from": "model"}


def test_a_call_that_does_not_say_why_is_refused() -> None:
    """A model that leaves the request out is told so, and nothing is sent."""
    (told,) = _chained([_box(prompt=None)], ("Clientary_list_staff", {}))
    error = json.loads(told["output"])["error"]
    assert (error["kind"], error["faults"][0]["path"]) == ("invalid_arguments", "$.prompt")


def test_the_tools_are_those_that_were_granted_and_follow_a_revoke(stage: Stage) -> None:
    """A toolbox made once shows what the persona may do now."""
    stage.connector.grant("intern", ACCOUNT, scopes=["staff:read"], user=USER)
    box = plugin.Clientary(ACCOUNT, "intern", USER, WHO)
    assert [tool.name for tool in box.tools()] == [
        "Clientary_find",
        "Clientary_get_staff",
        "Clientary_list_staff",
    ]
    held = list(box.tools())
    stage.runner.run(stage.connector.revoke(ACCOUNT, user=USER, persona="intern"))
    assert list(box.tools()) == []
    (told,) = _chained(held, ("Clientary_list_staff", {}))
    assert json.loads(told["output"])["outcome"] == "refused"


def test_a_model_finds_ids_by_names(stage: Stage) -> None:
    """Through the toolbox, with its prompt, under the id of its tool call."""
    (told,) = _chained([_box()], ("Clientary_find", {"resource": "staff", "text": "otis"}))
    result = json.loads(told["output"])
    assert result["outcome"] == "succeeded"
    assert {one["name"].partition(" ")[0] for one in result["data"]} == {"Otis"}
    entry = logged(stage.connector, f"{told['tool_call_id']}/list_staff/1")
    assert (entry.prompt, entry.context["prompt_from"]) == (WHO, "host")


def test_a_persona_that_may_list_nothing_is_offered_no_search(stage: Stage) -> None:
    """There is nothing to look through."""
    stage.connector.grant("writer", ACCOUNT, scopes=["tasks:write"], user=USER)
    box = plugin.Clientary(ACCOUNT, "writer", USER, WHO)
    assert [tool.name for tool in box.tools()] == ["Clientary_create_task", "Clientary_update_task"]


def test_every_action_is_a_tool_of_its_own_where_the_settings_say_for_whom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """57 tools beside the toolbox, each named as its action; none where nothing is set."""
    assert "list_staff" not in llm.get_tools()
    monkeypatch.setenv("CLIENTARY_CONNECTION", ACCOUNT)
    monkeypatch.setenv("CLIENTARY_PERSONA", PERSONA)
    found = llm.get_tools()
    ours = [name for name, tool in found.items() if getattr(tool, "plugin", "") == "clientary"]
    assert len(ours) == 57 + 1
    assert plugin.opened.cache_info().currsize == 0
    (told,) = _chained([found["list_staff"]], ("list_staff", {"request": WHO, "limit": 1}))
    assert json.loads(told["output"])["outcome"] == "succeeded"


def test_a_setting_that_makes_no_sense_stops_the_toolbox_and_not_llm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`llm` goes on without the tools; whoever uses the toolbox hears of it."""
    monkeypatch.setenv("CLIENTARY_MAX_PAGES", "many")
    assert "Clientary" in llm.get_tools()
    with pytest.raises(Exception, match="CLIENTARY_MAX_PAGES is not a whole number"):
        list(_box().tools())


def test_what_is_missing_is_named_with_how_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection, persona, and a user where the system knows no login name."""
    with pytest.raises(InvalidValueError, match="CLIENTARY_CONNECTION"):
        list(plugin.Clientary().tools())
    with pytest.raises(InvalidValueError, match="CLIENTARY_PERSONA"):
        list(plugin.Clientary(ACCOUNT).tools())
    with pytest.raises(UnknownConnectionError):
        list(plugin.Clientary("nowhere", PERSONA).tools())

    def nobody() -> str:
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(InvalidValueError, match="CLIENTARY_USER"):
        list(plugin.Clientary(ACCOUNT, PERSONA).tools())
    monkeypatch.setenv("CLIENTARY_USER", USER)
    assert list(plugin.Clientary(ACCOUNT, PERSONA).tools())


def test_the_command_line_of_llm_runs_the_toolbox_and_goes_on_with_it(stage: Stage) -> None:
    """A second prompt of the same conversation has the same tools."""
    prompt = _asked(("Clientary_list_staff", {"request": WHO, "limit": 1, "fields": ["name"]}))
    before = len(_ours(stage))
    for words in (("-T", TOOLBOX), ("-c",)):
        done = _llm("-m", "echo", *words, prompt)
        assert done.returncode == 0, done.stderr
        assert '\\"outcome\\":\\"succeeded\\"' in done.stdout
    assert len(_ours(stage)) == before + 2


def test_the_command_line_of_llm_says_in_a_line_what_is_wrong() -> None:
    """No traceback for what a person forgot."""
    done = _llm("-m", "echo", "-T", "Clientary", "Who works here?")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: No connection is given: Clientary(connection=...), or CLIENTARY_CONNECTION.\n"
    )


def test_llm_knows_the_plugin_by_its_entry_point() -> None:
    """The installed package is found without a word of configuration."""
    done = _llm("plugins")
    assert {"name": "clientary-connector", "hooks": ["register_tools"]}.items() <= next(
        found for found in json.loads(done.stdout) if found["name"] == "clientary-connector"
    ).items()


def _ours(stage: Stage) -> tuple[object, ...]:
    with open_connector(stage.state) as connector:
        return connector.log.page(LogFilter(action="list_staff"), limit=200).entries


def _llm(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the program under test
        [LLM, *words],
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
