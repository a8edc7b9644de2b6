"""Proves that a stored secret opens in its own row, in its own stage, while its key exists."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Callable

import pytest

from connector_vault import (
    ConflictError,
    IntegrityError,
    MisuseError,
    NotFoundError,
    Secret,
    Transaction,
    Vault,
)
from connector_vault.providers import Means
from connector_vault.sqlite import Connection, SqlValue
from tests.vault.ground import CANARY, Place, Repeating, raw, rows_of, secret_mac_of, store

pytestmark = pytest.mark.requirement("vault.secrets")


def test_the_newest_version_opens_also_after_reopening(place: Place) -> None:
    """Versions count up, and the current one is the last that was stored."""
    with place.create() as vault:
        assert [store(vault, value=f"{CANARY}-{n}") for n in range(4)] == [1, 2, 3, 4]
    with place.open() as vault:
        assert vault.open_secret("con_1", "api_key").reveal() == f"{CANARY}-3"


def test_a_secret_that_is_not_there_is_not_found(vault: Vault) -> None:
    """Another owner or field is not there, whatever else is."""
    store(vault)
    for owner, field in (("con_2", "api_key"), ("con_1", "other")):
        with pytest.raises(NotFoundError):
            vault.open_secret(owner, field)


def test_no_file_holds_the_value(place: Place) -> None:
    """Database, journal and shared memory, open and closed, have no trace of it."""
    with place.create() as vault:
        store(vault)
        vault.open_secret("con_1", "api_key")
        assert CANARY.encode() not in place.bytes_on_disk()
    assert CANARY.encode() not in place.bytes_on_disk()


def test_only_two_versions_hold_a_value(place: Place) -> None:
    """The current and the previous one; of those before them the last keeps its row, empty."""
    with place.create() as vault:
        for number in range(4):
            store(vault, value=f"{CANARY}-{number}")
    assert _versions(place) == [(2, "retired", 1), (3, "previous", 0), (4, "current", 0)]


def test_a_secret_that_was_replaced_for_years_costs_what_a_new_one_costs(place: Place) -> None:
    """Its rows stay as few, whatever number they have come to."""
    with place.create() as vault:
        for number in range(1, 101):
            assert store(vault, value=f"{CANARY}-{number}") == number
        assert vault.open_secret("con_1", "api_key").reveal() == f"{CANARY}-100"
        assert vault.verify().ok
    assert _versions(place) == [(98, "retired", 1), (99, "previous", 0), (100, "current", 0)]


def test_candidates_that_were_dropped_leave_one_row(place: Place) -> None:
    """Their numbers are not used again, also once the secret was destroyed."""
    with place.create() as vault:
        store(vault)
        for number in range(2, 12):
            assert vault.write(_store_pending) == number
            vault.write(lambda change: change.drop_pending("con_1", "api_key"))
        assert _versions(place) == [(1, "current", 0), (11, "retired", 1)]
        assert vault.write(lambda change: change.destroy_secrets("con_1")) == 1
        assert _versions(place) == [(11, "retired", 1)]
        assert vault.verify().ok
        assert store(vault) == 12
        assert vault.verify().ok


def test_rows_of_an_older_version_of_this_package_are_removed_with_the_next(place: Place) -> None:
    """It kept the row of every version; until then they change nothing, as nobody needs them."""
    with place.create() as vault:
        for number in range(3):
            store(vault, value=f"{CANARY}-{number}")
        file = raw(place.database)
        empty = file.execute("SELECT * FROM secrets WHERE stage = 'retired'").fetchall()
        store(vault)
        file.execute("INSERT INTO secrets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", empty[0])
        file.close()
        assert len(_versions(place)) == 4
        assert vault.verify().ok
        assert store(vault) == 5
    assert _versions(place) == [(3, "retired", 1), (4, "previous", 0), (5, "current", 0)]


@pytest.mark.requirement("threat.2")
def test_the_last_empty_row_cannot_be_removed(place: Place) -> None:
    """The log names it: otherwise its number could be used again."""
    with place.create() as vault:
        store(vault)
        vault.write(_store_pending)
        vault.write(lambda change: change.drop_pending("con_1", "api_key"))
        with place.edited() as file:
            file.execute("DELETE FROM secrets WHERE stage = 'retired'")
        with pytest.raises(IntegrityError, match="lacks what the log holds"):
            store(vault)
        assert not vault.verify().ok


def _store_pending(change: Transaction) -> int:
    """Stores a candidate beside the current version."""
    with Secret(CANARY) as secret:
        return change.store_pending_secret(owner="con_1", field="api_key", secret=secret)


def _versions(place: Place) -> list[tuple[SqlValue, ...]]:
    """Reads which versions have a row, and which of them are empty."""
    file = raw(place.database)
    try:
        rows = file.execute("SELECT version, stage, sealed IS NULL FROM secrets ORDER BY version")
        return rows.fetchall()
    finally:
        file.close()


def _fill(vault: Vault) -> None:
    for owner, field in (("con_1", "api_key"), ("con_1", "other"), ("con_2", "api_key")):
        for version in ("old", "new"):
            store(vault, owner, field, f"{CANARY}-{owner}-{field}-{version}")


def _swap(one: str, other: str, *, whole: bool) -> Callable[[Connection], None]:
    """Swaps the sealed values of two rows, or all that an attacker can swap of them."""
    columns = "key_id, sealed, mac" if whole else "key_id, sealed"
    marks = columns.replace(", ", " = ?, ") + " = ?"

    def swap(file: Connection) -> None:
        values = [
            file.execute(f"SELECT {columns} FROM secrets WHERE {where}").fetchone()  # noqa: S608
            for where in (one, other)
        ]
        for where, value in zip((one, other), reversed(values), strict=True):
            file.execute(f"UPDATE secrets SET {marks} WHERE {where}", value)  # noqa: S608

    return swap


CURRENT = "owner = 'con_1' AND field = 'api_key' AND version = 2"
PREVIOUS = "owner = 'con_1' AND field = 'api_key' AND version = 1"
FIELD = "owner = 'con_1' AND field = 'other' AND version = 2"
OWNER = "owner = 'con_2' AND field = 'api_key' AND version = 2"


def _swap_keys(file: Connection) -> None:
    """Swaps the wrapped data keys of two owners."""
    one, other = file.execute("SELECT id, sealed FROM keys WHERE purpose = 'data'").fetchall()
    file.execute("UPDATE keys SET sealed = ? WHERE id = ?", (other[1], one[0]))
    file.execute("UPDATE keys SET sealed = ? WHERE id = ?", (one[1], other[0]))


def _make_previous_current(file: Connection) -> None:
    file.execute(f"UPDATE secrets SET stage = 'pending' WHERE {CURRENT}")  # noqa: S608
    file.execute(f"UPDATE secrets SET stage = 'current' WHERE {PREVIOUS}")  # noqa: S608


def _flip(file: Connection) -> None:
    file.execute(
        "UPDATE secrets SET sealed = "  # noqa: S608
        f"CAST(substr(sealed, 1, 90) || CASE substr(sealed, 91, 1) WHEN x'00' THEN x'01' "
        f"ELSE x'00' END || substr(sealed, 92) AS BLOB) WHERE {CURRENT}"
    )


def _older_version_byte(file: Connection) -> None:
    file.execute(
        f"UPDATE secrets SET sealed = CAST(x'00' || substr(sealed, 2) AS BLOB) WHERE {CURRENT}"  # noqa: S608
    )


def _destroy_key_only(file: Connection) -> None:
    file.execute(
        "UPDATE keys SET sealed = NULL, state = 'destroyed' "
        "WHERE purpose = 'data' AND owner = 'con_1'"
    )


@pytest.mark.requirement("threat.1")
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("other", [PREVIOUS, FIELD, OWNER])
def test_swapped_values_are_refused(place: Place, other: str, whole: bool) -> None:  # noqa: FBT001
    """Between versions, fields and owners, with or without the MACs; other rows still open."""
    _check_refused(place, _swap(CURRENT, other, whole=whole))


@pytest.mark.requirement("threat.1")
@pytest.mark.parametrize(
    "edit",
    [_swap_keys, _make_previous_current, _flip, _older_version_byte, _destroy_key_only],
)
def test_edited_rows_are_refused(place: Place, edit: Callable[[Connection], None]) -> None:
    """Swapped data keys, another stage, altered bytes, and a key that is gone."""
    _check_refused(place, edit)


def _check_refused(place: Place, edit: Callable[[Connection], None]) -> None:
    """Edits a closed vault, and looks at what opening its secrets says."""
    with place.create() as vault:
        _fill(vault)
    with place.edited() as file:
        edit(file)
    with place.open() as vault:
        with pytest.raises(IntegrityError) as caught:
            vault.open_secret("con_1", "api_key")
        shown = "".join(traceback.format_exception(caught.value))
        assert CANARY not in shown
        assert caught.value.row.startswith(("secrets con_1 api_key", "keys "))
        store(vault, "con_3")
        assert vault.open_secret("con_3", "api_key").reveal() == CANARY


@pytest.mark.requirement("threat.1")
def test_a_value_moved_with_a_right_mac_still_does_not_open(place: Place) -> None:
    """Row and value are bound to their place twice; the cipher does not lean on the row's MAC."""
    with place.create() as vault:
        store(vault, field="one")
        store(vault, field="other")

        def move(change: Transaction) -> None:
            rows = rows_of(change)
            one, other = (rows.current_secret("con_1", field) for field in ("one", "other"))
            assert one is not None
            assert other is not None
            moved = one._replace(key_id=other.key_id, sealed=other.sealed)
            rows.restage_secret(moved._replace(mac=secret_mac_of(vault, moved)))

        vault.write(move)
        with pytest.raises(IntegrityError, match="secrets con_1 one 1") as caught:
            vault.open_secret("con_1", "one")
        assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.requirement("threat.1")
