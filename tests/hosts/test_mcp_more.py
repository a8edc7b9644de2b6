"""Proves what a client of MCP reads, how far it hears a call is, and how its person is asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar

import pytest
from mcp import Client, MCPError, types

from clientary_connector import LogFilter, Settings, Terms
from clientary_connector.errors import SettingsError
from clientary_connector.frontends.mcp.caller import Caller
from clientary_connector.frontends.mcp.eliciting import MOST_SHOWN
from clientary_connector.frontends.mcp.serving import Serving
from clientary_connector.hooks import hookimpl
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

T = TypeVar("T")

ERAS: Final = ("legacy", "2026-07-28")
WHY: Final = "Clean up, please."
CALLER: Final = Caller(connection=ACCOUNT, persona=PERSONA, user=USER)
ASKING: Final = Caller(connection=ACCOUNT, persona="asking", user=USER)
#: What a person does with the form, and the text that was shown to them.
Person = Callable[[str], types.ElicitResult | types.ErrorData]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A sandbox and a connector that trusts clients to ask their persons."""
    state = tmp_path_factory.mktemp("mcp") / "state"
    with set_stage(state, settings=Settings(approve_in_client=True)) as ready:
        ready.connector.grant("asking", ACCOUNT, scopes=["clients:*"], user="admin")
        ready.connector.grant("reader", ACCOUNT, scopes=["leads:read"], user=USER)
        yield ready


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """How a client begins: with a handshake, as until 2025, or without one."""
    return str(request.param)


def with_client(
    stage: Stage,
    era: str,
    work: Callable[[Client], Awaitable[T]],
    *,
    caller: Caller = CALLER,
    person: Person | None = None,
) -> T:
    """Lets a client of an era, with a person before it or none, work with a server of its own."""
    serving = Serving(stage.connector, lambda _: caller, a_page=2)

    async def asked(context: Any, params: types.ElicitRequestParams) -> Any:  # noqa: ANN401 - what the SDK takes
        del context
        assert person is not None
        return person(params.message)

    async def whole() -> T:
        callback = None if person is None else asked
        async with Client(serving.server(), mode=era, elicitation_callback=callback) as client:
            return await work(client)

    return stage.wait(whole)


def read(stage: Stage, uri: str, caller: Caller = CALLER, era: str = "legacy") -> list[Any]:
    """What lies at an address, JSON decoded."""
    found = with_client(stage, era, lambda client: client.read_resource(uri), caller=caller)
    texts = [part for part in found.contents if isinstance(part, types.TextResourceContents)]
    return [
        json.loads(part.text) if part.mime_type == "application/json" else part.text
        for part in texts
    ]


def refusal(stage: Stage, uri: str, caller: Caller = CALLER, era: str = "legacy") -> MCPError:
    """Why nothing lies at an address."""

    async def work(client: Client) -> MCPError:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(uri)
        return raised.value

    return with_client(stage, era, work, caller=caller)


# What it reads


@pytest.mark.requirement("host.mcp.resources")
def test_lists_of_resources_templates_and_prompts_come_in_pages(stage: Stage, era: str) -> None:
    """As those of tools do, with a cursor that leads on."""

    async def work(client: Client) -> None:
        for lists, kind, count in (
            (client.list_resources, "resources", 2),
            (client.list_resource_templates, "resource_templates", 3),
            (client.list_prompts, "prompts", 3),
        ):
            names, cursor = list[str](), None
            while True:
                listed: Any = await lists(cursor=cursor)
                items: list[Any] = getattr(listed, kind)
                assert len(items) <= 2
                names += [one.name for one in items]
                if (cursor := listed.next_cursor) is None:
                    break
            assert len(set(names)) == count
            with pytest.raises(MCPError, match="cursor"):
                await lists(cursor="none of ours")

    with_client(stage, era, work)


