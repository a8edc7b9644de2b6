"""Proves that a person joins an account by OAuth 2 at the command line, in a process of its own."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.connector.oauth.provider_app import CLIENT_SECRET, Far
from tests.connector.oauth.stage import REDIRECT, browse, description, no_trace, provider

pytestmark = [pytest.mark.requirement("oauth.command"), pytest.mark.slow]

PROGRAM = (sys.executable, "-m", "clientary_connector.frontends.cli")


@contextmanager
def command(state: Path, *words: str) -> Generator[subprocess.Popen[str]]:
    """Runs a command while the block lasts."""
    running = subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "--state", str(state), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def joining(tmp_path: Path, far: Far, *more: str, **facts: object) -> list[str]:
    """Makes a state, writes the description, and returns the words of the command."""
    state, file = tmp_path / "state", tmp_path / "provider.json"
    done = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, "--state", str(state), "init"], capture_output=True, check=False
    )
    assert done.returncode == 0
    file.write_text(json.dumps(description(far, **facts).to_json()), encoding="utf-8")
    return ["connect", "books", "--oauth", str(file), "--sandbox", far.url, *more]


def address(running: subprocess.Popen[str]) -> str:
    """Returns the address that is shown."""
    assert running.stderr is not None
    while line := running.stderr.readline():
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("No address was shown.")


def go(url: str) -> int:
    """Goes to an address as a browser does, and returns the status."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=10)
    line.request("GET", f"{parts.path}?{parts.query}")
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status


def test_the_browser_comes_back_to_a_listener_on_this_machine(tmp_path: Path) -> None:
    """Answers to nobody's question get 404 and end nothing; the right one joins the account."""
    with provider() as far:
        words = joining(tmp_path, far, "-o", "json")
        with command(tmp_path / "state", *words) as running:
            back = browse(address(running))
            assert go(back.replace("/callback", "/other")) == 404
            assert go(back.replace("state=aut_", "state=aut_0")) == 404
            assert go(back) == 200
            out, err = running.communicate(timeout=60)
            assert running.returncode == 0, err
        shown = json.loads(out)
        assert (shown["outcome"], shown["data"]["kind"]) == ("succeeded", "oauth2")
        assert far.asked == ["authorization_code"]
    no_trace(tmp_path, out, err)


def test_the_address_can_be_pasted(tmp_path: Path) -> None:
    """For a machine without a browser; what the provider then says is shown by its code alone."""
    with provider(secret=CLIENT_SECRET) as far:
        words = joining(tmp_path, far, "--paste", redirect_uri=REDIRECT)
        with command(tmp_path / "state", *words) as running:
            assert running.stdin is not None
            running.stdin.write(browse(address(running)) + "\n")
            out, err = running.communicate(timeout=60)
            # The description says that there is no secret, and the provider wants one.
            assert running.returncode == 1
            assert "invalid_client" in err
        assert far.tokens == []
    no_trace(tmp_path / "state", out, err)


@pytest.mark.parametrize("where", ["https://host.example/back", "http://127.0.0.1/back"])
def test_a_way_back_that_is_not_here_needs_a_paste(tmp_path: Path, where: str) -> None:
    """The listener takes no place that it cannot hold."""
    with provider() as far:
        words = joining(tmp_path, far, redirect_uri=where)
        with command(tmp_path / "state", *words) as running:
            _, err = running.communicate(timeout=60)
            assert running.returncode == 2
    assert "--paste" in err


def test_a_description_that_cannot_be_used_is_bad_usage(tmp_path: Path) -> None:
    """The field is named."""
    with provider() as far:
        words = joining(tmp_path, far)
        (tmp_path / "provider.json").write_text('{"name": "x"}', encoding="utf-8")
        with command(tmp_path / "state", *words) as running:
            _, err = running.communicate(timeout=60)
            assert running.returncode == 2
    assert "authorization_endpoint" in err
