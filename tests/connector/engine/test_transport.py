"""Proves the one door: what leaves, what comes in, and what nobody gets to see."""

from __future__ import annotations

import asyncio
import base64
import gzip
import logging
import socket
import ssl
import sys
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from yarl import URL

from clientary_connector import Settings, load_manifest
from clientary_connector.call.address import (
    NOT_PUBLIC,
    AddressRefusedError,
    Target,
    host_of,
    open_to_loopback,
    open_to_public,
)
from clientary_connector.call.authorization import authorization
from clientary_connector.call.linepool import tls
from clientary_connector.call.lines import Message
from clientary_connector.call.request import Request
from clientary_connector.call.transport import (
    BodyFault,
    NoAnswerError,
    NotSentError,
    Reply,
    Transport,
    failure_of,
    is_usable,
)
from clientary_connector.manifest import Auth
from connector_vault import Secret
from tests.connector.engine.far_side import HANG, Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import KEY

AUTH = load_manifest().auth
GET = Request(method="GET", path="/x")
PAIR = base64.b64encode(f"{KEY}:{KEY}".encode()).decode()


def target_at(url: str) -> Target:
    """Returns a loopback target for the URL of a far side."""
    parsed = URL(url)
    assert parsed.host is not None
    return Target("http", parsed.host, parsed.port, loopback=True)


def sent(
    side: FarSide, *requests: Request, settings: Settings | None = None, auth: Auth = AUTH
) -> list[Reply]:
    """Sends requests one after the other over one transport, and returns the answers."""
    transport = Transport(auth=auth, headers={"Accept": "x/y"}, settings=settings or Settings())

    async def send_all() -> list[Reply]:
        target = target_at(side.url)
        replies = [
            await transport.send(target, one, Secret(KEY), gate=nullcontext)
            for one in requests or (GET,)
        ]
        await transport.aclose()
        return replies

    return asyncio.run(send_all())


def always(answer: Answer) -> Callable[[Seen], Answer]:
    """Returns a far side that has one answer for all."""
    return lambda _: answer


@pytest.mark.requirement("transport.target")
def test_the_secret_is_put_on_last_and_the_request_goes_out_as_built() -> None:
    """Method, target, headers and body arrive as they were built, with the credential."""
    request = Request(method="PUT", path="/a%2Fb", query=(("q", "a b&c"),), body=b'{"n":1.50}')
    with far_side(always(reply(body={"ok": True}))) as side:
        (answer,) = sent(side, request)
    (seen,) = side.seen
    assert (seen.method, seen.target, seen.body) == ("PUT", "/a%2Fb?q=a%20b%26c", b'{"n":1.50}')
    assert seen.headers["authorization"] == f"Basic {PAIR}"
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["accept"] == "x/y"
    assert answer == Reply(status=200, body=b'{"ok": true}')


@pytest.mark.requirement("transport.target")
def test_a_bearer_token_goes_out_as_such() -> None:
    """The manifest says how the secret is put on."""
    auth = Auth(scheme="bearer", token="{secret}")
    assert authorization(auth, "s") == "Bearer s"
    with far_side(always(reply())) as side:
        sent(side, auth=auth)
    assert side.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "content-type" not in side.seen[0].headers


@pytest.mark.requirement("transport.target")
@pytest.mark.parametrize(
    ("secret", "usable"),
    [
        (KEY, True), ("short", False), ("k" * 16, True), ("k" * 5000, False),
        (f"{KEY}:", False), (f"{KEY} ", False), (f"{KEY}\n", False), (f"{KEY}é", False),
        (f'{KEY}"', False), (f"{KEY}\\", False),
    ],
)  # fmt: skip
def test_a_secret_is_long_plain_and_whole(secret: str, *, usable: bool) -> None:
    """What could not be put on, or not be found again, is refused before it is saved."""
    assert is_usable(Secret(secret), AUTH) is usable


@pytest.mark.requirement("transport.target")
def test_a_colon_is_allowed_where_the_secret_stands_alone() -> None:
    """Only Basic credentials split at the colon."""
    assert is_usable(Secret("k" * 16 + ":"), Auth(scheme="bearer", token="{secret}"))