@pytest.mark.requirement("host.mcp.resources")
def test_the_manifest_tells_of_what_the_caller_may_call_and_no_more(stage: Stage, era: str) -> None:
    """As JSON and as text for people; each action in full by its own address."""
    reader = Caller(connection=ACCOUNT, persona="reader", user=USER)
    told, text = read(stage, "clientary://manifest", reader, era)
    assert [one["action"] for one in told["actions"]] == ["get_lead", "list_leads"]
    assert text.startswith("# What may be done in Clientary")
    assert "delete_client" not in json.dumps(told) + text
    (full,) = read(stage, told["actions"][0]["uri"], reader, era)
    assert full["arguments"]["required"] == ["id"]
    assert full["hints"]["readOnlyHint"] is True
    for uri in ("clientary://actions/delete_client", "clientary://actions/nothing", "other://log"):
        assert refusal(stage, uri, reader, era).code == types.INVALID_PARAMS
    nobody = Caller(connection="nothing", persona="reader", user=USER)
    assert "nothing" in refusal(stage, "clientary://manifest", nobody, era).message


@pytest.mark.requirement("host.mcp.resources")
def test_a_caller_reads_its_own_lines_of_the_log(stage: Stage, era: str) -> None:
    """Newest first, in pages; not those of another user, persona or connection."""
    own = Caller(connection=ACCOUNT, persona=PERSONA, user=f"reader of {era}")
    for number in range(52):
        call = stage.call("list_staff", {"limit": 1 + number % 3})
        stage.run(replace(call, user=own.user))
    stage.run(stage.call("list_staff", {}))
    (told,) = read(stage, "clientary://log", own, era)
    assert len(told["entries"]) == 50
    assert {(one["user"], one["persona"]) for one in told["entries"]} == {(own.user, PERSONA)}
    assert all("response" not in one and one["prompt"] for one in told["entries"])
    (older,) = read(stage, told["older"], own, era)
    assert len(older["entries"]) == 2
    assert "older" not in older
    last = older["entries"][-1]["id"]
    (line,) = read(stage, f"clientary://log/{last}", own, era)
    assert line["response"]["outcome"] == "succeeded"
    for other in (CALLER, Caller(connection=ACCOUNT, persona="reader", user=own.user)):
        assert refusal(stage, f"clientary://log/{last}", other, era).code == types.INVALID_PARAMS
    assert refusal(stage, "clientary://log/999999", own, era).code == types.INVALID_PARAMS
    (noted,) = stage.connector.log.page(LogFilter(kind="read", user=own.user), limit=1).entries
    assert noted.facts["entry"] == last


class Closed:
    """A host that lets nobody read what is sealed."""

    @hookimpl
    def connector_may_read(self, user: str, what: dict[str, Any]) -> bool:
        """Says no."""
        del user, what
        return False


@pytest.mark.requirement("host.mcp.resources")
def test_a_host_that_lets_nobody_read_the_log_is_heeded(stage: Stage) -> None:
    """The refusal says who has refused."""
    closed = Closed()
    stage.connector.register(closed)
    try:
        assert "The host does not let" in refusal(stage, "clientary://log").message
    finally:
        stage.connector.hosting.unregister(closed)


# How far it is


@pytest.mark.requirement("host.mcp.progress")
@pytest.mark.parametrize(
    ("name", "given", "wanted"),
    [
        ("list_clients", {"limit": 24}, [(10, 24), (20, 24), (24, 24)]),
        ("list_clients", {"limit": 15}, [(10, 15), (15, 15)]),
        ("find", {"resource": "leads", "text": "a"}, [(20, None)]),
        ("list_clients", {}, []),
    ],
)
def test_a_client_hears_how_far_its_call_is(
    stage: Stage, era: str, name: str, given: dict[str, Any], wanted: list[tuple[int, int | None]]
) -> None:
    """After every page, each time more; a client that did not ask hears nothing."""
    heard = list[tuple[float, float | None]]()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        del message
        heard.append((progress, total))

    async def work(client: Client) -> None:
        arguments = {"request": WHY, **given}
        result = await client.call_tool(name, arguments, progress_callback=told)
        assert not result.is_error
        seen = len(heard)
        await client.call_tool(name, arguments)
        assert len(heard) == seen

    with_client(stage, era, work)
    assert heard[: len(wanted)] == wanted
    assert heard == sorted(heard, key=lambda step: step[0])
    assert len({step for step, _ in heard}) == len(heard)


