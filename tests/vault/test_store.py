"""Proves that the vault's files are private and whole, and that every fault has a name."""

from __future__ import annotations

import asyncio
import os
import resource
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

import connector_vault
from connector_vault import (
    Durability,
    OperationClaimedError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    Transaction,
    Vault,
    VaultExistsError,
    VaultLockedError,
    VaultMissingError,
    VaultVersionError,
    View,
    errors,
    schema,
)
from connector_vault.providers import create_key
from connector_vault.sqlite import MEANING, Connection, connect, meaning
from connector_vault.store import create_database
from tests.vault.ground import (
    Place,
    append,
    calls,
    connection_of,
    crowd,
    intent,
    putting,
    raw,
    stored,
)

pytestmark = pytest.mark.requirement("vault.store")


@pytest.mark.requirement("vault.files")
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_every_file_is_private_under_any_umask(place: Place, umask: int) -> None:
    """Database, journal and shared memory 0600, their folder 0700, also while in use."""
    before = os.umask(umask)
    try:
        with place.create() as vault:
            calls(vault, 2)
            modes = {
                path.name: path.stat().st_mode & 0o777 for path in place.database.parent.iterdir()
            }
    finally:
        os.umask(before)
    names = ("vault.db", "vault.db-wal", "vault.db-shm", "vault.db.open")
    assert modes == dict.fromkeys(names, 0o600)
    assert place.database.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.requirement("vault.files")
def test_a_vault_is_never_overwritten(place: Place) -> None:
    """Creating where one is leaves it as it is."""
    with place.create() as vault:
        identity = vault.id
    with pytest.raises(VaultExistsError):
        place.create()
    with place.open() as vault:
        assert vault.id == identity


@pytest.mark.requirement("vault.files")
def test_a_missing_vault_is_not_made(place: Place) -> None:
    """Opening where none is says so and makes nothing."""
    with pytest.raises(VaultMissingError):
        place.open()
    assert list(place.root.iterdir()) == []


@pytest.mark.requirement("vault.files")
def test_a_vault_that_cannot_be_made_is_an_error(place: Place) -> None:
    """Where its folder would be, there is a file."""
    (place.root / "vault").write_text("")
    with pytest.raises(StoreUnavailableError):
        place.create()


@pytest.mark.requirement("vault.files")
def test_a_clean_close_leaves_no_journal(place: Place) -> None:
    """It is copied into the database and goes; the file of the lock is empty and stays."""
    with place.create() as vault:
        calls(vault, 3)
    found = sorted(place.database.parent.iterdir())
    assert [path.name for path in found] == ["vault.db", "vault.db.open"]
    assert found[1].read_bytes() == b""


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_bytes(b"not a database " * 1_000)


def _other(path: Path) -> None:
    path.unlink()
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE vault (name, value)")
    file.close()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:8_192])


def _zeroed(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:4_096] + bytes(len(data) - 4_096))


def _no_identity(path: Path) -> None:
    file = raw(path)
    file.execute("DELETE FROM vault")
    file.close()


def _no_table(path: Path) -> None:
    file = raw(path)
    file.execute("DROP TABLE keys")
    file.close()


def _no_text(path: Path) -> None:
    file = raw(path)
    file.execute("UPDATE vault SET value = CAST(x'ff' AS TEXT)")
    file.close()


@pytest.mark.parametrize(
    "spoil", [_empty, _text, _other, _cut, _zeroed, _no_identity, _no_table, _no_text]
)
def test_a_damaged_file_is_named_so(place: Place, spoil: Callable[[Path], None]) -> None:
    """Whatever lies at the path and is no whole vault."""
    place.create().close()
    spoil(place.database)
    with pytest.raises(StoreCorruptError):
        place.open()


def test_a_newer_vault_is_not_touched(place: Place) -> None:
    """An older package refuses it, and says what to do."""
    place.create().close()
    with place.edited() as file:
        file.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    before = place.bytes_on_disk()
    with pytest.raises(VaultVersionError, match="newer version"):
        place.open()
    assert place.bytes_on_disk() == before