@pytest.mark.requirement("transport.target")
def test_a_request_that_would_leave_for_another_host_is_not_sent() -> None:
    """A host that a URL parser reads otherwise is found before a line is opened."""
    transport = Transport(auth=AUTH, headers={}, settings=Settings())
    elsewhere = Target("https", "evil.example#", None, loopback=False)
    with pytest.raises(NotSentError):
        asyncio.run(transport.send(elsewhere, GET, Secret(KEY), gate=nullcontext))


@pytest.mark.requirement("transport.target", "threat.27")
@pytest.mark.parametrize(
    ("opened", "address"),
    [
        (open_to_public, "127.0.0.1"),
        (open_to_public, "169.254.169.254"),
        (open_to_loopback, "8.8.8.8"),
    ],
)
def test_the_address_is_checked_when_the_line_opens(
    opened: Callable[..., socket.socket], address: str
) -> None:
    """Whatever the name promised, the number decides."""
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
    with pytest.raises(AddressRefusedError):
        opened(info)


@pytest.mark.requirement("transport.target")
def test_a_public_address_is_let_through() -> None:
    """A socket is opened, and connected to nothing yet."""
    for opened, address in ((open_to_public, "93.184.215.14"), (open_to_loopback, "127.0.0.1")):
        opened((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))).close()


@pytest.mark.requirement("transport.target", "threat.27")
def test_a_real_host_that_resolves_to_this_machine_is_refused() -> None:
    """The name of a real connection that leads inside is never connected to."""
    with far_side(always(reply())) as side:
        port = URL(side.url).port
        error = failed(Target("https", "localhost", port, loopback=False))
    assert isinstance(error, NotSentError)
    assert error.reason == NOT_PUBLIC
    assert side.seen == []


def failed(target: Target, settings: Settings | None = None) -> BaseException:
    """Sends once to where it must fail, and returns what was raised."""
    transport = Transport(auth=AUTH, headers={}, settings=settings or Settings())

    async def send() -> BaseException:
        try:
            await transport.send(target, GET, Secret(KEY), gate=nullcontext)
        except (NotSentError, NoAnswerError) as error:
            return error
        finally:
            await transport.aclose()
        raise AssertionError

    return asyncio.run(send())


@pytest.mark.requirement("transport.redirects")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    ["http://evil.example/x", "//evil.example/x", "/inside", f"https://{KEY}.evil.example/"],
)
def test_a_redirect_is_not_followed(status: int, location: str) -> None:
    """The answer is handed up with the host that it names, and nothing more is sent."""
    with far_side(always(reply(status, headers={"Location": location}))) as side:
        (answer,) = sent(side)
    assert len(side.seen) == 1
    assert answer.location is not None
    assert KEY.lower() not in answer.location.lower()
    if location == "/inside":
        assert answer.location == side.url.removeprefix("http://")
    else:
        assert answer.location.endswith("evil.example")


@pytest.mark.requirement("transport.redirects")
@pytest.mark.parametrize(
    "location",
    [
        "http://[bad",
        "https://a b/",
        "http://\x00",
        "https://a\tb.example/",
        "mailto:a@b.example",
        "https://ex\u00e4mple.example:99999999/",
    ],
)
def test_a_redirect_that_cannot_be_read_is_not_repeated(location: str) -> None:
    """Nothing of it is shown."""
    shown = host_of(location, "https://a.example", KEY)
    assert shown == "an unreadable address"


@pytest.mark.requirement("transport.once")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_line_that_drops_is_not_tried_again_below(method: str) -> None:
    """On a line kept open that the far side cuts, one request is seen once."""
    answers = iter([reply(), None, reply()])
    request = Request(method=method, path="/x", body=b"{}" if method != "GET" else None)
    with far_side(lambda _: next(answers)) as side, pytest.raises(NoAnswerError) as caught:
        sent(side, request, request)
    assert len(side.seen) == 2
    assert caught.value.broken


