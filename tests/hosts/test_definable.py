"""Proves the toolkit and the plugin of Definable, by agents that a scripted model leads."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias, cast
from unittest.mock import MagicMock

import pytest

if sys.version_info < (3, 12):
    pytest.skip("Definable asks for Python 3.12.", allow_module_level=True)

from definable.agent.agent import Agent
from definable.agent.config import AgentConfig
from definable.agent.testing import MockModel
from definable.agent.tracing import Tracing
from definable.model.metrics import Metrics

from clientary_connector import Connector, LogEntry, LogFilter, Terms
from clientary_connector.errors import InvalidValueError, UnknownConnectionError
from clientary_connector.frontends.definable import ClientaryPlugin, ClientaryToolkit
from clientary_connector.frontends.definable.runs import MOST, Runs
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

pytestmark = [pytest.mark.requirement("host.definable.toolkit"), pytest.mark.slow]

PROMPT: Final = "Set up the bakery, please."
#: What a model asks for at one turn: id, tool and arguments; a text ends the run.
Asking: TypeAlias = tuple[str, str, dict[str, Any]]
Turn: TypeAlias = Sequence[Asking] | str


@pytest.fixture
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector."""
    with set_stage(tmp_path_factory.mktemp("definable") / "state") as ready:
        yield ready


def model(*turns: Turn | Callable[[list[Any]], Turn]) -> MockModel:
    """A model that asks for these tools, one turn after the other."""
    left = list(turns)

    def answer(messages: list[Any], **_: object) -> MagicMock:
        turn = left.pop(0)
        said = turn(messages) if callable(turn) else turn
        calls: Sequence[Asking] = () if isinstance(said, str) else said
        response = MagicMock()
        response.content = said if isinstance(said, str) else ""
        response.tool_executions = []
        response.tool_calls = [
            {
                "id": id_,
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(given)},
            }
            for id_, name, given in calls
        ]
        response.response_usage = Metrics()
        response.reasoning_content = response.citations = response.redacted_reasoning_content = None
        response.images = response.videos = response.audios = None
        return response

    return MockModel(side_effect=answer)


def agent(mock: MockModel, *toolkits: ClientaryToolkit, name: str = "helper", **more: Any) -> Agent:  # noqa: ANN401 - what Definable takes
    """An agent without telemetry."""
    config = AgentConfig(tracing=Tracing(enabled=False))
    return Agent(name=name, model=cast("Any", mock), toolkits=list(toolkits), config=config, **more)


def kit(stage: Stage, **more: Any) -> ClientaryToolkit:  # noqa: ANN401 - what a toolkit takes
    """The toolkit of the usual persona."""
    return ClientaryToolkit(connection=ACCOUNT, persona=PERSONA, connector=stage.connector, **more)


def told(messages: Sequence[Any]) -> str:
    """What the model was told by the last tool."""
    return str([one for one in messages if one.role == "tool"][-1].content)


def hearing(heard: list[str]) -> Callable[[Turn], Callable[[list[Any]], Turn]]:
    """Notes what the model was told, before it goes on."""

    def then(turn: Turn) -> Callable[[list[Any]], Turn]:
        def hear(messages: list[Any]) -> Turn:
            heard.append(told(messages))
            return turn

        return hear

    return then


def data(messages: Sequence[Any]) -> Any:  # noqa: ANN401 - any JSON value
    """The record in it."""
    return json.loads(told(messages))["data"]


def logged(connector: Connector, *, session: str) -> list[LogEntry]:
    """The calls of the personas, oldest first, opened."""
    page = connector.log.page(LogFilter(session=session), user="auditor")
    return [one for one in reversed(page.entries) if one.kind in {"call", "refusal"}]


