"""Proves that the anchor remembers what an older database must not undo."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from connector_vault import (
    AnchorError,
    IntegrityError,
    NotFoundError,
    Record,
    StoreUnavailableError,
    Transaction,
    Vault,
    VaultRolledBackError,
)
from connector_vault.anchor import Anchor, Head
from connector_vault.cipher import Key
from tests.vault.ground import CANARY, Place, append, calls, intent, store

pytestmark = pytest.mark.requirement("vault.anchor")

SLOT = 512


def anchor_file(place: Place) -> Path:
    """Gives the one anchor of a place."""
    (found,) = (place.root / "anchors").iterdir()
    return found


def connect(vault: Vault, name: str = "con_1") -> None:
    """Makes an account with a secret, and logs it."""

    def made(change: Transaction) -> None:
        record = Record(kind="connection", id=name, name=name, body={"state": "active"})
        kept = change.put(record, expect=None)
        subject = f"connection:{name}"
        change.append(vault.draft(kind="connect", subject=subject, revision=kept.revision))

    vault.write(made)
    store(vault, name)


def revoke(vault: Vault, name: str = "con_1") -> None:
    """Closes the account for good, and destroys its secret."""

    def closed(change: Transaction) -> None:
        record = change.record("connection", name)
        assert record is not None
        after = replace(record, name=None, body={"state": "revoked"})
        kept = change.put(after, expect=record.revision, final=True)
        change.destroy_secrets(name)
        subject = f"connection:{name}"
        change.append(vault.draft(kind="revoke", subject=subject, revision=kept.revision))

    vault.write(closed)


def copied(place: Place) -> Path:
    """Copies the closed database aside, as somebody does who means to put it back."""
    aside = place.root / "aside"
    shutil.copytree(place.database.parent, aside)
    return aside


def put_back(place: Place, aside: Path) -> None:
    """Puts the older database in the newer one's place."""
    shutil.rmtree(place.database.parent)
    shutil.copytree(aside, place.database.parent)


def store_newer(vault: Vault) -> int:
    """Puts another value in the place of the secret."""
    return store(vault, value="newer")


@pytest.mark.requirement("threat.22")
@pytest.mark.parametrize("change", [revoke, store_newer])
def test_an_older_database_put_back_is_refused(
    place: Place, change: Callable[[Vault], object]
) -> None:
    """The error says how far each is, and what to do; the newest one opens again."""
    with place.create() as vault:
        connect(vault)
    aside = copied(place)
    with place.open() as vault:
        change(vault)
    newest = place.database.read_bytes()
    put_back(place, aside)
    with pytest.raises(VaultRolledBackError, match=r"ends at row 2, .*`vault restore`"):
        place.open()
    place.database.write_bytes(newest)
    place.open().close()


@pytest.mark.requirement("threat.22")
def test_a_change_counts_from_the_moment_it_is_told(place: Place) -> None:
    """The process that revoked may die at once: the anchor has it before anybody is told."""
    with place.create() as vault:
        connect(vault)
        aside = copied(place)
        revoke(vault)
        held = anchor_file(place).read_bytes()
    anchor_file(place).write_bytes(held)
    put_back(place, aside)
    with pytest.raises(VaultRolledBackError):
        place.open()


@pytest.mark.requirement("threat.22")
def test_another_line_of_the_same_vault_is_refused(place: Place) -> None:
    """An older copy in which other things were done since: longer, and not what was seen."""
    anchors, older, seen = (place.root / name for name in ("anchors", "older", "seen"))
    with place.create() as vault:
        connect(vault)
    aside = copied(place)
    shutil.copytree(anchors, older)
    with place.open() as vault:
        store(vault, "con_2")
    anchors.rename(seen)
    older.rename(anchors)
    put_back(place, aside)
    with place.open() as vault:
        calls(vault, 3)
    shutil.rmtree(anchors)
    seen.rename(anchors)
    with pytest.raises(VaultRolledBackError, match="is not the row that was seen"):
        place.open()


