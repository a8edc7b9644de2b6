"""Proves where a server of ours listens, whom it answers, and that it ends in order."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest
from starlette.types import Message, Receive, Scope, Send

from clientary_connector import Connector, Settings, create_state, open_connector
from clientary_connector.errors import ConnectorError, InvalidValueError, OperatorError
from clientary_connector.frontends import upkeep
from clientary_connector.frontends.web.binding import Binding, listen
from clientary_connector.frontends.web.guarding import HEADERS
from clientary_connector.frontends.web.streaming import KEY, Streams
from tests.web.ground import EVERYWHERE, WAIT_S, Server, certificate, serving

LIMIT: Final = 2048
FROM_PROXY: Final = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
OUTSIDE: Final = {**FROM_PROXY, "X-Forwarded-Host": "books.example"}


@pytest.fixture(name="state", scope="module")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("web") / "state"
    create_state(state)
    return state


@pytest.fixture(name="connector", scope="module")
def _connector(state: Path) -> Generator[Connector]:
    settings = Settings(request_bytes=LIMIT, ending_s=0.2)
    with open_connector(state, settings=settings) as connector:
        yield connector


@pytest.fixture(name="server", scope="module")
def _server(connector: Connector) -> Generator[Server]:
    with serving(echo, connector) as server:
        yield server


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells what an application is told of a request."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body", False):
            break
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    told = {"client": scope["client"][0], "scheme": scope["scheme"], "size": size}
    body = json.dumps({**told, "headers": headers}).encode()
    own = [(b"content-type", b"application/json"), (b"cache-control", b"private")]
    await send({"type": "http.response.start", "status": 200, "headers": own})
    await send({"type": "http.response.body", "body": body})


# Where it listens


@pytest.mark.requirement("web.bind")
@pytest.mark.parametrize(
    ("binding", "said"),
    [
        (Binding(host=EVERYWHERE), "--tls-cert"),
        (Binding(host="::", hosts=("books.example",)), "--tls-cert"),
        (Binding(host="10.0.0.5"), "read along"),
        (Binding(host="books.example"), "no address"),
        (Binding(host=EVERYWHERE, proxies=("10.0.0.5",)), "--allow-host"),
        (Binding(proxies=("the proxy",)), "10.0.0.0/24"),
        (Binding(certificate=Path("server.pem")), "--tls-key"),
        (Binding(key=Path("server.key")), "--tls-cert"),
        (Binding(certificate=Path("/no.pem"), key=Path("/no.key")), "No such file"),
        (Binding(certificate=Path(__file__), key=Path(__file__)), "PEM"),
    ],
)
def test_what_would_be_open_to_others_is_refused_with_what_to_do(
    binding: Binding, said: str
) -> None:
    """Nothing listens then."""
    with pytest.raises(InvalidValueError) as raised:
        listen(binding)
    assert said in f"{raised.value.message} {raised.value.hint}"


@pytest.mark.requirement("web.bind")
def test_a_port_or_address_that_cannot_be_had_is_named() -> None:
    """With what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"Port {port} of 127.0.0.1 is in use"):
            listen(Binding(port=port))
    with pytest.raises(OperatorError, match="no address of this machine"):
        listen(Binding(host="203.0.113.1", proxies=("203.0.113.1",)))


