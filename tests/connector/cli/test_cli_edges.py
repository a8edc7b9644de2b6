"""Proves what a command does with secrets, bad input, interrupts and faults of its own."""

from __future__ import annotations

import errno
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from clientary_connector.call.result import Outcome, Result
from clientary_connector.frontends.cli import bar, commands, lazygroup, main
from clientary_connector.frontends.cli.options import login_name
from clientary_connector.frontends.cli.resultview import show_data, show_result
from clientary_connector.frontends.invocation import invocation
from clientary_connector.sandbox import RunningSandbox
from tests.connector.cli.stage import MODULE, TIMEOUT_S, Cli

#: Makes the terminal on stdin the one that the program asks its questions on.
TAKE_TERMINAL = (
    "import os, sys; os.open(os.ttyname(0), os.O_RDWR); os.execv(sys.argv[1], sys.argv[1:])"
)
KEY = "canary-0123456789abcdef0123456789abcdef"


@pytest.mark.requirement("cli.secret")
@pytest.mark.parametrize(
    "words",
    [
        ("connect", "books", KEY),
        ("connect", "books", "--key", KEY),
        ("connect", "books", f"--key={KEY}"),
        ("connect", "books", f"--key-stdin={KEY}"),
        ("connect", "books", "--sandbox", "http://127.0.0.1:1", KEY, "-o", "json"),
    ],
)
def test_a_key_given_as_an_argument_is_refused_and_not_repeated(
    cli: Cli, words: tuple[str, ...]
) -> None:
    """Neither stdout nor stderr shows what stood in its place."""
    cli("init")
    ended = cli(*words)
    assert ended.status == 2
    assert KEY not in ended.out + ended.err


@pytest.mark.requirement("cli.secret")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"a b", "space"),
        (b"a\nb\n", "line break"),
        (b"k\n\n", "line break"),
        (b"\xff\xfe", "UTF-8"),
        (b"k" * 5000, "too long"),
    ],
)
def test_what_cannot_be_a_key_is_refused_before_it_is_sent(
    cli: Cli, far_side: RunningSandbox, *, data: bytes, said: str
) -> None:
    """The reason is said, the value is not."""
    cli("init")
    before = len(far_side.sandbox.requests)
    ended = cli("connect", "books", "--sandbox", far_side.url, "--key-stdin", stdin=data)
    assert ended.status == 2
    assert said in ended.err
    assert len(far_side.sandbox.requests) == before


@pytest.mark.requirement("cli.secret")
@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_one_line_break_after_a_piped_key_is_not_part_of_it(
    cli: Cli, far_side: RunningSandbox, ending: bytes
) -> None:
    """What `echo` and an editor add is taken off."""
    cli("init")
    words = ("connect", "books", "--sandbox", far_side.url, "--key-stdin")
    assert cli(*words, stdin=far_side.key.encode() + ending).status == 0


@pytest.mark.requirement("cli.secret")
def test_without_a_terminal_a_key_has_to_be_piped_in(cli: Cli, far_side: RunningSandbox) -> None:
    """No prompt is written where nobody can answer it."""
    cli("init")
    ended = cli("connect", "books", "--sandbox", far_side.url, stdin=b"k")
    assert ended.status == 2
    assert "--key-stdin" in ended.err


@pytest.mark.requirement("cli.secret")
def test_the_key_is_asked_for_without_being_shown(cli: Cli, far_side: RunningSandbox) -> None:
    """On a terminal the key is typed blind, and nothing on the screen holds it."""
    cli("init")
    screen = _on_terminal(
        cli, "connect", "books", "--sandbox", far_side.url, answers={b"API key": far_side.key}
    )
    assert "Connected" in screen
    assert far_side.key not in screen


@pytest.mark.requirement("cli.revoke")
@pytest.mark.parametrize(("answer", "left"), [("n", "active"), ("y", "revoked")])
def test_a_revoke_asks_first_on_a_terminal(ready: Cli, answer: str, left: str) -> None:
    """A person decides; no leaves everything as it was."""
    screen = _on_terminal(ready, "revoke", "books", answers={b"[y/N]": answer})
    assert "Revoke books" in screen
    data = ready("connections", "--revoked", "-o", "json").document["data"]
    assert data[0]["state"] == left


