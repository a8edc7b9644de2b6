"""Proves that anchors keep checkpoints, tell what is wrong with them, and hold nobody up."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from threading import Event

import pytest

from connector_vault import AnchorError, CheckpointPlan, Held, Vault
from connector_vault.anchor_places import anchor_of
from connector_vault.anchoring import Anchoring
from connector_vault.marks import notes_in
from tests.vault.ground import Place, append

pytestmark = pytest.mark.requirement("log.checkpoint.anchors")


def notes(vault: Vault, count: int) -> list[tuple[str, int]]:
    """Makes so many checkpoints."""
    found: list[tuple[str, int]] = []
    for _ in range(count):
        append(vault, vault.draft(kind="connect"))
        made = vault.checkpoints.make()
        assert made is not None
        found.append((vault.checkpoints.signed(made), made.size))
    return found


def test_a_file_keeps_all_checkpoints(vault: Vault, tmp_path: Path) -> None:
    """One after the other, each once, for its owner alone; the log is compared with all."""
    path = tmp_path / "elsewhere.txt"
    anchor = anchor_of(f"file:{path}")
    assert anchor.held() == ""
    one, two = notes(vault, 2)
    for note, size in (one, one, two, two):
        anchor.keep(note, size)
    held = anchor.held() or ""
    assert notes_in(held) == [one[0], two[0]]
    assert path.stat().st_mode & 0o777 == 0o600
    (verdict,) = vault.proofs.verify(held=[Held(name="file", text=held)]).anchors
    assert (verdict.says, verdict.size) == ("fits", 2)


@pytest.mark.requirement("threat.16")
def test_a_file_that_was_deleted_swapped_or_is_further_gets_nothing(
    vault: Vault, tmp_path: Path
) -> None:
    """What is wrong with it is told, and what it holds stays."""
    path = tmp_path / "elsewhere.txt"
    one, two, three = notes(vault, 3)
    anchor = anchor_of(f"file:{path}")
    anchor.keep(*two)
    for content in ("", f"{one[0]}\n"):
        path.write_text(content)
        with pytest.raises(AnchorError, match="emptied or replaced"):
            anchor.keep(*three)
        assert path.read_text() == content
    path.unlink()
    with pytest.raises(AnchorError, match="emptied or replaced"):
        anchor.keep(*three)
    path.write_text(f"{three[0]}\n")
    with pytest.raises(AnchorError, match="has seen row 3"):
        anchor_of(f"file:{path}").keep(*two)
    path.write_text(three[0].replace(vault.id, "vault_other"))
    with pytest.raises(AnchorError, match="another log"):
        anchor_of(f"file:{path}").keep(*three)


@pytest.mark.requirement("threat.16")
def test_a_file_that_cannot_be_used_is_named(vault: Vault, tmp_path: Path) -> None:
    """A folder, a link, a pipe that nobody reads, a folder that is missing."""
    ((note, size),) = notes(vault, 1)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", ".", "gone/file"):
        with pytest.raises(AnchorError, match=name.replace(".", "cannot|no file")):
            anchor_of(f"file:{tmp_path / name}").keep(note, size)
    with pytest.raises(AnchorError):
        anchor_of(f"file:{tmp_path}").held()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_gets_a_line_that_can_be_found_again(
    vault: Vault, capsys: pytest.CaptureFixture[str], stream: str
) -> None:
    """Whatever else stands in the line."""
    ((note, size),) = notes(vault, 1)
    anchor = anchor_of(f"{stream}:")
    anchor.keep(note, size)
    line = getattr(capsys.readouterr(), stream[3:])
    assert json.loads(line) == {"checkpoint": note}
    assert notes_in(f"Nov 22 host app[7]: {line}") == [note]
    assert anchor.held() is None


def test_a_stream_that_was_closed_is_told(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an anchor that is behind, and no crash."""
    ((note, size),) = notes(vault, 1)
    with Path(os.devnull).open("w", encoding="utf-8") as closed:
        pass
    monkeypatch.setattr(sys, "stdout", closed)
    with pytest.raises(AnchorError, match="closed"):
        anchor_of("stdout:").keep(note, size)


def test_the_log_of_the_system_gets_a_line(vault: Vault, tmp_path: Path) -> None:
    """As a datagram on its socket; without the socket the anchor is behind."""
    ((note, size),) = notes(vault, 1)
    place = str(tmp_path / "log")
    anchor = anchor_of(f"syslog:{place}")
    with pytest.raises(AnchorError, match="system's log"):
        anchor.keep(note, size)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reading:
        reading.bind(place)
        reading.settimeout(30)
        anchor.keep(note, size)
        line = reading.recv(4096).decode()
    assert line.startswith("<85>connector-vault: ")
    assert (notes_in(line), anchor.held()) == ([note], None)


@pytest.mark.parametrize("uri", ["", "file", "file:", "file:name", "ftp://host/x", "stdout:/x"])
def test_an_anchor_that_is_none_is_refused(uri: str) -> None:
    """The message says what can be given."""
    with pytest.raises(AnchorError, match="Give file"):
        anchor_of(uri)


class Stuck:
    """An anchor that answers when it is let go."""

    name = "stuck"

    def __init__(self, error: str | None = None) -> None:
        """Takes what it says in the end."""
        self.go, self.came, self.sizes = Event(), Event(), list[int]()
        self.error = error

    def keep(self, note: str, size: int) -> None:
        """Waits."""
        del note
        self.came.set()
        self.go.wait()
        if self.error is not None:
            raise AnchorError(self.error)
        self.sizes.append(size)

    def held(self) -> str | None:
        """Gives nothing."""
        return None


@pytest.mark.requirement("threat.16")
def test_an_anchor_that_hangs_holds_nobody_up(place: Place) -> None:
    """Rows are written and signed, the vault closes in time, and the anchor is told as stale."""
    stuck = Stuck()
    plan = CheckpointPlan(rows=1, anchors=[stuck], answer_s=0.05)
    vault = Vault.create(place.database, key=place.key, checkpoints=plan)
    append(vault, vault.draft(kind="connect"))
    assert stuck.came.wait(30)
    append(vault, vault.draft(kind="connect"))
    assert vault.verify_log().signed == 2
    vault.close()
    (state,) = vault.checkpoints.anchors()
    assert state.stale is not None
    assert "no answer" in state.stale
    stuck.go.set()


@pytest.mark.requirement("threat.16")
def test_an_anchor_that_failed_is_asked_again() -> None:
    """With the newest checkpoint, as soon as there is one."""
    stuck = Stuck("It is full.")
    anchoring = Anchoring([stuck], limit_s=30)
    stuck.go.set()
    anchoring.send("one", 1)
    assert stuck.came.wait(30)
    stuck.came.clear()
    while anchoring.states()[0].stale is None:
        pass
    assert anchoring.states()[0].stale == "It is full."
    stuck.error = None
    anchoring.send("two", 2)
    anchoring.close()
    assert (stuck.sizes, anchoring.states()[0].stale) == ([2], None)
