"""Proves that a person makes tokens and serves MCP over HTTP at the command line."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from clientary_connector import open_connector
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.cli.stage import MODULE, TIMEOUT_S, Cli, at_terminal

TOKEN = ("--connection", "books", "--persona", "bookkeeper")


@pytest.fixture(name="far_side", scope="module")
def _far_side() -> Generator[RunningSandbox]:
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture(name="ready")
def _ready(tmp_path: Path, capsys: pytest.CaptureFixture[str], far_side: RunningSandbox) -> Cli:
    cli = Cli(tmp_path / "state", capsys)
    cli.set_up(far_side)
    return cli


@contextmanager
def command(cli: Cli, *words: str) -> Generator[subprocess.Popen[str]]:
    """Runs `clientary mcp` while the block lasts."""
    running = subprocess.Popen(  # noqa: S603 - our own program
        [*MODULE, "--state", str(cli.state), "mcp", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.requirement("host.mcp.tokens")
def test_a_person_makes_lists_and_revokes_tokens(ready: Cli) -> None:
    """On a pipe the token stands alone; afterwards nobody can show it again."""
    made = ready("mcp", "token", "new", *TOKEN, "--for", "dana", "--user", "grace", "--days", "7")
    assert made.status == 0
    assert re.fullmatch(r"cct_\w{49}\n", made.out)
    assert made.out.strip() not in made.err
    (listed,) = ready("mcp", "token", "list", "-o", "json").document["data"]
    told = [listed[name] for name in ("user", "made_by", "persona", "connection_name", "state")]
    assert told == ["dana", "grace", "bookkeeper", "books", "active"]
    shown = ready("mcp", "token")
    assert listed["id"] in shown.out
    assert made.out.strip() not in shown.out
    ended = ready("mcp", "token", "revoke", listed["id"], "--reason", "left", "-o", "json")
    assert (ended.status, ended.document["data"]["state"]) == (0, "revoked")
    log = ready("log", "--kind", "token", "-o", "json").document["data"]
    assert [entry["facts"]["state"] for entry in log] == ["revoked", "active"]
    again = ready("mcp", "token", "revoke", listed["id"])
    assert (again.status, "revoked before" in again.err) == (2, True)


@pytest.mark.requirement("host.mcp.tokens")
def test_a_slip_makes_no_token_and_a_token_without_a_grant_is_told(ready: Cli) -> None:
    """Nor does it end one of another kind."""
    assert "no connection" in ready("mcp", "token", "new", *TOKEN[2:], "--connection", "no").err
    assert ready("mcp", "token", "new", *TOKEN, "--days", "0").status == 2
    assert "No token" in ready("mcp", "token").err
    made = ready("mcp", "token", "new", *TOKEN[:2], "--persona", "nobody", "-o", "json")
    assert "holds no grant" in made.err
    assert made.document["data"]["text"].startswith("cct_")
    assert ready("mcp", "token", "revoke", "tok_0").status == 2
    with open_connector(ready.state) as connector:
        admin = connector.tokens.for_admin(role="viewer", user="ada").token.id
    assert "no token of a client" in ready("mcp", "token", "revoke", admin).err


@pytest.mark.requirement("host.mcp.tokens")
def test_on_a_terminal_a_token_stands_with_what_is_known_of_it(ready: Cli) -> None:
    """And with a word about how to keep it."""
    status, screen = at_terminal(ready, "mcp", "token", "new", *TOKEN, typed=())
    assert status == 0
    assert re.search(r"Token +cct_\w{49}\r\n", screen)
    assert "keep it like a password" in screen
    ended = ready("mcp", "token", "revoke", *re.findall(r"tok_\w{12}", screen))
    assert "revoked" in ended.out


@pytest.mark.requirement("host.mcp.http")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give --connection and --persona"),
        (("--http", "--persona", "p"), "Leave --persona out"),
        (("--port", "8000", *TOKEN), "Leave --port out"),
        (("--stateless", *TOKEN), "Leave --stateless out"),
        (("--http", "--path", "mcp"), "begins with a slash"),
        (("--http", "--host", "10.0.0.5"), "--trusted-proxy"),
        (("--http", "--tls-cert", "x"), "--tls-key"),
    ],
)
def test_what_cannot_be_served_is_said(ready: Cli, words: tuple[str, ...], said: str) -> None:
    """With what to do about it."""
    ended = ready("mcp", *words)
    assert ended.status == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.requirement("host.mcp.http")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_at_a_signal(ready: Cli, number: signal.Signals) -> None:
    """Port 0 is one that is free; what was refused is told, and the token is not."""
    with command(ready, "--http", "-o", "json") as running:
        assert running.stdout is not None
        url = json.loads("".join(iter(running.stdout.readline, "}\n")) + "}")
        parts = urlsplit(str(url["data"]["url"]))
        assert (parts.hostname, parts.path) == ("127.0.0.1", "/mcp")
        with closing(http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)) as line:
            line.request("POST", "/mcp", b"{}", {"Content-Type": "application/json",
                                                 "Authorization": "Bearer hunter2"})  # fmt: skip
            assert line.getresponse().status == 401
        running.send_signal(number)
        _, said = running.communicate(timeout=TIMEOUT_S)
    assert running.returncode == 0
    assert "Nobody has a token yet" in said
    assert "refused" in said
    assert "Traceback" not in said
    assert "hunter2" not in said
