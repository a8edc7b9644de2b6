"""Proves the server of MCP over HTTP with the official client, in both eras, and by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from typing import Any, Final

import pytest
from mcp import MCPError
from mcp.client.subscriptions import SubscriptionLost
from mcp.server.subscriptions import ToolsListChanged

from clientary_connector import LogFilter, Secret, Settings, Terms
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.hosts.calls import logged
from tests.hosts.over_http import Http, over_http
from tests.web.ground import Said

ERAS: Final = ("legacy", "2026-07-28")
WHO: Final = "Who are our clients?"
OPENING: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "by hand", "version": "1"},
    },
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector."""
    with set_stage(tmp_path_factory.mktemp("http") / "state") as ready:
        yield ready


@pytest.fixture(scope="module")
def http(stage: Stage) -> Iterator[Http]:
    """One server, that looks every moment whether a token still counts."""
    with over_http(stage) as running:
        yield running


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    """How a client begins: with a handshake, as until 2025, or without one."""
    return str(request.param)


def ask(
    http: Http,
    message: object = None,
    *,
    token: str | None = None,
    method: str = "POST",
    path: str = "/mcp",
    **headers: str,
) -> Said:
    """Sends one request by hand."""
    told = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        told["Authorization"] = f"Bearer {token}"
    body = None if message is None else json.dumps(message).encode()
    return http.server.ask(method, path, told, body=body)


async def until(true: Callable[[], object]) -> None:
    """Waits until something is true that another thread makes true."""
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - nobody tells this loop
            await asyncio.sleep(0.01)


# Who calls


@pytest.mark.requirement("host.mcp.http")
def test_a_call_is_made_as_the_token_says(stage: Stage, http: Http, era: str) -> None:
    """User, persona and connection; what a client says of itself counts for nothing."""
    token = http.token(user="dana")

    async def work() -> Any:  # noqa: ANN401 - JSON
        async with http.client(token, era) as client:
            listed = await client.list_tools()
            assert len(listed.tools) >= 57
            meta: Any = {"clientary/operation": f"http-{era}", "user": "root", "persona": "admin"}
            given = {"request": WHO, "limit": 1}
            return await client.call_tool("list_clients", given, meta=meta)

    assert stage.wait(work).structured_content["outcome"] == "succeeded"
    entry = logged(stage.connector, f"http-{era}")
    told = (entry.user, entry.persona, entry.connection, entry.prompt)
    assert told == ("dana", PERSONA, stage.connector.connection(ACCOUNT).id, WHO)


@pytest.mark.requirement("host.mcp.http")
def test_two_clients_with_two_tokens_do_not_meet(stage: Stage, http: Http, era: str) -> None:
    """Each is shown what its own persona may do."""
    stage.connector.grant("reader", ACCOUNT, scopes=["staff:read"], user=USER)
    one, other = http.token(persona="reader"), http.token(persona="nobody")

    async def work() -> None:
        async with http.client(one, era) as reader, http.client(other, era) as nobody:
            names = {tool.name for tool in (await reader.list_tools()).tools}
            assert {"get_staff", "list_staff"} <= names
            assert "list_clients" not in names
            assert (await nobody.list_tools()).tools == []
            refused = await nobody.call_tool("list_staff", {"request": WHO})
            assert refused.is_error
            assert refused.structured_content["error"]["kind"] == "denied"

    stage.wait(work)
    (entry,) = stage.connector.log.page(LogFilter(persona="nobody"), limit=1).entries
    assert (entry.kind, entry.action) == ("refusal", "list_staff")


@pytest.mark.requirement("host.mcp.http")
def test_a_session_belongs_to_the_token_that_has_opened_it(http: Http) -> None:
    """With another one it is not there, neither to be used nor to be ended."""
    own, other = http.token(), http.token()
    opened = ask(http, OPENING, token=own)
    session = opened.headers["mcp-session-id"]
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    for method, message in (("POST", listing), ("GET", None), ("DELETE", None)):
        stolen = ask(http, message, token=other, method=method, mcp_session_id=session)
        assert stolen.status == 404, method
    assert ask(http, listing, token=own, mcp_session_id=session).status == 200
    assert ask(http, listing, token=own).status == 400
    assert ask(http, listing, token=own, mcp_session_id="another").status == 404
    assert ask(http, None, token=own, method="DELETE", mcp_session_id=session).status == 200
    assert ask(http, listing, token=own, mcp_session_id=session).status == 404


