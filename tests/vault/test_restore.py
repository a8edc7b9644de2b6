"""Proves that a restore is checked, atomic and logged, and brings nothing back to life."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connector_vault import (
    AnchorError,
    NotFoundError,
    Record,
    RestoreRefusedError,
    RestoreReport,
    StoreBusyError,
    StoreCorruptError,
    Transaction,
    Vault,
    VaultError,
    VaultLockedError,
    VaultMissingError,
    VaultRolledBackError,
    restore,
)
from connector_vault.restoring import STEPS
from tests.forking import started
from tests.vault.ground import Place, calls, store
from tests.vault.processes import open_until_told, restore_until

pytestmark = [
    pytest.mark.requirement("vault.restore"),
    pytest.mark.requirement("threat.22"),
    pytest.mark.slow,
]


def connect(vault: Vault, name: str) -> None:
    """Makes an account with a grant and a secret."""

    def made(change: Transaction) -> None:
        records = (
            Record(kind="connection", id=name, name=name, body={"state": "active"}),
            Record(kind="grant", id=f"{name}/ada", parent=name, body={"state": "active"}),
        )
        for record in records:
            _logged(vault, change, change.put(record, expect=None))

    vault.write(made)
    store(vault, name, value=f"canary-{name}")


def revoke(vault: Vault, name: str) -> None:
    """Closes account and grant for good, and destroys the secret."""

    def closed(change: Transaction) -> None:
        for kind, record_id in (("connection", name), ("grant", f"{name}/ada")):
            record = change.record(kind, record_id)
            assert record is not None
            after = replace(record, name=None, body={"state": "revoked"})
            kept = change.put(after, expect=record.revision, final=True)
            _logged(vault, change, kept)
        change.destroy_secrets(name)

    vault.write(closed)


def _logged(vault: Vault, change: Transaction, record: Record) -> None:
    subject = f"{record.kind}:{record.id}"
    change.append(vault.draft(kind=record.kind, subject=subject, revision=record.revision))


def state(vault: Vault, kind: str, name: str) -> object:
    """Reads the state of a record."""
    record = vault.read(lambda view: view.record(kind, name))
    return record and record.body["state"]


def saved(place: Place) -> Path:
    """Names the backup."""
    return place.root / "backups" / "one.db"


@pytest.fixture
def backed_up(place: Place) -> Place:
    """Makes a vault with two accounts, a backup of it, and revokes one account after that."""
    with place.create() as vault:
        connect(vault, "con_1")
        connect(vault, "con_2")
        calls(vault, 3)
        vault.back_up(saved(place))
        revoke(vault, "con_1")
        calls_after(vault)
    return place


def calls_after(vault: Vault) -> None:
    """Writes something that the backup lacks."""
    draft = vault.draft(kind="intent", operation="op_after", connection="con_2", persona="ada")
    vault.write(lambda change: change.append(draft))


def taken(place: Place, *, accept: bool = True) -> RestoreReport:
    """Restores the backup."""
    return restore(saved(place), place.database, key=place.key, accept=accept)


def check_con_1_is_gone(place: Place) -> None:
    """Sees that nothing of the revoked account works, and all of the other does."""
    with place.open() as vault:
        assert state(vault, "connection", "con_1") == "revoked"
        assert state(vault, "grant", "con_1/ada") == "revoked"
        with pytest.raises(NotFoundError):
            vault.open_secret("con_1", "api_key")
        assert state(vault, "connection", "con_2") == "active"
        assert vault.open_secret("con_2", "api_key").reveal() == "canary-con_2"
        report = vault.verify()
        assert (report.ok, report.faults) == (True, ())


def test_what_was_revoked_since_stays_revoked(backed_up: Place) -> None:
    """Record, grant and secret; the report says so, and what was lost, and where the old one is."""
    report = taken(backed_up)
    assert report.closed == ("connection:con_1", "grant:con_1/ada")
    assert report.destroyed == ("con_1",)
    assert (report.epoch, report.anchored) == (2, True)
    # The row of the backup itself, three of the revoke, one call.
    assert report.lost == 5
    assert report.kept == backed_up.database.with_name("vault.db.before-2")
    check_con_1_is_gone(backed_up)


def _gone(place: Place) -> None:
    shutil.rmtree(place.database.parent)


def _damaged(place: Place) -> None:
    data = bytearray(place.database.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    place.database.write_bytes(data)


def _no_database(place: Place) -> None:
    place.database.write_bytes(b"not a database" * 1_000)


def _older(place: Place) -> None:
    shutil.copy(saved(place), place.database)


@pytest.mark.parametrize("loss", [_gone, _damaged, _no_database, _older])
def test_the_anchor_alone_keeps_it_revoked(backed_up: Place, loss: Callable[[Place], None]) -> None:
    """The database that knew of the revoke is lost, damaged, or was replaced by the backup."""
    loss(backed_up)
    report = taken(backed_up)
    assert report.destroyed == ("con_1",)
    assert report.lost is not None
    check_con_1_is_gone(backed_up)


def test_the_database_alone_keeps_it_revoked(backed_up: Place) -> None:
    """The anchor is lost; the database that is replaced still says what was closed."""
    shutil.rmtree(backed_up.root / "anchors")
    report = taken(backed_up)
    assert (report.destroyed, report.anchored) == (("con_1",), False)
    check_con_1_is_gone(backed_up)


def test_without_both_it_says_that_nobody_knows(backed_up: Place) -> None:
    """That is what the anchor is for; the report says that every account has to be looked at."""
    shutil.rmtree(backed_up.root / "anchors")
    shutil.rmtree(backed_up.database.parent)
    with pytest.raises(RestoreRefusedError, match="nothing says what was revoked"):
        taken(backed_up, accept=False)
    report = taken(backed_up)
    assert (report.lost, report.anchored, report.closed) == (None, False, ())
    with backed_up.open() as vault:
        assert state(vault, "connection", "con_1") == "active"


def test_it_stays_revoked_through_every_later_restore(backed_up: Place) -> None:
    """Epoch by epoch, and from the database alone after the anchor was made anew."""
    for epoch in (2, 3):
        assert taken(backed_up).epoch == epoch
        check_con_1_is_gone(backed_up)
    shutil.rmtree(backed_up.root / "anchors")
    assert taken(backed_up).destroyed == ("con_1",)
    check_con_1_is_gone(backed_up)
    shutil.rmtree(backed_up.database.parent)
    assert taken(backed_up).destroyed == ("con_1",)
    check_con_1_is_gone(backed_up)


def test_a_secret_that_came_after_the_destroyed_ones_is_kept(place: Place) -> None:
    """What was destroyed is known by its version: the owner's later secret is not."""
    with place.create() as vault:
        connect(vault, "con_1")
        vault.write(lambda change: change.destroy_secrets("con_1"))
        store(vault, "con_1", value="later")
        vault.back_up(saved(place))
        store(vault, "con_1", "other", value="and another")
        vault.write(lambda change: change.destroy_secrets("con_1"))
        store(vault, "con_1", value="lost")
    shutil.rmtree(place.database.parent)
    report = taken(place)
    assert report.destroyed == ("con_1",)
    with place.open() as vault:
        with pytest.raises(NotFoundError):
            vault.open_secret("con_1", "api_key")
        assert store(vault, "con_1", value="new") == 3
        assert vault.verify().ok