def test_a_cached_key_does_not_open_what_was_destroyed(place: Place) -> None:
    """The key was used a moment ago; once its row is empty, nothing opens under it."""
    with place.create() as vault:
        store(vault)
        vault.open_secret("con_1", "api_key")
        with place.edited() as file:
            _destroy_key_only(file)
        with pytest.raises(IntegrityError, match="without its key"):
            vault.open_secret("con_1", "api_key")


def test_storing_over_an_altered_row_is_refused(place: Place) -> None:
    """An edit is not wiped away by the next version."""
    with place.create() as vault:
        _fill(vault)
        with place.edited() as file:
            _make_previous_current(file)
        with pytest.raises(IntegrityError):
            store(vault)


@pytest.mark.requirement("threat.7")
def test_a_repeating_source_of_randomness_does_not_repeat_a_message_key(place: Place) -> None:
    """All salts and keys are equal, and equal values still look unrelated in every row."""
    made = Vault.create(place.database, key=place.key, means=Means(entropy=Repeating()))
    with made as vault:
        for owner, field in (("con_1", "a"), ("con_1", "a"), ("con_1", "b"), ("con_2", "a")):
            store(vault, owner, field)
        assert vault.open_secret("con_1", "a").reveal() == CANARY
    with place.edited() as file:
        sealed = [row[0] for row in file.execute("SELECT sealed FROM secrets").fetchall()]
    salts = {value[17:49] for value in sealed}
    assert salts == {bytes(32)}
    assert len({value[49:81] for value in sealed}) == 4
    assert len({value[81:] for value in sealed}) == 4


