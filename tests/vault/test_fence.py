"""Proves that whoever clears the fence waits for those inside, in every thread and process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from connector_vault import ForkedError, StoreError
from connector_vault.fence import Fence

pytestmark = pytest.mark.requirement("vault.fence")

FORKED = 7
INSIDE = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from connector_vault.fence import Fence

    with Fence(Path(sys.argv[1])).entered():
        print("inside", flush=True)
        sys.stdin.readline()
    print("outside", flush=True)
    sys.stdin.readline()
    """
)


def test_an_empty_fence_is_cleared_at_once(tmp_path: Path) -> None:
    """Nobody inside means nothing to wait for."""
    assert Fence(tmp_path / "vault.db").clear(limit_s=0)


def test_clearing_waits_for_everybody_in_this_process(tmp_path: Path) -> None:
    """The last of two who are inside lets it through, not the first."""
    fence = Fence(tmp_path / "vault.db")
    with fence.entered():
        with fence.entered():
            assert not fence.clear(limit_s=0)
        assert not fence.clear(limit_s=0)
    assert fence.clear(limit_s=0)


def test_clearing_waits_until_another_thread_has_left(tmp_path: Path) -> None:
    """It returns after the block ended, and not before."""
    fence = Fence(tmp_path / "vault.db")
    inside, leave = threading.Event(), threading.Event()
    said: list[str] = []

    def act() -> None:
        with fence.entered():
            inside.set()
            leave.wait()
            said.append("left")

    actor = threading.Thread(target=act)
    actor.start()
    inside.wait()
    threading.Timer(0.05, leave.set).start()
    assert fence.clear(limit_s=60)
    said.append("cleared")
    actor.join()
    assert said == ["left", "cleared"]


def test_clearing_waits_for_another_process(tmp_path: Path) -> None:
    """A process inside holds it up; one that left does not."""
    database = tmp_path / "vault.db"
    with _child(database) as child:
        assert not Fence(database).clear(limit_s=0.01)
        _tell(child)
        assert _line(child) == "outside"
        assert Fence(database).clear(limit_s=60)
        child.kill()


def test_a_process_that_dies_inside_holds_nobody_up(tmp_path: Path) -> None:
    """The kernel drops its lock."""
    database = tmp_path / "vault.db"
    with _child(database) as child:
        child.kill()
        child.wait()
        assert Fence(database).clear(limit_s=60)


def test_a_closed_fence_opens_again_for_whoever_enters(tmp_path: Path) -> None:
    """Closing gives the file back and no more."""
    fence = Fence(tmp_path / "vault.db")
    with fence.entered():
        fence.close()
    with fence.entered():
        assert not fence.clear(limit_s=0)
    fence.close()
    fence.close()


def test_whoever_enters_a_fence_that_was_closed_around_another_is_waited_for(
    tmp_path: Path,
) -> None:
    """The file that is opened anew is locked anew."""
    fence = Fence(tmp_path / "vault.db")
    with fence.entered():
        fence.close()
        with fence.entered():
            assert not fence.clear(limit_s=0)
    assert fence.clear(limit_s=0)
    fence.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_no_fence_survives_a_fork(tmp_path: Path) -> None:
    """A forked process enters nothing, and its end lets nobody out of the other one's fence."""
    fence = Fence(tmp_path / "vault.db")
    with fence.entered():
        child = os.fork()
        if child == 0:
            _end_as_forked(fence)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == FORKED
        assert not fence.clear(limit_s=0)
    assert fence.clear(limit_s=0)
    fence.close()


def test_a_fence_that_cannot_be_opened_is_an_error_by_name(tmp_path: Path) -> None:
    """Neither entering nor clearing goes on without the lock."""
    (tmp_path / "vault.db.fence").mkdir()
    fence = Fence(tmp_path / "vault.db")
    with pytest.raises(StoreError), fence.entered():
        raise AssertionError("Nobody gets in.")
    with pytest.raises(StoreError):
        fence.clear(limit_s=0)


def _end_as_forked(fence: Fence) -> None:
    """Ends the forked process, and says by its status what the fence has said."""
    try:
        with fence.entered():
            os._exit(0)
    except ForkedError:
        os._exit(FORKED)


def _child(database: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(  # noqa: S603 - our own interpreter and code
        [sys.executable, "-c", INSIDE, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert _line(child) == "inside"
    return child


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def _tell(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