def test_an_agent_works_in_steps_and_the_log_says_for_whom_why_and_in_which_run(
    stage: Stage,
) -> None:
    """Each step builds on the record of the one before; two tools at once are two calls."""
    mock = model(
        [("c1", "create_client", {"name": "Bakery"})],
        lambda seen: [
            ("c2", "update_client", {"id": data(seen)["id"], "name": "Bakery Ltd"}),
            ("c3", "get_client", {"id": data(seen)["id"]}),
        ],
        "All is set up.",
    )
    done = asyncio.run(agent(mock, kit(stage)).arun(PROMPT, user_id="dana", session_id="s-1"))
    assert done.content == "All is set up."
    lines = logged(stage.connector, session="s-1")
    assert {(one.action, one.outcome, one.operation) for one in lines} == {
        ("create_client", "succeeded", "s-1:c1"),
        ("update_client", "succeeded", "s-1:c2"),
        ("get_client", "succeeded", "s-1:c3"),
    }
    assert {(one.user, one.persona, one.prompt) for one in lines} == {("dana", PERSONA, PROMPT)}
    context = {"run": done.run_id, "session": "s-1", "prompt_from": "host"}
    assert [one.context for one in lines] == [context] * 3
    functions = mock.call_history[0]["tools"]
    names = {one["function"]["name"] for one in functions}
    assert names == {*stage.connector.manifest.actions, "find"}


def test_a_refusal_is_told_as_text_with_the_hint_and_the_model_goes_on(stage: Stage) -> None:
    """A condition of the grant, and arguments that cannot be used."""
    terms = Terms(scopes=("clients:*",), conditions=("for get_client: id in [999]",))
    stage.connector.grant(PERSONA, ACCOUNT, terms=terms, user=USER)
    heard: list[str] = []
    then = hearing(heard)
    mock = model(
        [("c1", "get_client", {"id": 1})],
        then([("c2", "create_client", {"name": 7, "nonsense": True})]),
        then([("c3", "delete_invoice", {"id": 1})]),
        then("I may not."),
    )
    done = asyncio.run(agent(mock, kit(stage, user="dana")).arun(PROMPT, session_id="s-2"))
    assert done.content == "I may not."
    assert [text.partition(":")[0] for text in heard[:2]] == ["Error", "Error"]
    kinds = [json.loads(text.splitlines()[-1])["error"]["kind"] for text in heard[:2]]
    assert kinds == ["denied", "invalid_arguments"]
    assert "not found" in heard[2], "a tool that was not granted is none"
    lines = logged(stage.connector, session="s-2")
    assert [(one.user, one.outcome) for one in lines] == [("dana", "refused")] * 2


@pytest.mark.parametrize("by_plugin", [False, True])
def test_a_deletion_pauses_until_a_person_says_yes_and_runs_in_their_name(
    stage: Stage,
    by_plugin: bool,  # noqa: FBT001 - pytest hands it over by name
) -> None:
    """The approval names who confirmed, the call who asked, and the prompt is that of the run."""
    connector = stage.connector
    connector.grant(PERSONA, ACCOUNT, scopes=["*:*"], user=USER)
    mock = model(
        [("c1", "create_client", {"name": "Bakery"})],
        lambda seen: [("c2", "delete_client", {"id": data(seen)["id"]})],
        [("c3", "list_clients", {"limit": 1})],
        "Gone.",
    )
    hand: Any
    if by_plugin:
        hand = ClientaryPlugin(connection=ACCOUNT, connector=connector)
        helper = agent(mock, name=PERSONA, plugins=[hand])
    else:
        hand = kit(stage)
        helper = agent(mock, hand)

    async def work() -> Any:  # noqa: ANN401 - what Definable gives
        paused = await helper.arun(PROMPT, user_id="dana", session_id="s-3")
        assert paused.is_paused
        assert connector.approvals.all() == ()
        confirmed = hand.confirm(paused, user="grace", asked_by="dana")
        return await helper.continue_run(run_output=confirmed)

    assert stage.wait(work).content == "Gone."
    (approval,) = connector.approvals.all()
    assert (approval.state, approval.decided_by, approval.user) == ("used", "grace", "dana")
    lines = logged(connector, session="s-3")
    assert [(one.action, one.user, one.prompt) for one in lines if one.kind == "call"] == [
        ("create_client", "dana", PROMPT),
        ("delete_client", "dana", PROMPT),
        ("list_clients", "dana", PROMPT),
    ]


