"""Proves that a key file is used only if it is private, whole and where it should be."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from connector_vault import Vault, VaultLockedError
from connector_vault.cipher import CipherError
from connector_vault.providers import create_key, load_key
from tests.vault.ground import Place

pytestmark = pytest.mark.requirement("vault.key_file")


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_a_new_key_is_private_under_any_umask(place: Place, umask: int) -> None:
    """File 0600 in directory 0700, whatever the process would give its files."""
    before = os.umask(umask)
    try:
        if umask == 0o777:
            place.key_file.parent.mkdir()
            place.key_file.parent.chmod(0o700)
        create_key(place.key)
    finally:
        os.umask(before)
    assert place.key_file.stat().st_mode & 0o777 == 0o600
    assert place.key_file.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_key_is_whole_and_random(place: Place) -> None:
    """A version line and 32 bytes; the fingerprint is no part of them."""
    key = create_key(place.key)
    version, line = place.key_file.read_text().splitlines()
    assert version == "connector-vault-key 1"
    material = base64.b64decode(line, validate=True)
    assert len(material) == 32
    assert key.fingerprint not in material.hex()
    assert create_key(f"file:{place.root / 'other' / 'key'}").fingerprint != key.fingerprint


def test_creating_again_takes_the_key_that_is_there(place: Place) -> None:
    """A key is never overwritten."""
    first = create_key(place.key)
    held = place.key_file.read_bytes()
    assert create_key(place.key).fingerprint == first.fingerprint
    assert place.key_file.read_bytes() == held


def test_a_key_moves_with_its_file(place: Place) -> None:
    """The id is of the key, not of the path."""
    first = create_key(place.key)
    sealed = first.wrap(bytes(32), b"here")
    moved = place.key_file.with_name("moved.key")
    place.key_file.rename(moved)
    again = load_key(f"file:{moved}")
    assert again.id == first.id
    assert again.unwrap(sealed, b"here") == bytes(32)
    with pytest.raises(CipherError):
        again.unwrap(sealed, b"there")


def _remove(path: Path) -> None:
    path.unlink()


def _open_to_group(path: Path) -> None:
    path.chmod(0o640)


def _open_to_all(path: Path) -> None:
    path.chmod(0o644)


def _open_directory(path: Path) -> None:
    path.parent.chmod(0o750)


def _link(path: Path) -> None:
    path.rename(path.with_name("real.key"))
    path.symlink_to("real.key")


def _link_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("real"))
    path.parent.symlink_to("real")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _other_text(path: Path) -> None:
    path.write_text("canary: some other program's file\n")


def _newer_version(path: Path) -> None:
    path.write_text(path.read_text().replace("key 1", "key 2"))


def _cut(path: Path) -> None:
    path.write_text(path.read_text()[:-10])


def _no_base64(path: Path) -> None:
    path.write_text("connector-vault-key 1\n!canary!\n")


def _longer(path: Path) -> None:
    path.write_text(path.read_text() + "A" * 400)


@pytest.mark.requirement("threat.8")
@pytest.mark.parametrize(
    "spoil",
    [
        _remove,
        _open_to_group,
        _open_to_all,
        _open_directory,
        _link,
        _link_directory,
        _directory,
        _pipe,
        _empty,
        _other_text,
        _newer_version,
        _cut,
        _no_base64,
        _longer,
    ],
)
def test_a_spoiled_key_locks_the_vault_and_writes_nothing(
    place: Place, spoil: Callable[[Path], None]
) -> None:
    """A named error that says which file; no new key, no changed database, no key in the text."""
    place.create().close()
    line = place.key_file.read_text().splitlines()[1]
    spoil(place.key_file)
    before = place.bytes_on_disk()
    beside = sorted(place.root.rglob("*key*"))
    with pytest.raises(VaultLockedError) as caught:
        place.open()
    assert str(place.root) in str(caught.value)
    assert line not in str(caught.value)
    assert "canary" not in str(caught.value)
    assert place.bytes_on_disk() == before
    assert sorted(place.root.rglob("*key*")) == beside


@pytest.mark.parametrize("spoil", [_open_to_all, _link, _pipe, _empty, _open_directory])
def test_a_spoiled_key_is_not_used_for_a_new_vault(
    place: Place, spoil: Callable[[Path], None]
) -> None:
    """Creating has the same rules as opening."""
    create_key(place.key)
    spoil(place.key_file)
    with pytest.raises(VaultLockedError):
        place.create()
    assert not place.database.exists()


def test_a_key_of_another_user_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner is checked on the file that was opened."""
    create_key(place.key)
    monkeypatch.setattr(os, "geteuid", lambda: place.key_file.stat().st_uid + 1)
    with pytest.raises(VaultLockedError, match="another user"):
        load_key(place.key)


@pytest.mark.parametrize("uri", ["", "file:", "file:relative", "/no/scheme"])
def test_a_uri_must_name_an_absolute_file(uri: str) -> None:
    """Anything else is refused before a file is touched."""
    with pytest.raises(VaultLockedError, match="file:/absolute/path"):
        load_key(uri)


def test_a_key_that_cannot_be_made_is_an_error(place: Place) -> None:
    """The parent is a file: no directory, no key."""
    blocked = place.root / "blocked"
    blocked.write_text("")
    with pytest.raises(VaultLockedError, match="cannot be made"):
        create_key(f"file:{blocked}/keys/vault.key")
    place.key_file.parent.mkdir(mode=0o700)
    long = place.key_file.parent / ("k" * 300)
    with pytest.raises(VaultLockedError, match="cannot be made"):
        create_key(f"file:{long}")


def test_a_key_beside_the_vault_is_refused(place: Place) -> None:
    """A copy of the database's folder must not take the key along."""
    for beside in (place.database.with_suffix(".key"), place.database.parent / "in" / "key"):
        with pytest.raises(VaultLockedError, match="outside"):
            Vault.create(place.database, key=f"file:{beside}")
    assert not place.database.exists()