@pytest.mark.requirement("web.bind")
@pytest.mark.parametrize(
    ("host", "url"), [("localhost", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_by_itself_it_listens_on_this_machine_alone(
    connector: Connector, host: str, url: str
) -> None:
    """Port 0 is one that is free, and the address says which."""
    with serving(echo, connector, Binding(host=host)) as server:
        assert server.url.startswith(url)
        assert server.ask().status == 200


@pytest.mark.requirement("web.bind")
def test_with_a_certificate_it_listens_anywhere_and_over_tls_alone(
    connector: Connector, tmp_path: Path
) -> None:
    """A browser is told to stay with TLS; who comes without it gets no answer."""
    pem, key = certificate(tmp_path)
    binding = Binding(host=EVERYWHERE, certificate=pem, key=key, hosts=("localhost",))
    with serving(echo, connector, binding) as server:
        assert server.url.startswith("https://localhost:")
        said = server.ask(tls=ssl.create_default_context(cafile=str(pem)))
        assert (said.status, json.loads(said.text)["scheme"]) == (200, "https")
        assert "max-age" in said.headers["strict-transport-security"]
        with pytest.raises(OSError, match=r"."):
            server.ask()


# Whom it answers


@pytest.mark.requirement("web.guard")
@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:8", "localhost."]
)
def test_its_own_names_are_answered_whatever_the_port(server: Server, host: str) -> None:
    """A port may be led through from elsewhere."""
    assert server.ask(headers={"Host": host}).status == 200


@pytest.mark.requirement("web.guard")
@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80",
     "127.0.0.2", "[::1", "::1", "localhost@evil.example", "localhost evil", "0",
     "[::1]evil.example", "localhost:", "localhost:80a"],
)  # fmt: skip
def test_a_name_of_others_leads_nowhere(server: Server, host: str) -> None:
    """A page whose name was made to lead here reads nothing (DNS rebinding)."""
    said = server.ask(headers={"Host": host})
    assert (said.status, "size" in said.text) == (421, False)


@pytest.mark.requirement("web.guard")
def test_two_hosts_in_one_request_are_none(server: Server) -> None:
    """Nobody is to choose which of them counts."""
    with socket.create_connection(("127.0.0.1", server.line().port), 10) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert line.recv(100).split()[1] in {b"421", b"400"}


@pytest.mark.requirement("web.guard")
def test_only_a_page_of_its_own_may_ask(server: Server) -> None:
    """Same scheme, name and port; no page at all is no page of others."""
    port = server.line().port
    own = f"localhost:{port}"
    for origin, status in {
        f"http://{own}": 200,
        f"HTTP://LOCALHOST:{port}": 200,
        f"https://{own}": 403,
        "http://localhost": 403,
        "http://localhost:1": 403,
        f"http://127.0.0.1:{port}": 403,
        "http://evil.example": 403,
        "null": 403,
        "": 403,
    }.items():
        assert server.ask(headers={"Host": own, "Origin": origin}).status == status, origin
    bare = {"Host": "localhost", "Origin": "http://localhost:80"}
    assert server.ask(headers=bare).status == 200


@pytest.mark.requirement("web.guard")
def test_what_is_too_long_is_not_read(server: Server) -> None:
    """Whether its length was told or not; and one that is nonsense is none."""
    assert json.loads(server.ask("POST", body=b"x" * LIMIT).text)["size"] == LIMIT
    assert server.ask("POST", body=b"x" * (LIMIT + 1)).status == 413
    chunk = b"400\r\n" + b"x" * 1024 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.line().port), 10) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        line.sendall(chunk * 3 + b"0\r\n\r\n")
        assert line.recv(100).split()[1] == b"413"


@pytest.mark.requirement("web.guard")
def test_headers_without_end_are_not_read(server: Server) -> None:
    """Nobody fills the memory before he has said who he is."""
    with socket.create_connection(("127.0.0.1", server.line().port), 10) as line:
        with suppress(OSError):
            for _ in range(64):
                line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 65_536)
        with suppress(ConnectionResetError):
            assert line.recv(100).split()[1] in {b"400", b"431"}


@pytest.mark.requirement("web.guard")
def test_every_answer_keeps_a_browser_from_making_more_of_it(server: Server) -> None:
    """Also a refusal; what an application has said itself stays."""
    for said in (server.ask(), server.ask(headers={"Host": "evil.example"})):
        expected = {name.lower(): value for name, value in HEADERS.items()}
        if said.status == 200:
            expected["cache-control"] = "private"
        assert {name: said.headers[name] for name in expected} == expected
        assert "server" not in said.headers
        assert "strict-transport-security" not in said.headers


@pytest.mark.requirement("web.guard")
def test_nobody_but_a_proxy_says_for_whom_it_asks(server: Server) -> None:
    """What somebody says of himself is not even seen by the application."""
    said = json.loads(server.ask(headers={**OUTSIDE, "Forwarded": "for=1.2.3.4"}).text)
    assert (said["client"], said["scheme"]) == ("127.0.0.1", "http")
    assert not [name for name in said["headers"] if "forwarded" in name]


