"""Proves what a host and an admin do: connect, grant, revoke, preview, and call without a loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import (
    ConnectError,
    ErrorKind,
    LogFilter,
    Outcome,
    Result,
    Settings,
    create_state,
    open_connector,
)
from clientary_connector.background import Background
from clientary_connector.connections import Account, Connection
from clientary_connector.errors import (
    ClosedError,
    InvalidValueError,
    NameTakenError,
    UnknownConnectionError,
    UnknownEntryError,
    UnknownScopeError,
)
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from connector_vault import Secret
from tests.connector.engine.far_side import far_side, reply
from tests.connector.engine.ground import KEY, NAME, NOW, PERSONA, USER, Ground, ground


@pytest.fixture
def running() -> Generator[RunningSandbox]:
    """A simulated account with the usual key."""
    with serve(Sandbox(key=KEY)) as served:
        yield served


@pytest.fixture
def bare(tmp_path: Path) -> Generator[Ground]:
    """A connector without any connection."""
    with ground(tmp_path) as made:
        yield made


@pytest.fixture
def on(bare: Ground, running: RunningSandbox) -> Ground:
    """A connector on a simulated account, with a grant for everything."""
    bare.join(running.url)
    running.sandbox.forget()
    return bare


# Connect


@pytest.mark.requirement("engine.connect")
def test_an_account_is_tested_saved_and_shown(bare: Ground, running: RunningSandbox) -> None:
    """One read goes out; the connection says whose account it is, and the log has it."""
    work = bare.connector.connect(NAME, secret=Secret(KEY), user=USER, sandbox=f"{running.url}/")
    connection, account = bare.run(work)
    assert connection == bare.connector.connection(NAME) == bare.connector.connection(connection.id)
    assert bare.connector.connections() == (connection,)
    assert (connection.owner, connection.sandbox, connection.state) == (USER, running.url, "active")
    assert connection.created_at == NOW.isoformat()
    assert connection.account == str(account)
    assert account.total == len(account.people) > 1
    assert "@" in account.people[0]
    assert [(one.method, one.path) for one in running.sandbox.requests] == [
        ("GET", "/api/v2/staff")
    ]
    assert account.log_id is not None
    entry = bare.connector.log.entry(account.log_id)
    assert (entry.kind, entry.user, entry.connection) == ("connect", USER, connection.id)
    assert connection.to_json()["name"] == NAME
    assert account.to_json()["total"] == account.total


@pytest.mark.requirement("engine.connect")
def test_a_key_that_the_service_refuses_is_not_saved(bare: Ground, running: RunningSandbox) -> None:
    """The error says what the service said; nothing is kept but a line in the log."""
    with pytest.raises(ConnectError) as caught:
        bare.run(
            bare.connector.connect(NAME, secret=Secret("k" * 40), user=USER, sandbox=running.url)
        )
    assert caught.value.kind is ErrorKind.UNAUTHORIZED
    assert bare.connector.connections(revoked=True) == ()
    entry = bare.connector.log.page().entries[0]
    assert (entry.kind, entry.outcome, entry.error) == ("connect", "failed", "unauthorized")


@pytest.mark.requirement("engine.connect")
@pytest.mark.parametrize(
    "given",
    [
        {"name": ""}, {"name": "a b"}, {"name": "con_x"}, {"name": "x" * 65}, {"name": "-x"},
        {"name": "x\n"}, {"user": " "}, {"secret": Secret("short")}, {"sandbox": "http://10.0.0.1:80"},
        {"sandbox": None}, {"sandbox": None, "subdomain": "evil.com#"}, {"subdomain": "both"},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_before_anything_is_sent(
    bare: Ground, running: RunningSandbox, given: dict[str, Any]
) -> None:
    """Names, users, secrets, subdomains and addresses are checked first."""
    usual: dict[str, Any] = {
        "name": NAME,
        "user": USER,
        "secret": Secret(KEY),
        "sandbox": running.url,
    }
    with pytest.raises(InvalidValueError):
        bare.run(bare.connector.connect(**{**usual, **given}))
    assert running.sandbox.requests == []


@pytest.mark.requirement("engine.connect")
def test_a_name_serves_one_connection_until_it_is_revoked(
    on: Ground, running: RunningSandbox
) -> None:
    """The same name at the same moment saves one; after a revoke it is free again."""

    def connect() -> Coroutine[Any, Any, tuple[Connection, Account]]:
        return on.connector.connect("twice", secret=Secret(KEY), user=USER, sandbox=running.url)

    async def both() -> list[object]:
        return list(await asyncio.gather(connect(), connect(), return_exceptions=True))

    results = on.run(both())
    assert sum(isinstance(one, NameTakenError) for one in results) == 1
    with pytest.raises(NameTakenError):
        on.run(connect())
    first = on.connector.connection("twice")
    on.run(on.connector.revoke("twice", user=USER))
    second, _ = on.run(connect())
    assert second.id != first.id
    assert on.connector.connection("twice") == second
    assert len(on.connector.connections(revoked=True)) == 3


@pytest.mark.requirement("engine.connect")
def test_an_account_of_odd_people_is_shown_as_far_as_it_goes(bare: Ground) -> None:
    """Records without names, and what is no record, make no line."""
    people = {"staff": [{"id": 1}, "odd", {"id": 2, "email": "a@b.example"}], "total_count": None}
    with far_side(lambda _: reply(body=people)) as side:
        work = bare.connector.connect(NAME, secret=Secret(KEY), user=USER, sandbox=side.url)
        _, account = bare.run(work)
    assert account.people == ("a@b.example",)
    assert str(Account(people=(), total=0)) == "nobody"


# Grants


@pytest.mark.requirement("engine.grants")
def test_a_grant_says_what_a_persona_sees(on: Ground) -> None:
    """The actions are those of its scopes, in the order of the manifest."""
    on.connector.grant("reader", NAME, scopes=["invoices:*", "*:send", "staff:read"], user=USER)
    seen = [action.id for action in on.connector.allowed("reader", NAME)]
    assert {"create_invoice", "get_staff", "send_invoice_message"} < set(seen)
    assert seen == [one for one in on.connector.manifest.actions if one in set(seen)]
    assert all(on.connector.manifest.actions[one].resource in {"invoices", "staff"} for one in seen)
    assert on.connector.allowed("nobody", NAME) == ()


@pytest.mark.requirement("engine.grants")
def test_a_second_grant_takes_the_place_of_the_first(on: Ground) -> None:
    """The revision grows, and each change has its line in the log."""
    first = on.connector.grant("reader", NAME, scopes=["leads:read", "leads:read"], user=USER)
    second = on.connector.grant("reader", NAME, scopes=["clients:read"], user="other")
    assert (first.scopes, second.scopes) == (("leads:read",), ("clients:read",))
    assert (first.revision, second.revision, second.user) == (1, 2, "other")
    assert second.to_json()["scopes"] == ["clients:read"]
    found = on.connector.grants.all(persona="reader")
    assert [(one.scopes, one.connection_name) for one in found] == [(("clients:read",), NAME)]
    assert len(on.connector.grants.all(connection=NAME)) == 2
    entries = on.connector.log.page(LogFilter(persona="reader")).entries
    assert [entry.facts["scopes"] for entry in entries] == [["clients:read"], ["leads:read"]]


@pytest.mark.requirement("engine.grants")
@pytest.mark.parametrize(
    "scope", ["invoice:read", "invoices:reed", "staff:write", "*", "", "*:money"]
)
def test_a_scope_that_covers_nothing_is_refused(on: Ground, scope: str) -> None:
    """A slip is told with what comes close."""
    with pytest.raises(UnknownScopeError) as caught:
        on.connector.grant(PERSONA, NAME, scopes=["clients:read", scope], user=USER)
    if scope == "invoice:read":
        assert "invoices:read" in caught.value.hint


@pytest.mark.requirement("engine.grants")
def test_a_grant_needs_a_persona_a_user_a_scope_and_a_connection(on: Ground) -> None:
    """Each missing part is refused."""
    grant = on.connector.grant
    for persona, user, scopes in (("", USER, ["*:*"]), ("x", "", ["*:*"]), ("x", USER, [])):
        with pytest.raises(InvalidValueError):
            grant(persona, NAME, scopes=scopes, user=user)
    with pytest.raises(UnknownConnectionError):
        grant(PERSONA, "nothing", scopes=["*:*"], user=USER)
    on.run(on.connector.revoke(NAME, user=USER))
    with pytest.raises(UnknownConnectionError):
        grant(PERSONA, NAME, scopes=["*:*"], user=USER)
    assert on.connector.allowed(PERSONA, NAME) == ()


# Revoke


@pytest.mark.requirement("engine.revoke")
def test_a_revoke_says_what_it_did_and_what_is_left_to_do(on: Ground) -> None:
    """Once; a second one finds nothing to revoke."""
    on.connector.grant("other", NAME, scopes=["*:read"], user=USER)
    revoked = on.run(on.connector.revoke(NAME, user=USER, reason="left"))
    assert revoked.to_json()["grants_closed"] == 2
    assert {one.state for one in on.connector.grants.all(connection=NAME)} == {"closed"}
    assert on.connector.connections() == ()
    entry = on.connector.log.entry(revoked.log_id)
    assert (entry.kind, entry.user, entry.facts["reason"]) == ("revoke", USER, "left")
    for name in (NAME, "nothing"):
        with pytest.raises(UnknownConnectionError):
            on.run(on.connector.revoke(name, user=USER))
    with pytest.raises(InvalidValueError):
        on.run(on.connector.revoke(NAME, user=""))
    with pytest.raises(UnknownEntryError):
        on.connector.log.entry(10_000)
    assert on.connector.log.verify().ok


# Preview


@pytest.mark.requirement("engine.preview")
def test_a_preview_shows_the_request_and_sends_nothing(on: Ground, running: RunningSandbox) -> None:
    """Method, URL, headers and body as they would go out, without the secret."""
    preview = on.run(on.connector.preview(on.call("create_client", {"name": "Acme"})))
    shown = preview.to_json()
    assert (preview.method, preview.url) == ("POST", f"{running.url}/api/v2/clients")
    assert preview.body == {"client": {"name": "Acme"}}
    assert "Authorization" not in preview.headers
    assert KEY not in str(shown)
    assert running.sandbox.requests == []
    assert preview.error is None


@pytest.mark.requirement("engine.preview")
def test_a_preview_of_a_deletion_counts_what_would_go(on: Ground, running: RunningSandbox) -> None:
    """The counts are read live; nothing but reads goes out."""
    client = on.data("list_projects")[0]["client"]["id"]
    projects = on.result("list_client_projects", {"client_id": client}).page
    running.sandbox.forget()
    preview = on.run(on.connector.preview(on.call("delete_client", {"id": client})))
    counts = {item.resource: item.count for item in preview.cascade}
    assert projects is not None
    assert counts["projects"] == projects.total
    assert set(counts) == {"projects", "invoices", "estimates", "contacts"}
    assert {one.method for one in running.sandbox.requests} == {"GET"}
    assert preview.to_json()["cascade"][0]["resource"] == preview.cascade[0].resource


@pytest.mark.requirement("engine.preview")
def test_what_cannot_be_counted_says_why(on: Ground, running: RunningSandbox) -> None:
    """A persona that may delete and not read learns no numbers."""
    on.connector.grant("cleaner", NAME, scopes=["*:delete"], user=USER)
    project = on.data("list_projects")[0]["id"]
    call = on.call("delete_project", {"id": project}, persona="cleaner")
    preview = on.run(on.connector.preview(call))
    assert {item.count for item in preview.cascade} == {None}
    assert any("denied" in item.note for item in preview.cascade)
    contact = on.data("list_client_contacts", {"client_id": on.data("list_clients")[0]["id"]})
    if contact:
        call = on.call("delete_contact", {"id": contact[0]["id"]})
        assert all("cannot" in one.note for one in on.run(on.connector.preview(call)).cascade)
    assert running.sandbox.effects == {}


@pytest.mark.requirement("engine.preview")
def test_a_preview_counts_a_list_without_total(on: Ground) -> None:
    """Lists that are not paged are counted by what came."""
    project = on.data("list_projects")[0]["id"]
    preview = on.run(on.connector.preview(on.call("delete_project", {"id": project})))
    hours = [item for item in preview.cascade if item.resource == "hours"]
    expected = on.result("list_project_hours", {"project_id": project})
    assert [item.count for item in hours] == [len(expected.data)]


@pytest.mark.requirement("engine.preview")
def test_a_preview_that_would_be_refused_says_why_and_is_logged(on: Ground) -> None:
    """Asking is not doing, and is written down all the same."""
    preview = on.run(on.connector.preview(on.call("delete_client", {"id": 1}, persona="stranger")))
    assert preview.error is not None
    assert preview.error.kind is ErrorKind.DENIED
    assert preview.log_id is not None
    assert on.connector.log.entry(preview.log_id).kind == "refusal"
    assert preview.to_json()["error"]["kind"] == "denied"


# Without a loop


@pytest.mark.requirement("engine.sync")
def test_many_threads_call_at_once_without_a_loop(on: Ground) -> None:
    """Each gets its own result, over lines that they share."""
    ids = [client["id"] for client in on.data("list_clients")]

    def name_of(client: int) -> Result:
        return on.connector.run_sync(on.call("get_client", {"id": client}))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(name_of, ids * 4))
    assert [result.data["id"] for result in results] == ids * 4
    assert len({result.log_id for result in results}) == len(results)


@pytest.mark.requirement("engine.sync")
def test_the_way_without_a_loop_may_be_taken_inside_one(on: Ground) -> None:
    """A host's loop is blocked for the time of the call, and nothing worse."""

    async def inside() -> Result:
        return on.connector.run_sync(on.call("list_staff"))

    assert on.run(inside()).outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("engine.sync")
