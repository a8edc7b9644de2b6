"""Proves that a backup is whole, private and without the key, whatever happens meanwhile."""

from __future__ import annotations

import base64
import os
import resource
import shutil
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from connector_vault import (
    FileTakenError,
    StoreCorruptError,
    StoreError,
    StoreUnavailableError,
    Vault,
    VaultLockedError,
    View,
    restore,
)
from connector_vault.backup import last
from tests.vault.ground import CANARY, Place, append, calls, intent, store

pytestmark = pytest.mark.requirement("vault.backup")


def at(place: Place, name: str = "one.db") -> Path:
    """Names a backup."""
    return place.root / "backups" / name


def moved(place: Place, backup: Path, elsewhere: Path) -> Place:
    """Restores a backup on a machine that has the key and nothing else."""
    other = Place(elsewhere)
    shutil.copytree(place.key_file.parent, other.key_file.parent)
    restore(backup, other.database, key=other.key, accept=True)
    return other


def test_a_backup_holds_what_the_vault_held(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Secrets, records and log open from it, with the key, on another machine."""
    with place.create() as vault:
        store(vault)
        calls(vault, 20)
        report = vault.back_up(at(place))
        store(vault, "con_2")
    assert (report.path, report.seq) == (at(place), 41)
    assert report.size == at(place).stat().st_size
    with moved(place, at(place), tmp_path_factory.mktemp("other")).open() as other:
        assert other.open_secret("con_1", "api_key").reveal() == CANARY
        assert other.id == vault.id
        assert other.verify().ok


def test_a_backup_made_while_others_write_is_one_moment(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Writers do not stop for it, and every outcome in it has its intent."""
    with place.create() as vault, place.open() as writer:
        calls(vault, 300)
        stop = Event()

        def write() -> None:
            number = 0
            while not stop.is_set():
                append(writer, intent(writer, f"op_more_{number}"))
                number += 1

        thread = Thread(target=write)
        thread.start()
        reports = [vault.back_up(at(place, f"{number}.db")) for number in range(5)]
        stop.set()
        thread.join()
        end = vault.read(lambda view: len(view.open_intents()))
    assert [report.seq for report in reports] == sorted(report.seq for report in reports)
    assert end > 0
    for number in (0, 4):
        other = moved(place, at(place, f"{number}.db"), tmp_path_factory.mktemp("other"))
        with other.open() as found:
            report = found.verify()
            assert report.ok
            assert report.log.rows == reports[number].seq + 1


def test_a_backup_is_private_and_one_file(place: Place) -> None:
    """0600 in a folder that was made for it, 0700, under any umask; no journal beside it."""
    before = os.umask(0)
    try:
        with place.create() as vault:
            calls(vault, 3)
            vault.back_up(at(place))
    finally:
        os.umask(before)
    assert [path.name for path in at(place).parent.iterdir()] == ["one.db"]
    assert at(place).stat().st_mode & 0o777 == 0o600
    assert at(place).parent.stat().st_mode & 0o777 == 0o700


def test_a_backup_holds_neither_key_nor_value(place: Place) -> None:
    """In no spelling: whoever finds it needs the key, which is elsewhere."""
    with place.create() as vault:
        store(vault)
        calls(vault, 1)
        vault.back_up(at(place))
    held = at(place).read_bytes()
    text = place.key_file.read_bytes().split(b"\n")[1]
    key = base64.b64decode(text)
    for trace in (key, text, key.hex().encode(), CANARY.encode(), b"why and what"):
        assert trace not in held
    place.key_file.unlink()
    with pytest.raises(VaultLockedError):
        restore(at(place), place.root / "x" / "vault" / "vault.db", key=place.key, accept=True)


def test_nothing_is_overwritten_by_a_backup(place: Place) -> None:
    """Not the last one, and not the vault itself."""
    with place.create() as vault:
        vault.back_up(at(place))
        before = at(place).read_bytes()
        for path in (at(place), place.database):
            with pytest.raises(FileTakenError, match="name another"):
                vault.back_up(path)
        assert at(place).read_bytes() == before
        assert vault.verify().ok


def test_the_last_backup_is_known_and_logged(place: Place) -> None:
    """When, how far, and by whom; a backup that failed is none."""
    with place.create() as vault:
        assert vault.read(last) is None
        vault.back_up(at(place), user="ada")
        vault.back_up(at(place, "two.db"), user="bob")
        with pytest.raises(FileTakenError):
            vault.back_up(at(place))
        found = vault.read(last)
        assert found is not None
        assert {name: found[name] for name in ("file", "seq")} == {"file": "two.db", "seq": 1}

        def logged(view: View) -> list[tuple[str, str | None]]:
            rows = [view.log_row(seq) for seq in (1, 2)]
            return [(row.kind, row.user) for row in rows if row]

        assert vault.read(logged) == [("backup", "ada"), ("backup", "bob")]


def test_progress_is_told(place: Place) -> None:
    """Pages done and pages in all, to the end."""
    told: list[tuple[int, int]] = []
    with place.create() as vault:
        draft = vault.draft(kind="connect", facts={"long": "x" * 3_000})
        vault.write(lambda change: [change.append(draft) for _ in range(400)])
        vault.back_up(at(place), told=lambda done, total: told.append((done, total)))
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]


def test_a_damaged_vault_is_not_backed_up(place: Place) -> None:
    """A copy of damage would be found only when it is needed."""
    with place.create() as vault:
        calls(vault, 200)
    data = bytearray(place.database.read_bytes())
    with place.edited() as file:
        (root,) = file.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'log_ref'"
        ).fetchone()
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    place.database.write_bytes(data)
    with place.open() as vault, pytest.raises(StoreCorruptError):
        vault.back_up(at(place))
    assert list(at(place).parent.iterdir()) == []


@contextmanager
def no_room(limit: int) -> Generator[None]:
    """Lets no file grow beyond a limit, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.requirement("threat.15")
def test_a_backup_without_room_leaves_nothing(place: Place, vault: Vault) -> None:
    """The error is named, the vault goes on, and the next try has the name free."""
    calls(vault, 300)
    with no_room(100_000), pytest.raises(StoreError):
        vault.back_up(at(place))
    assert list(at(place).parent.iterdir()) == []
    vault.back_up(at(place))
    assert vault.verify().ok


def test_a_place_that_cannot_be_used_is_named(place: Place, vault: Vault) -> None:
    """Where the folder would be, there is a file."""
    (place.root / "backups").write_text("")
    with pytest.raises(StoreUnavailableError, match="No backup can be made"):
        vault.back_up(at(place))