@pytest.mark.requirement("host.mcp.progress")
def test_progress_tells_nothing_of_how_many_there_are_beyond_a_condition(stage: Stage) -> None:
    """The total is that of all records, which the persona may not see."""
    terms = Terms(scopes=("clients:read",), conditions=('for list_clients: name != "Nobody"',))
    stage.connector.grant("partly", ACCOUNT, terms=terms, user=USER)
    heard = list[float | None]()

    async def told(progress: float, total: float | None, message: str | None) -> None:
        del progress, message
        heard.append(total)

    async def work(client: Client) -> None:
        given = {"request": WHY, "limit": 24}
        await client.call_tool("list_clients", given, progress_callback=told)

    partly = Caller(connection=ACCOUNT, persona="partly", user=USER)
    with_client(stage, "legacy", work, caller=partly)
    assert set(heard) == {None}


# How its person is asked


def made(stage: Stage, name: str) -> int:
    """Makes a client that can be deleted."""
    return int(stage.run(stage.call("create_client", {"name": name})).data["id"])


def answered(
    stage: Stage,
    era: str,
    id_: int,
    person: Person | None,
    **more: Any,  # noqa: ANN401 - further arguments
) -> dict[str, Any]:
    """What a deletion comes to, with a person before the client."""
    given = {"request": WHY, "id": id_, **more}
    result = with_client(
        stage, era, lambda c: c.call_tool("delete_client", given), caller=ASKING, person=person
    )
    told: dict[str, Any] = result.structured_content
    return told


def says(action: str, heard: list[str] | None = None, **content: Any) -> Person:  # noqa: ANN401 - the form
    """A person who always does the same with the form."""

    def answer(message: str) -> types.ElicitResult:
        if heard is not None:
            heard.append(message)
        return types.ElicitResult.model_validate({"action": action, "content": content or None})

    return answer


@pytest.mark.requirement("host.mcp.elicitation")
def test_a_yes_of_the_person_lets_the_call_happen_once(stage: Stage, era: str) -> None:
    """They see request, reason and what goes along; the log has their yes and their note."""
    id_, heard = made(stage, f"Gone {era}"), list[str]()
    told = answered(stage, era, id_, says("accept", heard, approve=True, note="Agreed."))
    assert told["outcome"] == "succeeded"
    (shown,) = heard
    assert f"/clients/{id_}" in shown
    assert "DELETE http" in shown
    assert WHY in shown
    assert "It would take along, for good:" in shown
    assert "- projects: 0" in shown
    approval = stage.connector.approvals.all()[-1]
    assert (approval.state, approval.decided_by, approval.persona) == ("used", USER, "asking")
    view = stage.wait(lambda: stage.connector.approvals.show(approval.id, user="auditor"))
    assert view.note == "Answered in the client. Agreed."
    again = answered(stage, era, id_, says("accept", approve=True))
    assert again["error"]["kind"] == "not_found", "the yes has served, and a new one was given"


@pytest.mark.requirement("host.mcp.elicitation")
@pytest.mark.parametrize(
    ("person", "state", "kind"),
    [
        (says("decline"), "denied", "denied"),
        (says("accept", approve=False), "denied", "denied"),
        (says("accept"), "denied", "denied"),
        (says("accept", approve="true"), "denied", "denied"),
        (says("cancel"), "pending", "approval_required"),
        (None, "pending", "approval_required"),
    ],
)
def test_anything_but_a_yes_lets_nothing_happen(
    stage: Stage, era: str, person: Person | None, state: str, kind: str
) -> None:
    """A form that is merely sent off is a no; whoever leaves it has decided nothing."""
    id_ = made(stage, "Stays")
    stage.sandbox.forget()
    told = answered(stage, era, id_, person)
    assert (told["outcome"], told["error"]["kind"]) == ("refused", kind)
    assert stage.connector.approvals.all()[-1].state == state
    assert [one.method for one in stage.sandbox.requests if one.method != "GET"] == []


