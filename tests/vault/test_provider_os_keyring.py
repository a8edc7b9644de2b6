"""Proves that only a safe keyring of the system keeps the key, and keeps it for good."""

from __future__ import annotations

import base64
from collections.abc import Callable
from threading import Event
from typing import Any

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import SecretService, Windows, fail, kwallet, libsecret, macOS, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from connector_vault.errors import VaultLockedError
from connector_vault.providers import Means, create_key, load_key
from connector_vault.providers.os_keyring import SAFE_BACKENDS, check_backend
from tests.vault.provider_checks import check_contract, check_id, shown_by_us

pytestmark = pytest.mark.requirement("vault.key.keyring")

URI = "keyring:clientary/vault key"
CANARY = "canary-password-of-another-program"


class PlaintextKeyring(KeyringBackend):
    """A keyring that another package might bring."""

    priority = 9  # pyright: ignore[reportAssignmentType] - the package's own backends do the same

    def get_password(self, service: str, username: str) -> str | None:
        """Knows one password."""
        return f"{service}{username}"

    def set_password(self, service: str, username: str, password: str) -> None:
        """Forgets it."""


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """Puts a memory behind the backend of the Secret Service, which needs a desktop."""
    kept: dict[tuple[str, str], str] = {}

    def read(_: object, service: str, name: str) -> str | None:
        return kept.get((service, name))

    def write(_: object, service: str, name: str, password: str) -> None:
        kept[service, name] = password

    monkeypatch.setattr(SecretService.Keyring, "get_password", read)
    monkeypatch.setattr(SecretService.Keyring, "set_password", write)
    _use(monkeypatch, SecretService.Keyring)
    return kept


def test_a_key_is_made_once_and_found_again(entries: dict[tuple[str, str], str]) -> None:
    """It stands in the entry that the URI names, as base64 of 32 bytes."""
    made = create_key(URI)
    ((place, text),) = entries.items()
    assert place == ("clientary", "vault key")
    assert len(base64.b64decode(text)) == 32
    assert create_key(URI).id == made.id == load_key(URI).id
    assert entries == {place: text}
    check_contract(made)
    check_id(made)


def test_a_missing_entry_is_not_made_by_loading(entries: dict[tuple[str, str], str]) -> None:
    """The vault stays locked, and the keyring as it was."""
    with pytest.raises(VaultLockedError, match="put the key back"):
        load_key(URI)
    assert entries == {}


def test_the_entry_of_another_program_is_neither_used_nor_changed(
    entries: dict[tuple[str, str], str],
) -> None:
    """What is there is no key, and is not shown."""
    entries["clientary", "vault key"] = CANARY
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError) as caught:
            use(URI)
        assert CANARY not in shown_by_us(caught.value)
    assert entries == {("clientary", "vault key"): CANARY}


@pytest.mark.parametrize("backend", [null.Keyring, fail.Keyring, PlaintextKeyring])
def test_an_unsafe_keyring_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend]
) -> None:
    """Neither one that forgets nor one of another package gets a key."""
    _use(monkeypatch, backend)
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError, match=f"{backend.__module__}.{backend.__name__}"):
            use(URI)


def test_a_class_that_only_inherits_from_a_safe_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not named is not known."""
    own: Any = type("Keyring", (SecretService.Keyring,), {})
    _use(monkeypatch, own)
    with pytest.raises(VaultLockedError, match="not one that keeps secrets safe"):
        load_key(URI)


def test_the_named_backends_are_those_of_the_systems() -> None:
    """Each name is a class that the package has, and each such class passes."""
    classes = (
        SecretService.Keyring,
        Windows.WinVaultKeyring,
        kwallet.DBusKeyring,
        libsecret.Keyring,
        macOS.Keyring,
    )
    assert {f"{one.__module__}.{one.__qualname__}" for one in classes} == SAFE_BACKENDS
    for one in classes:
        check_backend(object.__new__(one))


@pytest.mark.parametrize(
    "members", [(SecretService.Keyring, PlaintextKeyring), (null.Keyring,), ()]
)
def test_a_chain_with_an_unsafe_member_is_refused(
    monkeypatch: pytest.MonkeyPatch, members: tuple[type[KeyringBackend], ...]
) -> None:
    """One is enough, and a chain of none keeps nothing."""
    _chain(monkeypatch, *members)
    with pytest.raises(VaultLockedError, match="not one that keeps secrets safe"):
        load_key(URI)


def test_a_chain_of_safe_members_is_used(
    monkeypatch: pytest.MonkeyPatch, entries: dict[tuple[str, str], str]
) -> None:
    """The first member that has the entry gives it."""
    made = create_key(URI)
    _chain(monkeypatch, SecretService.Keyring)
    assert (load_key(URI).id, len(entries)) == (made.id, 1)


def test_a_locked_keyring_keeps_the_vault_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own error is named by kind, and its words are not passed on."""

    def refuse(*_: object) -> None:
        raise KeyringLocked(CANARY)

    monkeypatch.setattr(SecretService.Keyring, "get_password", refuse)
    _use(monkeypatch, SecretService.Keyring)
    with pytest.raises(VaultLockedError, match="KeyringLocked") as caught:
        load_key(URI)
    assert CANARY not in shown_by_us(caught.value)


@pytest.mark.requirement("vault.key.limits")
def test_a_prompt_that_nobody_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait ends at the limit."""
    never = Event()

    def wait(*_: object) -> None:
        never.wait()

    monkeypatch.setattr(SecretService.Keyring, "get_password", wait)
    _use(monkeypatch, SecretService.Keyring)
    try:
        with pytest.raises(VaultLockedError, match="TimeoutError"):
            load_key(URI, Means(person_limit_s=0.05))
    finally:
        never.set()


@pytest.mark.parametrize("place", ["service", "service/", "/name", "a/b/c", "service/na\nme"])
def test_an_entry_has_a_service_and_a_name(place: str) -> None:
    """Anything else is refused before a keyring is asked."""
    with pytest.raises(VaultLockedError, match="keyring:SERVICE/NAME"):
        load_key(f"keyring:{place}")


def _chain(monkeypatch: pytest.MonkeyPatch, *members: type[KeyringBackend]) -> None:
    monkeypatch.setattr(ChainerBackend, "backends", [object.__new__(one) for one in members])
    _use(monkeypatch, ChainerBackend)


def _use(monkeypatch: pytest.MonkeyPatch, backend: Callable[[], KeyringBackend]) -> None:
    """Makes a backend the one of this system."""
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend())
