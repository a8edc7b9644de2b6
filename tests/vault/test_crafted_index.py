"""Proves that an index which leads to another row than it says is found out.

An index is not authenticated: whoever can write the file can have it lead anywhere, and every row
that it leads to is a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

import pytest

from connector_vault import IntegrityError, Record, Transaction, Vault
from connector_vault.sqlite import Connection
from tests.vault.ground import Place, calls, raw, store

T = TypeVar("T")

pytestmark = [pytest.mark.requirement("threat.1"), pytest.mark.requirement("threat.4")]


def craft(place: Place, index: str, wrong: Sequence[str], right: Sequence[str]) -> None:
    """Builds an index over rows as they are not, and puts the rows back as they are."""
    entry = _with(place, lambda file: _entry(file, index))
    _with(place, lambda file: file.execute(f"DROP INDEX {index}"))
    for statement in wrong:
        _with(place, lambda file: file.execute(statement))  # noqa: B023 - called at once
    _with(place, lambda file: file.execute(str(entry[4])))
    entry = _with(place, lambda file: _entry(file, index))
    _with(place, lambda file: _hidden(file, index))
    for statement in right:
        _with(place, lambda file: file.execute(statement))  # noqa: B023 - called at once
    _with(place, lambda file: _shown(file, entry))


def _with(place: Place, work: Callable[[Connection], T]) -> T:
    """Does one thing to the file; each time with a fresh look at what it is made of."""
    file = raw(place.database)
    try:
        for trigger in ("log_kept", "log_fixed", "log_sealed"):
            file.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        file.execute("PRAGMA writable_schema = ON; PRAGMA ignore_check_constraints = ON")
        return work(file)
    finally:
        file.close()


def _entry(file: Connection, index: str) -> tuple[str | int, ...]:
    columns = "type, name, tbl_name, rootpage, sql"
    statement = f"SELECT {columns} FROM sqlite_schema WHERE name = ?"  # noqa: S608 - constants only
    found: tuple[str | int, ...] = file.execute(statement, (index,)).fetchone()
    return found


def _hidden(file: Connection, index: str) -> None:
    file.execute("DELETE FROM sqlite_schema WHERE name = ?", (index,))


def _shown(file: Connection, entry: tuple[str | int, ...]) -> None:
    file.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", entry)


def fill(place: Place) -> None:
    """Makes two accounts with secrets and calls."""
    with place.create() as vault:
        for name in ("con_1", "con_2"):
            vault.write(lambda change: _connect(change, name))  # noqa: B023 - called at once
            store(vault, name, value=f"older-{name}")
            store(vault, name, value=f"newer-{name}")
        calls(vault, 2)


def _connect(change: Transaction, name: str) -> None:
    change.put(Record(kind="connection", id=name, name=name, body={}), expect=None)


CASES: dict[str, tuple[Sequence[str], Sequence[str], Callable[[Vault], object]]] = {
    "records_name": (
        [
            "UPDATE records SET name = 'x' WHERE id = 'con_1'",
            "UPDATE records SET name = 'con_1' WHERE id = 'con_2'",
        ],
        [
            "UPDATE records SET name = 'con_2' WHERE id = 'con_2'",
            "UPDATE records SET name = 'con_1' WHERE id = 'con_1'",
        ],
        lambda vault: vault.read(lambda view: view.record_named("connection", "con_1")),
    ),
    "keys_current": (
        [
            "UPDATE keys SET owner = 'x' WHERE owner = 'con_1'",
            "UPDATE keys SET owner = 'con_1' WHERE owner = 'con_2'",
        ],
        [
            "UPDATE keys SET owner = 'con_2' WHERE owner = 'con_1'",
            "UPDATE keys SET owner = 'con_1' WHERE owner = 'x'",
        ],
        lambda vault: store(vault, "con_1", value="newest"),
    ),
    "log_settled": (
        [
            "UPDATE log SET ref = 99 WHERE seq = 6",
            "UPDATE log SET ref = 5 WHERE seq = 8",
        ],
        [
            "UPDATE log SET ref = 5 WHERE seq = 6",
            "UPDATE log SET ref = 7 WHERE seq = 8",
        ],
        lambda vault: vault.read(lambda view: view.outcome_of(5)),
    ),
}


@pytest.mark.parametrize("index", CASES)
def test_an_index_that_leads_to_another_row_is_refused(place: Place, index: str) -> None:
    """The row has a right MAC, and is not the one that was asked for; the check finds it too."""
    wrong, right, use = CASES[index]
    fill(place)
    craft(place, index, wrong, right)
    with place.open() as vault:
        with pytest.raises(IntegrityError):
            use(vault)
        assert any(fault.place == "file" and index in fault.what for fault in vault.verify().faults)


def test_a_secret_is_read_by_its_own_row_whatever_the_index_of_stages_says(place: Place) -> None:
    """The older version is not opened as the current one."""
    fill(place)
    stages = "UPDATE secrets SET stage = '{}' WHERE owner = 'con_1' AND version = {}"
    wrong = [stages.format(*one) for one in (("x", 1), ("previous", 2), ("current", 1))]
    right = [stages.format(*one) for one in (("previous", 1), ("current", 2))]
    craft(place, "secrets_stage", wrong, right)
    with place.open() as vault:
        with suppress(IntegrityError):
            assert vault.open_secret("con_1", "api_key").reveal() == "newer-con_1"
        assert not vault.verify().ok