@pytest.mark.requirement("host.mcp.elicitation")
def test_a_client_that_fails_to_ask_leaves_it_open(stage: Stage) -> None:
    """Whoever else may decide can still do so."""
    id_ = made(stage, "Stays")
    broken = types.ErrorData(code=types.INTERNAL_ERROR, message="No window.")
    told = answered(stage, "legacy", id_, lambda _: broken)
    assert told["error"]["kind"] == "approval_required"
    assert stage.connector.approvals.all()[-1].state == "pending"


@pytest.mark.requirement("host.mcp.elicitation")
def test_an_answer_counts_for_what_was_shown_and_nothing_else(stage: Stage) -> None:
    """A yes to one deletion that comes with the arguments of another asks anew."""
    shown, other = made(stage, "Shown"), made(stage, "Other")
    yes = types.ElicitResult(action="accept", content={"approve": True})

    async def work(client: Client) -> Any:  # noqa: ANN401 - whatever comes
        given = {"request": WHY, "id": shown}
        first = await client.session.call_tool("delete_client", given, allow_input_required=True)
        assert isinstance(first, types.InputRequiredResult)
        (key,) = first.input_requests or {}
        return await client.session.call_tool(
            "delete_client",
            {"request": WHY, "id": other},
            input_responses={key: yes},
            allow_input_required=True,
        )

    stage.sandbox.forget()
    asked = with_client(stage, "2026-07-28", work, caller=ASKING, person=says("cancel"))
    assert isinstance(asked, types.InputRequiredResult)
    assert [one.method for one in stage.sandbox.requests if one.method != "GET"] == []


@pytest.mark.requirement("host.mcp.elicitation")
def test_the_persona_cannot_answer_for_itself(stage: Stage, era: str) -> None:
    """A session whose user is the persona gives no yes, and is told why."""
    stage.connector.grant("robot", ACCOUNT, scopes=["clients:*"], user="admin")
    robot = Caller(connection=ACCOUNT, persona="robot", user="robot")
    given = {"request": WHY, "id": made(stage, "Stays")}
    result = with_client(
        stage,
        era,
        lambda client: client.call_tool("delete_client", given),
        caller=robot,
        person=says("accept", approve=True),
    )
    told: dict[str, Any] = result.structured_content
    assert told["error"]["kind"] == "approval_required"
    assert told["warnings"] == ["A persona cannot approve what it asks for."]


@pytest.mark.requirement("host.mcp.elicitation")
def test_what_cannot_be_shown_whole_is_not_asked_about(stage: Stage, era: str) -> None:
    """Nobody says yes to what they have not seen; it waits for another place."""
    stage.connector.grant(
        "asking_all", ACCOUNT, user="admin", terms=Terms(scopes=("clients:*",), approve="always")
    )
    caller = Caller(connection=ACCOUNT, persona="asking_all", user=USER)
    heard = list[str]()
    given = {"request": WHY, "name": "Long", "description": "x" * (MOST_SHOWN + 1)}
    result = with_client(
        stage,
        era,
        lambda client: client.call_tool("create_client", given),
        caller=caller,
        person=says("accept", heard, approve=True),
    )
    assert result.structured_content["error"]["kind"] == "approval_required"
    assert heard == []


@pytest.mark.requirement("host.mcp.elicitation")
def test_no_client_is_asked_unless_the_settings_trust_it(
    tmp_path_factory: pytest.TempPathFactory, era: str
) -> None:
    """By default a yes comes from elsewhere, whatever the client can do."""
    assert not Settings.from_environment({}).approve_in_client
    assert Settings.from_environment({"CLIENTARY_APPROVE_IN_CLIENT": "yes"}).approve_in_client
    with pytest.raises(SettingsError, match="neither yes nor no"):
        Settings.from_environment({"CLIENTARY_APPROVE_IN_CLIENT": "true"})
    with set_stage(tmp_path_factory.mktemp("mcp") / "state") as stage:
        stage.connector.grant("asking", ACCOUNT, scopes=["clients:*"], user="admin")
        heard = list[str]()
        told = answered(stage, era, 1, says("accept", heard, approve=True))
        assert told["error"]["kind"] == "approval_required"
        assert heard == []
