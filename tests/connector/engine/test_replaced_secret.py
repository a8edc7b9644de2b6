"""Proves that a call which met a rotation on its way tries the new secret once, and no more."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from clientary_connector import Outcome, Secret
from clientary_connector.call.result import ErrorKind
from connector_vault import Transaction
from tests.connector.engine.far_side import Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import KEY, NAME, Ground, ground, staff_or

pytestmark = pytest.mark.requirement("threat.32")

NEW = "canary-new-0123456789-of-the-same-account"
REFUSED = reply(401, b"HTTP Basic: Access denied.\n")


def keys_of(side: FarSide) -> list[str]:
    """Returns the keys that calls came with, without the test of the connection."""
    sent = [seen.headers["authorization"].split()[1] for seen in side.seen[1:]]
    return [base64.b64decode(one).decode().partition(":")[0] for one in sent]


def replace(stage: Ground, key: str) -> None:
    """Stores a key as the one in use."""
    owner = stage.connector.connection(NAME).id

    def store(log: Transaction) -> int:
        return log.store_secret(owner=owner, field="api_key", secret=Secret(key))

    stage.vault.write(store)


def destroy(stage: Ground) -> None:
    """Destroys the key in use."""
    owner = stage.connector.connection(NAME).id

    def destroyed(log: Transaction) -> int:
        return log.destroy_secrets(owner)

    stage.vault.write(destroyed)


def replacing(made: list[Ground], *, times: int) -> Callable[[Seen], Answer]:
    """Replaces the secret while the first sends are answered, and knows the new one alone."""
    left = times

    def answer(seen: Seen) -> Answer:
        nonlocal left
        if left:
            left -= 1
            replace(made[0], f"{NEW}-{left}" if left else NEW)
            return REFUSED
        if base64.b64encode(f"{NEW}:{NEW}".encode()).decode() not in seen.headers["authorization"]:
            return REFUSED
        return reply(201 if seen.method == "POST" else 200, {"id": 7, "name": "Kite"})

    return answer


@pytest.mark.parametrize("action", ["get_client", "create_client"])
def test_a_secret_that_was_replaced_on_the_way_is_read_again(tmp_path: Path, action: str) -> None:
    """A 401 says that nothing was done, so that a write goes out again as well."""
    made: list[Ground] = []
    with far_side(staff_or(replacing(made, times=1))) as side, ground(tmp_path) as stage:
        made.append(stage)
        stage.join(side.url)
        arguments = {"id": 7} if action == "get_client" else {"name": "Kite"}
        result = stage.result(action, arguments)
        assert (result.outcome, result.error) == (Outcome.SUCCEEDED, None)
        assert keys_of(side) == [KEY, NEW]
        entry = stage.connector.log.entry(result.log_id or 0)
        assert (entry.attempts, entry.status, stage.waits) == (2, side_status(action), [])


def side_status(action: str) -> int:
    """Returns the status of the answer that counts."""
    return 201 if action == "create_client" else 200


def test_a_secret_that_was_not_replaced_is_not_tried_again(tmp_path: Path) -> None:
    """One send, and the error says that the service does not accept it."""
    with far_side(staff_or(lambda _: REFUSED)) as side, ground(tmp_path) as stage:
        stage.join(side.url)
        result = stage.result("get_client", {"id": 7})
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert keys_of(side) == [KEY]


def test_it_is_read_again_once_and_never_in_a_loop(tmp_path: Path) -> None:
    """Even if it is replaced at every send: two sends, then the truth."""
    made: list[Ground] = []
    with far_side(staff_or(replacing(made, times=9))) as side, ground(tmp_path) as stage:
        made.append(stage)
        stage.join(side.url)
        result = stage.result("get_client", {"id": 7})
        assert result.error is not None
        assert result.error.kind is ErrorKind.UNAUTHORIZED
        assert keys_of(side) == [KEY, f"{NEW}-8"]


def test_a_revoke_on_the_way_is_no_replacement(tmp_path: Path) -> None:
    """There is no newer secret, so nothing more is sent."""
    made: list[Ground] = []

    def revoking(_: Seen) -> Answer:
        destroy(made[0])
        return REFUSED

    with far_side(staff_or(revoking)) as side, ground(tmp_path) as stage:
        made.append(stage)
        stage.join(side.url)
        result = stage.result("get_client", {"id": 7})
        assert result.outcome is Outcome.FAILED
        assert keys_of(side) == [KEY]
