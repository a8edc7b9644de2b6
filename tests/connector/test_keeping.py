"""Proves that tending ends text that was kept long enough, and goes on with erasures."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clientary_connector import Settings, load_manifest
from clientary_connector.statefolder import DATABASE, KEY
from clientary_connector.states import restore_state
from clientary_connector.tending import TendReport
from clientary_connector.wiring import joined
from connector_vault import ErasedError, Vault
from connector_vault.anchor_places import FileAnchor
from connector_vault.checkpoints import CheckpointPlan
from connector_vault.erasure import Eraser
from tests.vault.ground import append, intent, row_of

pytestmark = pytest.mark.requirement("log.keep")

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def made(folder: Path, age_days: int) -> Vault:
    """Makes a vault with one read and its outcome of some age."""
    then = NOW - timedelta(days=age_days)
    vault = Vault.create(folder / DATABASE, key=f"file:{folder / KEY}", clock=then.timestamp)
    append(vault, intent(vault))
    return vault


def tended(vault: Vault, settings: Settings) -> TendReport:
    """Tends the state once."""
    connector = joined(vault, manifest=load_manifest(), settings=settings, clock=lambda: NOW)
    return asyncio.run(connector.tend(user="root"))


@pytest.mark.parametrize(
    ("keep", "gone"), [("", True), ("call:read=120", False), ("forever", False), ("99", True)]
)
def test_tending_ends_what_is_older_than_it_is_to_be_kept(
    tmp_path: Path, keep: str, *, gone: bool
) -> None:
    """By the settings, and says so once; the line stays."""
    with made(tmp_path, 100) as vault:
        report = tended(vault, Settings(keep=keep, key_rotation_days=3650))
        assert [item.what for item in report.items] == (["retention"] if gone else [])
        if gone:
            told = "1 other" if keep else "1 call:read"
            assert told in report.items[0].detail
            with pytest.raises(ErasedError):
                vault.open_payload(row_of(vault, 1))
        else:
            assert vault.open_payload(row_of(vault, 1)) is not None
        assert vault.verify_log().ok


@pytest.mark.requirement("threat.21")
@pytest.mark.parametrize(("keep", "gone"), [("", True), ("call:read=120", False)])
def test_a_restored_backup_does_not_bring_back_what_had_ended(
    tmp_path: Path, keep: str, *, gone: bool
) -> None:
    """Nobody has to tend it first: what is too old ends with the restore."""
    then = datetime.now(UTC) - timedelta(days=100)
    key, backup = f"file:{tmp_path / KEY}", tmp_path / "saved" / "one.db"
    with Vault.create(tmp_path / DATABASE, key=key, clock=then.timestamp) as vault:
        append(vault, intent(vault))
        vault.back_up(backup)
    settings = Settings(keep=keep)
    restore_state(backup, tmp_path, accept=True, settings=settings)
    with Vault.open(tmp_path / DATABASE, key=key) as vault:
        assert (row_of(vault, 1).payload is None) is gone
        assert vault.verify().ok


def test_a_restore_is_done_though_nothing_can_be_ended_then(tmp_path: Path) -> None:
    """The key of the settings is that of before; tending ends it later."""
    backup = tmp_path / "saved" / "one.db"
    with made(tmp_path, 100) as vault:
        vault.back_up(backup)
    settings = Settings(key=f"file:{tmp_path / 'keys' / 'other'}")
    report = restore_state(
        backup, tmp_path, key=f"file:{tmp_path / KEY}", accept=True, settings=settings
    )
    assert report.rows == 1


@pytest.mark.requirement("log.erase.resume")
def test_tending_goes_on_with_an_erasure(tmp_path: Path) -> None:
    """One that was cut short, to its end, and once."""

    def cut(step: str) -> None:
        if step == "before shred":
            raise KeyboardInterrupt

    with made(tmp_path, 1) as vault:
        with pytest.raises(KeyboardInterrupt):
            Eraser(vault, on_step=cut).erase("ada", asked_by="root", reason="")
        settings = Settings(key_rotation_days=3650)
        (item,) = tended(vault, settings).items
        assert (item.what, item.outcome) == ("erasure", "done")
        assert tended(vault, settings).items == ()


@pytest.mark.requirement("log.checkpoint.anchors")
def test_tending_reaches_an_anchor_that_was_away(tmp_path: Path) -> None:
    """It gets the newest checkpoint though nothing was written since; one still away is named."""
    away = tmp_path / "away"
    anchor = FileAnchor("away", str(away / "checkpoints.txt"))
    plan = CheckpointPlan(anchors=(anchor,), answer_s=5)
    database, key = tmp_path / DATABASE, f"file:{tmp_path / KEY}"
    with Vault.create(database, key=key, checkpoints=plan, clock=NOW.timestamp) as vault:
        append(vault, intent(vault))
        vault.checkpoints.make()
        while vault.checkpoints.anchors()[0].stale is None:
            time.sleep(0.001)
        report = tended(vault, Settings(key_rotation_days=3650))
        assert [(item.what, item.outcome) for item in report.items] == [("anchor", "failed")]
        assert "behind" in report.items[0].detail
    away.mkdir(mode=0o700)
    with Vault.open(database, key=key, checkpoints=plan, clock=NOW.timestamp) as vault:
        rows = vault.read(lambda view: view.last_seq())
        assert tended(vault, Settings(key_rotation_days=3650)).items == ()
        assert vault.read(lambda view: view.last_seq()) == rows
    assert f"\n{rows}\n" in anchor.held()
