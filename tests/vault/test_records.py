"""Proves that a record is what the vault wrote last, or an error."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connector_vault import (
    ConflictError,
    IntegrityError,
    MisuseError,
    Record,
    Transaction,
    Vault,
    View,
)
from tests.vault.ground import Place, account, append

pytestmark = pytest.mark.requirement("vault.records")


def put(vault: Vault, record: Record, expect: int | None) -> Record:
    """Stores one record."""
    return vault.write(lambda change: change.put(record, expect=expect))


def seen(vault: Vault) -> Record | None:
    """Reads the account."""
    return vault.read(lambda view: view.record("connection", "con_1"))


def test_what_was_put_is_read(place: Place) -> None:
    """All of it, by id and by name, before and after reopening."""
    record = Record(
        kind="connection",
        id="con_1",
        parent="host",
        name="acme",
        body={"ünï": [1, None, True, {"a": "b"}], "price": "12.50"},
    )
    with place.create() as vault:
        stored = put(vault, record, None)
        assert stored == replace(record, revision=1)
        assert seen(vault) == stored
    with place.open() as vault:
        assert seen(vault) == stored
        assert vault.read(lambda view: view.record_named("connection", "acme")) == stored
        assert vault.read(lambda view: view.record_named("grant", "acme")) is None
        assert vault.read(lambda view: view.record("grant", "con_1")) is None


def test_records_are_listed_by_kind_and_parent(vault: Vault) -> None:
    """In the order of their ids."""
    for kind, record_id, parent in (
        ("grant", "b", "con_1"),
        ("grant", "a", "con_1"),
        ("grant", "c", "con_2"),
        ("budget", "a", "con_1"),
    ):
        put(vault, Record(kind=kind, id=record_id, parent=parent, body={}), None)
    listed = vault.read(lambda view: view.records("grant"))
    assert [record.id for record in listed] == ["a", "b", "c"]
    of_one = vault.read(lambda view: view.records("grant", parent="con_1"))
    assert [record.id for record in of_one] == ["a", "b"]


def test_a_revision_is_written_over_once(vault: Vault) -> None:
    """Whoever read an older revision is refused, and so is making what exists."""
    first = put(vault, account(), None)
    second = put(vault, replace(first, body={"state": "revoked"}), 1)
    assert second.revision == 2
    for expect in (None, 1, 3):
        with pytest.raises(ConflictError):
            put(vault, first, expect)
    assert seen(vault) == second


def test_changing_what_is_not_there_is_refused(vault: Vault) -> None:
    """A revision is expected and there is none."""
    with pytest.raises(ConflictError):
        put(vault, account(), 1)


def test_a_name_is_held_by_one_record_of_its_kind(vault: Vault) -> None:
    """Another kind may have it too, and it is free once it was given up."""
    first = put(vault, account(), None)
    second = Record(kind="connection", id="con_2", name="acme", body={})
    with pytest.raises(ConflictError, match="name"):
        put(vault, second, None)
    put(vault, replace(second, kind="grant"), None)
    put(vault, replace(first, name=None), 1)
    put(vault, second, None)


@pytest.mark.requirement("threat.3")
@pytest.mark.parametrize(
    "edit",
    [
        'UPDATE records SET body = \'{"state":"active","scopes":"all"}\'',
        "UPDATE records SET body = body || ' '",
        "UPDATE records SET name = 'other'",
        "UPDATE records SET name = NULL",
        "UPDATE records SET parent = 'con_2'",
        "UPDATE records SET revision = revision + 1",
        "UPDATE records SET mac = zeroblob(32)",
        "UPDATE records SET body = 'no json'",
    ],
)
def test_an_edited_record_is_refused_and_named(place: Place, edit: str) -> None:
    """Any column, by any way of reading it."""
    with place.create() as vault:
        put(vault, account(), None)
    with place.edited() as file:
        file.execute(edit)
    ways: list[Callable[[Vault], object]] = [
        seen,
        lambda it: it.read(lambda view: view.records("connection")),
        lambda it: put(it, account(), 1),
    ]
    with place.open() as vault:
        for way in ways:
            with pytest.raises(IntegrityError) as caught:
                way(vault)
            assert caught.value.row == "records connection con_1"


@pytest.mark.requirement("threat.3")
@pytest.mark.parametrize("column", ["id", "kind"])
def test_a_record_moved_to_another_place_is_refused(place: Place, column: str) -> None:
    """A grant that is renamed to another persona's is no grant."""
    with place.create() as vault:
        put(vault, account(), None)
    with place.edited() as file:
        file.execute(f"UPDATE records SET {column} = 'other'")  # noqa: S608
    with place.open() as vault, pytest.raises(IntegrityError):
        vault.read(
            lambda view: view.record(
                *(("connection", "other") if column == "id" else ("other", "con_1"))
            )
        )


def _logged(change: Transaction, vault: Vault, record: Record, expect: int | None) -> None:
    """Stores a record as connections and grants are stored: with its line in the log."""
    stored = change.put(record, expect=expect)
    subject = f"{record.kind}:{record.id}"
    change.append(vault.draft(kind="connect", subject=subject, revision=stored.revision))


def _revoked(place: Place) -> list[tuple[Any, ...]]:
    """Makes an account, revokes it, and gives its row from before."""
    with place.create() as vault:
        vault.write(lambda change: _logged(change, vault, account(), None))
        with place.edited() as file:
            before = file.execute("SELECT * FROM records").fetchall()
        vault.write(lambda change: _logged(change, vault, account("revoked"), 1))
    return before