@pytest.mark.requirement("vault.store")
def test_a_vault_that_need_not_wait_for_the_disk_waits_before_its_anchor(place: Place) -> None:
    """What the anchor has seen is in the database's own file, whatever becomes of the journal."""
    place.create().close()
    with Vault.open(place.database, key=place.key, durability="normal") as vault:
        connect(vault)
        alone = place.root / "alone" / "vault" / "vault.db"
        alone.parent.mkdir(parents=True)
        shutil.copy(place.database, alone)
        shutil.copytree(place.root / "anchors", place.root / "alone" / "anchors")
    with Vault.open(alone, key=place.key) as vault:
        assert vault.open_secret("con_1", "api_key").reveal() == CANARY


@pytest.mark.requirement("threat.17")
@pytest.mark.parametrize("last", [0, 6])
def test_a_log_cut_at_its_end_is_refused(place: Place, last: int) -> None:
    """All rows gone, or the newest two: what is left is a whole line, and too short."""
    with place.create() as vault:
        calls(vault, 4)
    with place.edited() as file:
        file.execute("DELETE FROM log WHERE seq > ?", (last,))
    with pytest.raises(VaultRolledBackError, match=f"ends at row {last}"):
        place.open()


@pytest.mark.requirement("threat.16")
def test_a_log_cut_while_it_is_in_use_is_noticed_at_the_next_row(place: Place) -> None:
    """The process knows how far it was; nothing is appended to the shorter line."""
    with place.create() as vault:
        calls(vault, 2)
        with place.edited() as file:
            file.execute("DELETE FROM log WHERE seq > 2")
        with pytest.raises(IntegrityError, match="log 4 is gone"):
            append(vault, intent(vault, "op_next"))


@pytest.mark.requirement("threat.2")
def test_what_was_closed_for_good_stays_closed_even_if_the_log_is_edited_too(
    place: Place,
) -> None:
    """Rows, keys and log are all put back; what stands outside the database decides."""
    with place.create() as vault:
        connect(vault)
        tables = ("records", "secrets", "keys")
        with place.edited() as file:
            before = {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in tables}  # noqa: S608 - constants only
        revoke(vault)
        with place.edited() as file:
            for name, rows in before.items():
                file.execute(f"DELETE FROM {name}")  # noqa: S608 - constants only
                marks = ", ".join("?" * len(rows[0]))
                for row in rows:
                    file.execute(f"INSERT INTO {name} VALUES ({marks})", row)  # noqa: S608 - constants only
            file.execute("UPDATE log SET subject = NULL WHERE seq > 2")
        with pytest.raises(IntegrityError, match="closed for good"):
            vault.read(lambda view: view.record("connection", "con_1"))
        with pytest.raises(IntegrityError, match="was destroyed"):
            vault.open_secret("con_1", "api_key")
        assert not vault.verify().ok


def test_what_another_process_closes_is_known_at_once(place: Place) -> None:
    """A vault that has been open for long looks at the anchor before it reads."""
    with place.create() as one, place.open() as other:
        connect(one)
        with place.edited() as file:
            before = file.execute("SELECT * FROM records").fetchall()
        revoke(other)
        with place.edited() as file:
            file.execute("DELETE FROM records WHERE kind = 'connection'")
            for row in before:
                file.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            file.execute("UPDATE log SET subject = NULL WHERE seq > 2")
        with pytest.raises(IntegrityError, match="closed for good"):
            one.read(lambda view: view.record("connection", "con_1"))


def test_a_closed_record_may_change_further(place: Place) -> None:
    """Closing bars what was before, not what comes after."""
    with place.create() as vault:
        connect(vault)
        revoke(vault)

        def again(change: Transaction) -> None:
            record = change.record("connection", "con_1")
            assert record is not None
            change.put(replace(record, body={"state": "active"}), expect=record.revision)

        vault.write(again)
        store(vault, value="newer")
        record = vault.read(lambda view: view.record("connection", "con_1"))
        assert (record and record.body) == {"state": "active"}
        assert vault.open_secret("con_1", "api_key").reveal() == "newer"


