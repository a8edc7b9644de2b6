"""Proves that the console is served from the command line, and who may sign in is said there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from clientary_connector.people import Role
from tests.connector.cli.stage import MODULE, TIMEOUT_S, Cli, at_terminal

pytestmark = pytest.mark.requirement("cli.console")

PASSWORD = "canary correct horse 51"


def test_users_are_added_listed_changed_and_removed(cli: Cli) -> None:
    """The password comes from stdin, and is not shown again."""
    cli("init")
    assert "Nobody yet" in cli("console", "user", "list").err
    words = ("console", "user", "add", "ada", "--role", "admin", "--password-stdin", "--user", "me")
    added = cli(*words, stdin=f"{PASSWORD}\n".encode())
    assert added.status == 0, added
    assert "canary" not in added.out + added.err
    assert cli("console", "user", "role", "ada", "viewer").status == 0
    listed = cli("console", "user", "list", "-o", "json").document["data"]
    assert [(one["name"], one["role"], one["made_by"]) for one in listed] == [
        ("ada", Role.VIEWER.value, "me")
    ]
    assert "ada   viewer" in cli("console", "user", "list").out
    other = cli("console", "user", "passwd", "ada", "--password-stdin", stdin=b"another password")
    assert other.status == 0
    assert cli("console", "user", "remove", "ada").status == 2
    removed = cli("console", "user", "remove", "ada", "--yes", "-o", "json")
    assert (removed.status, removed.document["data"]["name"]) == (0, "ada")
    assert cli("console", "user", "remove", "ada", "--yes").status == 2


@pytest.mark.parametrize("password", [b"", b"short", b"\xff\xfe", b"x" * 5000])
def test_a_password_that_cannot_be_one_is_refused(cli: Cli, password: bytes) -> None:
    """And nobody is added."""
    cli("init")
    ended = cli("console", "user", "add", "ada", "--password-stdin", stdin=password)
    assert ended.status == 2
    assert cli("console", "user", "list", "-o", "json").document["data"] == []


def test_without_a_terminal_the_password_is_piped_in(cli: Cli) -> None:
    """The message says how."""
    cli("init")
    assert "--password-stdin" in cli("console", "user", "add", "ada").err


@pytest.mark.slow
def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(cli: Cli) -> None:
    """Two that differ are refused."""
    cli("init")
    words = ("console", "user", "add", "ada")
    status, screen = at_terminal(cli, *words, typed=(PASSWORD, PASSWORD))
    assert status == 0, screen
    assert "canary" not in screen
    status, screen = at_terminal(cli, *words, typed=(PASSWORD, "another password"))
    assert (status, "not the same" in screen) == (2, True)
    status, screen = at_terminal(cli, "console", "user", "remove", "ada", typed=("n",))
    assert (status, "Nobody was removed" in screen) == (1, True)


def test_the_console_is_served_and_its_link_signs_in_once(cli: Cli) -> None:
    """On this machine, until a signal; with the simulated account one click away."""
    cli("init")
    with _served(cli) as told, httpx.Client(trust_env=False, follow_redirects=True) as http:
        assert told["url"].startswith("http://127.0.0.1:")
        page = http.get(told["sign_in"])
        assert (page.status_code, page.url.path) == (200, "/")
        assert "No account is connected yet." in page.text
        assert "simulated" in http.get(f"{told['url']}/connect").text
        assert http.get(told["url"], headers={"Host": "far.example"}).status_code == 421
    with httpx.Client(trust_env=False) as http, pytest.raises(httpx.ConnectError):
        http.get(told["url"])


def test_on_another_address_it_is_not_served_in_the_open(cli: Cli) -> None:
    """The error says what it needs."""
    cli("init")
    ended = cli("console", "--host", "0.0.0.0", "--allow-host", "console.example")  # noqa: S104 - refused
    assert ended.status == 2
    assert "--tls-cert" in ended.err


def test_what_is_wrong_is_said_before_anything_is_served(cli: Cli) -> None:
    """A state that was not made, and a description that is not there."""
    assert "clientary init" in cli("console").err
    cli("init")
    assert cli("console", "--oauth", "nowhere.json").status == 2


@contextmanager
def _served(cli: Cli) -> Generator[dict[str, Any]]:
    """Runs the console in a process of its own; gives what it has told."""
    words = [*MODULE, "--state", str(cli.state), "console", "-o", "json"]
    with subprocess.Popen(  # noqa: S603 - our own program
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        lines: list[bytes] = []
        while not (lines and lines[-1].startswith(b"}")):
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            lines.append(line)
        yield json.loads(b"".join(lines))["data"]
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) in {0, 130}
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