@pytest.mark.requirement("threat.2")
def test_a_row_put_back_is_refused(place: Place) -> None:
    """Yesterday's row has a right MAC; the log knows of a newer one."""
    before = _revoked(place)
    with place.edited() as file:
        file.execute("DELETE FROM records")
        for row in before:
            file.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    with place.open() as vault:
        ways: list[Callable[[View], object]] = [
            lambda view: view.record("connection", "con_1"),
            lambda view: view.record_named("connection", "acme"),
            lambda view: view.records("connection"),
        ]
        for way in ways:
            with pytest.raises(IntegrityError, match="older than the log"):
                vault.read(way)


@pytest.mark.requirement("threat.2")
def test_a_row_taken_out_is_refused(place: Place) -> None:
    """A revoked account does not become one that never was."""
    _revoked(place)
    with place.edited() as file:
        file.execute("DELETE FROM records")
    with place.open() as vault:
        with pytest.raises(IntegrityError, match="the log holds it"):
            seen(vault)
        with pytest.raises(IntegrityError):
            put(vault, account(), None)


def test_a_transaction_that_was_kept_is_refused(vault: Vault) -> None:
    """After its work, nothing can be changed through it."""
    kept: list[Transaction] = []
    vault.write(kept.append)
    draft = vault.draft(kind="connect")
    for use in (
        lambda: kept[0].put(account(), expect=None),
        lambda: kept[0].append(draft),
        lambda: kept[0].destroy_secrets("con_1"),
    ):
        with pytest.raises(MisuseError):
            use()
    assert seen(vault) is None
    assert append(vault, draft) == 1


@pytest.mark.requirement("threat.3")
@pytest.mark.parametrize(
    "edit",
    [
        "body = replace(body, 'active', 'actave')",
        "body = body || ' '",
        "revision = revision + 1",
        "name = name || 'x'",
        "mac = zeroblob(32)",
    ],
)
def test_a_record_that_was_right_a_moment_ago_is_checked_again(place: Place, edit: str) -> None:
    """What was read once is not trusted for its name: one other byte, and it is refused."""
    with place.create() as vault:
        put(vault, account(), None)
        right = seen(vault)
        with place.edited() as file:
            file.execute("CREATE TABLE kept AS SELECT * FROM records")
            file.execute(f"UPDATE records SET {edit}")  # noqa: S608 - our own statements
            with pytest.raises(IntegrityError, match="records connection con_1"):
                seen(vault)
            file.execute("DELETE FROM records")
            file.execute("INSERT INTO records SELECT * FROM kept")
        again = seen(vault)
        assert again == right
        assert again is not None
        with pytest.raises(TypeError, match="does not support item assignment"):
            again.body["state"] = "changed by who read it"  # type: ignore[index]  # what is refused
        assert seen(vault) == right


def test_a_transaction_sees_each_change_of_a_record_that_it_has_read(place: Place) -> None:
    """What was read is kept no longer than until something is written or undone."""
    record = Record(kind="thing", id="a", body={"n": 1})

    def change(log: Transaction) -> tuple[list[Record | None], list[Record | None]]:
        seen = [log.record("thing", "a")]
        first = log.put(record, expect=None)
        seen.append(log.record("thing", "a"))
        second = log.put(replace(first, body={"n": 2}), expect=1)
        return [*seen, log.record("thing", "a")], [None, first, second]

    def undone(log: Transaction) -> None:
        log.put(Record(kind="thing", id="a", body={"n": 3}), expect=2)
        log.record("thing", "a")
        raise KeyError

    async def together() -> list[Any]:
        def look(log: Transaction) -> Record | None:
            return log.record("thing", "a")

        works: list[Callable[[Transaction], Record | None]] = [look, undone, look]
        writes = [vault.write_async(work) for work in works]
        return await asyncio.gather(*writes, return_exceptions=True)

    with place.create() as vault:
        seen, expected = vault.write(change)
        assert seen == expected
        before, error, after = asyncio.run(together())
        assert isinstance(error, KeyError)
        assert before == after == expected[-1]
        with place.open() as other:
            put(other, replace(expected[-1] or record, body={"n": 4}), 2)
        assert vault.read(lambda view: view.record("thing", "a")) == vault.write(
            lambda log: log.record("thing", "a")
        )
        assert (vault.read(lambda view: view.record("thing", "a")) or record).body == {"n": 4}


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE records SET body = replace(body, 'active', 'passive')",
        "UPDATE records SET revision = revision + 1",
        "UPDATE records SET name = 'other'",
        "UPDATE records SET parent = 'other'",
        "UPDATE records SET mac = zeroblob(32)",
    ],
)
def test_a_row_that_was_read_before_and_then_edited_is_refused(place: Place, edit: str) -> None:
    """What is remembered of a row stands for that row alone, to the byte."""
    with place.create() as vault:
        put(vault, replace(account(), body={"state": "active"}), None)
        assert seen(vault) is not None
        with place.edited() as file:
            file.execute(edit)
        with pytest.raises(IntegrityError):
            seen(vault)


def test_nobody_can_change_a_record_that_was_read(vault: Vault) -> None:
    """All who read it have the same body, the first and the later ones."""
    put(vault, replace(account(), body={"state": "active"}), None)
    for _ in range(3):
        found = seen(vault)
        assert found is not None
        assert found.body == {"state": "active"}
        with pytest.raises(TypeError, match="does not support item assignment"):
            found.body["state"] = "revoked"  # type: ignore[index]  # what is refused