def test_that_definable_was_told_to_go_on_is_no_persons_yes(stage: Stage) -> None:
    """Neither `confirm` of its own, nor a call past the loop, nor other arguments get through."""
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["*:*"], user=USER)
    mock = model([("c1", "delete_client", {"id": 1})], "It did not work.")
    hand = kit(stage)
    helper = agent(mock, hand)

    async def work() -> Any:  # noqa: ANN401 - what Definable gives
        paused = await helper.arun(PROMPT, user_id="dana", session_id="s-4")
        for requirement in paused.requirements or ():
            cast("Any", requirement).confirm()
        return await helper.continue_run(run_output=paused)

    stage.sandbox.forget()
    done = stage.wait(work)
    said = [one.content for one in done.messages or () if one.role == "tool"]
    assert said
    assert str(said[0]).startswith("Error: The call comes from no run of an agent")
    assert stage.sandbox.requests == []
    assert logged(stage.connector, session="s-4") == []


def test_another_call_cannot_use_a_yes_that_was_given(stage: Stage) -> None:
    """A yes is for one call: its id, its action and its arguments."""
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["*:*"], user=USER)
    mock = model([("c1", "delete_client", {"id": 1})], "It did not work.")
    hand = kit(stage)
    helper = agent(mock, hand)

    async def work() -> Any:  # noqa: ANN401 - what Definable gives
        paused = hand.confirm(
            await helper.arun(PROMPT, user_id="dana", session_id="s-5"), user="grace"
        )
        requirement = (paused.requirements or [])[0]
        assert requirement.tool_execution is not None
        requirement.tool_execution.tool_args = {"id": 2}
        return await helper.continue_run(run_output=paused)

    stage.sandbox.forget()
    stage.wait(work)
    assert stage.sandbox.requests == []
    assert stage.connector.approvals.all() == ()


def test_a_persona_cannot_confirm_its_own_call(stage: Stage) -> None:
    """What it is told is why not."""
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["*:*"], user=USER)
    mock = model([("c1", "delete_client", {"id": 1})], "It did not work.")
    hand = kit(stage)
    helper = agent(mock, hand)

    async def work() -> Any:  # noqa: ANN401 - what Definable gives
        paused = await helper.arun(PROMPT, user_id="dana", session_id="s-6")
        return await helper.continue_run(
            run_output=hand.confirm(paused, user=PERSONA, asked_by="dana")
        )

    done = stage.wait(work)
    (said,) = [one.content for one in done.messages or () if one.role == "tool"]
    assert str(said).startswith("Error: ")
    assert [one.state for one in stage.connector.approvals.all()] == ["pending"]


def test_a_revoke_in_the_middle_of_a_run_stops_its_next_step(stage: Stage) -> None:
    """What was offered before is refused at the call, and is gone in the next run."""
    connector = stage.connector

    def revoked(_: list[Any]) -> Turn:
        connector.grant(PERSONA, ACCOUNT, scopes=["projects:read"], user=USER)
        return [("c2", "create_client", {"name": "Two"})]

    heard: list[str] = []
    mock = model(
        [("c1", "create_client", {"name": "One"})],
        revoked,
        hearing(heard)("Stopped."),
        "Nothing more.",
    )
    helper = agent(mock, kit(stage))
    asyncio.run(helper.arun(PROMPT, user_id="dana", session_id="s-7"))
    assert '"kind":"denied"' in heard[0]
    assert [one.outcome for one in logged(connector, session="s-7")] == ["succeeded", "refused"]
    asyncio.run(helper.arun("And now?", user_id="dana"))
    names = {one["function"]["name"] for one in mock.call_history[-1]["tools"]}
    granted = {one.id for one in connector.allowed(PERSONA, ACCOUNT)}
    assert names == {*granted, "find"}
    assert granted != set(connector.manifest.actions)


