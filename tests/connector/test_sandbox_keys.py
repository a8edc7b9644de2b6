"""Proves that the sandbox holds several keys, takes them away, and knows whose they are."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from clientary_connector.sandbox import Sandbox
from tests.connector.sandbox_ground import JSON, Ground, ground

pytestmark = pytest.mark.requirement("sandbox.keys")


@pytest.fixture
def account() -> Iterator[Ground]:
    """Serve a small account."""
    with ground() as served:
        yield served


def staff(account: Ground, key: str) -> httpx.Response:
    """Read the staff with a key."""
    return account.http.get("/staff", headers=JSON, auth=(key, key))


def steered(account: Ground, method: str, body: str = "") -> httpx.Response:
    """Send a control request about keys, as whoever holds the sandbox's first key may."""
    url = f"{account.url}/_sandbox/keys"
    headers = {"X-Sandbox-Key": account.sandbox.key}
    return account.http.request(method, url, headers=headers, content=body, auth=None)


def test_several_keys_open_one_account(account: Ground) -> None:
    """As a person may have several in the service; all give the same answer."""
    keys = [account.sandbox.key, account.sandbox.add_key(), account.sandbox.add_key("brought" * 4)]
    assert account.sandbox.keys == keys
    answers = [staff(account, key) for key in keys]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1


def test_a_revoked_key_gets_401(account: Ground) -> None:
    """From one request to the next; the others go on, and a second time does nothing."""
    second = account.sandbox.add_key()
    assert staff(account, account.sandbox.key).status_code == 200
    assert account.sandbox.revoke_key(account.sandbox.key)
    assert not account.sandbox.revoke_key(account.sandbox.key)
    assert staff(account, account.sandbox.key).status_code == 401
    assert staff(account, second).status_code == 200


def test_a_key_of_another_account_shows_that_account(account: Ground) -> None:
    """At the same address, with other people and other records, also just after a read."""
    other = Sandbox(seed=2)
    foreign = account.sandbox.add_key(of=other)
    ours = staff(account, account.sandbox.key).json()["staff"]
    theirs = staff(account, foreign).json()["staff"]
    assert [one["name"] for one in theirs] == [one.name for one in other.state.staff]
    assert {one["email"] for one in ours}.isdisjoint(one["email"] for one in theirs)


def test_keys_are_made_and_revoked_over_http(account: Ground) -> None:
    """So that another process can play the person who does that in the service."""
    made = steered(account, "POST").json()["key"]
    assert steered(account, "POST", f'"{"k" * 20}"').json() == {"key": "k" * 20}
    assert steered(account, "GET").json() == {"keys": [account.sandbox.key, made, "k" * 20]}
    assert steered(account, "DELETE", f'"{made}"').json() == {"revoked": True}
    assert steered(account, "DELETE", f'"{made}"').json() == {"revoked": False}
    assert steered(account, "DELETE").json() == {"revoked": False}
    assert steered(account, "POST", "{}").status_code == 400
    assert staff(account, made).status_code == 401


def test_the_first_key_still_steers_after_it_was_revoked(account: Ground) -> None:
    """The sandbox itself is no part of the account."""
    account.sandbox.revoke_key(account.sandbox.key)
    assert steered(account, "GET").json() == {"keys": []}
