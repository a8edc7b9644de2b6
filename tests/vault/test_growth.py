"""Proves that the growth of the log is told month by month."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector_vault import Vault
from connector_vault.growth import MONTHS
from tests.vault.ground import Clock, Place, append

pytestmark = pytest.mark.requirement("log.growth")


def moment(year: int, month: int, day: int = 10) -> float:
    """Gives a time as the clock does."""
    return datetime(year, month, day, tzinfo=UTC).timestamp()


def write(vault: Vault, count: int, size: int = 10) -> None:
    """Writes rows with a text of some size."""
    drafts = [vault.draft(kind="note", user="ada", payload=b"x" * size) for _ in range(count)]
    vault.write(lambda log: [log.append(one) for one in drafts])


def test_rows_are_counted_by_month(place: Place) -> None:
    """Exactly, across runs of rows and through months without any; sizes follow the texts."""
    clock = Clock(moment(2025, 11))
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        assert vault.read(lambda view: view.growth()) == ()
        for when, count, size in (
            (moment(2025, 11), 30, 10),
            (moment(2026, 1), 1500, 10),
            (moment(2026, 2), 700, 2_000),
        ):
            clock.now = when
            write(vault, count, size)
        found = vault.read(lambda view: view.growth())
    assert [(one.month, one.rows) for one in found] == [
        ("2026-02", 700),
        ("2026-01", 1500),
        ("2025-11", 30),
    ]
    assert 700 * 2_100 < found[0].size < 700 * 2_600
    assert 1500 * 250 < found[1].size < 1500 * 600


def test_the_newest_months_alone_are_told(place: Place) -> None:
    """A bound on how far it looks back."""
    clock = Clock(moment(2024, 1))
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        for number in range(MONTHS + 3):
            clock.now = moment(2024 + number // 12, number % 12 + 1)
            append(vault, vault.draft(kind="note"))
        found = vault.read(lambda view: view.growth())
    assert [one.month for one in found][:: MONTHS - 1] == ["2025-03", "2024-04"]
    assert len(found) == MONTHS


def test_a_clock_that_jumps_back_breaks_nothing(place: Place) -> None:
    """Every row is counted once, in some month."""
    clock = Clock(moment(2026, 3))
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        write(vault, 10)
        clock.now = moment(2026, 1)
        write(vault, 10)
        clock.now = moment(2026, 4)
        write(vault, 10)
        found = vault.read(lambda view: view.growth())
    assert sum(one.rows for one in found) == 30
