"""Proves that the demo does the main job before the user's eyes, and that what it says is true."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from clientary_connector.frontends.demo import DemoError, play
from clientary_connector.sandbox import Fault, FaultKind, Sandbox

pytestmark = pytest.mark.requirement("cli.demo")

PROGRAM = Path(sys.executable).parent / "clientary"
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What one demo showed, in a folder that has to be empty afterwards."""
    folder = tmp_path_factory.mktemp("demo")
    text = _demo(folder)
    assert list(folder.iterdir()) == [], "a demo that is not kept leaves nothing behind"
    return text


def test_the_demo_shows_every_step_and_its_line_in_the_log(shown: str) -> None:
    """The whole piece of work is there, in order, each call with who, why and what came of it."""
    steps = [line[3:] for line in shown.splitlines() if re.match(r"[ 1]\d \S", line)]
    assert [step.split(":")[0] for step in steps] == [
        "Connect an account with its API key",
        "Grant the persona bookkeeper what it needs, and nothing else",
        "Create Client",
        "Create Project",
        "Create Project Hours",
        "Create Project Hours",
        "Create Invoice",
        "Send Invoice Message",
        "What the person is shown, and their yes",
        "Send Invoice Message",
        "List Client Invoices",
        "Ask for more than was granted",
        "Revoke the connection, and try once more",
        "Verify the log",
    ]
    assert shown.count("user     ada, persona bookkeeper") == 10
    assert len(re.findall(r"^     prompt   \S", shown, re.MULTILINE)) == 10
    assert len(re.findall(r"^     response \S", shown, re.MULTILINE)) >= 7


def test_the_demo_shows_what_is_owed_and_what_is_refused(shown: str) -> None:
    """One call waits for a person, one is denied, one comes after the revoke; none is sent."""
    assert re.search(r"unpaid .*\n +.*balance 700.00", shown)
    assert "refused (approval_required): " in shown
    assert re.search(r"approved +by ada, for one call with these arguments", shown)
    assert "refused (denied): " in shown
    assert "refused (revoked): " in shown
    assert shown.count("nothing: Clientary saw no request") == 3
    assert re.search(r"verified +\d+ rows", shown)


def test_the_demo_fits_a_terminal_of_80_columns_and_has_no_colour(shown: str) -> None:
    """What comes out of a pipe is plain."""
    assert "\x1b" not in shown
    own_words = (line for line in shown.splitlines() if "/" not in line or "http" in line)
    assert [line for line in own_words if len(line) > 80] == []


def test_the_commands_that_the_demo_suggests_work(shown: str, tmp_path: Path) -> None:
    """Each can be pasted into a shell as it stands; the last one runs until it is stopped."""
    suggested = shown.partition("What to try next:\n")[2].splitlines()
    commands = [line.strip() for line in suggested if line.startswith("    ")]
    assert len(commands) == 7
    *finite, endless = commands
    for command in finite:
        done = _shell(command, tmp_path)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout
    assert endless.endswith(" sandbox")


def test_a_kept_demo_can_be_looked_around_in(tmp_path: Path) -> None:
    """With --keep the state stays, the suggestions lead into it, and no second one is put there."""
    state = tmp_path / "kept"
    shown = _demo(tmp_path, "--keep", str(state))
    assert f"--state {state} log" in shown
    assert (state / "vault" / "vault.db").exists()
    done = _shell(f"{PROGRAM} --state {state} log verify", tmp_path)
    assert done.returncode == 0
    again = _run(tmp_path, "--keep", str(state))
    assert again.returncode == 1
    assert "Traceback" not in again.stderr


def test_the_demo_as_json_holds_what_each_call_came_to(tmp_path: Path) -> None:
    """One document, and no story around it."""
    document = json.loads(_demo(tmp_path, "-o", "json"))
    outcomes = [step["result"]["outcome"] for step in document["data"]]
    assert outcomes == ["succeeded"] * 5 + ["refused"] + ["succeeded"] * 2 + ["refused"] * 2
    assert all(step["log"]["prompt"] for step in document["data"])


def test_a_demo_that_does_not_come_out_as_told_fails(tmp_path: Path) -> None:
    """It never claims what it did not see."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=422, method="POST", route="/projects"))
    with pytest.raises(DemoError, match="create_project came out as failed"):
        asyncio.run(play(tmp_path / "state", user="ada", sandbox=sandbox))


def _demo(folder: Path, *words: str) -> str:
    done = _run(folder, *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own program
        [PROGRAM, "demo", "--user", "ada", *words],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def _shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S602 -- to paste it into a shell is the point
        command,
        shell=True,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