def test_an_anchor_left_behind_by_a_crash_is_healed(place: Place) -> None:
    """The commit was the last thing before the crash: opening brings the anchor up to date."""
    with place.create() as vault:
        connect(vault)
        before = anchor_file(place).read_bytes()
        revoke(vault)
        after = anchor_file(place).read_bytes()
    anchor_file(place).write_bytes(before)
    place.open().close()
    with place.open() as vault, pytest.raises(NotFoundError):
        vault.open_secret("con_1", "api_key")
    assert anchor_file(place).read_bytes()[2 * SLOT :] == after[2 * SLOT :] != b""


def test_a_torn_head_leaves_the_one_before(place: Place) -> None:
    """Whichever slot is spoiled, the other is whole; both spoiled is no anchor."""
    with place.create() as vault:
        connect(vault)
        connect(vault, "con_2")
    whole = anchor_file(place).read_bytes()
    for slot in (0, 1):
        spoiled = bytearray(whole)
        spoiled[slot * SLOT : slot * SLOT + 20] = bytes(20)
        anchor_file(place).write_bytes(spoiled)
        place.open().close()
    anchor_file(place).write_bytes(bytes(2 * SLOT))
    with pytest.raises(AnchorError, match="was altered"):
        place.open()


def _missing(file: Path) -> None:
    file.unlink()


def _link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to(file.with_name("elsewhere"))


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _of_another(file: Path) -> None:
    file.write_bytes(file.read_bytes()[::-1])


def _without_entries(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 2 * SLOT])


@pytest.mark.parametrize("spoil", [_missing, _link, _folder, _of_another, _without_entries])
def test_a_vault_without_its_anchor_does_not_open(
    place: Place, spoil: Callable[[Path], None]
) -> None:
    """The error names the file and what to do; nothing is written in its place."""
    with place.create() as vault:
        connect(vault)
        revoke(vault)
    spoil(anchor_file(place))
    with pytest.raises(AnchorError, match=r"anchors/vault_\w+\.anchor"):
        place.open()


def test_the_anchor_is_private_and_holds_no_secret(place: Place) -> None:
    """0600 in a folder of 0700, under any umask, without value or key in it."""
    before = os.umask(0)
    try:
        with place.create() as vault:
            connect(vault)
            revoke(vault)
    finally:
        os.umask(before)
    file = anchor_file(place)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    held = file.read_bytes()
    assert CANARY.encode() not in held
    assert place.key_file.read_bytes().split(b"\n")[1] not in held


def test_a_folder_can_be_chosen(place: Place) -> None:
    """It belongs on another disk; whoever opens the vault names it too."""
    folder = place.root / "other" / "disk"
    Vault.create(place.database, key=place.key, anchors=folder).close()
    assert [path.suffix for path in folder.iterdir()] == [".anchor"]
    with pytest.raises(AnchorError):
        place.open()
    Vault.open(place.database, key=place.key, anchors=folder).close()


def test_a_vault_whose_anchor_cannot_be_made_is_not_made(place: Place) -> None:
    """Where its folder would be, there is a file; no database is left."""
    (place.root / "anchors").write_text("")
    with pytest.raises(AnchorError, match="No anchor can be made"):
        place.create()
    assert not place.database.exists()


@pytest.mark.requirement("threat.16")
def test_an_anchor_that_goes_while_the_vault_is_open_makes_it_stale(place: Place) -> None:
    """What is committed stays committed, and the vault says that the anchor is behind."""
    with place.create() as vault:
        connect(vault)
        assert vault.stale is None
        away = anchor_file(place).rename(place.root / "away")
        revoke(vault)
        assert vault.stale is not None
        assert "missing" in vault.stale
        away.rename(place.root / "anchors" / f"{vault.id}.anchor")
        connect(vault, "con_2")
        assert vault.stale is None


@pytest.mark.requirement("threat.16")
def test_an_anchor_that_somebody_holds_is_waited_for_and_given_up(place: Place) -> None:
    """A process that was stopped may hold its lock for ever: the wait has a limit."""
    with place.create() as vault:
        with anchor_file(place).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            connect(vault)
            assert vault.stale is not None
            assert "holds the anchor" in vault.stale
        store(vault, "con_2")
        assert vault.stale is None