@pytest.mark.requirement("web.guard")
@pytest.mark.parametrize(
    ("path", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9:4711, 10.1.2.3", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.1.2.3", "127.0.0.1"),
        ("somebody", "somebody"),
    ],
)
def test_a_proxy_that_was_named_says_for_whom(connector: Connector, path: str, client: str) -> None:
    """The last address that is no proxy's: what stands before it anybody may have said."""
    binding = Binding(proxies=("127.0.0.1", "10.0.0.0/8"), hosts=("Books.Example",))
    with serving(echo, connector, binding) as server:
        origin = {"Origin": "https://books.example"}
        said = server.ask(headers={**OUTSIDE, **origin, "X-Forwarded-For": path})
        assert said.status == 200, said.text
        told = json.loads(said.text)
        assert (told["client"], told["scheme"]) == (client, "https")
        assert told["headers"]["host"] == "books.example"


@pytest.mark.requirement("web.guard")
def test_past_the_proxy_nobody_comes(connector: Connector) -> None:
    """Neither in the open before it, nor beside it where the server is not on loopback."""
    binding = Binding(host=EVERYWHERE, proxies=("127.0.0.1",), hosts=("books.example",))
    with serving(echo, connector, binding) as server:
        server.url = server.url.replace("books.example", "127.0.0.1")
        refused: tuple[Mapping[str, str], ...] = (
            {},
            {"Host": "books.example"},
            {**OUTSIDE, "X-Forwarded-Proto": "http"},
            {name: value for name, value in OUTSIDE.items() if name != "X-Forwarded-Proto"},
        )
        assert {server.ask(headers=one).status for one in refused} == {403}
        assert server.ask(headers=OUTSIDE).status == 200
        twice = {**OUTSIDE, "X-Forwarded-Host": "evil.example"}
        assert server.ask(headers=twice).status == 421


# How it ends


class Slow:
    """An application that listens for ever, or answers when it is let to, and notes its end."""

    def __init__(self) -> None:
        """Nothing has ended yet."""
        self.begun = 0
        self.ends: list[str] = []
        self.go = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        del receive
        scope.setdefault("state", {})[KEY] = scope["path"]
        try:
            if scope["method"] == "GET":
                await send(_start(b"text/event-stream"))
                await send({"type": "http.response.body", "body": b"data\n", "more_body": True})
            self.begun += 1
            while not self.go or scope["method"] == "GET":  # noqa: ASYNC110 - set by another thread
                await asyncio.sleep(0.01)
            await send(_start(b"text/plain"))
            await send({"type": "http.response.body", "body": b"answered"})
            self.ends.append("answered")
        except asyncio.CancelledError:
            # What is known is written down before it goes.
            await asyncio.sleep(0.05)
            self.ends.append("cancelled")
            raise

    def wait(self, count: int) -> None:
        """Waits until so many requests have begun."""
        deadline = time.monotonic() + WAIT_S
        while self.begun < count:
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)


def _start(kind: bytes) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}


@contextmanager
def _asking(server: Server, method: str, path: str = "/") -> Generator[HTTPConnection]:
    """Asks, and leaves it to the block to read the answer."""
    with closing(server.line()) as line:
        line.request(method, path)
        yield line


@pytest.mark.requirement("web.ends")
def test_at_a_signal_it_ends_what_listens_and_lets_answers_end(state: Path) -> None:
    """Nobody new is let in meanwhile."""
    slow = Slow()
    streams = Streams(slow)
    with (
        open_connector(state, settings=Settings(ending_s=60)) as patient,
        serving(streams, patient, ending=streams.end) as server,
        _asking(server, "GET") as listening,
        _asking(server, "POST") as called,
    ):
        slow.wait(2)
        server.signal()
        assert listening.getresponse().read() == b"data\n", "a stream ends whole"
        with pytest.raises(OSError, match=r"."):
            server.ask()
        slow.go = True
        assert called.getresponse().read() == b"answered"
        server.ended()
    assert slow.ends == ["cancelled", "answered"]