@pytest.mark.requirement("host.mcp.tokens")
def test_without_a_token_nothing_is_answered(stage: Stage, http: Http) -> None:
    """Whatever is asked, with whatever session; nothing reaches the far side."""
    session = ask(http, OPENING, token=http.token()).headers["mcp-session-id"]
    stage.sandbox.forget()
    wrong = http.connector.tokens.for_admin(role="admin", user=USER).text
    for token in (None, "hunter2", wrong):
        for method in ("POST", "GET", "DELETE"):
            message = OPENING if method == "POST" else None
            said = ask(http, message, token=token, method=method, mcp_session_id=session)
            assert said.status == 401
            assert said.headers["www-authenticate"].startswith("Bearer ")
    assert stage.sandbox.requests == []


@pytest.mark.requirement("host.mcp.http")
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, {"path": "/"}),
        (404, {"path": "/mcp/x"}),
        (200, {"path": "/mcp/"}),
        (405, {"method": "PUT"}),
        (405, {"method": "OPTIONS"}),
        (415, {"Content_Type": "text/plain"}),
        (415, {"Content_Type": "application/json-seq"}),
        (200, {"Content_Type": "application/json; charset=utf-8"}),
        (406, {"Accept": "text/html"}),
        (400, {"MCP_Protocol_Version": "1999-01-01"}),
    ],
)
def test_a_request_that_is_none_of_the_protocol_is_told_so(
    http: Http, status: int, told: dict[str, str]
) -> None:
    """By the status that the protocol has for it."""
    token = http.token()
    said = ask(http, OPENING, **{"token": token, **told})
    assert said.status == status, said.text
    if status == 405:
        assert said.headers["allow"] == "GET, POST, DELETE"


@pytest.mark.requirement("host.mcp.http")
def test_a_body_that_is_none_is_told_so(http: Http) -> None:
    """No trace of ours is in the answer."""
    token = http.token()
    told = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {token}",
    }
    for body in (b"", b"{", b"[]", b"\xff", b'{"jsonrpc": "2.0"}', b"[" * 20_000):
        said = http.server.ask("POST", "/mcp", told, body=body)
        assert said.status == 400, body[:10]
        assert "Traceback" not in said.text
    long = http.server.ask("POST", "/mcp", told, body=b" " * (4 * 1024 * 1024 + 1))
    assert long.status == 413


# What changes meanwhile


@pytest.mark.requirement("host.mcp.http")
def test_clients_hear_of_a_changed_grant(stage: Stage, http: Http) -> None:
    """One with a session and one that listens; a session that has ended is in nobody's way."""
    stage.connector.grant("changing", ACCOUNT, scopes=["leads:read"], user=USER)
    token, told = http.token(persona="changing"), list[str]()

    async def heard(message: Any) -> None:  # noqa: ANN401 - whatever the SDK hands on
        told.append(message.method)

    async def work() -> None:
        async with http.client(token, "legacy") as gone:
            await gone.list_tools()
        async with (
            http.client(token, "legacy", message_handler=heard) as session,
            http.client(token, "2026-07-28") as listener,
            listener.listen(tools_list_changed=True) as events,
        ):
            await session.list_tools()
            stage.connector.grant("changing", ACCOUNT, scopes=["staff:read"], user=USER)
            assert await anext(aiter(events)) == ToolsListChanged()
            await until(lambda: told)
            names = {tool.name for tool in (await session.list_tools()).tools}
            assert "list_staff" in names
            assert "list_leads" not in names

    stage.wait(work)
    assert told == ["notifications/tools/list_changed"]


