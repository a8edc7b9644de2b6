"""Proves that a state is set up once, opened with its key, and that its faults are named."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, Settings, create_state, open_connector
from clientary_connector.call.trouble import vault_kind
from clientary_connector.errors import (
    ClosedError,
    ConnectorError,
    StateExistsError,
    StateIntegrityError,
    StateLockedError,
    StateMissingError,
    StateUnavailableError,
)
from clientary_connector.state import meaning_of, state_faults
from clientary_connector.statefolder import state_folder
from connector_vault import (
    ConflictError,
    DegradedError,
    FileTakenError,
    IntegrityError,
    KeyFormError,
    NotFoundError,
    StoreCorruptError,
    StoreFullError,
    VaultClosedError,
    VaultError,
    VaultLockedError,
)

pytestmark = pytest.mark.requirement("engine.state")


def test_a_state_is_set_up_once_and_opened_again(tmp_path: Path) -> None:
    """The report names folder, database, key and fingerprint; nothing is open to others."""
    report = create_state(tmp_path / "s")
    assert report.state == tmp_path / "s"
    assert report.key == f"file:{tmp_path / 's' / 'keys' / 'vault.key'}"
    assert report.to_json()["vault_id"] == report.vault_id
    with open_connector(tmp_path / "s") as connector:
        assert connector.log.verify().ok
    for path in (report.state, report.database.parent, tmp_path / "s" / "keys"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in (
        report.database,
        tmp_path / "s" / "keys" / "vault.key",
        tmp_path / "s" / "state.json",
    ):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(StateExistsError):
        create_state(tmp_path / "s")


def test_a_key_elsewhere_is_remembered(tmp_path: Path) -> None:
    """It is chosen once; the settings may say otherwise."""
    uri = f"file:{tmp_path / 'k' / 'my.key'}"
    report = create_state(tmp_path / "s", key=uri)
    assert report.key == uri
    open_connector(str(tmp_path / "s")).close()
    wrong = Settings(key=f"file:{tmp_path / 'k' / 'other.key'}")
    with pytest.raises(StateLockedError):
        open_connector(tmp_path / "s", settings=wrong)


def test_a_state_that_moved_finds_its_own_key(tmp_path: Path) -> None:
    """The usual key is looked for inside the state, wherever that is now."""
    create_state(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    open_connector(tmp_path / "new").close()


def test_the_folder_is_given_or_set_or_the_usual_one(tmp_path: Path) -> None:
    """In this order, and always whole."""
    settings = Settings(state=tmp_path / "set")
    assert state_folder(tmp_path / "given", settings) == tmp_path / "given"
    assert state_folder(None, settings) == tmp_path / "set"
    assert state_folder("~/x", settings) == Path("~/x").expanduser()
    assert state_folder(None, Settings()).name == "clientary-connector"


def test_a_state_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    """The hint names the command."""
    with pytest.raises(StateMissingError) as caught:
        open_connector(tmp_path / "none")
    assert "clientary init" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way stops the set-up."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StateUnavailableError):
        create_state(tmp_path / "file" / "s")


@pytest.mark.parametrize("note", ["{", "[]", "{}", "5"])
def test_a_note_that_cannot_be_read_is_named(tmp_path: Path, note: str) -> None:
    """Which key to use is not guessed."""
    create_state(tmp_path / "s")
    (tmp_path / "s" / "state.json").write_text(note)
    with pytest.raises(StateIntegrityError):
        open_connector(tmp_path / "s")
    (tmp_path / "s" / "state.json").write_text(json.dumps({"key": None}))
    open_connector(tmp_path / "s").close()
    (tmp_path / "s" / "state.json").unlink()
    open_connector(tmp_path / "s").close()


@pytest.mark.parametrize(
    ("fault", "meaning", "kind"),
    [
        (VaultLockedError("x"), StateLockedError, ErrorKind.VAULT_LOCKED),
        (KeyFormError("x"), StateLockedError, ErrorKind.VAULT_LOCKED),
        (FileTakenError("x"), StateExistsError, ErrorKind.INTERNAL),
        (IntegrityError("x"), StateIntegrityError, ErrorKind.INTEGRITY),
        (StoreCorruptError("x"), StateIntegrityError, ErrorKind.INTEGRITY),
        (NotFoundError("x"), StateIntegrityError, ErrorKind.REVOKED),
        (StoreFullError("x"), StateUnavailableError, ErrorKind.INTERNAL),
        (ConflictError("x"), StateUnavailableError, ErrorKind.INTERNAL),
        (DegradedError("x"), StateUnavailableError, ErrorKind.INTERNAL),
        (VaultClosedError("x"), ClosedError, ErrorKind.INTERNAL),
    ],
)
def test_each_fault_of_the_vault_has_its_meaning(
    fault: VaultError, meaning: type[ConnectorError], kind: ErrorKind
) -> None:
    """To those who manage, and to a call."""
    error = meaning_of(fault)
    assert type(error) is meaning
    assert error.hint
    assert vault_kind(fault) is kind
    with pytest.raises(meaning) as caught, state_faults():
        raise fault
    assert caught.value.__cause__ is fault
