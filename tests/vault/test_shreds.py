"""Proves that what lies outside the database makes its text readable, and is named when lost."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connector_vault import (
    ErasedError,
    ShredError,
    StoreFullError,
    Transaction,
    Vault,
    VaultVersionError,
    restore,
    schema,
)
from connector_vault.cipher import Key
from connector_vault.columns import KeyRow
from connector_vault.erasure import Eraser
from connector_vault.keyring import Keyring
from connector_vault.places import UNMASKED
from connector_vault.places import Place as KeyPlace
from connector_vault.shreds import Held, Shreds
from tests.full_disk import full_disk
from tests.vault.ground import Place, append, intent, raw, row_of, rows_of

pytestmark = pytest.mark.requirement("log.erase.shreds")

PROMPT = b"canary-prompt-77aa"
ONE, TWO, NEAR = "11" * 16, "22" * 16, "11" * 15 + "12"
MATERIAL = bytearray(range(32))


@pytest.fixture
def vault(place: Place) -> Iterator[Vault]:
    """A vault with one call."""
    with place.create() as made:
        append(made, intent(made, payload=PROMPT))
        yield made


@pytest.fixture
def shreds(tmp_path: Path) -> Shreds:
    """A folder of shred keys, without any vault."""
    made = shreds_at(tmp_path)
    made.create()
    return made


def shreds_at(folder: Path) -> Shreds:
    """Gives the shred keys of a vault in a folder, with keys that count up."""
    numbers = iter(range(1, 200))
    return Shreds(folder / "shreds", "vault_1", lambda count: bytes([next(numbers)]) * count)


def folder_of(place: Place) -> Path:
    """Gives the one folder of shred keys."""
    (found,) = (place.root / "shreds").iterdir()
    return found


def test_a_masked_key_is_unmasked_by_its_own_shred_key_alone(shreds: Shreds) -> None:
    """What the database holds is the key, and says nothing without the other half."""
    masked = shreds.mask({ONE: MATERIAL, TWO: MATERIAL, NEAR: MATERIAL})
    assert len({*masked.values(), bytes(MATERIAL)}) == 4
    assert shreds.unmask(ONE, masked[ONE]) == bytes(MATERIAL)
    assert shreds.unmask(NEAR, masked[NEAR]) == bytes(MATERIAL)
    assert shreds.unmask(TWO, masked[ONE]) != bytes(MATERIAL)


def test_a_destroyed_shred_key_is_overwritten_where_it_stood(shreds: Shreds) -> None:
    """No byte of it is left in the file; others are as they were; again is the same."""
    masked = shreds.mask({ONE: MATERIAL, NEAR: MATERIAL})
    size = sum(path.stat().st_size for path in shreds.folder.iterdir())
    shreds.destroy([ONE])
    shreds.destroy([ONE])
    held = b"".join(path.read_bytes() for path in shreds.folder.iterdir())
    assert (b"\x01" * 32 in held, b"\x02" * 32 in held) == (False, True)
    assert len(held) == size + 2
    assert (shreds.state(ONE), shreds.state(NEAR)) == (Held.DESTROYED, Held.PRESENT)
    with pytest.raises(ErasedError):
        shreds.unmask(ONE, masked[ONE])


def test_a_key_without_shred_key_can_be_called_destroyed(shreds: Shreds) -> None:
    """So that an erasure of a key of old is remembered too."""
    assert shreds.state(TWO) is Held.LOST
    shreds.destroy([TWO])
    assert shreds.state(TWO) is Held.DESTROYED


def _shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def _blank_the_head(path: Path) -> None:
    path.write_bytes(bytes(16) + path.read_bytes()[16:])


def _change_a_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20] + b"x" + path.read_bytes()[21:])


ROOTS = {name * 16: bytes([number]) * 32 for number, name in enumerate(("0a", "f1", "55"), 1)}


def narrowed(shreds: Shreds) -> bytes:
    """Stores a shred key and narrows it to three messages; gives what opened everything."""
    shreds.mask({ONE: MATERIAL})
    whole = (shreds.folder / ONE[:2]).read_bytes()[16:48]
    shreds.narrow(ONE, ROOTS)
    return whole


def test_a_narrowed_key_gives_what_opens_single_messages_and_nothing_else(shreds: Shreds) -> None:
    """Its shred key is overwritten; narrowed again, no byte of what goes is left."""
    whole = narrowed(shreds)
    assert shreds.state(ONE) is Held.NARROWED
    assert shreds.unmask(ONE, MATERIAL) is None
    shreds.check(ONE)
    assert {name: shreds.root(ONE, name) for name in ROOTS} == ROOTS
    with pytest.raises(ErasedError):
        shreds.root(ONE, "77" * 16)
    gone, *stay = ROOTS
    shreds.narrow(ONE, {name: ROOTS[name] for name in stay})
    shreds.narrow(ONE, ROOTS)
    held = b"".join(path.read_bytes() for path in shreds.folder.iterdir())
    assert (whole in held, ROOTS[gone] in held) == (False, False)
    assert [shreds.root(ONE, name) for name in stay] == [ROOTS[name] for name in stay]
    with pytest.raises(ErasedError):
        shreds.root(ONE, gone)


def test_a_narrowed_key_can_be_destroyed_and_a_destroyed_one_not_narrowed(shreds: Shreds) -> None:
    """What opened its messages is overwritten before the file goes; again is the same."""
    narrowed(shreds)
    with (shreds.folder / f"rest-{ONE}").open("rb") as file:
        shreds.destroy([ONE])
        assert set(file.read()) == {0}
    shreds.destroy([ONE])
    shreds.narrow(ONE, ROOTS)
    assert shreds.state(ONE) is Held.DESTROYED
    assert not list(shreds.folder.glob("rest-*"))
    with pytest.raises(ErasedError):
        shreds.root(ONE, next(iter(ROOTS)))


def test_narrowing_that_was_cut_short_is_done_again(shreds: Shreds) -> None:
    """Before the slot is overwritten all is as before, whatever files are there by then."""
    masked = shreds.mask({ONE: MATERIAL})
    shard = shreds.folder / ONE[:2]
    before = shard.read_bytes()
    shreds.narrow(ONE, ROOTS)
    shard.write_bytes(before)
    (shreds.folder / f"rest-{ONE}.new").write_bytes(b"half of it")
    assert shreds.unmask(ONE, masked[ONE]) == bytes(MATERIAL)
    shreds.narrow(ONE, ROOTS)
    assert {name: shreds.root(ONE, name) for name in ROOTS} == ROOTS
    shard.write_bytes(before)
    shreds.destroy([ONE])
    assert sorted(path.name for path in shreds.folder.iterdir()) == [ONE[:2], "destroyed"]


def test_a_disk_without_room_leaves_a_key_as_it_was(shreds: Shreds) -> None:
    """Nothing is destroyed before what stays is on the disk."""
    masked = shreds.mask({ONE: MATERIAL})
    with full_disk(), pytest.raises(StoreFullError):
        shreds.narrow(ONE, ROOTS)
    assert shreds.unmask(ONE, masked[ONE]) == bytes(MATERIAL)


@pytest.mark.parametrize("damage", [Path.unlink, _change_a_byte])
def test_what_opens_single_messages_can_be_lost(
    shreds: Shreds, damage: Callable[[Path], None]
) -> None:
    """That is said as of any shred key, and is not called erased."""
    narrowed(shreds)
    damage(shreds.folder / f"rest-{ONE}")
    with pytest.raises(ShredError, match="Put the folder back"):
        shreds.root(ONE, min(ROOTS))


def test_a_key_without_shred_key_cannot_be_narrowed(shreds: Shreds) -> None:
    """There is nothing to destroy; nothing is made of it."""
    shreds.mask({ONE: MATERIAL})
    shreds.narrow(NEAR, ROOTS)
    assert shreds.state(NEAR) is Held.LOST


def test_a_name_inside_another_slot_is_not_found(tmp_path: Path) -> None:
    """Slots begin at multiples of their length, whatever bytes they hold."""
    odd = Shreds(tmp_path, "vault_1", lambda count: bytes.fromhex(NEAR) * (count // 16))
    odd.create()
    odd.mask({ONE: MATERIAL})
    assert odd.state(NEAR) is Held.LOST


def test_others_see_that_something_was_destroyed(shreds: Shreds, tmp_path: Path) -> None:
    """Each of them once; whoever comes later has seen it."""
    other = shreds_at(tmp_path)
    shreds.mask({ONE: MATERIAL})
    assert not other.changed()
    shreds.destroy([ONE])
    assert (other.changed(), other.changed()) == (True, False)
    assert not shreds_at(tmp_path).changed()


def test_a_look_that_was_just_taken_serves_whoever_asks_for_no_newer_one(
    shreds: Shreds, tmp_path: Path
) -> None:
    """What this process has destroyed itself it sees at once, and others after a moment at most."""
    other = shreds_at(tmp_path)
    shreds.mask({ONE: MATERIAL, TWO: MATERIAL})
    assert not other.changed()
    shreds.destroy([ONE])
    begin = time.monotonic()
    while not other.changed(lately=True):
        assert time.monotonic() - begin < 10
    other.destroy([TWO])
    assert other.changed(lately=True)


@pytest.mark.parametrize("damage", [_shorten, _blank_the_head, _change_a_byte, Path.unlink])
def test_a_damaged_slot_is_lost_and_not_another_key(
    shreds: Shreds, damage: Callable[[Path], None]
) -> None:
    """A wrong key is never given; new ones can be stored beside the damage."""
    masked = shreds.mask({ONE: MATERIAL})
    damage(shreds.folder / ONE[:2])
    assert shreds.state(ONE) is Held.LOST
    with pytest.raises(ShredError, match="Put the folder back"):
        shreds.unmask(ONE, masked[ONE])
    masked = shreds.mask({NEAR: MATERIAL})
    assert shreds.unmask(NEAR, masked[NEAR]) == bytes(MATERIAL)


def test_the_files_are_closed_to_everybody_else_and_no_links(shreds: Shreds) -> None:
    """Folder and files belong to their user alone; a link in place of a file is refused."""
    shreds.mask({ONE: MATERIAL})
    modes = [stat.S_IMODE(path.stat().st_mode) for path in shreds.folder.iterdir()]
    assert (modes, stat.S_IMODE(shreds.folder.stat().st_mode)) == ([0o600] * 2, 0o700)
    path = shreds.folder / TWO[:2]
    path.symlink_to(shreds.folder / ONE[:2])
    with pytest.raises(ShredError, match="cannot be used"):
        shreds.state(TWO)
    with pytest.raises(ShredError, match="cannot be used"):
        shreds.mask({TWO: MATERIAL})


def test_a_disk_without_room_is_named_and_leaves_no_half_slot(shreds: Shreds) -> None:
    """With room again the same key is stored, and opens."""
    with full_disk(), pytest.raises(StoreFullError):
        shreds.mask({ONE: MATERIAL})
    masked = shreds.mask({ONE: MATERIAL})
    assert shreds.unmask(ONE, masked[ONE]) == bytes(MATERIAL)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "shreds").write_text("")
    with pytest.raises(ShredError, match="cannot be made"):
        shreds_at(tmp_path).create()


@pytest.mark.parametrize("path", ["database", "backup"])
def test_no_shred_key_is_in_the_database_or_a_backup(place: Place, vault: Vault, path: str) -> None:
    """What opens the text lies in the folder alone."""
    backup = place.root / "saved" / "one.db"
    vault.back_up(backup)
    vault.close()
    (shard,) = [one for one in folder_of(place).iterdir() if len(one.name) == 2]
    shred = shard.read_bytes()[16:48]
    data = place.bytes_on_disk() if path == "database" else backup.read_bytes()
    assert len(shred) == 32
    assert shred not in data


def test_a_lost_folder_is_named_and_nothing_is_written_under_it(place: Place, vault: Vault) -> None:
    """Text does not open and none is sealed; secrets and rows do. Put back, all is as before."""
    vault.close()
    away = place.root / "away"
    folder_of(place).rename(away)
    with place.open() as again:
        with pytest.raises(ShredError, match="is missing"):
            again.open_payload(row_of(again, 1))
        with pytest.raises(ShredError, match="is missing"):
            intent(again, "op_2")
        with pytest.raises(ShredError, match="is missing"):
            intent(again, "op_2", user="somebody new")
        faults = again.verify().faults
        assert [fault.place for fault in faults] == ["shreds"]
        assert again.verify_log().ok
    away.rename(place.root / "shreds" / again.id)
    with place.open() as again:
        assert again.open_payload(row_of(again, 1)) == PROMPT
        assert again.verify().ok


def test_a_restore_goes_on_without_the_text_of_a_lost_folder(place: Place, vault: Vault) -> None:
    """Even over the vault's own file, as with a lost anchor; calls are logged and open again."""
    vault.close()
    shutil.rmtree(place.root / "shreds")
    report = restore(place.database, place.database, key=place.key)
    assert (report.erased, report.unreadable) == (0, 1)
    with place.open() as again:
        with pytest.raises(ErasedError):
            again.open_payload(row_of(again, 1))
        seq = append(again, intent(again, "op_2", payload=PROMPT))
        assert again.open_payload(row_of(again, seq)) == PROMPT
        assert again.verify().ok