def test_every_field_of_a_destroyed_owner_stays_destroyed(place: Place) -> None:
    """Also one that had no value any more when the owner's secrets were destroyed."""
    with place.create() as vault:
        for field in ("api_key", "other"):
            store(vault, "con_1", field)
        vault.back_up(saved(place))
        store(vault, "con_1", "other", value="newer")
        vault.write(lambda change: change.retire_previous("con_1", "other"))
        vault.write(lambda change: change.destroy_secrets("con_1"))
    taken(place)
    with place.open() as vault:
        for field in ("api_key", "other"):
            with pytest.raises(NotFoundError):
                vault.open_secret("con_1", field)
        assert vault.verify().ok


def test_an_older_backup_is_refused_unless_accepted(backed_up: Place) -> None:
    """The refusal counts what would be lost, and changes nothing."""
    before = backed_up.database.read_bytes()
    with pytest.raises(RestoreRefusedError, match="5 rows came after it"):
        taken(backed_up, accept=False)
    assert backed_up.database.read_bytes() == before
    with backed_up.open() as vault:
        assert vault.verify().epoch == 1


def test_the_database_from_before_a_restore_cannot_be_put_back(backed_up: Place) -> None:
    """Its log is longer, and its epoch is older."""
    report = taken(backed_up)
    assert report.kept is not None
    shutil.copy(report.kept, backed_up.database)
    with pytest.raises(VaultRolledBackError, match="from before a restore"):
        backed_up.open()