@pytest.mark.requirement("threat.7")
def test_a_version_is_written_once(place: Place) -> None:
    """A second writing of one row and version is refused by the database itself."""
    with place.create() as vault:
        store(vault)

        def again(change: Transaction) -> None:
            rows = rows_of(change)
            held = rows.current_secret("con_1", "api_key")
            assert held is not None
            rows.insert_secret(held._replace(stage="pending"))

        with pytest.raises(ConflictError):
            vault.write(again)


def test_destroying_leaves_neither_key_nor_value(place: Place) -> None:
    """Both are overwritten in place, other owners' stay, and numbers go on where they were."""
    with place.create() as vault:
        _fill(vault)
        assert vault.write(lambda change: change.destroy_secrets("con_1")) == 4
        assert vault.write(lambda change: change.destroy_secrets("con_1")) == 0
        with pytest.raises(NotFoundError):
            vault.open_secret("con_1", "api_key")
        assert vault.open_secret("con_2", "api_key").reveal().endswith("con_2-api_key-new")
        assert store(vault) == 3
        assert vault.open_secret("con_1", "api_key").reveal() == CANARY


def test_destroyed_bytes_are_not_left_in_the_file(place: Place) -> None:
    """After the vault is closed, the sealed value and the wrapped key are nowhere in its files."""
    with place.create() as vault:
        store(vault)
        with place.edited() as file:
            held = [
                file.execute(statement).fetchone()[0]
                for statement in (
                    "SELECT sealed FROM secrets",
                    "SELECT sealed FROM keys WHERE purpose = 'data'",
                )
            ]
        vault.write(lambda change: change.destroy_secrets("con_1"))
    on_disk = place.bytes_on_disk()
    assert not any(value in on_disk for value in held)


def test_another_reader_of_the_file_needs_no_part_of_this_package(place: Place) -> None:
    """The file is plain SQLite that the standard library opens."""
    place.create().close()
    file = sqlite3.connect(place.database)
    try:
        assert file.execute("SELECT count(*) FROM keys").fetchone() == (4,)
    finally:
        file.close()


def test_a_value_that_cannot_be_revealed_is_not_stored(vault: Vault) -> None:
    """Nothing is left of a store that failed."""
    secret = Secret(CANARY)
    secret.wipe()
    with pytest.raises(MisuseError, match="wiped"):
        vault.write(lambda change: change.store_secret(owner="con_1", field="f", secret=secret))
    with pytest.raises(NotFoundError):
        vault.open_secret("con_1", "f")