def _open_raw(place: Place) -> Connection:
    return connect(place.database, "full")


def test_an_older_vault_is_brought_up_to_date(place: Place) -> None:
    """The scripts that are missing run, each once, and the data stay."""
    with place.create() as vault:
        vault.write(putting(1))
    scripts = (*schema.MIGRATIONS, "CREATE TABLE later (a)", "INSERT INTO later VALUES (1)")
    connection = _open_raw(place)
    for _ in range(2):
        schema.migrate(connection, scripts)
        assert connection.execute("SELECT * FROM later").fetchall() == [(1,)]
        assert schema.version_of(connection, scripts) == len(scripts)
    connection.close()


@pytest.mark.requirement("policy.once.rounds")
def test_a_vault_of_the_first_version_keeps_its_claims(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operation that was claimed then is claimed still; a later round of it can be."""
    with monkeypatch.context() as before:
        before.setattr(schema.migrate, "__defaults__", (schema.MIGRATIONS[:1],))
        place.create().close()
    connection = _open_raw(place)
    assert schema.version_of(connection) == 1
    connection.close()
    with place.open() as vault:
        append(vault, intent(vault))
        with pytest.raises(OperationClaimedError):
            append(vault, intent(vault))
        later = append(vault, intent(vault)._replace(revision=2))
        with pytest.raises(OperationClaimedError):
            append(vault, intent(vault)._replace(revision=2))
        newest = vault.read(lambda view: view.intent_of_operation("con_1", "bookkeeper", "op_1"))
        assert newest is not None
        assert newest.seq == later
        assert vault.verify().ok
        assert schema.version_of(_open_raw(place)) == len(schema.MIGRATIONS)


def test_a_migration_that_fails_changes_nothing(place: Place) -> None:
    """All scripts and the version are one transaction."""
    place.create().close()
    scripts = (*schema.MIGRATIONS, "CREATE TABLE later (a)", "CREATE TABLE later (a)")
    connection = _open_raw(place)
    with pytest.raises(apsw.SQLError):
        schema.migrate(connection, scripts)
    assert schema.version_of(connection) == len(schema.MIGRATIONS)
    assert (
        connection.execute("SELECT name FROM sqlite_schema WHERE name = 'later'").fetchall() == []
    )
    connection.close()
    place.open().close()


def test_a_migration_that_cannot_run_is_an_error_of_the_vault(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of SQLite is mapped like any other."""
    place.create().close()
    monkeypatch.setattr(schema.migrate, "__defaults__", ((*schema.MIGRATIONS, "no sql"),))
    with pytest.raises(StoreError):
        place.open()


def test_every_error_of_apsw_has_a_meaning() -> None:
    """None is left out, also of a later version of apsw."""
    classes = {
        value
        for value in vars(apsw).values()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert classes == set(MEANING)
    for kind in classes:
        told = meaning(kind("canary"))
        assert isinstance(told, MEANING[kind][0])
        assert kind.__name__ in str(told)
        assert "canary" not in str(told)
    assert isinstance(meaning(UnicodeDecodeError("utf-8", b"canary", 0, 1, "x")), StoreCorruptError)


def test_every_error_of_the_vault_is_public_and_in_its_tree() -> None:
    """The tree in the module's docstring names each class, and the package exports it."""
    tree = errors.__doc__ or ""
    kinds = [value for value in vars(errors).values() if isinstance(value, type)]
    for kind in kinds:
        assert issubclass(kind, errors.VaultError)
        assert f"{kind.__name__}" in tree
        assert getattr(connector_vault, kind.__name__) is kind


@pytest.mark.requirement("vault.full_disk")
@pytest.mark.parametrize("looping", [False, True])
def test_a_full_disk_refuses_the_whole_group_and_recovers(vault: Vault, *, looping: bool) -> None:
    """Everybody in the group is told that the disk is full, and nothing of it is there."""
    vault.write(putting(0))
    _limit(vault, pages=0)
    draft = intent(vault, payload=bytes(200_000))

    async def main() -> Sequence[object]:
        await crowd(vault)
        return await asyncio.gather(
            vault.write_async(putting(1)),
            vault.write_async(lambda change: change.append(draft)),
            vault.write_async(putting(2)),
            return_exceptions=True,
        )

    if looping:
        assert [type(result) for result in asyncio.run(main())] == [StoreFullError] * 3
    else:
        with pytest.raises(StoreFullError):
            append(vault, draft)
    assert stored(vault) == {0}
    _limit(vault, pages=1_000_000)
    append(vault, draft)
    assert vault.verify_log().ok


def _limit(vault: Vault, pages: int) -> None:
    """Tells SQLite how large the file may be; it never cuts what is there."""

    def work(change: Transaction) -> None:
        connection_of(change).execute(f"PRAGMA max_page_count = {pages or 1}")

    vault.write(work)


def test_every_connection_has_all_its_settings(place: Place) -> None:
    """Readers and the writer: no schema is trusted, cells are checked, and memory is bounded."""
    wanted = {
        "secure_delete": 1,
        "trusted_schema": 0,
        "cell_size_check": 1,
        "temp_store": 2,
        "cache_size": -2_048,
        "wal_autocheckpoint": 4_000,
        "synchronous": 2,
    }

    def settings(view: View) -> dict[str, int]:
        connection = connection_of(view)
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted}

    with place.create() as vault:
        assert vault.read(settings) == vault.write(settings) == wanted


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_durability_is_what_was_asked_for(place: Place, durability: Durability) -> None:
    """The database reports the setting on the connection that writes."""
    place.create().close()
    with Vault.open(place.database, key=place.key, durability=durability) as vault:
        found = vault.write(
            lambda change: connection_of(change).execute("PRAGMA synchronous").fetchone()
        )
    assert found == ((2,) if durability == "full" else (1,))


@contextmanager
def _no_room() -> Generator[None]:
    """Lets no file of this process hold a byte more, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.requirement("vault.full_disk")
def test_nothing_half_made_is_left_where_there_is_no_room(place: Place) -> None:
    """No key file without a whole key, no database without its tables."""
    with _no_room(), pytest.raises(VaultLockedError, match="cannot be written"):
        create_key(place.key)
    assert not place.key_file.exists()
    create_key(place.key)
    with _no_room(), pytest.raises((StoreFullError, StoreUnavailableError)):
        place.create()
    assert list(place.database.parent.iterdir()) == []


@pytest.mark.requirement("vault.files")
def test_of_two_who_create_at_once_one_wins(place: Place) -> None:
    """The name is given last, and only if nobody has it."""

    def somebody_else(_: object) -> None:
        place.database.write_bytes(b"theirs")

    with pytest.raises(VaultExistsError):
        create_database(place.database, somebody_else)
    with pytest.raises(VaultExistsError):
        create_database(place.database, lambda _: None)
    assert place.database.read_bytes() == b"theirs"
    assert [path.name for path in place.database.parent.iterdir()] == ["vault.db"]


@pytest.mark.requirement("vault.files")
def test_a_file_that_goes_while_the_vault_is_open_is_an_error(vault: Vault) -> None:
    """The first write opens its own connection, and finds nothing."""
    vault.path.unlink()
    with pytest.raises(StoreUnavailableError):
        vault.write(putting(1))


@pytest.mark.requirement("vault.files")
def test_a_lock_that_cannot_be_opened_is_an_error(place: Place) -> None:
    """A link in its place is not followed."""
    place.create().close()
    lock = place.database.with_name("vault.db.open")
    lock.rename(place.root / "elsewhere")
    lock.symlink_to(place.root / "elsewhere")
    with pytest.raises(StoreUnavailableError, match=r"vault\.db\.open cannot be opened"):
        place.open()