@pytest.mark.requirement("web.ends")
@pytest.mark.parametrize("signals", [1, 2])
def test_an_answer_that_takes_too_long_is_cancelled(state: Path, signals: int) -> None:
    """After its time, or at a second signal; and its end is waited for."""
    slow = Slow()
    settings = Settings(ending_s=0.1 if signals == 1 else 600)
    with (
        open_connector(state, settings=settings) as patient,
        serving(slow, patient) as server,
        _asking(server, "POST") as called,
    ):
        slow.wait(1)
        for _ in range(signals):
            server.signal()
        assert called.getresponse().status == 500
        server.ended()
        assert slow.ends == ["cancelled"]


@pytest.mark.requirement("web.ends")
def test_the_streams_of_one_are_ended_and_the_others_stay(connector: Connector) -> None:
    """As they are when a token is revoked."""
    slow = Slow()
    streams = Streams(slow)
    with (
        serving(streams, connector, ending=streams.end) as server,
        _asking(server, "GET", "/one") as one,
        _asking(server, "GET", "/other"),
    ):
        slow.wait(2)
        assert streams.keys == {"/one", "/other"}
        server.loop.call_soon_threadsafe(streams.end, "/one")
        assert one.getresponse().read() == b"data\n"
        assert streams.keys == {"/other"}


@pytest.mark.requirement("web.guard")
@pytest.mark.parametrize("before", [False, True], ids=["first", "second"])
def test_a_head_that_does_not_come_whole_in_time_ends_its_line(
    state: Path, *, before: bool
) -> None:
    """However many signs of it come meanwhile; a request before it was answered."""
    settings = Settings(head_s=0.3)
    with open_connector(state, settings=settings) as hasty, serving(echo, hasty) as server:
        line = server.line()
        with closing(line):
            line.connect()
            if before:
                line.request("GET", "/")
                assert line.getresponse().read()
            line.sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            line.sock.settimeout(WAIT_S)
            with pytest.raises(ConnectionError):
                _drip(line.sock)


@pytest.mark.requirement("web.guard")
def test_a_line_that_rests_between_two_requests_is_left_open(state: Path) -> None:
    """What has its time limit is a head, and not the thought before it."""
    settings = Settings(head_s=0.3)
    with (
        open_connector(state, settings=settings) as hasty,
        serving(echo, hasty) as server,
        closing(server.line()) as line,
    ):
        line.request("GET", "/")
        assert line.getresponse().read()
        first = line.sock
        time.sleep(0.5)  # longer than a head may take
        line.request("GET", "/")
        assert line.getresponse().read()
        assert line.sock is first


def _drip(line: socket.socket) -> None:
    """Sends ten seconds long a sign now and then."""
    for _ in range(1000):
        line.sendall(b"X")
        time.sleep(0.01)


@pytest.mark.requirement("web.ends")
def test_an_error_of_the_application_ends_its_request_alone(connector: Connector) -> None:
    """And is told to nobody but the log of the process."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        raise ConnectorError(scope["path"])

    with serving(Streams(broken), connector) as server:
        for _ in range(2):
            said = server.ask(path="/secret")
            assert (said.status, "secret" in said.text) == (500, False)


# What it looks after


@pytest.mark.requirement("web.tending")
def test_a_server_that_runs_tends_the_vault_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An anchor that was away is told of what was signed meanwhile, with nothing written since."""
    monkeypatch.setattr(upkeep, "FIRST_S", 0.0)
    create_state(tmp_path / "state")
    kept = tmp_path / "away" / "checkpoints.txt"
    settings = Settings(anchors=(f"file:{kept}",))
    with open_connector(tmp_path / "state", settings=settings) as connector:
        connector.budgets.set("account", "", 5, user="grace")
    kept.parent.mkdir(mode=0o700)
    with open_connector(tmp_path / "state", settings=settings) as connector:
        assert not kept.exists()
        with serving(echo, connector) as server:
            begin = time.monotonic()
            while not kept.exists():
                assert time.monotonic() - begin < WAIT_S
                assert server.ask().status == 200