def test_an_agent_finds_the_id_of_what_a_person_names(stage: Stage) -> None:
    """In the name of the run; a persona that may list nothing is offered no search."""
    mock = model(
        [("c1", "create_client", {"name": "Bakery"})],
        [("c2", "find", {"resource": "clients", "text": "bakry"})],
        lambda seen: [("c3", "get_client", {"id": data(seen)[0]["id"]})],
        "Found.",
    )
    asyncio.run(agent(mock, kit(stage)).arun(PROMPT, user_id="dana", session_id="s-9"))
    lines = logged(stage.connector, session="s-9")
    assert {(one.user, one.prompt, one.outcome) for one in lines} == {("dana", PROMPT, "succeeded")}
    assert [one.action for one in lines][-1] == "get_client"
    assert lines[1].operation == "s-9:c2/list_clients/1"
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["tasks:write"], user=USER)
    assert [one.name for one in kit(stage).tools] == ["create_task", "update_task"]


def test_the_tools_follow_grants_and_a_revoked_connection_has_none(stage: Stage) -> None:
    """Without a restart, and without an error where nothing is left."""
    toolkit = kit(stage)
    assert len(toolkit.tools) == len(stage.connector.manifest.actions) + 1, "and the search"
    assert toolkit.is_current
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER, persona=PERSONA))
    assert not toolkit.is_current
    assert toolkit.tools == []
    asyncio.run(toolkit.initialize())
    asyncio.run(toolkit.shutdown())
    toolkit.close()
    assert stage.connector.connections(), "a connector that was given is not closed"
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER))
    assert toolkit.tools == []


def test_nobody_works_for_nobody(stage: Stage) -> None:
    """A run without a user, and a toolkit without a connection, are told what is missing."""
    heard: list[str] = []
    mock = model([("c1", "get_client", {"id": 1})], hearing(heard)("No."))
    asyncio.run(agent(mock, kit(stage)).arun(PROMPT))
    assert heard[0].startswith("Error: Nobody knows for whom the agent works.")
    with pytest.raises(UnknownConnectionError):
        ClientaryToolkit(connection="nowhere", persona=PERSONA, connector=stage.connector)


@pytest.mark.requirement("host.definable.plugin")
def test_the_plugin_gives_an_agent_the_tools_of_the_persona_of_its_name(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opens the connector of the settings, and takes all away when it goes."""
    monkeypatch.setenv("CLIENTARY_STATE", str(stage.state))
    stage.connector.grant("clerk", ACCOUNT, scopes=["clients:read"], user=USER)
    plugin = ClientaryPlugin(connection=ACCOUNT, user="dana")
    assert (plugin.name, ACCOUNT in plugin.description) == (f"clientary-{ACCOUNT}", True)
    with pytest.raises(InvalidValueError, match="No agent"):
        plugin.confirm(MagicMock(), user="grace")
    mock = model([("c1", "list_clients", {"limit": 1})], "One.", "None.")
    helper = agent(mock, name="clerk", plugins=[plugin])

    async def work() -> None:
        await helper.arun(PROMPT, session_id="s-8")
        assert "list_clients" in helper.tool_names
        await plugin.on_unload(helper)
        await helper.arun(PROMPT, session_id="s-9")
        assert "list_clients" not in helper.tool_names

    asyncio.run(work())
    (line,) = logged(stage.connector, session="s-8")
    assert (line.persona, line.user, line.outcome) == ("clerk", "dana", "succeeded")


def test_what_is_remembered_of_runs_has_a_bound() -> None:
    """A host that lets runs go on for years does not grow."""
    runs = Runs(None)
    for number in range(MOST + 5):
        output = MagicMock(session_id=f"s-{number}", run_id="r", messages=[])
        call = MagicMock(tool_call_id=f"c-{number}", tool_name="get_client", tool_args={})
        runs.confirm(output, call, user="grace", asked_by=None)
    assert runs.remembered == MOST