def test_a_vault_of_the_first_version_is_masked_when_it_is_opened(
    place: Place, vault: Vault
) -> None:
    """Its text opens as before; its keys are whole nowhere in the database any more."""
    make_first_version(place, vault)
    with place.open() as again:
        assert again.open_payload(row_of(again, 1)) == PROMPT
        assert again.verify().ok
        assert again.read(lambda view: view.keys.counts())["audit"] == {"current": 1}
        Eraser(again).erase("ada", asked_by="root", reason="")
        with pytest.raises(ErasedError):
            again.open_payload(row_of(again, 1))


def test_a_backup_of_the_first_version_opens_no_text_that_was_erased_since(
    place: Place, vault: Vault
) -> None:
    """A restore destroys its whole keys too, as the shred keys say."""
    backup = backup_of_first_version(place, vault)
    with place.open() as again:
        Eraser(again).erase("ada", asked_by="root", reason="")
    report = restore(backup, place.database, key=place.key, accept=True)
    assert report.erased == 1
    with place.open() as again:
        with pytest.raises(ErasedError):
            again.open_payload(row_of(again, 1))
        assert again.verify().ok


@pytest.mark.parametrize("erased", [False, True])
def test_a_backup_of_the_first_version_whose_keys_were_masked_since(
    place: Place, vault: Vault, *, erased: bool
) -> None:
    """Opens as before; a key that was narrowed since is destroyed: it would open all of it."""
    backup = backup_of_first_version(place, vault)
    with place.open() as again:
        at = row_of(again, 1).at / 1_000_000
        append(again, intent(again, "op_2", payload=PROMPT))
        if erased:
            bound = at + 0.000_002
            Eraser(again).erase("ada", before=bound, asked_by="root", reason="")
            assert again.open_payload(row_of(again, 2)) == PROMPT
    report = restore(backup, place.database, key=place.key, accept=True)
    assert report.erased == int(erased)
    with place.open() as again:
        if erased:
            with pytest.raises(ErasedError):
                again.open_payload(row_of(again, 1))
        else:
            assert again.open_payload(row_of(again, 1)) == PROMPT
        assert again.verify().ok


