"""Proves over real HTTP what a call comes to when the disk is full before or after its send."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from clientary_connector import Outcome
from connector_vault import Vault
from tests.connector.engine.far_side import Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import Ground, ground, staff_or
from tests.full_disk import FullDisk

pytestmark = [pytest.mark.requirement("threat.15"), pytest.mark.requirement("engine.degraded")]


@pytest.fixture
def disk() -> Generator[FullDisk]:
    """A disk that a test fills and that has room again after it."""
    made = FullDisk()
    yield made
    made.clear()


@pytest.fixture
def side(disk: FullDisk) -> Generator[FarSide]:
    """A far side that fills the disk while it works, if the client is named so."""

    def answer(seen: Seen) -> Answer:
        if b"fill the disk" in seen.body:
            disk.fill()
        return reply(body={"id": 7, "name": "Acme", "number": "C7"})

    with far_side(staff_or(answer)) as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    """A connector on that far side, with a grant for everything."""
    with ground(tmp_path) as made:
        made.join(side.url)
        side.seen.clear()
        yield made


def test_a_call_without_room_for_its_intent_is_not_sent(
    on: Ground, side: FarSide, disk: FullDisk
) -> None:
    """It is refused; with room again the next call goes through, without a restart."""
    disk.fill()
    refused = on.result("create_client", {"name": "Acme"})
    disk.clear()
    assert (refused.outcome, refused.log_id) == (Outcome.REFUSED, None)
    assert side.seen == []
    assert on.result("create_client", {"name": "Acme"}).outcome is Outcome.SUCCEEDED
    assert len(side.seen) == 1
    assert on.connector.vault.verify().ok


def test_a_call_without_room_for_its_outcome_is_unknown_and_the_last(
    on: Ground, side: FarSide, disk: FullDisk, tmp_path: Path
) -> None:
    """It was sent once; no other is, until somebody opens the state anew; its line is open."""
    result = on.result("create_client", {"name": "fill the disk"})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.UNKNOWN, "unknown")
    disk.clear()
    assert on.result("create_client", {"name": "Other"}).outcome is Outcome.REFUSED
    assert len(side.seen) == 1
    on.connector.close()
    key = f"file:{tmp_path / 'keys' / 'vault.key'}"
    with Vault.open(tmp_path / "vault" / "vault.db", key=key) as vault:
        report = vault.verify()
        assert report.ok
        assert report.log.open == (result.log_id,)


@pytest.mark.requirement("threat.16")
def test_a_call_with_an_anchor_that_was_altered_is_refused_by_name(
    on: Ground, side: FarSide, tmp_path: Path
) -> None:
    """Nobody knows what was revoked, so nothing is sent."""
    anchor = next((tmp_path / "anchors").iterdir())
    anchor.write_bytes(bytes(2_000))
    refused = on.result("create_client", {"name": "Acme"})
    assert (refused.outcome, refused.error and refused.error.kind) == (Outcome.REFUSED, "integrity")
    assert side.seen == []
