"""Proves that the vault says how it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connector_vault import Vault
from connector_vault.keyrotation import Stage, What
from connector_vault.status import status
from tests.vault.ground import append, intent, settle
from tests.vault.turning import OWNERS, Site, StopError, stop_at, turn_kek, turn_keys

pytestmark = pytest.mark.requirement("keys.status")


@pytest.fixture
def vault(site: Site) -> Iterator[Vault]:
    """Opens a vault with something in it."""
    with site.open_noted() as opened:
        yield opened


def test_everything_is_counted(site: Site, vault: Vault) -> None:
    """Keys by purpose and state, secrets by stage, rows by table, bytes by file."""
    settle(vault, append(vault, intent(vault, "op_done")))
    found = status(vault)
    assert found.vault_id == vault.id
    assert found.fingerprint == vault.fingerprint
    assert found.epoch == 1
    assert found.keys == {
        "audit": {"current": 3},
        "data": {"current": 5},
        "log-mac": {"current": 1},
        "log-sign": {"current": 1},
        "record-mac": {"current": 1},
        "term": {"current": 1},
    }
    assert found.secrets == {"current": 5, "previous": 5}
    assert [(term.state, term.keys, term.opened_by) for term in found.terms] == [
        ("current", 11, (vault.fingerprint,))
    ]
    assert (found.retired, found.key_rotation, found.rotations) == ((), None, ())
    assert found.log_rows == vault.read(lambda view: view.last_seq())
    assert found.open_intents == 2
    # A checkpoint, and the tree from which the next one goes on.
    assert found.records == 2
    assert found.database_bytes == site.database.stat().st_size
    journal = site.database.with_name(f"{site.database.name}-wal")
    assert found.journal_bytes == journal.stat().st_size
    assert (found.degraded, found.stale) == (None, None)


def test_ages_and_what_is_due_are_told(vault: Vault) -> None:
    """By the newest term, and the interval that the caller goes by."""
    found = status(vault, interval=timedelta(days=3))
    assert found.keys_made_at == found.terms[0].made_at
    assert found.keys_due_at == found.keys_made_at + timedelta(days=3)
    assert datetime.now(UTC) - found.keys_made_at < timedelta(minutes=10)


def test_an_open_rotation_of_keys_is_told_with_what_hangs_where(vault: Vault) -> None:
    """After each of its stages."""
    with pytest.raises(StopError):
        turn_keys(vault, stop_at("before rewrap"))
    found = status(vault)
    assert [(term.state, term.keys) for term in found.terms] == [("current", 0), ("retired", 10)]
    assert found.key_rotation is not None
    assert (found.key_rotation.what, found.key_rotation.stage) == (What.KEYS, Stage.REWRAPPING)
    with pytest.raises(StopError):
        turn_keys(vault, stop_at("before renew"), late=True)
    found = status(vault)
    assert [(term.state, term.keys) for term in found.terms] == [("current", 10)]
    assert sorted((key.owner, key.secrets) for key in found.retired) == [
        (owner, 2) for owner in OWNERS
    ]


def test_an_open_rotation_of_the_key_is_told_with_both_fingerprints(
    site: Site, vault: Vault
) -> None:
    """A term has two slots until it ends."""
    with pytest.raises(StopError):
        turn_kek(site, vault, site.new_key, stop_at("before promote"))
    found = status(vault)
    assert found.key_rotation is not None
    assert found.key_rotation.what is What.KEK
    named = {found.key_rotation.source, found.key_rotation.target}
    assert set(found.terms[0].opened_by) == named
    assert vault.fingerprint in named


def test_a_degraded_vault_says_why(vault: Vault) -> None:
    """The reason is the first."""
    vault.degrade("an outcome was lost")
    assert status(vault).degraded == "an outcome was lost"


def test_the_status_is_json_without_a_key(vault: Vault) -> None:
    """Times as ISO 8601, and nothing that opens anything."""
    text = json.dumps(status(vault).to_json())
    found = json.loads(text)
    assert datetime.fromisoformat(found["keys_made_at"]) == status(vault).keys_made_at
    assert found["path"] == str(vault.path)
    assert "canary" not in text