def test_a_whole_key_does_not_pass_for_a_masked_one(place: Place, vault: Vault) -> None:
    """Who renames it in the database gets nothing opened."""
    age(vault)
    vault.close()
    with closing(raw(place.database)) as file:
        file.execute("UPDATE keys SET purpose = 'audit' WHERE purpose = 'audit-whole'")
    with place.open() as again:
        faults = [fault.place for fault in again.verify().faults]
        assert len(faults) == 1
        assert faults[0].startswith("keys ")


def backup_of_first_version(place: Place, vault: Vault) -> Path:
    """Makes the vault one of the first version, and gives a backup of it."""
    make_first_version(place, vault)
    backup = place.root / "older.db"
    shutil.copy(place.database, backup)
    return backup


def make_first_version(place: Place, vault: Vault) -> None:
    """Moves every row into a database as the first version laid it out, with no shred keys."""
    age(vault)
    vault.close()
    older = place.database.with_name("older.db")
    older.touch()
    with closing(raw(older)) as file:
        schema.migrate(file, schema.MIGRATIONS[:1])
        tables = file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        file.execute("ATTACH ? AS newer", (str(place.database),))
        for (table,) in tables:
            names = ", ".join(
                row[1] for row in file.execute(f"PRAGMA table_info({table})").fetchall()
            )
            file.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM newer.{table}")  # noqa: S608 - names of our own
        file.execute("UPDATE keys SET purpose = 'audit' WHERE purpose = 'audit-whole'")
        file.execute("PRAGMA journal_mode = WAL")
    older.replace(place.database)
    shutil.rmtree(place.root / "shreds")


def age(vault: Vault) -> None:
    """Wraps the one audit key whole, as the first version did."""
    keyring: Keyring = vault._keyring  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def whole(change: Transaction) -> None:
        rows = rows_of(change)
        (row,) = change.texts.keys("ada")
        term = keyring.term(rows, row.wrapper)
        masked = keyring.wrapping.unwrap(term, row)
        key = Key(row.id, keyring.shreds.unmask(row.id, masked.material) or b"")
        place = KeyPlace(UNMASKED, row.owner, row.period)
        sealed = keyring.wrapping.wrap(term, key, place, at=row.made_at)
        rows.delete_key(row.id, row.wrapper)
        older: KeyRow = row._replace(purpose=UNMASKED, sealed=sealed)
        rows.insert_key(older)

    vault.write(whole)


def test_an_unknown_newer_version_is_still_refused(place: Place, vault: Vault) -> None:
    """A vault of a version to come is left alone."""
    vault.close()
    with place.edited() as file:
        file.execute("PRAGMA user_version = 99")
    with pytest.raises(VaultVersionError):
        place.open()
