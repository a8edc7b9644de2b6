"""Proves the contract with a host, by a host that knows nothing but the hooks."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pluggy
import pytest

import connector_vault.hooks
from clientary_connector import (
    Call,
    Connector,
    Decision,
    LogEntry,
    LogFilter,
    Outcome,
    Secret,
    Settings,
    TendReport,
    Terms,
    create_state,
    hooks,
    load_manifest,
    open_connector,
)
from clientary_connector.errors import ConnectorError, ContractError, InvalidValueError
from clientary_connector.plugin import Plugin, plugin
from clientary_connector.sandbox import Sandbox, serve
from clientary_connector.tending import Tending, TendItem

SERVICE: Final = "clientary"
#: What any call that takes nothing but a connector needs besides it.
WHO: Final = {"user": "ada"}


class Host:
    """A host with a plugin or two."""

    def __init__(self, *plugins: object) -> None:
        """Registers them as an entry point would."""
        self.manager = pluggy.PluginManager(hooks.HOST)
        self.manager.add_hookspecs(hooks)
        for one in plugins:
            self.manager.register(one)
        self.manager.check_pending()
        self.ask: Any = self.manager.hook

    def open(self, state: Path, service: str = SERVICE) -> Any:  # noqa: ANN401 - a host knows no type
        """Opens a connector."""
        return self.ask.connector_open(service=service, contract=2, state=state, settings=None)


@pytest.fixture
def host() -> Host:
    """A host with the plugin that the entry point names."""
    return Host(plugin)


@pytest.fixture
def books(host: Host, tmp_path: Path) -> Iterator[Any]:
    """A connector of that host."""
    create_state(tmp_path / "state")
    opened = host.open(tmp_path / "state")
    yield opened
    host.ask.connector_close(connector=opened)


@pytest.fixture
def far_side() -> Iterator[tuple[str, str]]:
    """Address and key of a simulated account."""
    with serve(Sandbox()) as running:
        yield running.url, running.sandbox.key


def wait(work: Awaitable[Any]) -> Any:  # noqa: ANN401 - whatever it gives
    """Awaits what a hook gave."""

    async def whole() -> Any:  # noqa: ANN401 - the same
        return await work

    return asyncio.run(whole())


def join(host: Host, books: object, far_side: tuple[str, str], *, approve: str = "default") -> None:
    """Connects an account and grants everything in it."""
    url, key = far_side
    place = {"sandbox": url}
    facts = {"name": "books", "secret": Secret(key), "place": place, **WHO}
    connection, account = wait(host.ask.connector_connect(connector=books, **facts))
    assert (connection.name, account.total > 0) == ("books", True)
    terms = Terms(scopes=("*:*",), approve=approve)
    host.ask.connector_grant(
        connector=books, persona="keeper", connection="books", terms=terms, **WHO
    )


def call(action: str, operation: str, **arguments: object) -> Call:
    """A call of the usual persona."""
    return Call(
        action=action,
        arguments=arguments,
        connection="books",
        user="dana",
        persona="keeper",
        prompt="Keep the books.",
        operation=operation,
    )


@pytest.mark.requirement("host.plugin.contract")
def test_a_host_lives_with_a_connection_from_connect_to_close(
    host: Host, books: object, far_side: tuple[str, str]
) -> None:
    """Manifest, connect, grant, tools, calls, approval, status, usage, log, rotate and revoke."""
    ask = host.ask
    assert [one.name for one in ask.connector_manifest()] == [SERVICE]
    join(host, books, far_side)
    tools = ask.connector_tools(connector=books, persona="keeper", connection="books")
    assert {one.id for one in tools} == set(load_manifest().actions)

    made = ask.connector_call_sync(connector=books, call=call("create_client", "op-1", name="Ada"))
    again = wait(
        ask.connector_call(connector=books, call=call("create_client", "op-1", name="Ada"))
    )
    assert (made.outcome, again.replayed) == (Outcome.SUCCEEDED, True)
    assert again.data == made.data

    gone = call("delete_client", "op-2", id=made.data["id"])
    asked = ask.connector_call_sync(connector=books, call=gone)
    (waiting,) = ask.connector_approvals(connector=books)
    assert asked.error.approval == waiting.id
    status = ask.connector_status(connector=books)
    assert [one.name for one in status.connections] == ["books"]
    assert (len(status.keys), status.approvals, status.unsettled) == (1, (waiting,), ())
    assert status.to_json()["approvals"] == [waiting.to_json()]
    yes = Decision(approve=True, user="grace")
    given = ask.connector_decide(connector=books, approval=waiting.id, decision=yes)
    assert (given.state, given.decided_by) == ("given", "grace")
    assert ask.connector_call_sync(connector=books, call=gone).outcome is Outcome.SUCCEEDED

    (used,) = ask.connector_used(connector=books, by=["persona"])
    assert dict(used.by) == {"persona": "keeper"}
    where = LogFilter(kind="call")
    page = ask.connector_log(connector=books, where=where, before=None, limit=5, user="ada")
    seen = [one for one in page.entries if one.persona == "keeper"]
    assert [(one.action, one.prompt, one.operation) for one in seen] == [
        ("delete_client", "Keep the books.", "op-2"),
        ("create_client", "Keep the books.", "op-1"),
    ]

    assert not wait(ask.connector_tend(connector=books, **WHO)).failed
    facts: dict[str, object] = {"connection": "books", **WHO}
    with pytest.raises(InvalidValueError):
        wait(ask.connector_rotate(connector=books, secret=Secret(far_side[1]), **facts))
    revoked = wait(ask.connector_revoke(connector=books, persona=None, reason="over", **facts))
    assert revoked.confirmed
    refused = ask.connector_call_sync(connector=books, call=call("list_clients", "op-3"))
    assert refused.outcome is Outcome.REFUSED
    assert ask.connector_status(connector=books).connections == ()


@pytest.mark.requirement("host.plugin.contract")
def test_a_host_of_another_contract_is_told_which_one_this_is(host: Host, tmp_path: Path) -> None:
    """It opens nothing, and hears both numbers and what to do."""
    with pytest.raises(ContractError, match=r"contract 1 .* this is 2") as caught:
        host.ask.connector_open(service=SERVICE, contract=1, state=tmp_path, settings=None)
    assert "release of the host" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.requirement("host.plugin.contract")
def test_a_host_says_where_the_key_comes_from(host: Host, tmp_path: Path) -> None:
    """In the settings that it opens with, whatever stands in the environment."""
    folder, key = tmp_path / "state", f"file:{tmp_path / 'elsewhere.key'}"
    create_state(folder, key=key)
    told = {"service": SERVICE, "contract": 2, "state": folder}
    opened = host.ask.connector_open(**told, settings=Settings(key=key, max_attempts=2))
    assert opened.settings.max_attempts == 2
    host.ask.connector_close(connector=opened)
    with pytest.raises(ConnectorError):
        host.ask.connector_open(**told, settings=Settings(key=f"file:{tmp_path / 'no.key'}"))


class Due:
    """A host that hears what was due."""

    def __init__(self) -> None:
        """Has heard nothing."""
        self.heard = queue.Queue[TendReport]()

    @hooks.hookimpl
    def connector_due(self, report: TendReport) -> None:
        """Notes it."""
        self.heard.put(report)


@pytest.mark.requirement("host.plugin.contract")
def test_a_host_hears_what_was_due(tmp_path: Path) -> None:
    """What tending did, and what a person has to do; nothing where nothing was due."""
    create_state(tmp_path / "state")
    host = Due()
    with open_connector(tmp_path / "state", settings=Settings(key_rotation_days=1)) as connector:
        connector.register(host)
        report = asyncio.run(connector.tend(user="ada"))
        told = Tending((_OneThing(),), told=lambda one: connector.hosting.tell(DUE, report=one))
        again = asyncio.run(told.tend("ada"))
    heard = [host.heard.get_nowait() for _ in range(host.heard.qsize())]
    assert heard == [one for one in (report, again) if one.items]
    assert heard[-1].items[0].what == "thing"


class _OneThing:
    """A chore that always finds one thing due."""

    async def __call__(self, user: str) -> Sequence[TendItem]:
        """Says so."""
        del user
        return [TendItem(what="thing", connection=None, outcome="waiting", detail="Look at it.")]


DUE: Final = "connector_due"


@pytest.mark.requirement("host.plugin.contract")
def test_what_a_host_answers_is_taken_in(
    host: Host, books: object, far_side: tuple[str, str]
) -> None:
    """Hooks of the connector and of its keys, in one object or in two."""
    url, key = far_side
    told: list[LogEntry] = []

    class Answers:
        @hooks.hookimpl
        def connector_call_finished(self, record: LogEntry) -> None:
            told.append(record)

        @hooks.hookimpl
        def connector_approval_decide(self) -> Decision:
            return Decision(approve=True, user="grace")

        @connector_vault.hooks.hookimpl
        def rotation_create(self) -> Secret:
            return Secret(key + "-new")

    taken = {"sealed": False, "user": None}
    assert host.ask.connector_register(connector=books, plugin=Answers(), **taken)
    with pytest.raises(InvalidValueError, match="no hook"):
        host.ask.connector_register(connector=books, plugin=object(), **taken)
    facts = {"name": "x", "secret": Secret(key), "place": {"port": url}, **WHO}
    with pytest.raises(InvalidValueError, match="no port"):
        host.ask.connector_connect(connector=books, **facts)
    join(host, books, far_side)
    made = host.ask.connector_call_sync(
        connector=books, call=call("create_client", "op-0", name="A")
    )
    gone = call("delete_client", "op-1", id=made.data["id"])
    done = host.ask.connector_call_sync(connector=books, call=gone)
    assert done.outcome is Outcome.SUCCEEDED
    facts = {"connection": "books", "secret": None, **WHO}
    report = wait(host.ask.connector_rotate(connector=books, **facts))
    assert (report.state, report.new) == ("set", 2), "the account knows no key that a hook made up"
    host.ask.connector_close(connector=books)
    assert ("delete_client", "op-1") in {(one.action, one.operation) for one in told}


@pytest.mark.requirement("host.plugin.contract")
def test_every_hook_that_a_host_calls_is_there_with_the_same_arguments() -> None:
    """None is left without somebody who does it."""
    manager = Host(plugin).manager
    specs = {name for name, part in vars(hooks).items() if hasattr(part, f"{hooks.HOST}_spec")}
    callers = manager.get_hookcallers(plugin) or []
    assert {one.name for one in callers} == specs
    spec_names = {one.name: one.spec.argnames for one in callers if one.spec is not None}
    assert {one.name: one.get_hookimpls()[0].argnames for one in callers} == spec_names


@pytest.mark.requirement("host.plugin.apart")
def test_two_connectors_in_one_host_share_nothing(host: Host, tmp_path: Path) -> None:
    """What is connected and logged in the one is not in the other."""
    opened: list[Any] = []
    for name in ("left", "right"):
        create_state(tmp_path / name)
        opened.append(host.open(tmp_path / name))
    left, right = opened
    with serve(Sandbox()) as running:
        join(host, left, (running.url, running.sandbox.key), approve="never")
        one = call("create_client", "op-1", name="Ada")
        assert host.ask.connector_call_sync(connector=left, call=one).outcome is Outcome.SUCCEEDED
        refused = host.ask.connector_call_sync(connector=right, call=one)
        assert refused.outcome is Outcome.REFUSED
        assert host.ask.connector_status(connector=right).connections == ()
        host.ask.connector_close(connector=right)
        assert host.ask.connector_call_sync(connector=left, call=one).replayed
        host.ask.connector_close(connector=left)


class Other:
    """The plugin of somebody else, with connectors of a kind of its own."""

    hostimpl = pluggy.HookimplMarker(hooks.HOST)

    @hostimpl
    def connector_open(self, service: str) -> str | None:
        """Opens what it knows."""
        return "theirs" if service == "other" else None

    @hostimpl
    def connector_call_sync(self, connector: object) -> str | None:
        """Runs what is its own."""
        return "done by the other" if connector == "theirs" else None


@pytest.mark.requirement("host.plugin.apart")
@pytest.mark.parametrize("turned", [False, True])
def test_two_plugins_in_one_host_leave_each_other_alone(
    tmp_path: Path,
    turned: bool,  # noqa: FBT001 - pytest hands it over by name
) -> None:
    """Whichever came first; a plugin answers nothing about what is of another kind."""
    plugins: list[object] = [Other(), Plugin()]
    host = Host(*(reversed(plugins) if turned else plugins))
    create_state(tmp_path / "state")
    ours, theirs = host.open(tmp_path / "state"), host.open(tmp_path, "other")
    assert isinstance(ours, Connector)
    assert theirs == "theirs"
    one = call("list_clients", "op-1")
    assert host.ask.connector_call_sync(connector=theirs, call=one) == "done by the other"
    assert host.ask.connector_call_sync(connector=ours, call=one).outcome is Outcome.REFUSED
    specs = hooks.HOST + "_spec"
    for name, spec in vars(hooks).items():
        if hasattr(spec, specs) and name not in {"connector_manifest", "connector_open"}:
            names = spec.__code__.co_varnames[: spec.__code__.co_argcount]
            facts = {**dict.fromkeys(names), "connector": "nobody's"}
            assert getattr(host.ask, name)(**facts) is None, name
    host.ask.connector_close(connector=ours)