def test_an_interrupted_wait_cancels_its_call() -> None:
    """What raises inside comes out, and the background ends with its work cancelled."""
    background = Background()

    async def fail() -> None:
        raise KeyError("inside")

    async def stop(seen: list[str]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    with pytest.raises(KeyError):
        background.run(fail())
    seen: list[str] = []
    thread = threading.Thread(target=lambda: _swallow(background, stop(seen)))
    thread.start()
    while thread.is_alive() and not seen:
        background.close()
        thread.join(0.01)
    assert seen == ["ended"]
    background.close()


def _swallow(background: Background, work: Any) -> None:  # noqa: ANN401 - a coroutine
    with pytest.raises(BaseException):  # noqa: B017, PT011 - cancelled, in one way or another
        background.run(work)


@pytest.mark.requirement("engine.sync")
def test_the_background_does_not_wait_for_itself() -> None:
    """A call without a loop, made on the loop of such calls, is refused and does not hang."""
    background = Background()

    async def again() -> None:
        background.run(asyncio.sleep(0))

    with pytest.raises(ClosedError):
        background.run(again())
    background.close()


@pytest.mark.requirement("engine.sync")
def test_a_forked_child_is_told_to_open_its_own() -> None:
    """The thread is not there in the child; it must not wait for it."""
    processes = iter([100, 100, 101])
    background = Background(lambda: next(processes))
    background.run(asyncio.sleep(0))
    with pytest.raises(ClosedError):
        background.run(asyncio.sleep(0))
    background.close()


@pytest.mark.requirement("engine.sync")
def test_a_closed_connector_says_so(tmp_path: Path, running: RunningSandbox) -> None:
    """Twice closed is closed; after that nothing runs."""
    with ground(tmp_path) as on:
        on.join(running.url)
        call = on.call("list_staff")
        on.connector.run_sync(call)
        with on.connector as same:
            assert same is on.connector
        on.connector.close()
        on.run(on.connector.aclose())
        with pytest.raises(ClosedError):
            on.run(on.connector.run(call))
        with pytest.raises(ClosedError):
            on.connector.run_sync(call)
        with pytest.raises(ClosedError):
            on.connector.connections()


@pytest.mark.requirement("engine.sync")
def test_a_connector_closes_the_lines_of_every_loop(
    tmp_path: Path, running: RunningSandbox
) -> None:
    """Those of this loop, of the background, and of a loop in another thread."""
    with ground(tmp_path) as on:
        on.join(running.url)
        ready, end = threading.Event(), threading.Event()

        async def elsewhere() -> None:
            await on.connector.run(on.call("list_staff"))
            ready.set()
            await asyncio.to_thread(end.wait)

        thread = threading.Thread(target=lambda: asyncio.run(elsewhere()))
        thread.start()
        ready.wait()
        on.connector.run_sync(on.call("list_staff"))

        async def use_and_close() -> None:
            async with on.connector:
                await on.connector.run(on.call("list_staff"))

        on.run(use_and_close())
        end.set()
        thread.join()


@pytest.mark.requirement("log.checkpoint.anchors")
def test_closing_leaves_the_loop_free_while_an_anchor_is_told(tmp_path: Path) -> None:
    """The anchor here answers on the loop that closes: a loop held up would never hear of it."""
    create_state(tmp_path / "state")
    kept: list[bytes] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        kept.append(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def closed() -> int:
        server = await asyncio.start_server(keep, "127.0.0.1", 0)
        anchor = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/log"
        connector = open_connector(tmp_path / "state", settings=Settings(anchors=(anchor,)))
        connector.budgets.set("account", "", 5, user="root")
        await connector.aclose()
        told = len(kept)
        server.close()
        return told

    assert asyncio.run(closed()) > 0