@pytest.mark.requirement("policy.grants.cli")
@pytest.mark.parametrize(("answer", "left"), [("n", "active"), ("y", "closed")])
def test_a_grant_ends_on_a_terminal_once_a_person_said_so(
    ready: Cli, answer: str, left: str
) -> None:
    """No leaves it as it was."""
    screen = _on_terminal(
        ready, "grant", "revoke", "bookkeeper", "books", answers={b"[y/N]": answer}
    )
    assert "End the grant of bookkeeper over books?" in screen
    assert ready("grants", "-o", "json").document["data"][0]["state"] == left


@pytest.mark.requirement("policy.grants.cli")
@pytest.mark.parametrize(("answer", "count"), [("n", 1), ("y", 2)])
def test_a_file_of_grants_is_applied_on_a_terminal_once_a_person_said_so(
    ready: Cli, tmp_path: Path, answer: str, count: int
) -> None:
    """The difference is on the screen before the question."""
    file = tmp_path / "grants.yaml"
    file.write_text("grants:\n- persona: r\n  connection: books\n  scopes: ['*:read']\n")
    screen = _on_terminal(ready, "grants", "apply", str(file), answers={b"[y/N]": answer})
    assert screen.index("+ scopes: *:read") < screen.index("Make 1 changes?")
    assert len(ready("grants", "-o", "json").document["data"]) == count


@pytest.mark.requirement("cli.terminal")
def test_on_a_terminal_a_table_has_colour_and_fits(ready: Cli) -> None:
    """As many fields as the terminal holds, and how to see the others."""
    screen = _on_terminal(ready, "call", "list_clients", "books", "--persona", "bookkeeper")
    assert "\x1b[1;4mID" in screen
    assert "more fields" in screen
    assert all(len(line) < 200 for line in screen.splitlines())


@pytest.mark.requirement("cli.batch")
def test_a_batch_on_a_terminal_shows_how_far_it_is(ready: Cli, tmp_path: Path) -> None:
    """A line of progress appears and is gone in the end."""
    path = tmp_path / "calls.jsonl"
    path.write_text('{"action": "list_staff"}\n' * 3, encoding="utf-8")
    words = ("batch", str(path), "--connection", "books", "--persona", "bookkeeper")
    screen = _on_terminal(ready, *words)
    assert "[########" in screen
    assert screen.rstrip().endswith("3 calls: 3 succeeded.")


