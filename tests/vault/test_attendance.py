"""Proves that the living are told from the dead, in this process and in others."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from connector_vault import StoreError
from connector_vault.attendance import Attendance

pytestmark = pytest.mark.requirement("vault.attendance")

PRESENT = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from connector_vault.attendance import Attendance

    print(Attendance(Path(sys.argv[1])).me, flush=True)
    sys.stdin.readline()
    """
)


def test_whoever_has_it_open_is_present_until_it_is_closed(tmp_path: Path) -> None:
    """The file goes with the one who made it."""
    one, other = Attendance(tmp_path / "vault.db"), Attendance(tmp_path / "vault.db")
    assert one.me == one.me != other.me
    assert other.is_present(one.me)
    one.close()
    assert not other.is_present(one.me)
    assert other.is_present(other.me)
    other.close()
    assert list((tmp_path / "vault.db.present").iterdir()) == []


def test_a_killed_process_is_no_longer_present(tmp_path: Path) -> None:
    """The kernel drops its lock; who finds its file removes it."""
    here = Attendance(tmp_path / "vault.db")
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, "-c", PRESENT, str(tmp_path / "vault.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        there = process.stdout.readline().strip()
        assert here.is_present(there)
        process.kill()
    assert (tmp_path / "vault.db.present" / there).exists()
    assert not here.is_present(there)
    assert not (tmp_path / "vault.db.present" / there).exists()


@pytest.mark.parametrize("name", ["", "0123", "..", "../vault.db"])
def test_who_never_came_is_not_present(tmp_path: Path, name: str) -> None:
    """No name leads out of the folder."""
    (tmp_path / "vault.db").write_bytes(b"stays")
    assert not Attendance(tmp_path / "vault.db").is_present(name)
    assert (tmp_path / "vault.db").read_bytes() == b"stays"


def test_nobody_comes_where_no_file_can_be_made(tmp_path: Path) -> None:
    """It is a named error, and a second try may do better."""
    here = Attendance(tmp_path / "none" / "vault.db")
    with pytest.raises(StoreError):
        _ = here.me
    (tmp_path / "none").mkdir()
    assert here.is_present(here.me)
    here.close()
