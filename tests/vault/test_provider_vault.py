"""Proves that a vault opens with the key that its URI names, wherever that key is."""

from __future__ import annotations

import base64
from collections.abc import Generator

import pytest

from connector_vault import Secret, Vault, VaultLockedError
from connector_vault.providers import Means
from tests.vault.ground import CANARY, Place
from tests.vault.loopback import serving
from tests.vault.transit_server import TOKEN, TransitServer

pytestmark = pytest.mark.requirement("vault.key.schemes")

ENVIRON = {
    "VAULT_TOKEN": TOKEN,
    "RIGHT": base64.b64encode(bytes(range(32))).decode(),
    "WRONG": base64.b64encode(bytes(32)).decode(),
}


@pytest.fixture
def origin() -> Generator[str]:
    """Serves a transit engine with two keys."""
    server = TransitServer()
    server.rotate("right")
    server.rotate("wrong")
    with serving(server) as address:
        yield address


@pytest.mark.parametrize("scheme", ["env", "passphrase", "transit"])
def test_a_vault_opens_with_its_own_key_alone(place: Place, origin: str, scheme: str) -> None:
    """Another key of the same scheme is told by its fingerprint, and nothing is written."""
    right, wrong = _keys(place, origin)[scheme]
    with Vault.create(place.database, key=right[0], means=right[1]) as vault:
        wanted = vault.fingerprint
        vault.write(lambda t: t.store_secret(owner="con_1", field="key", secret=Secret(CANARY)))
    before = place.bytes_on_disk()
    with pytest.raises(VaultLockedError, match=wanted):
        Vault.open(place.database, key=wrong[0], means=wrong[1])
    assert place.bytes_on_disk() == before
    with Vault.open(place.database, key=right[0], means=right[1]) as vault:
        assert vault.open_secret("con_1", "key").reveal() == CANARY


def test_a_vault_is_made_with_one_question_for_its_passphrase(place: Place) -> None:
    """Whoever asks decides whether a person must repeat it."""
    asked: list[bool] = []

    def ask(place: str, *, new: bool) -> Secret:  # noqa: ARG001 - it has one file
        asked.append(new)
        return Secret("a passphrase of some length")

    uri, means = f"passphrase:{place.key_file}", Means(passphrase=ask)
    Vault.create(place.database, key=uri, means=means).close()
    assert asked == [True]


def _keys(place: Place, origin: str) -> dict[str, tuple[tuple[str, Means], tuple[str, Means]]]:
    """Gives the right and the wrong key of each scheme, with the means to use it."""
    means = Means(environ=ENVIRON)
    salt = f"passphrase:{place.key_file}"
    return {
        "env": (("env:RIGHT", means), ("env:WRONG", means)),
        "passphrase": ((salt, _knows("right passphrase")), (salt, _knows("wrong passphrase"))),
        "transit": (
            (f"transit:{origin}/team/transit/right", means),
            (f"transit:{origin}/team/transit/wrong", means),
        ),
    }


def _knows(passphrase: str) -> Means:
    def ask(place: str, *, new: bool) -> Secret:  # noqa: ARG001 - the same answer, whatever is asked
        return Secret(passphrase)

    return Means(passphrase=ask)