def test_what_was_replaced_can_be_restored_in_its_turn(backed_up: Place) -> None:
    """Nothing is lost for good by a restore that was a mistake."""
    kept = taken(backed_up).kept
    assert kept is not None
    report = restore(kept, backed_up.database, key=backed_up.key, accept=True)
    assert report.epoch == 3
    check_con_1_is_gone(backed_up)
    with backed_up.open() as vault:
        draft = vault.draft(kind="intent", operation="op_after", connection="con_2", persona="ada")
        with pytest.raises(VaultError, match="has an intent already"):
            vault.write(lambda change: change.append(draft))


def test_a_vault_is_taken_over_in_place_after_its_anchor_was_lost(place: Place) -> None:
    """The database is its own backup: that makes a new anchor, and the vault opens again."""
    with place.create() as vault:
        connect(vault, "con_1")
    shutil.rmtree(place.root / "anchors")
    with pytest.raises(AnchorError):
        place.open()
    report = restore(place.database, place.database, key=place.key, accept=True)
    assert report.lost == 0
    with place.open() as vault:
        assert vault.open_secret("con_1", "api_key").reveal() == "canary-con_1"
        assert vault.verify().ok


def test_the_newest_database_needs_no_accepting(place: Place) -> None:
    """Restored in place, it loses nothing."""
    with place.create() as vault:
        connect(vault, "con_1")
    report = restore(place.database, place.database, key=place.key)
    assert (report.lost, report.epoch) == (0, 2)


def test_what_was_done_stands_in_the_log(backed_up: Place) -> None:
    """One row for the epoch with all that was found, and one for each thing closed again."""
    taken(backed_up)
    with backed_up.open() as vault:
        end = vault.read(lambda view: [view.log_row(seq) for seq in range(13, 17)])
        rows = [(row.kind, row.subject, row.revision) for row in end if row]
        assert rows == [
            ("restore", "connection:con_1", 2),
            ("restore", "grant:con_1/ada", 2),
            ("restore", "secret:con_1/api_key", 2),
            ("restore", "vault:epoch", 1),
        ]
        last = end[-1]
        assert last is not None
        assert last.facts == {
            "epoch": 2,
            "rows": 12,
            "lost": 5,
            "closed": ["connection:con_1", "grant:con_1/ada"],
            "destroyed": ["con_1"],
            "erased": 0,
            "unreadable": 0,
            "anchored": True,
        }


def test_a_vault_that_is_open_is_not_replaced(backed_up: Place) -> None:
    """Neither by another process, nor by this one."""
    process, told = started(open_until_told, backed_up.root)
    assert told.recv() == "open"
    with pytest.raises(StoreBusyError, match="is open in a process"):
        taken(backed_up)
    process.kill()
    process.join()
    with backed_up.open(), pytest.raises(StoreBusyError):
        taken(backed_up)
    taken(backed_up)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8192])


