"""Proves that a key in an environment variable is used, or refused by the variable's name."""

from __future__ import annotations

import base64

import pytest

from connector_vault.errors import VaultLockedError
from connector_vault.providers import Means, create_key, load_key
from tests.vault.provider_checks import check_contract, check_id, shown_by_us

pytestmark = pytest.mark.requirement("vault.key.environment")

KEY = base64.b64encode(b"canary key of thirty-two bytes !").decode()


def test_the_variable_holds_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own environment is read, and creating takes the key that is there."""
    monkeypatch.setenv("VAULT_KEY", KEY + "\n")
    key = load_key("env:VAULT_KEY")
    check_contract(key)
    check_id(key)
    assert create_key("env:VAULT_KEY").id == key.id


@pytest.mark.requirement("threat.8")
@pytest.mark.parametrize("value", [None, "", " \n"])
def test_an_unset_variable_is_named_and_not_made(value: str | None) -> None:
    """Loading says that it is missing; creating says how a key is made, and makes none."""
    environ = {} if value is None else {"VAULT_KEY": value}
    means = Means(environ=environ)
    with pytest.raises(VaultLockedError, match="VAULT_KEY is not set"):
        load_key("env:VAULT_KEY", means)
    with pytest.raises(VaultLockedError, match='export VAULT_KEY="'):
        create_key("env:VAULT_KEY", means)
    assert environ == ({} if value is None else {"VAULT_KEY": value})


@pytest.mark.parametrize(
    "value", [KEY[:40], KEY + KEY, "not base64: " + KEY, KEY[:-1], "schlüssel"]
)
def test_a_variable_that_holds_no_key_is_named_without_its_value(value: str) -> None:
    """Too short, too long and damaged are alike."""
    means = Means(environ={"VAULT_KEY": value})
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError, match="VAULT_KEY") as caught:
            use("env:VAULT_KEY", means)
        assert value not in shown_by_us(caught.value)


@pytest.mark.parametrize("name", [KEY, "A-B", "1A", "A B", "ABC\n"])
def test_a_key_in_place_of_a_name_is_not_repeated(name: str) -> None:
    """Whoever pastes the key itself into the URI does not find it in a log."""
    for use in (load_key, create_key):
        with pytest.raises(VaultLockedError) as caught:
            use(f"env:{name}", Means(environ={}))
        assert name.strip() not in str(caught.value)


def test_two_keys_have_two_fingerprints() -> None:
    """A wrong key is told by its fingerprint."""
    other = base64.b64encode(bytes(32)).decode()
    one, two = (load_key("env:K", Means(environ={"K": text})) for text in (KEY, other))
    assert one.fingerprint != two.fingerprint
