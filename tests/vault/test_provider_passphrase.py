"""Proves that a passphrase makes the key, and that its file can neither weaken nor exhaust."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector_vault.errors import MisuseError, VaultLockedError
from connector_vault.providers import Means, create_key, load_key
from connector_vault.secret import Secret
from tests.vault.provider_checks import check_contract, check_id, shown_by_us

pytestmark = pytest.mark.requirement("vault.key.passphrase")

PASSPHRASE = "canary gleaming heron"
VERSION = "connector-vault-passphrase 1"
SALT = "AAECAwQFBgcICQoLDA0ODw=="
GOOD = f"argon2id m=65536 t=3 p=4 salt={SALT}"


@dataclass(slots=True)
class Person:
    """Somebody who knows a passphrase, and remembers when it was asked for."""

    passphrase: str = PASSPHRASE
    asked: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    given: list[Secret] = field(default_factory=list[Secret])

    def __call__(self, place: str, *, new: bool) -> Secret:
        """Gives the passphrase."""
        self.asked.append((place, new))
        self.given.append(Secret(self.passphrase))
        return self.given[-1]


def test_the_same_passphrase_gives_the_same_key(tmp_path: Path) -> None:
    """It is asked for once each time, as new only where the key is made, and wiped after use."""
    uri, person = f"passphrase:{tmp_path / 'keys' / 'salt'}", Person()
    made = create_key(uri, Means(passphrase=person))
    found = load_key(uri, Means(passphrase=person))
    assert made.id == found.id
    assert [new for _, new in person.asked] == [True, False]
    assert found.unwrap(made.wrap(bytes(32), b"x"), b"x") == bytearray(32)
    for secret in person.given:
        with pytest.raises(MisuseError):
            secret.reveal()


def test_the_key_keeps_the_contract_of_all_providers(tmp_path: Path) -> None:
    """It wraps and unwraps, bound to a context."""
    key = load_key(_file(tmp_path, GOOD), Means(passphrase=Person()))
    check_contract(key)
    check_id(key)


def test_another_passphrase_or_salt_gives_another_key(tmp_path: Path) -> None:
    """A wrong passphrase is no error here: the vault tells it by its fingerprint."""
    uri = _file(tmp_path, GOOD)
    right = load_key(uri, Means(passphrase=Person()))
    wrong = load_key(uri, Means(passphrase=Person(PASSPHRASE + " ")))
    salted = load_key(_file(tmp_path, GOOD.replace("AAEC", "BAEC")), Means(passphrase=Person()))
    assert len({right.id, wrong.id, salted.id}) == 3


def test_the_key_is_the_one_that_argon2id_gives(tmp_path: Path) -> None:
    """The parameters of the file are those that are used, so that a file opens for good."""
    ids = {
        load_key(_file(tmp_path, line), Means(passphrase=Person())).id
        for line in (GOOD, GOOD.replace("t=3", "t=4"), GOOD.replace("p=4", "p=1"))
    }
    assert len(ids) == 3
    assert "4f43c084de2f3776f2193e7f1445e938" in ids


def test_letters_are_the_same_however_a_keyboard_composes_them(tmp_path: Path) -> None:
    """A passphrase with an accent opens on every system."""
    uri = _file(tmp_path, GOOD)
    composed, decomposed = "caf\u00e9 by the water", "cafe\u0301 by the water"
    keys = [load_key(uri, Means(passphrase=Person(text))) for text in (composed, decomposed)]
    assert keys[0].id == keys[1].id


def test_a_new_file_is_private_and_holds_no_secret(tmp_path: Path) -> None:
    """It has the parameters that RFC 9106 recommends, and a salt of its own."""
    texts: list[str] = []
    for name in ("one", "two"):
        path = tmp_path / "keys" / name
        create_key(f"passphrase:{path}", Means(passphrase=Person()))
        assert path.stat().st_mode & 0o777 == 0o600
        texts.append(path.read_text(encoding="ascii"))
        assert texts[-1].startswith(f"{VERSION}\nargon2id m=65536 t=3 p=4 salt=")
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "argon2id",
        GOOD.replace("argon2id", "argon2i"),
        GOOD.replace("m=65536", "m=65535"),
        GOOD.replace("m=65536", "m=1048577"),
        GOOD.replace("m=65536", "m=999999999"),
        GOOD.replace("m=65536", "m=9999999999999"),
        GOOD.replace("t=3", "t=2"),
        GOOD.replace("t=3", "t=11"),
        GOOD.replace("p=4", "p=0"),
        GOOD.replace("p=4", "p=17"),
        GOOD.replace(SALT, "AAEC"),
        GOOD + "\n" + GOOD,
        GOOD + "x" * 300,
        GOOD.replace("a", "ä"),
    ],
)
def test_a_file_out_of_bounds_is_refused_before_anyone_is_asked(tmp_path: Path, line: str) -> None:
    """Whoever writes the file can neither weaken the key nor take all memory."""
    person = Person()
    with pytest.raises(VaultLockedError):
        load_key(_file(tmp_path, line), Means(passphrase=person))
    assert person.asked == []


def test_a_missing_file_is_not_made_again(tmp_path: Path) -> None:
    """Loading with a new salt would give a new key, so there is no loading without the file."""
    path = tmp_path / "salt"
    for place in (path, "relative"):
        with pytest.raises(VaultLockedError):
            load_key(f"passphrase:{place}", Means(passphrase=Person()))
    assert not path.exists()


@pytest.mark.parametrize("passphrase", ["", "canary-shor"])
def test_a_new_passphrase_that_can_be_guessed_is_refused_and_not_shown(
    tmp_path: Path, passphrase: str
) -> None:
    """It must have twelve characters; one that was chosen elsewhere must only be there."""
    uri = _file(tmp_path, GOOD)
    with pytest.raises(VaultLockedError, match="at least 12") as caught:
        create_key(uri, Means(passphrase=Person(passphrase)))
    assert "canary" not in shown_by_us(caught.value)
    with pytest.raises(VaultLockedError):
        load_key(uri, Means(passphrase=Person("")))


def test_where_nobody_can_be_asked_the_vault_stays_locked(tmp_path: Path) -> None:
    """A process without a terminal says so instead of waiting."""
    with pytest.raises(VaultLockedError, match="nobody to ask"):
        load_key(_file(tmp_path, GOOD))


def _file(tmp_path: Path, line: str) -> str:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "salt"
    path.write_text(f"{VERSION}\n{line}\n", encoding="utf-8")
    path.chmod(0o600)
    return f"passphrase:{path}"