@pytest.mark.requirement("transport.once")
def test_a_port_where_nobody_listens_means_that_nothing_was_sent() -> None:
    """A refused connection is known to have carried nothing."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failed(Target("http", "127.0.0.1", taken.getsockname()[1], loopback=True))
    assert isinstance(error, NotSentError)
    assert error.reason == "the host refused the connection"


@pytest.mark.requirement("transport.once")
def test_a_host_that_speaks_no_tls_gets_nothing() -> None:
    """A line that cannot prove who is at its end carries no secret."""
    assert isinstance(failed(Target("https", "localhost", 9, loopback=True)), NotSentError)
    with far_side(always(reply())) as side:
        port = URL(side.url).port
        target = Target("https", "127.0.0.1", port, loopback=True)
        error = failed(target, Settings(connect_timeout_s=0.2))
    assert isinstance(error, NotSentError)
    assert side.seen == []


@pytest.mark.requirement("transport.once")
def test_an_unknown_failure_counts_as_sent() -> None:
    """Only what proves that nothing left is called unsent."""
    assert isinstance(failure_of(RuntimeError("boom")), NoAnswerError)
    assert isinstance(failure_of(TypeError(KEY)), NoAnswerError)
    assert KEY not in str(failure_of(TypeError(KEY)))


@pytest.mark.requirement("transport.limits")
def test_a_silent_far_side_is_left_after_the_limit() -> None:
    """The time for one send, and the time of silence, both end it."""
    for settings in (Settings(read_timeout_s=0.5), Settings(send_timeout_s=0.5)):
        with far_side(always(HANG)) as side:
            error = failed(target_at(side.url), settings)
        assert isinstance(error, NoAnswerError)
        assert (error.broken, error.reason) == (False, "no answer came in time")


@pytest.mark.requirement("transport.limits")
@pytest.mark.parametrize("encoded", [False, True])
def test_an_answer_over_the_limit_is_not_read(*, encoded: bool) -> None:
    """The limit counts what comes out of the compression, too."""
    body = b"[" + b"0," * 5000 + b"0]"
    headers = {"Content-Encoding": "gzip"} if encoded else {}
    answer = reply(body=gzip.compress(body) if encoded else body, headers=headers)
    with far_side(always(answer)) as side:
        (cut,) = sent(side, settings=Settings(max_body_bytes=1024))
        (whole,) = sent(side)
    assert (cut.fault, cut.body) == (BodyFault.TOO_LARGE, b"")
    assert (whole.fault, whole.body) == (None, body)


@pytest.mark.requirement("transport.limits")
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_breaks_off_says_so(status: int) -> None:
    """The status is known, the body is not."""
    broken = reply(status, headers={"Content-Length": "50", "Connection": "close"}, body=b'{"a"')
    with far_side(always(broken)) as side:
        (answer,) = sent(side)
    assert (answer.status, answer.fault, answer.body) == (status, BodyFault.CUT, b"")


@pytest.mark.requirement("transport.limits")
def test_no_more_lines_are_open_than_allowed() -> None:
    """Sends beyond the limit wait for their turn, and all come through."""
    transport = Transport(auth=AUTH, headers={}, settings=Settings(max_connections=2))

    async def send_all(url: str) -> list[Reply]:
        target = target_at(url)
        sends = [transport.send(target, GET, Secret(KEY), gate=nullcontext) for _ in range(8)]
        replies = await asyncio.gather(*sends)
        await transport.aclose()
        return replies

    with far_side(always(reply())) as side:
        assert len(asyncio.run(send_all(side.url))) == 8
        assert len(side.seen) == 8


@pytest.mark.requirement("transport.environment", "threat.31")
def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxies, netrc, certificates and key logs that it names are not used."""
    keys = tmp_path / "keys.log"
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n")
    netrc.chmod(0o600)
    for name, value in {
        "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9", "SSL_CERT_FILE": str(tmp_path / "none.pem"),
        "SSL_CERT_DIR": str(tmp_path), "SSLKEYLOGFILE": str(keys), "NETRC": str(netrc),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with far_side(always(reply())) as side:
        sent(side)
    assert side.seen[0].headers["authorization"] == f"Basic {PAIR}"
    context = tls()
    assert context.keylog_filename is None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs()


@pytest.mark.requirement("transport.environment")
def test_cookies_are_not_kept() -> None:
    """What the far side wants remembered is forgotten."""
    with far_side(always(reply(headers={"Set-Cookie": "a=b"}))) as side:
        sent(side, GET, GET)
    assert "cookie" not in side.seen[1].headers


@pytest.mark.requirement("transport.no_trace", "threat.28")
@pytest.mark.parametrize("answer", [None, b"no HTTP at all\r\n\r\n", HANG])
def test_no_error_carries_the_secret(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    """Message, chain, locals of every frame and all log lines are free of it."""
    caplog.set_level(logging.DEBUG)
    with far_side(always(answer)) as side:
        error = failed(target_at(side.url), Settings(send_timeout_s=0.1))
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    for text in (shown, repr(error), caplog.text, *everything_in_the_frames_of(error)):
        assert KEY not in text
        assert PAIR not in text


def everything_in_the_frames_of(error: BaseException) -> list[str]:
    """Returns what can be read in the frames of a traceback, headers of requests included."""
    found: list[str] = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == __file__:
            continue
        for value in frame.f_locals.values():
            if isinstance(value, Message):
                found.append(str(value.headers))
            elif not isinstance(value, Secret):
                found.append(repr(value))
    return found


@pytest.mark.requirement("transport.no_trace", "threat.28")
def test_a_cancelled_send_carries_no_secret() -> None:
    """The cancellation that the caller sees starts in our own frames."""
    transport = Transport(auth=AUTH, headers={}, settings=Settings())

    async def cancel(side: FarSide) -> BaseException:
        task = asyncio.ensure_future(
            transport.send(target_at(side.url), GET, Secret(KEY), gate=nullcontext)
        )
        await asyncio.to_thread(side.asked.wait)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError as error:
            return error
        finally:
            await transport.aclose()
        raise AssertionError

    with far_side(always(HANG)) as side:
        error = asyncio.run(cancel(side))
    assert error.__context__ is None
    for text in everything_in_the_frames_of(error):
        assert KEY not in text
        assert PAIR not in text


@pytest.mark.requirement("transport.no_trace")
def test_a_secret_is_revealed_where_it_is_written_down_for_the_wire_alone() -> None:
    """A key is put on in one place; of tokens, two more write and read what is exchanged.

    A password of a user of the console is no secret of the vault: it is stretched where it came in.
    """
    import clientary_connector  # noqa: PLC0415

    root = Path(clientary_connector.__file__).parent
    users = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if ".reveal()" in path.read_text(encoding="utf-8")
    }
    assert users == {"call/transport.py", "oauth/messages.py", "oauth/tokens.py", "passwords.py"}


@pytest.mark.requirement("transport.scrub", "threat.29")
def test_an_echo_of_the_secret_does_not_come_in() -> None:
    """Split over chunks, compressed or encoded, it is gone before anybody reads the body."""
    echo = f'{{"raw": "{KEY}", "pair": "{PAIR}"}}'.encode()
    half = len(echo) // 2 - 3
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (echo[:half], echo[half:], b"")
    )
    packed = reply(body=gzip.compress(echo), headers={"Content-Encoding": "gzip"})
    for answer in (chunked, packed):
        with far_side(always(answer)) as side:
            (came,) = sent(side)
        assert came.body == b'{"raw": "[secret]", "pair": "[secret]"}'
        assert "secret" not in repr(came)


@pytest.mark.requirement("transport.limits")
def test_each_loop_has_its_own_lines_and_ends_them() -> None:
    """A transport that served loops that are gone leaves nothing open behind."""
    transport = Transport(auth=AUTH, headers={}, settings=Settings())
    with far_side(always(reply())) as side:
        for _ in range(3):
            asyncio.run(transport.send(target_at(side.url), GET, Secret(KEY), gate=nullcontext))
        loop = asyncio.new_event_loop()
        loop.run_until_complete(
            transport.send(target_at(side.url), GET, Secret(KEY), gate=nullcontext)
        )
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    transport.close_soon()
    assert len(side.seen) == 4
    assert sys.exc_info() == (None, None, None)
