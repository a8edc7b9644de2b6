"""Proves that the log is checked against anchors, and proven to others, at the command line."""

from __future__ import annotations

import getpass
import json
import shutil
from pathlib import Path

import pytest

from clientary_connector.anchors import held_by, plan_of
from clientary_connector.errors import SettingsError
from clientary_connector.httpanchor import HttpAnchor
from clientary_connector.settings import Settings
from connector_vault import AnchorError
from connector_vault.verify import main as verifier
from tests.connector.cli.stage import Cli
from tests.vault.ground import raw
from tests.vault.loopback import Answer, Asked, serving, unreachable

pytestmark = pytest.mark.requirement("cli.log_proofs")


def filled(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a state whose log has an anchor elsewhere, and a row."""
    anchor = cli.state.parent / "elsewhere.txt"
    monkeypatch.setenv("CLIENTARY_ANCHORS", f"file:{anchor}")
    assert cli("init").status == 0
    row(cli)
    return anchor


def row(cli: Cli) -> None:
    """Writes a row of the log."""
    path = cli.state.parent / "backup.db"
    path.unlink(missing_ok=True)
    assert cli("vault", "backup", str(path), "--user", "ada").status == 0


def test_a_whole_log_passes_with_a_verdict_each(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a person and as JSON; the anchor of the settings is asked."""
    filled(cli, monkeypatch)
    told = cli("log", "verify")
    assert told.status == 0
    assert "Completeness: the log has all" in told.out
    data = cli("log", "verify", "-o", "json").document["data"]
    assert (data["integrity"], data["coverage"], data["completeness"]) == (True, True, True)
    assert (data["rows"], data["signed"], data["anchors"][0]["says"]) == (2, 2, "fits")
    lines = cli("log", "--kind", "verify", "-o", "json").document["data"]
    assert [(one["outcome"], one["facts"]["rows"]) for one in lines] == [
        ("succeeded", 2),
        ("succeeded", 1),
    ]
    assert {one["user"] for one in lines} == {getpass.getuser()}
    monkeypatch.delenv("CLIENTARY_ANCHORS")
    told = cli("log", "verify")
    assert (told.status, "not compared" in told.out) == (0, True)


@pytest.mark.requirement("threat.17")
def test_an_older_state_that_was_put_back_is_found(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything was put back together; what was kept elsewhere tells."""
    anchor = filled(cli, monkeypatch)
    shutil.copytree(cli.state, cli.state.parent / "old")
    row(cli)
    shutil.rmtree(cli.state)
    shutil.move(cli.state.parent / "old", cli.state)
    monkeypatch.delenv("CLIENTARY_ANCHORS")
    told = cli("log", "verify", "--anchor", str(anchor))
    assert (told.status, "truncated" in told.out) == (1, True)
    assert "Completeness: FAILED" in told.out


def test_a_changed_row_is_told_with_its_verdict(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Integrity fails, and coverage does not."""
    filled(cli, monkeypatch)
    file = raw(cli.state / "vault" / "vault.db")
    file.execute("DROP TRIGGER log_fixed")
    file.execute("UPDATE log SET user = 'eve'")
    file.close()
    told = cli("log", "verify")
    assert told.status == 1
    assert "Integrity: FAILED, 1 faults" in told.out
    assert "Coverage: every row" in told.out


@pytest.mark.requirement("threat.18")
def test_another_key_is_an_error_and_no_verdict(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was kept elsewhere is held against the vault's own."""
    filled(cli, monkeypatch)
    shown = cli("log", "key", "-o", "json").document["data"]
    assert cli("log", "verify", "--key", shown["key"]).status == 0
    assert cli("log", "key").out.strip() == shown["key"]
    assert shown["checkpoint"].startswith("vault_")
    other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    told = cli("log", "verify", "--key", other)
    assert (told.status, told.out) == (1, "")
    assert "another key" in told.err
    assert cli("log", "verify", "--key", "none").status == 2


def test_a_proof_is_written_and_checked_without_the_vault(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a row, and of the growth of the log; a file that is there is never written over."""
    filled(cli, monkeypatch)
    row(cli)
    key = cli("log", "key").out.strip()
    proof = cli.state.parent / "proof.json"
    assert cli("log", "prove", "1", "--out", str(proof)).status == 0
    assert cli("log", "prove", "1", "--out", str(proof)).status == 2
    growth = cli.state.parent / "growth.json"
    growth.write_text(json.dumps(json.loads(cli("log", "prove", "--since", "1").out)))
    shutil.rmtree(cli.state)
    assert verifier([str(proof), "--key", key]) == 0
    assert verifier([str(growth), "--key", key]) == 0


def test_what_cannot_be_proven_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is not there, a checkpoint that never was, and nothing at all."""
    filled(cli, monkeypatch)
    assert "no entry 9" in cli("log", "prove", "9").err
    assert "newest are of 1 rows" in cli("log", "prove", "--since", "7").err
    assert cli("log", "prove").status == 2
    assert cli("log", "prove", "1", "--since", "1").status == 2


def test_a_log_without_rows_has_a_key_and_nothing_to_sign(cli: Cli) -> None:
    """And its check passes."""
    cli("init")
    assert cli("log", "key", "-o", "json").document["data"]["checkpoint"] is None
    assert cli("log", "verify").status == 0


@pytest.mark.requirement("log.checkpoint.anchors", "threat.16")
def test_an_anchor_that_is_behind_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of the vault says how far each is, and what is wrong with it."""
    anchor = filled(cli, monkeypatch)
    data = cli("vault", "status", "-o", "json").document["data"]
    assert (data["signed"], data["anchors"][0]["rows"], data["anchors"][0]["stale"]) == (1, 1, None)
    assert data["log_key"] == cli("log", "key").out.strip()
    anchor.write_text("")
    assert "It has seen 0 of 1 signed rows." in cli("vault", "status").err
    anchor.write_text("vault_x/1\n1\nAAAA\n\n\u2014 vault_x AAAAAAAA\n")
    assert "another key" in cli("vault", "status").err


@pytest.mark.requirement("log.checkpoint.anchors")
def test_an_address_keeps_checkpoints_over_http() -> None:
    """Posted as text, read back as it was; every other answer is an anchor that is behind."""
    seen: list[Asked] = []
    answer = Answer(200, {"checkpoint": "kept"})

    def behaviour(asked: Asked) -> Answer:
        seen.append(asked)
        return answer

    with serving(behaviour) as url:
        settings = Settings(anchors=(f"{url}/log",))
        (anchor,) = plan_of(settings).anchors
        anchor.keep("a note", 1)
        assert (seen[0].method, seen[0].path, seen[0].body) == ("POST", "/log", b"a note")
        assert seen[0].headers["Content-Type"].startswith("text/plain")
        (held,) = held_by((), settings)
        assert held.text == '{"checkpoint": "kept"}'
        assert seen[1].method == "GET"
        answer = Answer(500)
        with pytest.raises(AnchorError, match="status 500"):
            anchor.keep("a note", 1)


@pytest.mark.requirement("log.checkpoint.anchors", "threat.16")
def test_an_address_that_does_not_answer_is_behind() -> None:
    """In a limited time, and told with the address."""
    with serving(lambda _: Answer(200, waits=True)) as url:
        anchor = HttpAnchor(f"{url}/log", Settings(anchor_answer_s=0.1))
        with pytest.raises(AnchorError, match="in time"):
            anchor.keep("a note", 1)
    with unreachable() as url:
        (held,) = held_by([f"{url}/log", "stdout:"], Settings())
        assert held.unreadable is not None
        assert "refused" in held.unreadable


@pytest.mark.parametrize("uri", ["http://host.example/x", "https://", "ftp://host/x", "file:x"])
def test_an_anchor_that_cannot_be_used_is_named_at_the_start(uri: str) -> None:
    """With the name of the setting that it comes from."""
    with pytest.raises(SettingsError, match="anchor"):
        plan_of(Settings(anchors=(uri,)))