@pytest.mark.requirement("host.mcp.tokens")
def test_a_revoked_token_has_no_next_request(stage: Stage, http: Http, era: str) -> None:
    """In whatever process it was revoked; other tokens go on."""
    mine, other = http.made(), http.made()

    async def work() -> None:
        async with http.client(other.text, era) as staying, http.client(mine.text, era) as client:
            assert (await client.list_tools()).tools
            stage.connector.tokens.revoke(mine.token.id, user=USER)
            with pytest.raises(MCPError):
                await client.call_tool("list_staff", {"request": WHO})
            assert (await staying.list_tools()).tools

    stage.sandbox.forget()
    stage.wait(work)
    assert stage.sandbox.requests == []
    assert ask(http, OPENING, token=mine.text).status == 401


@pytest.mark.requirement("host.mcp.tokens")
def test_a_revoked_token_ends_the_stream_of_its_session(stage: Stage, http: Http) -> None:
    """It ends whole, and the stream of another one stays open."""
    tokens = http.made(), http.made()
    lines = list[HTTPConnection]()
    with ExitStack() as stack:
        for made in tokens:
            session = ask(http, OPENING, token=made.text).headers["mcp-session-id"]
            line = stack.enter_context(closing(http.server.line()))
            told = {"Authorization": f"Bearer {made.text}", "Mcp-Session-Id": session}
            line.request("GET", "/mcp", headers={**told, "Accept": "text/event-stream"})
            lines.append(line)
        answers = [line.getresponse() for line in lines]
        assert [answer.status for answer in answers] == [200, 200]
        stage.connector.tokens.revoke(tokens[0].token.id, user=USER)
        assert answers[0].read() == b""
        assert http.app.open == {tokens[1].token.id}
        stage.connector.tokens.revoke(tokens[1].token.id, user=USER)
        assert answers[1].read() == b""


@pytest.mark.requirement("host.mcp.tokens")
def test_a_revoked_token_ends_what_a_client_listens_on(stage: Stage, http: Http) -> None:
    """In the newer protocol it is an answer that does not end; it does then."""
    made = http.made()

    async def work() -> None:
        async with (
            http.client(made.text, "2026-07-28") as client,
            client.listen(tools_list_changed=True) as events,
        ):
            stage.connector.tokens.revoke(made.token.id, user=USER)
            with pytest.raises(SubscriptionLost):
                await anext(aiter(events))

    stage.wait(work)
    assert http.app.open == set()


@pytest.mark.requirement("host.mcp.tokens")
def test_a_revoked_token_ends_its_calls_under_way(stage: Stage, http: Http, era: str) -> None:
    """What is known of one stands in the log: it was sent, and may have happened."""
    made, operation = http.made(), f"shut-out-{era}"
    stage.sandbox.forget()
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, delay_s=30, times=1))

    async def work() -> None:
        async with http.client(made.text, era) as client:
            given = {"request": WHO, "name": "Example Bakery"}
            meta: Any = {"clientary/operation": operation}
            call = asyncio.ensure_future(client.call_tool("create_client", given, meta=meta))
            await until(lambda: stage.sandbox.requests)
            stage.connector.tokens.revoke(made.token.id, user=USER)
            with pytest.raises(MCPError, match="counts no more"):
                await call

    stage.wait(work)
    assert logged(stage.connector, operation).outcome == "unknown"


@pytest.mark.requirement("host.mcp.tokens")
def test_a_revoked_connection_ends_its_tokens(stage: Stage, http: Http) -> None:
    """Also where another account is joined under its name later."""
    secret = Secret(stage.running.key)

    async def again() -> None:
        await stage.connector.connect(
            "passing", secret=secret, user=USER, sandbox=stage.running.url
        )

    stage.wait(again)
    tokens = http.connector.tokens
    made = tokens.for_mcp(connection="passing", persona=PERSONA, user=USER)
    assert ask(http, OPENING, token=made.text).status == 200
    stage.wait(lambda: stage.connector.revoke("passing", user=USER))
    said = ask(http, OPENING, token=made.text)
    assert (said.status, "connection" in said.text) == (401, True)
    secret = Secret(stage.running.key)
    stage.wait(again)
    assert ask(http, OPENING, token=made.text).status == 401