@pytest.mark.requirement("threat.16")
def test_a_database_swapped_while_it_is_open_is_noticed(place: Place) -> None:
    """The next read and the next write refuse, instead of going on in a file without a name."""
    with place.create() as vault:
        connect(vault)
        aside = place.root / "aside.db"
        shutil.copy(place.database, aside)
        aside.replace(place.database)
        with pytest.raises(StoreUnavailableError, match="replaced"):
            vault.read(lambda view: view.record("connection", "con_1"))
        with pytest.raises(StoreUnavailableError, match="replaced"):
            append(vault, intent(vault))
        place.database.unlink()
        with pytest.raises(StoreUnavailableError, match="gone"):
            vault.open_secret("con_1", "api_key")


def test_the_anchor_follows_a_long_log(place: Place) -> None:
    """Not at every row, but before much can be cut off; and when the vault is closed."""
    with place.create() as vault:
        draft = vault.draft(kind="intent", operation="op")
        many = [draft._replace(operation=f"op_{number}") for number in range(5_000)]
        vault.write(lambda change: [change.append(one) for one in many[:100]])
        assert _head(place, vault).seq == 0
        vault.write(lambda change: [change.append(one) for one in many[100:]])
        assert _head(place, vault).seq == 5_000
        append(vault, draft._replace(operation="op_last"))
        assert _head(place, vault).seq == 5_000
    with place.open() as vault:
        assert _head(place, vault).seq == 5_001


def _head(place: Place, vault: Vault) -> Head:
    """Reads what the anchor says now."""
    del place
    return vault._tools.anchor.head()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]


def test_an_anchor_never_goes_back(tmp_path: Path) -> None:
    """Of two processes that write it, the one that is behind changes nothing."""
    anchor = Anchor(tmp_path / "a" / "x.anchor", "vault_x", Key("00" * 16, bytes(32)))
    anchor.create(Head(epoch=1, seq=0, chain=b"start"))
    far, near = Head(epoch=1, seq=9, chain=b"far"), Head(epoch=1, seq=5, chain=b"near")
    anchor.advance(lambda _: (far, ()))
    anchor.advance(lambda _: (near, ()))
    assert anchor.head() == far
    later = Head(epoch=2, seq=3, chain=b"later")
    anchor.advance(lambda _: (later, ()))
    assert anchor.head() == later


def test_entries_are_kept_in_their_order(tmp_path: Path) -> None:
    """Each opens in its own place alone; a second reader takes in what is new."""
    anchor = Anchor(tmp_path / "a" / "x.anchor", "vault_x", Key("00" * 16, bytes(32)))
    anchor.create(Head(epoch=1, seq=0, chain=b"start"))
    other = Anchor(anchor.path, "vault_x", Key("00" * 16, bytes(32)))
    for number in (1, 2, 3):
        entry = b'{"records":[["k","%d",null,null,%d,{}]],"secrets":[]}' % (number, number)
        head = Head(epoch=1, seq=number, chain=b"c", ended=number)
        anchor.advance(lambda _: (head, (entry,)))  # noqa: B023 - called at once
        other.refresh()
        assert other.floors.records == {("k", str(n)): n for n in range(1, number + 1)}
    assert [entry["records"][0][1] for entry in anchor.ended()] == ["1", "2", "3"]
    stranger = Anchor(anchor.path, "vault_x", Key("00" * 16, bytes([1]) * 32))
    with pytest.raises(AnchorError):
        stranger.head()


def test_an_entry_whose_number_was_altered_is_an_error(place: Place) -> None:
    """Numbers are read before a row is checked, and are not trusted."""
    with place.create() as vault:
        connect(vault)
        revoke(vault)
    with place.edited() as file:
        file.execute("UPDATE records SET id = 'x' WHERE kind = 'ended'")
    with pytest.raises(IntegrityError, match="entry that is none"):
        place.open()
