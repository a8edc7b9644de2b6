"""Sets the stage for tests of the command line: a sandbox, a state, and ways to call a command."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import pytest

from clientary_connector import Terms, open_connector
from clientary_connector.frontends.cli import main
from clientary_connector.sandbox import RunningSandbox

MODULE: Final = (sys.executable, "-m", "clientary_connector.frontends.cli")
TIMEOUT_S: Final = 60
#: Runs the command line with the terminal on stdin as its own, as a shell would.
AT_TERMINAL: Final = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from clientary_connector.frontends.cli import main
sys.exit(main(sys.argv[1:]))
"""
EVERYTHING: Final = (
    "clients:read",
    "clients:write",
    "clients:delete",
    "projects:read",
    "projects:write",
    "staff:read",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """Calls commands over one state."""

    def __init__(self, state: Path, capture: pytest.CaptureFixture[str]) -> None:
        """Takes the state and what captures the streams."""
        self.state = state
        self._capture = capture

    def __call__(self, *words: str, stdin: bytes = b"") -> Ended:
        """Runs a command in this process."""
        self._capture.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            status = main(["--state", str(self.state), *words])
        captured = self._capture.readouterr()
        return Ended(status, captured.out, captured.err)

    def process(
        self, *words: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> Ended:
        """Runs a command in a process of its own."""
        done = subprocess.run(  # noqa: S603 -- our own program
            [*MODULE, "--state", str(self.state), *words],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
            env={**os.environ, **(env or {})},
        )
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    def set_up(self, far_side: RunningSandbox, *scopes: str) -> None:
        """Makes the vault, connects `books` and grants `bookkeeper` the scopes, unasked."""
        assert self("init").status == 0
        self.connect(far_side)
        self.grant(*(scopes or EVERYTHING), approve="never")

    def grant(self, *scopes: str, approve: str = "default") -> None:
        """Grants `bookkeeper` the scopes over `books`, with a rule for approvals."""
        with open_connector(self.state) as connector:
            terms = Terms(scopes=scopes, approve=approve)
            connector.grant("bookkeeper", "books", user="admin", terms=terms)

    def connect(self, far_side: RunningSandbox, name: str = "books") -> Ended:
        """Connects the sandbox under a name."""
        key = far_side.key.encode()
        ended = self("connect", name, "--sandbox", far_side.url, "--key-stdin", stdin=key)
        assert ended.status == 0, ended
        return ended

    def call(self, action: str, *words: str, stdin: bytes = b"") -> Ended:
        """Runs an action as the bookkeeper over `books`."""
        return self("call", action, "books", "--persona", "bookkeeper", *words, stdin=stdin)


def commands_of(group: click.Group, before: str = "") -> Iterator[tuple[str, click.Command]]:
    """Gives the words and the command of everything in a group, and in the groups in it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{before}{name} ")


def wait_for_request(far_side: RunningSandbox, *, seen: int) -> None:
    """Waits until the far side has heard more requests than it had."""
    deadline = time.monotonic() + TIMEOUT_S
    while len(far_side.sandbox.requests) <= seen:
        assert time.monotonic() < deadline, "no request came"
        threading.Event().wait(0.01)


def at_terminal(cli: Cli, *words: str, typed: Sequence[str]) -> tuple[int, str]:
    """Runs a command at a terminal, a line for each prompt; gives its status and the screen."""
    lines = iter(typed)
    ours, theirs = os.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", AT_TERMINAL, "--state", str(cli.state), *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # the other side has closed it
            while part := os.read(ours, 4096):
                seen += part
                if seen.endswith(b": "):
                    os.write(ours, f"{next(lines)}\n".encode())
        status = process.wait(TIMEOUT_S)
    os.close(ours)
    return status, seen.decode()