def _edited(path: Path) -> None:
    place = Place(path.parent)
    with place.edited(path) as file:
        file.execute("UPDATE records SET body = '{\"state\":\"wider\"}' WHERE id = 'con_2'")


def _log_edited(path: Path) -> None:
    place = Place(path.parent)
    with place.edited(path) as file:
        file.execute("UPDATE log SET user = 'eve' WHERE seq = 3")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [_cut, _edited, _log_edited, _empty])
def test_a_damaged_backup_changes_nothing(backed_up: Place, spoil: Callable[[Path], None]) -> None:
    """It is checked whole before anything is put in place."""
    spoil(saved(backed_up))
    before = backed_up.database.read_bytes()
    with pytest.raises((RestoreRefusedError, StoreCorruptError)):
        taken(backed_up)
    assert backed_up.database.read_bytes() == before
    names = {path.name for path in backed_up.database.parent.iterdir()}
    assert names <= {"vault.db", "vault.db.open", "vault.db.fence"}
    backed_up.open().close()


def test_a_backup_of_another_vault_is_refused(
    backed_up: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Even under the same key."""
    other = Place(tmp_path_factory.mktemp("other"))
    with Vault.create(other.database, key=backed_up.key) as vault:
        vault.back_up(saved(other))
    with pytest.raises(RestoreRefusedError, match="another vault"):
        restore(saved(other), backed_up.database, key=backed_up.key, accept=True)


def test_the_wrong_key_is_told_by_fingerprints(backed_up: Place) -> None:
    """Nothing is changed."""
    before = backed_up.database.read_bytes()
    backed_up.key_file.unlink()
    with pytest.raises(VaultLockedError):
        taken(backed_up)
    assert backed_up.database.read_bytes() == before


def test_a_backup_that_is_not_there_is_named(place: Place) -> None:
    """And nothing is made."""
    with pytest.raises(VaultMissingError, match="no backup"):
        taken(place)
    assert list(place.root.iterdir()) == []


def test_every_file_of_a_restore_is_private(backed_up: Place) -> None:
    """Under any umask, the replaced database too."""
    shutil.rmtree(backed_up.root / "anchors")
    before = os.umask(0)
    try:
        taken(backed_up)
    finally:
        os.umask(before)
    files = [path for path in backed_up.root.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    folders = [path for path in backed_up.root.rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_progress_is_told(backed_up: Place) -> None:
    """Rows checked and rows in all."""
    told: list[tuple[int, int]] = []
    restore(
        saved(backed_up),
        backed_up.database,
        key=backed_up.key,
        accept=True,
        told=lambda done, total: told.append((done, total)),
    )
    assert told == sorted(told)
    assert told[-1][0] <= told[-1][1]
    assert len(told) > 1


@pytest.mark.parametrize("at", STEPS)
@pytest.mark.parametrize("loss", [None, _gone, _damaged])
def test_a_restore_that_is_killed_leaves_the_vault_before_or_after_it(
    backed_up: Place, at: str, loss: Callable[[Place], None] | None
) -> None:
    """It opens, or is still as lost as it was; run again it ends, and the revoke holds."""
    if loss is not None:
        loss(backed_up)
    process, told = started(restore_until, backed_up.root, saved(backed_up), at)
    process.join()
    told.close()
    assert process.exitcode == -signal.SIGKILL
    placed = at in {"after replace", "after anchor"}
    if loss is None or placed:
        with backed_up.open() as vault:
            assert vault.verify().ok
            assert vault.verify().epoch == (2 if placed else 1)
    report = taken(backed_up)
    assert report.epoch == (3 if placed else 2)
    check_con_1_is_gone(backed_up)
    names = {path.name for path in backed_up.database.parent.iterdir()}
    assert not any("restored" in name for name in names)
    kept = backed_up.database.with_name("vault.db.before-2")
    assert kept.exists() == (loss is not _gone)
