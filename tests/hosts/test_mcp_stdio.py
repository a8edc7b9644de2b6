"""Proves `clientary mcp` as a process of its own, over stdin and stdout."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client, StdioServerParameters

from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage

pytestmark = [pytest.mark.requirement("host.mcp.stdio"), pytest.mark.slow]

MODULE: Final = ("-m", "clientary_connector.frontends.cli")
WAIT_S: Final = 60

#: Runs the command line; says on stderr when what opens lines is loaded, and at the end writes
#: into a file which modules were. The first word says how long after the tools that begins.
TELLING: Final = """
import atexit, pathlib, sys
answered_s, told, words = float(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
atexit.register(lambda: told.write_text("\\n".join(sys.modules)))
def heard(event, about):
    if event == "import" and about[0] == "aiohttp":
        print("loading", file=sys.stderr, flush=True)
sys.addaudithook(heard)
from clientary_connector.frontends.cli import main
from clientary_connector.frontends.mcp import stdio
stdio.ANSWERED_S = answered_s
sys.exit(main(words))
"""
#: What a list of tools needs none of: what calls go through, admins, the other servers of ours.
NOT_LISTING: Final = frozenset(
    {"aiohttp", "authlib", "httpx", "jinja2", "jsonschema", "jsonschema_rs", "lark", "rich", "yaml"}
    | {f"clientary_connector.call.{name}" for name in ("executor", "journal", "lines", "transport")}
    | {f"clientary_connector.{name}" for name in ("accounts", "approver", "authorizing", "billing")}
    | {f"clientary_connector.{name}" for name in ("granting", "issuing", "log", "logentry")}
    | {f"clientary_connector.{name}" for name in ("oauth", "rotating", "settlements", "tending")}
    | {f"clientary_connector.frontends.{name}" for name in ("console", "mcp.http", "web")}
    | {f"connector_vault.{name}" for name in ("backup", "erasure", "inspection", "keyrotator")}
    | {f"connector_vault.{name}" for name in ("logcheck", "restoring", "rotation", "turns")}
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One sandbox and one connector, beside the one of the server."""
    with set_stage(tmp_path_factory.mktemp("mcp") / "state") as ready:
        yield ready


def _words(stage: Stage, connection: str = ACCOUNT) -> list[str]:
    who = ["--connection", connection, "--persona", PERSONA, "--user", USER]
    return [*MODULE, "--state", str(stage.state), "mcp", *who]


def _process(stage: Stage, connection: str = ACCOUNT) -> subprocess.Popen[bytes]:
    return _started(*_words(stage, connection))


def _started(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the command under test
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )


def _said(process: subprocess.Popen[bytes], method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Sends one request and reads its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    process.stdin.write(json.dumps(request).encode() + b"\n")
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def _greeted(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    about = {"name": "test", "version": "1"}
    asked = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": about}
    return _said(process, "initialize", asked)


@pytest.mark.parametrize("era", ["legacy", "2026-07-28"])
def test_the_official_client_works_with_it(stage: Stage, era: str) -> None:
    """It starts the server, lists, calls, and ends it."""
    parameters = StdioServerParameters(command=sys.executable, args=_words(stage))

    async def whole() -> tuple[int, Any]:
        async with Client(parameters, mode=era) as client:
            listed = await client.list_tools()
            arguments = {"request": "Who?", "limit": 1, "fields": ["name"]}
            result = await client.call_tool("list_staff", arguments)
            return len(listed.tools), result.structured_content

    count, told = stage.wait(whole)
    assert count == len(stage.connector.manifest.actions) + 1, "and the search by name"
    assert told["outcome"] == "succeeded"
    (entry,) = stage.connector.log.page(limit=1).entries
    assert (entry.user, entry.persona, entry.action) == (USER, PERSONA, "list_staff")


@contextmanager
def _listing(stage: Stage, told: Path, *, answered_s: float) -> Generator[subprocess.Popen[bytes]]:
    """Starts one that tells what it loads, and has it list its tools."""
    words = _words(stage)[len(MODULE) :]
    with _started("-c", TELLING, str(answered_s), str(told), *words) as process:
        _greeted(process)
        assert _said(process, "tools/list", {})["result"]["tools"]
        yield process


def _loaded(told: Path) -> set[str]:
    return set(told.read_text(encoding="utf-8").splitlines())


@pytest.mark.requirement("host.mcp.start")
def test_the_tools_are_listed_without_what_only_calls_need(stage: Stage, tmp_path: Path) -> None:
    """A client waits for the list before it does anything else."""
    told = tmp_path / "modules"
    with _listing(stage, told, answered_s=3600) as process:
        _, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, err) == (0, b"")
    assert "clientary_connector.frontends.mcp.serving" in _loaded(told)
    assert not _loaded(told) & NOT_LISTING


@pytest.mark.requirement("host.mcp.start")
def test_what_calls_need_is_loaded_once_the_tools_are_listed(stage: Stage, tmp_path: Path) -> None:
    """The first call does not wait for it, and what it is for."""
    told = tmp_path / "modules"
    with _listing(stage, told, answered_s=0) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"loading\n"
        process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert {"aiohttp", "clientary_connector.call.executor"} <= _loaded(told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
def test_it_ends_quietly_however_it_is_ended(stage: Stage, number: int | None) -> None:
    """By Ctrl-C, by a polite kill, or by a client that closes the pipe."""
    with _process(stage) as process:
        assert _greeted(process)["result"]["protocolVersion"] == "2025-11-25"
        if number is not None:
            process.send_signal(number)
            # The pipe stays open: the server must not wait for it.
            assert process.wait(WAIT_S) == 0
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel which files are open")
def test_a_signal_before_the_first_message_ends_it_as_one_after_it_does(stage: Stage) -> None:
    """From the moment at which it opens the state: whoever starts it may think better of it."""
    with _process(stage) as process:
        opened = Path(f"/proc/{process.pid}/fd")
        while "vault.db" not in {file.resolve().name for file in opened.iterdir()}:
            time.sleep(0.001)
        process.terminate()
        out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_what_is_no_message_is_answered_and_nothing_else_comes_out(stage: Stage) -> None:
    """A line that is no JSON, and one that is empty, end nothing."""
    with _process(stage) as process:
        _greeted(process)
        assert process.stdin is not None
        process.stdin.write(b"\nno json\n")
        # Of the line that is no JSON nothing is known to which an answer could go.
        assert _said(process, "tools/list", {})["result"]["tools"]
        out, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in out.splitlines())


def test_a_message_without_end_ends_the_server(stage: Stage) -> None:
    """Before it has filled the memory."""
    with _process(stage) as process:
        _greeted(process)
        assert process.stdin is not None
        endless = itertools.repeat(b"x" * 65_536)
        with pytest.raises(BrokenPipeError):
            process.stdin.writelines(endless)
        assert process.wait(WAIT_S) == 0


def test_a_connection_that_is_not_there_is_said_at_once(stage: Stage) -> None:
    """To the person who configures it: on stderr, with a status."""
    with _process(stage, "nothing") as process:
        out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode != 0
    assert (out, b"nothing" in err, b"Traceback" in err) == (b"", True, False)


def test_without_the_sdk_the_command_says_what_to_install(stage: Stage, tmp_path: Path) -> None:
    """It is an extra."""
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError(name='mcp')", encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the command under test
        [sys.executable, *_words(stage)],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=WAIT_S,
    )
    assert done.returncode != 0
    assert b"clientary-connector[mcp]" in done.stderr
