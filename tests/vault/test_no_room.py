"""Proves that a disk that is full or read-only is named at every step, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from connector_vault import (
    AnchorError,
    Secret,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    Vault,
    restore,
)
from connector_vault.hookcalls import HookCalls
from connector_vault.rotation import State
from connector_vault.rotation_run import Limits
from connector_vault.rotator import Rotator
from tests.forking import started
from tests.full_disk import FullDisk, full_disk
from tests.vault.far_side import FIRST, Automatic, FarSide
from tests.vault.ground import CANARY, Clock, Place, append, calls, intent, settle, store
from tests.vault.processes import read_only

pytestmark = [pytest.mark.requirement("threat.15"), pytest.mark.requirement("vault.full_disk")]

KEY = ("con_1", "api_key")
HOUR = 3600.0
#: The steps that write; the others ask the service.
WRITING = ("lease", "intend", "store", "begin-set", "note-set", "note-test", "promote")
NO_ROOM = (StoreFullError, StoreUnavailableError)


@pytest.fixture
def disk() -> Generator[FullDisk]:
    """A disk that a test fills and that has room again after it."""
    made = FullDisk()
    yield made
    made.clear()


@pytest.mark.parametrize("step", WRITING)
def test_a_rotation_step_without_room_leaves_the_state_before_it(
    place: Place, tmp_path: Path, disk: FullDisk, step: str
) -> None:
    """A secret that works is in use all the time, and the rotation goes on where it was."""
    far, clock = FarSide.made(tmp_path / "far.json"), Clock()

    def fill(at: str) -> None:
        if at == f"before {step}":
            disk.fill()

    def rotator(vault: Vault, on_step: Callable[[str], None]) -> Rotator:
        hooks = HookCalls(limit_s=5.0)
        hooks.register(Automatic(far))
        limits = Limits(tries=3, overlap_s=HOUR, lease_s=60.0)
        return Rotator(vault, hooks, limits=limits, clock=clock, on_step=on_step)

    with place.create() as vault:
        store(vault, *KEY, FIRST)
        with pytest.raises(NO_ROOM):
            rotator(vault, fill).rotate(*KEY)
        in_use = _current(vault)
        disk.clear()
        assert far.accepts(in_use) is not None
        assert vault.verify().ok
        clock.now += HOUR
        again = rotator(vault, lambda _: None)
        after = again.rotate(*KEY) if step in {"lease", "intend"} else again.resume(*KEY)
        assert after.state in {State.OVERLAPPING, State.FINISHED}
        assert _current(vault) == "canary-key-1-of-acme"
        assert vault.verify().ok


def _current(vault: Vault) -> str:
    with vault.open_secret(*KEY) as secret:
        return secret.reveal()


@pytest.mark.parametrize("what", ["record", "secret", "intent", "outcome"])
def test_a_write_without_room_changes_nothing(place: Place, disk: FullDisk, what: str) -> None:
    """The error is named, what was there reads on, and with room the same write succeeds."""
    with place.create() as vault:
        store(vault)
        seq = append(vault, intent(vault))
        draft = intent(vault, "op_next")
        writes: dict[str, Callable[[], object]] = {
            "record": lambda: vault.write(lambda change: change.destroy_secrets("con_1")),
            "secret": lambda: store(vault, value="newer"),
            "intent": lambda: append(vault, draft),
            "outcome": lambda: settle(vault, seq),
        }
        disk.fill()
        with pytest.raises(NO_ROOM):
            writes[what]()
        assert _current(vault) == CANARY
        assert vault.verify().log.rows == 2
        disk.clear()
        writes[what]()
        assert vault.verify().ok


def test_a_journal_that_cannot_be_copied_back_is_kept(place: Place, disk: FullDisk) -> None:
    """The checkpoint at closing finds no room; every row is in the journal, and stays."""
    with place.create() as vault:
        draft = vault.draft(kind="connect", facts={"long": "x" * 3_000})
        vault.write(lambda change: [change.append(draft) for _ in range(500)])
    size = place.database.stat().st_size
    assert size > 1_500_000
    with place.open() as vault:
        calls(vault, 20)
        disk.fill(size // 2)
    journal = place.database.with_name("vault.db-wal")
    assert journal.stat().st_size > 0
    disk.clear()
    with place.open() as vault:
        report = vault.verify()
        assert (report.ok, report.log.rows) == (True, 540)


def test_reading_needs_no_room(place: Place) -> None:
    """A vault that is open reads and closes on a full disk; opening one there is a named error."""
    with place.create() as vault:
        store(vault)
        with full_disk():
            assert _current(vault) == CANARY
            assert vault.read(lambda view: view.log_row(1)) is not None
            vault.close()
    with full_disk(), pytest.raises(NO_ROOM):
        place.open()
    place.open().close()


def test_a_restore_without_room_leaves_the_vault_as_it_was(place: Place) -> None:
    """The copy is made beside it, and goes again."""
    backup = place.root / "backups" / "one.db"
    with place.create() as vault:
        store(vault)
        vault.back_up(backup)
    before = place.database.read_bytes()
    with full_disk(), pytest.raises(StoreError):
        restore(backup, place.database, key=place.key, accept=True)
    assert place.database.read_bytes() == before
    assert {path.name for path in place.database.parent.iterdir()} <= {
        "vault.db",
        "vault.db.open",
        "vault.db.fence",
    }
    with place.open() as vault:
        assert _current(vault) == CANARY


def test_a_vault_without_room_is_not_half_made(place: Place) -> None:
    """Neither database nor anchor; with room, it is made."""
    place.create().close()
    other = Place(place.root / "other")
    with full_disk(), pytest.raises((StoreError, AnchorError)):
        Vault.create(other.database, key=place.key)
    assert not other.database.exists()
    Vault.create(other.database, key=place.key).close()


def test_a_read_only_vault_is_named_and_left_alone(place: Place) -> None:
    """In a process of a user who may read and not write."""
    with place.create() as vault:
        with Secret(CANARY) as secret:
            vault.write(lambda change: change.store_secret(owner="con_1", field="f", secret=secret))
        calls(vault, 2)
    before = place.database.read_bytes()
    process, told = started(read_only, place.root)
    assert told.recv() == ["StoreReadOnlyError", "StoreReadOnlyError"]
    process.join()
    assert place.database.read_bytes() == before
    with place.open() as vault:
        assert vault.verify().ok
