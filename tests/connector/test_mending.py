"""Proves that a start mends what was left behind, and takes nothing from those who are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import Connector, LogFilter, Settings, open_connector
from clientary_connector.state import state_faults
from clientary_connector.statefolder import DATABASE, KEY
from clientary_connector.states import create_state
from connector_vault import LogQuery, LogRow, Vault
from tests.full_disk import full_disk

pytestmark = pytest.mark.requirement("log.closed")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state without a connection."""
    create_state(tmp_path)
    return tmp_path


@pytest.fixture
def other(state: Path) -> Iterator[Vault]:
    """The vault of that state, open elsewhere."""
    with opened(state) as vault:
        yield vault


def opened(state: Path) -> Vault:
    """Opens the vault itself."""
    return Vault.open(state / DATABASE, key=f"file:{state / KEY}")


def leave(vault: Vault, operation: str, by: str, effect: str = "write") -> int:
    """Writes an intent as a process does that has the vault open under some id."""
    draft = vault.draft(
        kind="intent",
        user="maria",
        persona="bookkeeper",
        connection="con_1",
        action="create_client",
        effect=effect,
        operation=operation,
        facts={"by": by, "cost": 1},
        payload=b'{"prompt": "Make it."}',
    )
    return vault.write(lambda log: log.append(draft))


def outcomes(vault: Vault) -> dict[int, LogRow]:
    """Gives the outcomes by their intents."""

    def read(view: Any) -> dict[int, LogRow]:  # noqa: ANN401 - a view
        rows = view.log_rows(LogQuery(), limit=100)
        found: dict[int, LogRow] = view.outcomes_of(row.seq for row in rows)
        return found

    return vault.read(read)


def test_calls_of_a_process_that_died_are_closed_as_unknown(state: Path, other: Vault) -> None:
    """Each with what is known of it, and one line says that this was done."""
    seqs = [leave(other, "op_1", "0123456789abcdef"), leave(other, "op_2", "", effect="read")]
    with open_connector(state) as connector:
        entries = connector.log.page(LogFilter(action="create_client")).entries
        assert [(entry.id, entry.outcome) for entry in entries] == [
            (seqs[1], "unknown"),
            (seqs[0], "unknown"),
        ]
        assert (entries[0].error, entries[0].facts["left_open"]) == ("unknown", True)
        (tend,) = [one for one in connector.log.page().entries if one.kind == "tend"]
        assert tend.facts["closed"] == seqs
        assert connector.log.verify().ok
        assert connector.log.open() == ()


def test_calls_of_a_process_that_is_there_are_left_alone(state: Path, other: Vault) -> None:
    """They are under way, until it leaves."""
    seq = leave(other, "op_1", other.attendance.me)
    with open_connector(state) as connector:
        assert outcomes(other) == {}
        (call,) = connector.log.open()
        assert (call.id, call.under_way, call.operation) == (seq, True, "op_1")
    other.close()
    with open_connector(state) as connector:
        assert connector.log.open() == ()
        assert connector.log.entry(seq).outcome == "unknown"


def test_a_start_that_only_looks_mends_nothing(state: Path, other: Vault) -> None:
    """What is left behind is shown as that."""
    leave(other, "op_1", "gone")
    with open_connector(state, mends=False) as connector:
        (call,) = connector.log.open()
        assert not call.under_way
        assert call.to_json()["operation"] == "op_1"
    assert outcomes(other) == {}


def test_two_starts_at_once_close_a_call_once(state: Path, other: Vault) -> None:
    """The second finds it closed, and writes nothing."""
    leave(other, "op_1", "gone")
    with open_connector(state), open_connector(state):
        assert len(outcomes(other)) == 1
        assert other.read(lambda view: view.last_seq()) == 3


def test_a_start_without_room_mends_nothing_and_opens(state: Path, other: Vault) -> None:
    """It is left to the next one."""
    leave(other, "op_1", "gone")
    with full_disk(), open_connector(state) as connector:
        assert isinstance(connector, Connector)
    assert outcomes(other) == {}
    with open_connector(state):
        assert len(outcomes(other)) == 1


@pytest.mark.requirement("log.closed.latch")
def test_a_start_lifts_the_latch_and_says_so(state: Path) -> None:
    """It has written, so the next outcome can be too; the line holds why it stood."""
    with opened(state) as failed:
        seq = leave(failed, "op_1", failed.attendance.me)
        failed.degrade("The outcome of call 1 was not written: the disk was full.")
    with open_connector(state, mends=False) as connector:
        assert connector.vault.status().degraded is not None
        assert connector.vault.status().open_intents == 1
    with open_connector(state) as connector:
        assert connector.vault.status().degraded is None
        (tend,) = [one for one in connector.log.page().entries if one.kind == "tend"]
        assert (tend.facts["closed"], "disk was full" in tend.facts["reason"]) == ([seq], True)


@pytest.mark.requirement("log.closed.settings")
def test_settings_other_than_the_last_are_noted(state: Path) -> None:
    """Those in force and those before; none at all where nothing was ever set."""
    with open_connector(state) as connector:
        assert connector.log.page().entries == ()
    changed = Settings(max_attempts=2)
    for settings in (changed, changed, Settings()):
        with state_faults(), open_connector(state, settings=settings) as connector:
            entries = connector.log.page().entries
    assert [(entry.kind, entry.outcome) for entry in entries] == [("settings", "succeeded")] * 2
    assert [entry.facts for entry in entries] == [
        {"in_force": {}, "before": {"max_attempts": 2}},
        {"in_force": {"max_attempts": 2}, "before": {}},
    ]