@pytest.mark.requirement("cli.terminal")
def test_no_command_writes_colour_into_a_pipe(ready: Cli) -> None:
    """Not even where the environment would have it."""
    for words in (("actions",), ("connections",), ("log",), ("--help",)):
        ended = ready.process(*words, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"})
        assert ended.status == 0
        assert "\x1b" not in ended.out + ended.err


@pytest.mark.requirement("cli.errors")
@pytest.mark.parametrize(
    "words",
    [
        ("connections",),
        ("grants",),
        ("log",),
        ("log", "verify"),
        ("call", "list_staff", "books", "--persona", "p"),
        ("connect", "books", "--sandbox", "http://127.0.0.1:1", "--key-stdin"),
        ("revoke", "books", "--yes"),
    ],
)
def test_where_nothing_was_set_up_the_first_step_is_named(cli: Cli, words: tuple[str, ...]) -> None:
    """Every command over a state that is missing says `clientary init`."""
    ended = cli(*words)
    assert ended.status == 1
    assert "clientary init" in ended.err
    document = cli(*words, "-o", "json").document
    assert document["outcome"] == "failed"
    assert document["error"]["message"]


@pytest.mark.requirement("cli.output")
@pytest.mark.parametrize(
    "words",
    [
        ("actions", "--effect", "nosuch", "-o", "json"),
        ("actions", "-ojson", "--nosuch"),
        ("actions", "--output=json", "a", "b"),
        ("nosuch", "--output", "json"),
        ("action", "nosuch", "-o", "json"),
        ("-o", "json", "--", "-x"),
    ],
)
def test_bad_usage_too_is_one_document_where_json_was_asked_for(
    cli: Cli, words: tuple[str, ...]
) -> None:
    """A program that reads JSON gets JSON, whatever was wrong."""
    ended = cli(*words)
    assert ended.status == 2
    assert ended.document["outcome"] == "refused"
    assert ended.document["error"]["kind"] == "invalid_arguments"
    assert ended.err


@pytest.mark.requirement("cli.errors")
def test_a_word_that_is_not_utf8_is_named_by_its_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is never printed as it stands."""
    assert main(["actions", "\udcff"]) == 2
    assert "Argument 2 of the command line is not UTF-8" in capsys.readouterr().err


@pytest.mark.requirement("cli.errors")
def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """It is bad usage all the same: stdout stays empty."""
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Commands:" in captured.err


@pytest.mark.requirement("cli.errors")
def test_an_error_nobody_foresaw_is_one_line_without_its_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message of a foreign error may hold a secret; its type and place do not."""

    def fail() -> None:
        raise RuntimeError(KEY)

    _add_command(monkeypatch, fail)
    assert main(["planted"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Unexpected error: RuntimeError at ")
    assert KEY not in captured.out + captured.err
    assert "Hint: " in captured.err


@pytest.mark.requirement("cli.status")
@pytest.mark.parametrize("error", [KeyboardInterrupt, click.Abort])
def test_ctrl_c_ends_a_command_with_130(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """As the shell does itself."""

    def stop() -> None:
        raise error

    _add_command(monkeypatch, stop)
    assert main(["planted"]) == 130


@pytest.mark.requirement("cli.commands")
def test_the_sandbox_prints_a_command_that_connects_to_it(cli: Cli) -> None:
    """What it shows can be pasted into a shell as it stands; Ctrl-C ends it well."""
    cli("init")
    words = [*MODULE, "--state", str(cli.state), "sandbox"]
    with subprocess.Popen(  # noqa: S603 -- our own program
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        shown = [process.stdout.readline() for _ in range(5)]
        command = shown[-1].strip()
        done = subprocess.run(  # noqa: S602 -- to paste it into a shell is the point
            command, shell=True, capture_output=True, check=False, timeout=TIMEOUT_S
        )
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    assert done.returncode == 0, done.stderr
    assert b"Connected" in done.stdout


@pytest.mark.requirement("cli.commands")
def test_the_sandbox_as_json_is_one_document(cli: Cli) -> None:
    """A script reads address and key; SIGTERM ends it as well."""
    with subprocess.Popen(  # noqa: S603 -- our own program
        [*MODULE, "sandbox", "-o", "json", "--seed", "7", "--size", "medium"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "Ctrl-C" in process.stderr.readline()
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0
        assert '"url": "http://127.0.0.1:' in process.stdout.read()
    assert cli


@pytest.mark.requirement("cli.errors")
def test_a_port_that_is_taken_is_said(cli: Cli, far_side: RunningSandbox) -> None:
    """The number is named, and no traceback is shown."""
    port = far_side.url.rpartition(":")[2]
    ended = cli("sandbox", "--port", port)
    assert ended.status == 1
    assert port in ended.err


@pytest.mark.requirement("cli.errors")
@pytest.mark.parametrize("name", ["sandbox", "demo"])
def test_without_the_extra_the_install_command_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What is missing can be had with one command."""
    for module in tuple(sys.modules):
        if module.startswith(("clientary_connector.sandbox", "starlette")):
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "clientary_connector.frontends.demo", raising=False)
    monkeypatch.setitem(sys.modules, "starlette", None)
    ended = cli(name)
    assert ended.status == 2
    assert "pip install 'clientary-connector[sandbox]'" in ended.err


@pytest.mark.requirement("cli.errors")
def test_a_system_without_login_names_asks_for_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container without a user database is no reason for a traceback."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    with pytest.raises(click.UsageError, match="--user"):
        login_name(None)
    assert login_name("ada") == "ada"


@pytest.mark.requirement("cli.demo")
@pytest.mark.parametrize(
    ("called", "on_path", "expected"),
    [
        ("bin/clientary", True, "clientary"),
        ("bin/clientary", False, "{bin}/clientary"),
        ("cli/__main__.py", False, f"{sys.executable} -m clientary_connector.frontends.cli"),
        ("bin/pytest", False, "clientary"),
    ],
)
def test_a_suggested_command_begins_as_this_one_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, called: str, on_path: bool, expected: str
) -> None:
    """It can be pasted where the program is not on the path, too."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "clientary").write_text("#!/bin/sh\n", encoding="utf-8")
    (folder / "clientary").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder) if on_path else str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(tmp_path / called)])
    assert invocation() == expected.format(bin=folder)
    assert invocation(Path("a b")).endswith(" --state 'a b'")


@pytest.mark.requirement("cli.batch")
def test_progress_is_drawn_for_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a pipe nothing is written; on a terminal it is redrawn at most ten times a second."""
    bar.Bar().show("text", done=1, total=2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    now = 100.0
    drawn = bar.Bar(clock=lambda: now)
    drawn.hide()
    drawn.show("one", done=1, total=4)
    drawn.show("two", done=2, total=4)
    now += 1
    drawn.show("three", done=9, total=4)
    now += 1
    drawn.show("four", done=0, total=None)
    drawn.end()
    drawn.show("five", done=1, total=4)
    text = capsys.readouterr().err
    assert text == (
        "\r\x1b[K[######..................]  25% one"
        "\r\x1b[K[########################] 100% three"
        "\r\x1b[K four\r\x1b[K"
    )


@pytest.mark.requirement("cli.commands")
def test_a_shell_can_complete_commands(cli: Cli) -> None:
    """The names are offered; a command that is none offers nothing and breaks nothing."""
    env = {"_CLIENTARY_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
    offered = cli.process(env={**env, "COMP_WORDS": "clientary con"})
    assert [line.rpartition(",")[2] for line in offered.out.split()] == [
        "connect",
        "connections",
        "console",
    ]
    nothing = cli.process(env={**env, "COMP_WORDS": "clientary nosuch x", "COMP_CWORD": "2"})
    assert nothing.err == ""


@pytest.mark.requirement("cli.terminal")
def test_a_terminal_of_another_encoding_stops_no_output(ready: Cli) -> None:
    """What it cannot show is escaped in a table; JSON is UTF-8 everywhere."""
    ready.call("create_client", "-a", "name=Bäckerei 🎉", "-a", "number=U-1")
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    words = ("call", "list_clients", "books", "--persona", "bookkeeper", "--limit", "100")
    shown = ready.process(*words, "--fields", "name,number", env=env)
    assert shown.status == 0
    assert r"B\xe4ckerei \U0001f389" in shown.out
    ended = ready.process(*words, "-o", "json", env=env)
    assert ended.status == 0, ended
    assert "Bäckerei 🎉" in [client["name"] for client in ended.document["data"]]


@pytest.mark.requirement("cli.terminal")
def test_a_stream_that_is_no_file_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A host that captures output in memory gets it."""
    memory = io.StringIO()
    monkeypatch.setattr(sys, "stdout", memory)
    assert main(["--version"]) == 0
    assert memory.getvalue().startswith("clientary ")


@pytest.mark.requirement("cli.terminal")
def test_fields_that_fit_the_terminal_are_all_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said to be missing where nothing is."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show_data([{"id": 1, "name": "x"}])
    captured = capsys.readouterr()
    assert "NAME" in captured.out
    assert captured.err == ""


@pytest.mark.requirement("cli.output")
def test_data_of_any_shape_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """What is no record is shown as the JSON that it is, and a result without a log entry too."""
    show_result(Result(outcome=Outcome.SUCCEEDED, operation="op", data=["a", 1]))
    assert json.loads(capsys.readouterr().out) == ["a", 1]


def _add_command(monkeypatch: pytest.MonkeyPatch, work: object) -> None:
    """Puts a command of the test into the list."""
    assert callable(work)
    command = click.Command("planted", callback=work)
    monkeypatch.setattr(sys.modules[__name__], "planted", command, raising=False)
    entry = lazygroup.Entry("planted", "planted", "Planted by a test.")
    monkeypatch.setitem(commands.COMMANDS, "planted", entry)
    monkeypatch.setitem(sys.modules, f"{lazygroup.PACKAGE}.planted", sys.modules[__name__])


def _on_terminal(cli: Cli, *words: str, answers: dict[bytes, str] | None = None) -> str:
    """Runs a command on a terminal, answers its questions, and returns what the screen showed."""
    waiting = dict(answers or {})
    terminal, inner = pty.openpty()
    shown = b""
    with subprocess.Popen(  # noqa: S603 -- our own program
        [sys.executable, "-c", TAKE_TERMINAL, *MODULE, "--state", str(cli.state), *words],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
    ) as process:
        os.close(inner)
        guard = threading.Timer(TIMEOUT_S, process.kill)
        guard.start()
        while data := _read(terminal):
            shown += data
            for question in [q for q in waiting if q in shown]:
                os.write(terminal, f"{waiting.pop(question)}\n".encode())
        guard.cancel()
    os.close(terminal)
    return shown.decode()


def _read(terminal: int) -> bytes:
    """Reads on; a terminal whose program has ended gives an error on Linux, nothing elsewhere."""
    try:
        return os.read(terminal, 4096)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""