# Limits, and the end


@pytest.mark.requirement("host.mcp.http")
def test_so_many_sessions_are_open_at_once_and_no_more(stage: Stage) -> None:
    """Whoever has one goes on; one that is silent for long is ended."""
    settings = Settings(sessions_at_once=2, session_idle_s=1)
    with over_http(stage, settings=settings) as http:
        token = http.token()
        opened = [ask(http, OPENING, token=token) for _ in range(3)]
        assert [said.status for said in opened] == [200, 200, 503]
        listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        session = opened[0].headers["mcp-session-id"]
        assert ask(http, listing, token=token, mcp_session_id=session).status == 200
        stage.wait(lambda: until(lambda: ask(http, OPENING, token=token).status == 200))


@pytest.mark.requirement("host.mcp.http")
def test_at_its_end_a_call_under_way_is_answered(stage: Stage) -> None:
    """What only listens ends at once, and nobody new is let in."""
    stage.sandbox.forget()
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=0.5, times=1))
    with over_http(stage, settings=Settings(ending_s=60)) as http, ExitStack() as stack:
        token = http.token()
        session = ask(http, OPENING, token=token).headers["mcp-session-id"]
        told = {
            "Authorization": f"Bearer {token}",
            "Mcp-Session-Id": session,
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        listening, calling = (stack.enter_context(closing(http.server.line())) for _ in range(2))
        listening.request("GET", "/mcp", headers=told)
        given = {"name": "create_client", "arguments": {"request": WHO, "name": "The Last"}}
        call = {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": given}
        calling.request("POST", "/mcp", json.dumps(call), told)
        stage.wait(lambda: until(lambda: stage.sandbox.requests))
        http.server.signal()
        assert listening.getresponse().read() == b""
        assert '"outcome":"succeeded"' in calling.getresponse().read().decode()
        http.server.ended()
        with pytest.raises(OSError, match=r"."):
            ask(http, OPENING, token=token)


@pytest.mark.requirement("host.mcp.http")
def test_a_call_that_its_end_cuts_short_is_in_the_log(stage: Stage, era: str) -> None:
    """Nothing that was sent is lost: it may have happened, and the log says so."""
    operation = f"cut-short-{era}"
    stage.sandbox.forget()
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, delay_s=30, times=1))

    async def work(http: Http) -> None:
        async with http.client(http.token(), era) as client:
            given = {"request": WHO, "name": "Example Bakery"}
            meta: Any = {"clientary/operation": operation}
            call = asyncio.ensure_future(client.call_tool("create_client", given, meta=meta))
            await until(lambda: stage.sandbox.requests)
            http.server.signal()
            http.server.signal()
            with pytest.raises(MCPError):
                await call

    with over_http(stage) as http:
        stage.wait(lambda: work(http))
        http.server.ended()
    assert logged(stage.connector, operation).outcome == "unknown"


@pytest.mark.requirement("host.mcp.http")
def test_without_sessions_every_request_stands_by_itself(stage: Stage, era: str) -> None:
    """For clients that keep none: none is opened, and a grant that changes hurts nobody."""
    with over_http(stage, stateless=True) as http:
        stage.connector.grant("stateless", ACCOUNT, scopes=["leads:read"], user=USER)
        token = http.token(persona="stateless")
        assert "mcp-session-id" not in ask(http, OPENING, token=token).headers

        async def work() -> None:
            async with http.client(token, era) as client:
                await client.list_tools()
                terms = Terms(scopes=("staff:read",))
                stage.connector.grant("stateless", ACCOUNT, terms=terms, user=USER)
                await http.app.look()
                result = await client.call_tool("list_staff", {"request": WHO})
                assert result.structured_content["outcome"] == "succeeded"

        stage.wait(work)
