"""Proves that keys stay under the key above them, in their own place."""

from __future__ import annotations

import traceback

import pytest

from connector_vault import (
    IntegrityError,
    NotFoundError,
    Vault,
    VaultLockedError,
    keyring,
)
from connector_vault.providers import create_key
from tests.vault.ground import CANARY, Clock, Place, append, intent, store

pytestmark = pytest.mark.requirement("vault.keys")


@pytest.mark.requirement("threat.8")
def test_another_key_is_told_by_fingerprints(place: Place) -> None:
    """The error names both fingerprints, and the vault's file stays as it is."""
    with place.create() as vault:
        wanted = vault.fingerprint
    other = f"file:{place.root / 'other' / 'vault.key'}"
    brought = create_key(other).fingerprint
    before = place.bytes_on_disk()
    with pytest.raises(VaultLockedError) as caught:
        Vault.open(place.database, key=other)
    assert wanted in str(caught.value)
    assert brought in str(caught.value)
    assert place.bytes_on_disk() == before


def test_a_vault_without_terms_stays_locked(place: Place) -> None:
    """Removing the terms makes no new ones appear."""
    place.create().close()
    with place.edited() as file:
        file.execute("DELETE FROM keys WHERE purpose = 'term'")
    with pytest.raises(VaultLockedError, match="lost"):
        place.open()


@pytest.mark.parametrize("purpose", ["record-mac", "log-mac"])
def test_a_vault_without_its_mac_keys_does_not_open(place: Place, purpose: str) -> None:
    """Removing one makes no new one appear, under which forged rows would pass."""
    place.create().close()
    with place.edited() as file:
        file.execute("DELETE FROM keys WHERE purpose = ?", (purpose,))
    with pytest.raises(IntegrityError, match=purpose):
        place.open()


@pytest.mark.parametrize("purpose", ["term", "record-mac", "log-mac"])
def test_an_altered_key_does_not_open(place: Place, purpose: str) -> None:
    """One bit of a wrapped key is enough."""
    place.create().close()
    with place.edited() as file:
        file.execute(
            "UPDATE keys SET sealed = "
            "CAST(substr(sealed, 1, 90) || CASE substr(sealed, 91, 1) WHEN x'00' THEN x'01' "
            "ELSE x'00' END || substr(sealed, 92) AS BLOB) WHERE purpose = ?",
            (purpose,),
        )
    with pytest.raises(IntegrityError):
        place.open()


def test_keys_cannot_stand_in_for_one_another(place: Place) -> None:
    """The two MAC keys, swapped with their ids, are both refused."""
    place.create().close()
    with place.edited() as file:
        one, other = file.execute(
            "SELECT id, sealed FROM keys WHERE purpose IN ('record-mac', 'log-mac')"
        ).fetchall()
        file.execute("UPDATE keys SET sealed = ? WHERE id = ?", (other[1], one[0]))
        file.execute("UPDATE keys SET sealed = ? WHERE id = ?", (one[1], other[0]))
    with pytest.raises(IntegrityError):
        place.open()


@pytest.mark.parametrize("column", ["owner", "period"])
def test_a_key_moved_to_another_place_is_refused(place: Place, column: str) -> None:
    """Owner and period are bound to the key."""
    with place.create() as vault:
        store(vault)
    with place.edited() as file:
        file.execute(f"UPDATE keys SET {column} = 'con_2' WHERE purpose = 'data'")  # noqa: S608
    with place.open() as vault, pytest.raises(IntegrityError) as caught:
        vault.open_secret("con_1", "api_key")
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("wrapper", ["its own id", "a key that is no term"])
def test_only_a_term_wraps(place: Place, wrapper: str) -> None:
    """A key that names itself, or a key beside it, as its wrapper is refused, and nothing hangs."""
    with place.create() as vault:
        store(vault)
    own = "SELECT id FROM keys WHERE purpose = 'data'"
    beside = "SELECT id FROM keys WHERE purpose = 'log-mac'"
    with place.edited() as file:
        named = file.execute(own if wrapper == "its own id" else beside).fetchone()
        file.execute("UPDATE keys SET wrapper = ? WHERE purpose = 'data'", named)
    with place.open() as vault, pytest.raises(IntegrityError):
        vault.open_secret("con_1", "api_key")


def test_terms_of_another_vault_are_refused(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Two vaults under one key cannot lend each other their keys."""
    other = Place(tmp_path_factory.mktemp("other"))
    place.create().close()
    Vault.create(other.database, key=place.key).close()
    with place.edited() as file:
        file.execute("ATTACH ? AS other", (str(other.database),))
        file.execute("DELETE FROM keys")
        file.execute("INSERT INTO keys SELECT * FROM other.keys")
    with pytest.raises(IntegrityError):
        place.open()


def test_each_owner_has_a_data_key_and_keeps_it(place: Place) -> None:
    """Two fields of one owner share it; another owner has another."""
    with place.create() as vault:
        for owner, field in (("con_1", "a"), ("con_1", "b"), ("con_2", "a")):
            store(vault, owner, field)
    with place.edited() as file:
        owners = file.execute("SELECT owner FROM keys WHERE purpose = 'data' ORDER BY owner")
        assert owners.fetchall() == [("con_1",), ("con_2",)]


@pytest.mark.requirement("log.sealed")
def test_each_user_and_month_has_an_audit_key(place: Place) -> None:
    """The key changes with the user and with the month, and is found again after reopening."""
    clock = Clock()
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        for user, days in (("ada", 0), ("bob", 0), ("ada", 1), ("ada", 40)):
            clock.now += days * 86_400
            append(vault, intent(vault, f"op_{user}_{days}", user=user))
    with Vault.open(place.database, key=place.key, clock=clock) as vault:
        append(vault, intent(vault, "op_later"))
    with place.edited() as file:
        places = file.execute(
            "SELECT owner, period FROM keys WHERE purpose = 'audit' ORDER BY 1, 2"
        )
        assert places.fetchall() == [("ada", "2026-01"), ("ada", "2026-02"), ("bob", "2026-01")]


def test_a_destroyed_key_opens_nothing(place: Place) -> None:
    """Without its audit key a payload is gone, and the row stays."""
    with place.create() as vault:
        seq = append(vault, intent(vault))
    with place.edited() as file:
        file.execute("UPDATE keys SET sealed = NULL, state = 'destroyed' WHERE purpose = 'audit'")
    with place.open() as vault:
        row = vault.read(lambda view: view.log_row(seq))
        assert row is not None
        with pytest.raises(NotFoundError):
            vault.open_payload(row)
        assert vault.verify_log().ok


def test_memory_holds_a_bounded_number_of_keys(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many owners and users do not grow the process; what was dropped is opened again."""
    monkeypatch.setattr(keyring, "CACHED_KEYS", 2)
    with place.create() as vault:
        for number in range(5):
            store(vault, f"con_{number}", value=f"{CANARY}-{number}")
            append(vault, intent(vault, f"op_{number}", user=f"user_{number}"))
        for number in range(5):
            assert vault.open_secret(f"con_{number}", "api_key").reveal() == f"{CANARY}-{number}"
