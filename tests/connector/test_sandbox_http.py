"""Proves how the simulated Clientary meets a request, whatever it is about."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Iterator

import httpx
import pytest

from clientary_connector.sandbox import Fault, FaultKind, Rules, Sandbox, route_of, serve
from tests.connector.sandbox_ground import JSON, Ground, client, ground

pytestmark = pytest.mark.requirement("sandbox.http")


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


@pytest.mark.parametrize(
    "auth",
    [None, ("wrong", "wrong"), ("KEY", ""), ("KEY", "wrong"), ("", "KEY")],
)
def test_only_the_key_as_user_and_password_opens_the_account(
    account: Ground, auth: tuple[str, str] | None
) -> None:
    """Anything else is answered 401 in plain text, not in JSON."""
    key = account.sandbox.key
    pair = auth and (auth[0].replace("KEY", key), auth[1].replace("KEY", key))
    answer = httpx.get(f"{account.url}/api/v2/clients", auth=pair, headers=JSON, trust_env=False)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_bearer_token_is_not_basic_auth(account: Ground) -> None:
    """Another scheme with the right credential is refused."""
    basic = account.http.build_request("GET", "/staff")
    credential = next(account.http.auth.sync_auth_flow(basic)).headers["authorization"]  # type: ignore[union-attr]
    bearer = credential.replace("Basic", "Bearer")
    answer = httpx.get(
        f"{account.url}/api/v2/staff", headers={**JSON, "Authorization": bearer}, trust_env=False
    )
    assert answer.status_code == 401


def test_json_must_be_asked_for(account: Ground) -> None:
    """Without the Accept header the answer is 406; a .json suffix asks for it as well."""
    anything = {"Accept": "*/*"}
    assert account.http.get("/staff", headers=anything).status_code == 406
    assert account.http.get("/staff.json", headers=anything).status_code == 200
    assert account.http.get("/staff/41.json", headers=anything).json()["id"] == 41


@pytest.mark.parametrize(
    "path",
    [
        "/clients/abc",
        "/clients/1%2F2",
        "/clients/-1",
        "/clients/99999999",
        "/clients/9999999999999999999999",
        "/clients/99999999/contacts",
        "/clients/abc/projects",
        "/nonsense",
        "/clients/1001/nonsense",
        "/",
    ],
)
def test_what_is_not_there_is_404(account: Ground, path: str) -> None:
    """Unknown ids, parents and routes, and ids that are no numbers, are not found."""
    assert account.status("GET", path) == 404


def test_a_method_that_a_route_lacks_is_404(account: Ground) -> None:
    """There is no PATCH, and staff cannot be deleted."""
    assert account.status("PATCH", "/clients/1001", client={"name": "x"}) == 404
    assert account.status("DELETE", "/staff/41") == 404


def test_outside_the_base_path_there_is_nothing(account: Ground) -> None:
    """The same path without /api/v2 is not found."""
    answer = account.http.get(f"{account.url}/clients")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "unwrapped"}',
        b'{"contact": {"name": "wrongly wrapped"}}',
        b'{"client": "no object"}',
        b'["a list"]',
        b"{broken",
        b"",
    ],
)
def test_an_unwrapped_or_broken_body_is_400_and_creates_nothing(
    account: Ground, body: bytes
) -> None:
    """A write must hold its record under the wrapper key."""
    before = len(account.sandbox.state.clients)
    answer = account.http.post("/clients", content=body)
    assert answer.status_code == 400
    assert "error" in answer.json()
    assert len(account.sandbox.state.clients) == before
    assert not account.sandbox.effects


def test_a_body_that_comes_in_pieces_is_read_whole(account: Ground) -> None:
    """A chunked request of many pieces arrives as one body."""

    def pieces() -> Iterator[bytes]:
        yield b'{"client": {"name": "'
        yield from [b"x" * 50_000] * 4
        yield b'"}}'

    answer = account.http.post("/clients", content=pieces())
    assert len(answer.json()["name"]) == 200_000


def test_every_request_is_remembered_as_it_came(account: Ground) -> None:
    """Method, raw path, query, headers, body and status are kept."""
    account.http.post("/clients", json={"client": {"name": "Kite"}}, headers={"X-Trace": "7"})
    account.http.get("/clients/1%2F2?page=%31")
    first, second = account.sandbox.requests
    assert (first.method, first.path, first.route, first.status) == (
        "POST",
        "/api/v2/clients",
        "/clients",
        201,
    )
    assert first.body == b'{"client":{"name":"Kite"}}'
    assert first.headers["x-trace"] == "7"
    assert first.headers["accept"] == "application/json"
    assert (second.path, second.query) == ("/api/v2/clients/1%2F2", "page=%31")
    assert (second.route, second.status) == ("/clients/{id}", 404)


def test_the_memory_of_requests_is_bounded() -> None:
    """Only the latest requests stay."""
    with ground(Sandbox(history=2)) as account:
        for staff in (41, 42, 43):
            account.read(f"/staff/{staff}")
        assert [seen.path[-2:] for seen in account.sandbox.requests] == ["42", "43"]


def test_effects_count_what_was_really_done(account: Ground) -> None:
    """A rejected write, a missing id and a read are no effects."""
    account.create("/clients", "client", name="Kite")
    account.rejection("POST", "/clients", "client", name="")
    account.status("DELETE", "/clients/99999999")
    account.read("/clients")
    account.delete(f"/clients/{account.client_id()}")
    assert account.sandbox.effects == {("POST", "/clients"): 1, ("DELETE", "/clients/{id}"): 1}
    assert account.sandbox.done("DELETE", "/api/v2/clients/{client_id}") == 1
    assert account.sandbox.done("delete", "/leads/{id}") == 0


def test_forgetting_leaves_the_account_as_it_is(account: Ground) -> None:
    """Requests, effects, messages and faults go, records stay."""
    made = account.create("/clients", "client", name="Kite")
    account.sandbox.faults.add(Fault(kind=FaultKind.EMPTY))
    account.sandbox.forget()
    assert account.sandbox.requests == []
    assert account.sandbox.effects == {}
    assert account.sandbox.messages == []
    assert account.sandbox.faults.waiting() == ()
    assert account.read(f"/clients/{made['id']}") == made


def test_a_route_may_name_its_placeholders_as_it_likes() -> None:
    """Templates are compared by shape."""
    assert route_of("/api/v2/invoices/{invoice_id}/payments/{id}") == (
        "/invoices/{id}/payments/{id}"
    )


def test_a_read_is_answered_anew_after_a_change(account: Ground) -> None:
    """No answer is older than the last write, however often it was given."""
    path = f"/clients/{account.client_id()}"
    before = account.read(path)
    assert account.read(path) == before
    account.update(path, "client", city="Gullport")
    assert account.read(path)["city"] == "Gullport"


def test_many_different_reads_do_not_pile_up(account: Ground) -> None:
    """The answers kept for repeated reads are bounded."""
    for page in range(1_100):
        account.read("/staff", page=page)
    assert account.read("/staff")["staff"][0]["id"] == 41


def test_a_change_may_answer_with_an_empty_204() -> None:
    """With that habit the work is done all the same."""
    with ground(Sandbox(rules=Rules(put_answers_empty=True))) as account:
        path = f"/clients/{account.client_id()}"
        answer = account.http.put(path, json={"client": {"city": "Gullport"}})
        assert (answer.status_code, answer.content) == (204, b"")
        assert account.read(path)["city"] == "Gullport"


def test_a_deletion_may_answer_with_an_empty_object() -> None:
    """With that habit a deletion is 200 and {}."""
    with ground(Sandbox(rules=Rules(delete_answers_object=True))) as account:
        answer = account.http.delete(f"/clients/{account.client_id()}")
        assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost", "192.0.2.1", ""])  # noqa: S104 - refused
def test_a_sandbox_is_served_on_loopback_only(host: str) -> None:
    """Any other host is refused before a socket is opened."""
    with pytest.raises(ValueError, match="loopback"), serve(Sandbox(), host=host):
        pass


def test_a_taken_port_is_an_error_at_once(account: Ground) -> None:
    """The second one on a port does not start."""
    port = httpx.URL(account.url).port
    assert port is not None
    with pytest.raises(OSError, match="in use"), serve(Sandbox(), port=port):
        pass


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6 on loopback")
def test_a_sandbox_answers_on_ipv6_too() -> None:
    """The URL of an IPv6 address is spelled with brackets."""
    with serve(Sandbox(), host="::1") as running, client(running.url, running.key) as http:
        assert running.url.startswith("http://[::1]:")
        assert http.get("/staff").status_code == 200


def test_connections_are_kept_alive(account: Ground) -> None:
    """Two requests of one client come over one connection."""
    ports: list[object] = []
    for _ in range(2):
        with account.http.stream("GET", "/staff") as answer:
            ports.append(answer.extensions["network_stream"].get_extra_info("client_addr"))
            answer.read()
    assert ports[0] == ports[1]


def test_stopping_waits_for_no_delay() -> None:
    """A request that waits is dropped when the server stops, and nothing is left behind."""
    with serve(Sandbox()) as running:
        running.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=600))
        port = int(running.url.rpartition(":")[2])
        caller = socket.create_connection(("127.0.0.1", port))
        caller.sendall(b"GET /api/v2/staff HTTP/1.1\r\nHost: x\r\n\r\n")
        while not running.sandbox.requests:
            gc.collect()
    assert caller.recv(1) == b""
    caller.close()


def test_a_sandbox_can_be_served_again() -> None:
    """One sandbox may be served again after it stopped, with its state."""
    sandbox = Sandbox()
    with ground(sandbox) as account:
        made = account.create("/clients", "client", name="Kite")
    with ground(sandbox) as account:
        assert account.read(f"/clients/{made['id']}") == made


def test_a_request_that_is_no_http_is_refused(account: Ground) -> None:
    """Noise on the wire gets a 400 and harms nobody."""
    port = int(account.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as caller:
        caller.sendall(b"\x16\x03\x01 noise\r\n\r\n")
        assert caller.recv(64).startswith(b"HTTP/1.1 400")
    assert account.status("GET", "/staff") == 200


def test_the_app_runs_in_process_as_well() -> None:
    """An ASGI transport reaches the same account without a socket."""
    sandbox = Sandbox(key="k/+=%")

    async def read() -> httpx.Response:
        transport = httpx.ASGITransport(sandbox.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://sandbox/api/v2", auth=("k/+=%", "k/+=%")
        ) as http:
            return await http.get("/staff", headers=JSON)

    assert asyncio.run(read()).status_code == 200
