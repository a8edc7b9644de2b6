"""Proves what calls do while the service that keeps the vault's key is down, or has moved."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clientary_connector import Connector, ErrorKind, LogFilter, Outcome, Result, Settings
from clientary_connector.manifest import load_manifest
from clientary_connector.statefolder import DATABASE, key_of, means_of
from clientary_connector.states import rotate_kek
from clientary_connector.wiring import joined
from connector_vault import Vault
from connector_vault.trust import PAUSE_S, Trust
from tests.actions.stage import Stage, set_stage
from tests.vault.ground import Clock
from tests.vault.loopback import serving
from tests.vault.transit_server import TOKEN, TransitServer

pytestmark = pytest.mark.requirement("threat.9", "keys.trust")

TTL_S = 100.0
SETTINGS = Settings(key_answer_s=0.5)


@pytest.fixture
def server() -> TransitServer:
    """Makes a transit engine with a key."""
    made = TransitServer()
    made.rotate("vault")
    return made


@pytest.fixture
def stage(
    tmp_path: Path, server: TransitServer, monkeypatch: pytest.MonkeyPatch
) -> Generator[Stage]:
    """Connects an account under a state whose key is in that engine."""
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    with (
        serving(server) as origin,
        set_stage(tmp_path / "state", key_uri=f"transit:{origin}/team/transit/vault") as made,
    ):
        yield made


@contextmanager
def opened(stage: Stage, clock: Clock) -> Generator[Connector]:
    """Opens a connector of the same state, whose trust in the key goes by a clock of ours."""
    vault = Vault.open(
        stage.state / DATABASE,
        key=lambda: key_of(stage.state, SETTINGS),
        means=means_of(SETTINGS),
        trust=Trust(TTL_S, clock),
    )
    connector = joined(vault, manifest=load_manifest(), settings=SETTINGS)
    try:
        yield connector
    finally:
        stage.runner.run(connector.aclose())


def run(stage: Stage, connector: Connector, user: str = "maria") -> Result:
    """Runs one call."""
    call = replace(stage.call("list_clients", {}), user=user)
    return stage.runner.run(connector.run(call))


@pytest.mark.parametrize("user", ["maria", "new"])
@pytest.mark.parametrize("fault", ["sealed", "slow"])
def test_calls_go_on_for_a_time_and_are_then_refused_each_with_its_entry(
    stage: Stage, server: TransitServer, fault: str, user: str
) -> None:
    """Nothing is sent, nothing hangs, and when the service is back, so are the calls."""
    clock = Clock(0.0)
    with opened(stage, clock) as connector:
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        setattr(server, fault, True)
        clock.now = TTL_S * 0.7
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        clock.now = TTL_S + 1
        stage.sandbox.forget()
        begun = time.monotonic()
        result = run(stage, connector, user)
        assert time.monotonic() - begun < 10
        assert result.error is not None
        assert (result.outcome, result.error.kind) == (Outcome.REFUSED, ErrorKind.VAULT_LOCKED)
        assert stage.sandbox.requests == []
        setattr(server, fault, False)
        clock.now += PAUSE_S
        assert run(stage, connector, user).outcome is Outcome.SUCCEEDED
        (entry,) = connector.log.page(LogFilter(outcome="refused")).entries
        assert (entry.id, entry.user, entry.error) == (result.log_id, user, "vault_locked")


def test_a_loop_goes_on_while_the_service_is_asked(stage: Stage, server: TransitServer) -> None:
    """A thread waits for the answer."""
    clock = Clock(0.0)
    with opened(stage, clock) as connector:
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        server.slow = True
        clock.now = TTL_S + 1

        async def beside() -> tuple[Result, int]:
            call = asyncio.ensure_future(connector.run(stage.call("list_clients", {})))
            turns = 0
            while not call.done():
                turns += 1
                await asyncio.sleep(0)
            return call.result(), turns

        result, turns = stage.runner.run(beside())
        assert result.outcome is Outcome.REFUSED
        assert turns > 100


def test_a_connector_that_is_open_follows_the_key(stage: Stage) -> None:
    """The key goes from the service to a file and its terms are renewed; calls go on."""
    clock = Clock(0.0)
    with opened(stage, clock) as connector:
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        rotate_kek(f"file:{stage.state / 'keys' / 'new.key'}", stage.state, user="ada")
        clock.now = TTL_S + 1
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        assert stage.connector.vault.rotate_keys(user="ada").left == ()
        assert run(stage, connector).outcome is Outcome.SUCCEEDED
        assert connector.vault.status().fingerprint == stage.connector.vault.status().fingerprint
