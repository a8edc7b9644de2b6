"""Proves how a server of ours answers tokens: by the standard, and to guessers not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import Connector, create_state, open_connector
from clientary_connector.frontends.web.bearers import Bearers
from clientary_connector.frontends.web.throttle import MOST, TRUSTED_S, WINDOW_S, Throttle
from clientary_connector.tokens import ADMIN, NewToken, Token
from clientary_connector.tokentext import minted

pytestmark = pytest.mark.requirement("web.tokens")


class Time:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        """Begins anywhere."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Tells the time."""
        return self.now


@pytest.fixture(name="connector", scope="module")
def _connector(tmp_path_factory: pytest.TempPathFactory) -> Generator[Connector]:
    state = tmp_path_factory.mktemp("bearers") / "state"
    create_state(state)
    with open_connector(state) as connector:
        yield connector


@pytest.fixture(name="made")
def _made(connector: Connector) -> NewToken:
    return connector.tokens.for_admin(role="viewer", user="ada")


def shown(bearers: Bearers, *values: str, address: str = "203.0.113.9") -> Any:  # noqa: ANN401 - a token or an answer
    """Shows what stands in the header of a request."""
    headers = [(b"authorization", value.encode("latin-1")) for value in values]
    scope = {"type": "http", "headers": headers, "client": (address, 1)}
    return asyncio.run(bearers.admitted(scope))


def bearers(connector: Connector, *, a_minute: int = 100, clock: Time | None = None) -> Bearers:
    """Returns what looks at tokens."""
    throttle = Throttle(a_minute, clock=clock or Time())
    return Bearers(connector.tokens, kind=ADMIN, throttle=throttle)


def test_a_token_that_counts_lets_in(connector: Connector, made: NewToken) -> None:
    """The word before it is read in any case."""
    looking = bearers(connector)
    for word in ("Bearer", "bearer", "BEARER"):
        found = shown(looking, f"{word} {made.text}")
        assert isinstance(found, Token)
        assert found.id == made.token.id


@pytest.mark.parametrize(
    ("values", "status", "told"),
    [
        ((), 401, ""),
        (("Basic dXNlcjpwYXNz",), 401, ""),
        (("",), 401, ""),
        (("Bearer",), 401, 'error="invalid_token"'),
        (("Bearer hunter2",), 401, 'error="invalid_token"'),
        ((f"Bearer {minted()}",), 401, 'error="invalid_token"'),
        (("Bearer a\x80b\xff",), 401, 'error="invalid_token"'),
        (("Bearer a", "Bearer b"), 400, 'error="invalid_request"'),
    ],
)
def test_what_lets_nobody_in_is_answered_by_the_standard(
    connector: Connector, values: tuple[str, ...], status: int, told: str
) -> None:
    """An error is named only where something was shown (RFC 6750, 3)."""
    answer = shown(bearers(connector), *values)
    assert answer.status_code == status
    header = answer.headers["www-authenticate"]
    assert header.startswith('Bearer realm="clientary"')
    assert told in header
    assert ("error" in header) == bool(told)


def test_neither_an_answer_nor_a_log_holds_what_was_shown(
    connector: Connector, made: NewToken, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the token by its id, and who has shown it."""
    connector.tokens.revoke(made.token.id, user="grace")
    with caplog.at_level(logging.DEBUG):
        answer = shown(bearers(connector), f"Bearer {made.text}")
    assert "revoked" in answer.headers["www-authenticate"]
    assert made.token.id in caplog.text
    assert "203.0.113.9" in caplog.text
    for text in (caplog.text, answer.body.decode(), str(answer.headers)):
        assert made.text[:12] not in text


def test_who_guesses_has_to_wait_and_the_vault_is_not_asked(
    connector: Connector, made: NewToken
) -> None:
    """Others are heard meanwhile; after a minute so is he, and what is right waits till then."""
    clock = Time()
    looking = bearers(connector, a_minute=3, clock=clock)
    for _ in range(3):
        assert shown(looking, f"Bearer {minted()}").status_code == 401
        clock.now += 10
    late = shown(looking, f"Bearer {made.text}")
    assert (late.status_code, late.headers["retry-after"]) == (429, "30")
    assert isinstance(shown(looking, f"Bearer {made.text}", address="203.0.113.10"), Token)
    clock.now += 30
    assert isinstance(shown(looking, f"Bearer {made.text}"), Token)


def test_whoever_was_right_lately_is_not_shut_out_by_a_neighbour() -> None:
    """Programs of one house share an address; an IPv6 network is one."""
    clock = Time()
    throttle = Throttle(2, clock=clock)
    throttle.right("2001:db8::1")
    for _ in range(5):
        throttle.wrong("2001:db8::2")
    assert throttle.wait_s("2001:db8::3") == 0
    clock.now += TRUSTED_S
    for _ in range(2):
        throttle.wrong("2001:db8::2")
    assert throttle.wait_s("2001:db8::3") == WINDOW_S
    assert throttle.wait_s("2001:db8:0:1::3") == 0


def test_so_many_addresses_are_remembered_and_no_more() -> None:
    """Whoever comes from many fills no memory."""
    throttle = Throttle(1, clock=Time())
    for number in range(MOST + 1):
        throttle.wrong(f"address {number}")
    assert throttle.wait_s("address 0") == 0
    assert throttle.wait_s("address 1") == WINDOW_S


def test_a_vault_that_gives_no_answer_lets_nobody_in(tmp_path: Path) -> None:
    """And it is told that this may pass."""
    create_state(tmp_path / "state")
    with open_connector(tmp_path / "state") as connector:
        made = connector.tokens.for_admin(role="viewer", user="ada")
        looking = bearers(connector)
    answer = shown(looking, f"Bearer {made.text}")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
