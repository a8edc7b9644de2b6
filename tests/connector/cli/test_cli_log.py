"""Proves that the log is searched, followed, exported and read at the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.connector.cli.stage import Cli

pytestmark = pytest.mark.requirement("cli.log")

PROMPT = "canary-prompt-7717"


@pytest.fixture
def called(ready: Cli) -> Cli:
    """A state with two calls in its log, one of them refused."""
    assert ready.call("list_clients", "--user", "maria", "--prompt", PROMPT).status == 0
    assert ready.call("list_estimates", "--user", "otto").status == 3
    return ready


def test_a_list_shows_prompts_only_when_asked_and_writes_that_down(called: Cli) -> None:
    """Who looked stands in the log, as an entry of kind read."""
    assert PROMPT not in called("log").out
    assert called("log", "--kind", "read", "-o", "json").document["data"] == []
    shown = called("log", "--prompts", "--by", "ada", "--user", "maria")
    assert PROMPT in shown.out
    (read,) = called("log", "--kind", "read", "-o", "json").document["data"]
    assert (read["user"], read["facts"]["where"]) == ("ada", {"user": "maria"})
    called("log", "show", "4", "--by", "eve")
    assert called("log", "--kind", "read", "--user", "eve", "-o", "json").document["data"]


def test_a_list_as_lines_is_one_document_an_entry(called: Cli) -> None:
    """Newest first; without what is sealed."""
    lines = [json.loads(line) for line in called("log", "-o", "jsonl", "--limit", "2").out.split()]
    assert [line["outcome"] for line in lines] == ["refused", "succeeded"]
    assert {line["prompt"] for line in lines} == {None}


def test_a_text_is_found_in_what_is_sealed(called: Cli) -> None:
    """As a table, as a document and as lines; what is not there is said so."""
    words = ("log", "search", PROMPT.upper(), "--kind", "call")
    assert PROMPT in called(*words).out
    assert [one["prompt"] for one in called(*words, "-o", "json").document["data"]] == [PROMPT]
    assert json.loads(called(*words, "-o", "jsonl").out)["prompt"] == PROMPT
    assert "There may be more" in called(*words, "--limit", "1").err
    assert "No entry holds that text" in called("log", "search", "nowhere-to-be-found").err
    assert called("log", "search", " ").status == 2


def test_an_export_is_a_file_of_its_owner_alone_that_appears_whole(
    called: Cli, tmp_path: Path
) -> None:
    """Lines of JSON, oldest first; prompts only when asked for."""
    file = tmp_path / "log.jsonl"
    file.write_text("older")
    ended = called("log", "export", str(file))
    assert (ended.status, ended.out) == (0, "")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
    assert f"{len(lines)} entries exported." in ended.err
    assert PROMPT not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    called("log", "export", str(file), "--prompts", "--user", "maria")
    assert PROMPT in file.read_text()
    assert list(tmp_path.glob(".log.jsonl*")) == []


def test_an_export_to_stdout_is_the_same_lines(called: Cli) -> None:
    """`-` stands for it."""
    ended = called("log", "export", "-", "--outcome", "refused")
    assert [json.loads(line)["outcome"] for line in ended.out.splitlines()] == ["refused"]


def test_an_export_that_cannot_be_written_is_said_so(called: Cli, tmp_path: Path) -> None:
    """The folder is named, and nothing is left behind."""
    ended = called("log", "export", str(tmp_path / "none" / "log.jsonl"))
    assert ended.status == 1
    assert "cannot be written: No such file or directory" in ended.err
    ended = called("log", "export", str(tmp_path))
    assert ended.status == 1


def test_follow_shows_what_another_process_writes_until_ctrl_c(called: Cli) -> None:
    """The last entries first, then the new ones; Ctrl-C is its end, and no failure."""
    command = (
        *(sys.executable, "-m", "clientary_connector.frontends.cli"),
        *("log", "--follow", "-o", "jsonl", "--limit", "1", "--kind", "call"),
    )
    environment = {**os.environ, "CLIENTARY_STATE": str(called.state)}
    with subprocess.Popen(  # noqa: S603 - our own command line
        command, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["user"] == "maria"
        called.call("list_clients", "--user", "nadia")
        second = json.loads(process.stdout.readline())
        assert (second["user"], second["outcome"]) == ("nadia", "succeeded")
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == ""
        assert process.wait(30) == 0


def test_what_is_followed_is_no_document(called: Cli) -> None:
    """It has no end; lines do."""
    ended = called("log", "--follow", "-o", "json")
    assert ended.status == 2
    assert "-o jsonl" in ended.err


def test_a_kind_that_no_entry_has_is_refused_with_those_that_there_are(called: Cli) -> None:
    """A slip is no empty list."""
    ended = called("log", "--kind", "refusals")
    assert (ended.status, "'refusal'" in ended.err) == (2, True)
