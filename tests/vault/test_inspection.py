"""Proves that the check of the vault finds what is altered, put back, added or gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connector_vault import (
    Record,
    StoreError,
    Transaction,
    Vault,
    VaultError,
)
from connector_vault.kekrotator import KekRotator
from connector_vault.sqlite import Connection
from tests.vault.ground import Place, append, calls, intent, raw, store

pytestmark = pytest.mark.requirement("vault.verify")

NAMES = ("con_1", "con_2")


def fill(vault: Vault) -> None:
    """Makes accounts with grants, secrets in two versions, calls, and one account that ended."""
    for name in (*NAMES, "con_3"):
        _put(vault, Record(kind="connection", id=name, name=name, body={"state": "active"}))
        _put(vault, Record(kind="grant", id=f"{name}/ada", parent=name, body={"scopes": ["a:b"]}))
        store(vault, name, value="older")
        store(vault, name, value=f"canary-{name}")
    calls(vault, 3)
    append(vault, vault.draft(kind="note", subject="a thing:that is no record"))
    vault.write(lambda change: _end(change, vault))


def _put(vault: Vault, record: Record, expect: int | None = None) -> None:
    def put(change: Transaction) -> None:
        kept = change.put(record, expect=expect)
        subject = f"{kept.kind}:{kept.id}"
        change.append(vault.draft(kind=kept.kind, subject=subject, revision=kept.revision))

    vault.write(put)


def _end(change: Transaction, vault: Vault) -> None:
    record = change.record("connection", "con_3")
    assert record is not None
    kept = change.put(replace(record, body={"state": "revoked"}), expect=1, final=True)
    change.destroy_secrets("con_3")
    draft = vault.draft(kind="revoke", subject="connection:con_3", revision=kept.revision)
    change.append(draft)


def faults(vault: Vault) -> set[tuple[str, str]]:
    """Gives what the check finds, but for the triggers that an editor has to drop."""
    found = {(fault.place, fault.what) for fault in vault.verify().faults}
    return {(place, what) for place, what in found if place != "file" or "log_" not in what}


def test_a_whole_vault_passes_and_is_counted(place: Place) -> None:
    """Also after it was closed and opened, and in a second vault on the same file."""
    with place.create() as vault:
        fill(vault)
        report = vault.verify()
        assert (report.ok, report.faults, report.epoch, report.unopened) == (True, (), 1, 0)
        # A term, two MAC keys, the audit keys of two users, three data keys, one destroyed.
        assert (report.keys, report.secrets, report.records) == (9, 5, 9)
        assert report.log.rows == 21
        assert report.log.open == ()
    with place.open() as one, place.open() as other:
        assert one.verify() == other.verify() == report


ALTERED = "fails its check"
EDITS = {
    "status": (
        "UPDATE records SET body = '{\"state\":\"active\"}' WHERE id = 'con_3'",
        ("records connection con_3", ALTERED),
    ),
    "scope": (
        "UPDATE records SET body = '{\"scopes\":[\"*:*\"]}' WHERE id = 'con_1/ada'",
        ("records grant con_1/ada", ALTERED),
    ),
    "label": (
        "UPDATE records SET name = 'other' WHERE id = 'con_1'",
        ("records connection con_1", ALTERED),
    ),
    "parent": (
        "UPDATE records SET parent = 'con_2' WHERE id = 'con_1/ada'",
        ("records grant con_1/ada", ALTERED),
    ),
    "revision": (
        "UPDATE records SET revision = 7 WHERE id = 'con_1'",
        ("records connection con_1", ALTERED),
    ),
    "record gone": (
        "DELETE FROM records WHERE id = 'con_1'",
        ("records connection con_1", "is gone, and the log holds it"),
    ),
    "record added": (
        "INSERT INTO records VALUES ('grant', 'con_1/eve', 'con_1', NULL, 1, '{}', zeroblob(32))",
        ("records grant con_1/eve", ALTERED),
    ),
    "stage": (
        "UPDATE secrets SET stage = 'pending' WHERE owner = 'con_1' AND stage = 'previous'",
        ("secrets con_1 api_key 1", ALTERED),
    ),
    "sealed": (
        "UPDATE secrets SET sealed = zeroblob(90) WHERE owner = 'con_1' AND version = 2",
        ("secrets con_1 api_key 2", ALTERED),
    ),
    "secret gone": (
        "DELETE FROM secrets WHERE owner = 'con_1'",
        ("secrets con_1 api_key", "lacks what the log holds"),
    ),
    "key altered": (
        "UPDATE keys SET sealed = zeroblob(113) WHERE owner = 'con_1'",
        ("keys", ALTERED),
    ),
    "key destroyed": (
        "UPDATE keys SET sealed = NULL, state = 'destroyed' WHERE owner = 'con_1'",
        ("secrets con_1 api_key 1", "stands without its key"),
    ),
    "entry gone": (
        "DELETE FROM records WHERE kind = 'ended'",
        ("anchor", "records ended holds 0 of 1 entries"),
    ),
    "stranger": (
        "INSERT INTO vault VALUES ('note', 'x')",
        ("vault note", "is not of the vault"),
    ),
    "table": (
        "CREATE TABLE extra (x)",
        ("file", "extra is not as this version makes it"),
    ),
    "trigger": (
        "CREATE TRIGGER widen AFTER UPDATE ON records BEGIN SELECT 1; END",
        ("file", "widen is not as this version makes it"),
    ),
    "index": (
        "DROP INDEX secrets_stage",
        ("file", "secrets_stage is not as this version makes it"),
    ),
}


@pytest.mark.requirement("threat.3")
@pytest.mark.parametrize("name", EDITS)
def test_every_edit_is_listed_by_its_place(place: Place, name: str) -> None:
    """Status, scope, label, expiry or what else was changed by SQL; the rest stays sound."""
    statement, wanted = EDITS[name]
    with place.create() as vault:
        fill(vault)
        with place.edited() as file:
            file.execute(statement)
        found = vault.verify()
        assert not found.ok
        told = {(fault.place, fault.what.split(". Compare")[0]) for fault in found.faults}
        told |= {("keys", what) for where, what in told if where.startswith("keys ")}
        assert wanted in told
        assert not any("con_2" in where for where, _ in told)


#: Of a value that has another type than its column: the edit, and what the check tells of it.
FOREIGN = {
    "owner": (
        "UPDATE secrets SET owner = CAST(owner AS BLOB) WHERE owner = 'con_1'",
        ("secrets b'con_1' 'api_key'", "has no name"),
    ),
    "field": (
        "UPDATE secrets SET field = CAST(field AS BLOB) WHERE owner = 'con_1'",
        ("secrets 'con_1' b'api_key'", "has no name"),
    ),
    "operation": (
        "UPDATE log SET operation = CAST(operation AS BLOB) WHERE operation = 'op_1'",
        ("log", "the claim of its operation was altered"),
    ),
    "first time": (
        "UPDATE log_spans SET first = 'text'",
        ("log", "the times for searching were altered from here on"),
    ),
    "last time": (
        "UPDATE log_spans SET last = zeroblob(8)",
        ("log", "the times for searching were altered from here on"),
    ),
}


@pytest.mark.requirement("threat.4")
@pytest.mark.parametrize("name", FOREIGN)
def test_values_of_another_type_are_told(place: Place, name: str) -> None:
    """A flipped bit makes bytes of a text, and the check names them as it names an edit."""
    statement, wanted = FOREIGN[name]
    with place.create() as vault:
        fill(vault)
    _spoil_type(place, statement)
    with place.open() as vault:
        found = vault.verify()
    told = {(fault.place, fault.what) for fault in found.faults}
    assert wanted in told | {("log", fault.what) for fault in found.log.faults}


@pytest.mark.requirement("threat.4")
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE vault SET value = CAST(value AS BLOB)", "not a whole vault"),
        ("UPDATE keys SET wrapper = CAST(wrapper AS BLOB) WHERE purpose = 'term'", "stays locked"),
    ],
)
def test_a_vault_whose_names_are_no_texts_refuses_to_open(
    place: Place, statement: str, told: str
) -> None:
    """Its own name, and that of the key which it is sealed under."""
    place.create().close()
    _spoil_type(place, statement)
    with pytest.raises(VaultError, match=told):
        place.open()


def _spoil_type(place: Place, statement: str) -> None:
    """Edits the file while its columns take values of any type."""
    with place.edited() as file:
        tables = file.execute("SELECT sql, name FROM sqlite_schema WHERE type = 'table'").fetchall()
        _rewrite(
            file, [(sql.replace("STRICT", "").replace(") ,", ")"), name) for sql, name in tables]
        )
    with place.edited() as file:
        file.execute(statement)
        _rewrite(file, tables)


def _rewrite(file: Connection, tables: list[tuple[str, str]]) -> None:
    file.execute("PRAGMA writable_schema = ON")
    for table in tables:
        file.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", table)


def test_a_key_that_is_made_younger_does_not_open(place: Place) -> None:
    """When it was made decides when it is due for rotation."""
    with place.create() as vault:
        fill(vault)
        with place.edited() as file:
            file.execute("UPDATE keys SET made_at = made_at + 1 WHERE owner = 'con_1'")
        (key,) = _ids(place, "SELECT id FROM keys WHERE owner = 'con_1'")
        assert (f"keys {key}", ALTERED) in faults(vault)


def _ids(place: Place, statement: str) -> list[str]:
    file = raw(place.database)
    try:
        return [row[0] for row in file.execute(statement).fetchall()]
    finally:
        file.close()


def test_a_record_that_the_log_does_not_know_yet_is_told(place: Place) -> None:
    """The rows of its last change were cut out of the log, and it is newer than what is left."""
    with place.create() as vault:
        fill(vault)
        _put(vault, Record(kind="connection", id="con_1", name="con_1", body={}), 1)
        with place.edited() as file:
            file.execute(
                "UPDATE log SET subject = NULL WHERE subject = 'connection:con_1' AND revision = 2"
            )
        wanted = ("records connection con_1", "is newer than the log says")
        assert wanted in faults(vault)


def test_the_log_is_part_of_the_check(place: Place) -> None:
    """One altered row of it is enough."""
    with place.create() as vault:
        fill(vault)
        with place.edited() as file:
            file.execute("UPDATE log SET user = 'eve' WHERE seq = 3")
        report = vault.verify()
        assert not report.ok
        assert [fault.seq for fault in report.log.faults] == [3]


def test_an_anchor_that_is_gone_is_told(place: Place) -> None:
    """It went while the vault was open."""
    with place.create() as vault:
        fill(vault)
        next((place.root / "anchors").iterdir()).unlink()
        (fault,) = vault.verify().faults
        assert fault.place == "anchor"
        assert "missing" in fault.what


def test_what_another_key_has_wrapped_is_counted(place: Place) -> None:
    """While the outermost key is rotated, a term has a slot that this key does not open."""
    with place.create() as vault:
        fill(vault)
        other = f"file:{place.root / 'others' / 'vault.key'}"
        assert KekRotator(vault).rotate(other, switch=lambda _: False).open
        with place.open() as opened:
            report = opened.verify()
        assert (report.ok, report.unopened) == (True, 1)


def test_many_faults_are_told_up_to_a_limit(place: Place) -> None:
    """A vault that is wrong everywhere gives a report of bounded size."""
    with place.create() as vault:

        def many(change: Transaction) -> None:
            for number in range(1_200):
                change.put(Record(kind="item", id=f"i{number:04}", body={}), expect=None)

        vault.write(many)
        with place.edited() as file:
            file.execute("UPDATE records SET mac = zeroblob(32)")
        report = vault.verify()
        assert (report.records, len(report.faults)) == (1_200, 1_000)


def test_progress_is_told_to_the_end(place: Place) -> None:
    """Rows done and rows in all, over every kind of row."""
    told: list[tuple[int, int]] = []
    with place.create() as vault:

        def many(change: Transaction) -> None:
            draft = vault.draft(kind="connect")
            for number in range(1_100):
                change.put(Record(kind="item", id=f"i{number:04}", body={}), expect=None)
                for _ in range(10):
                    change.append(draft)

        vault.write(many)
        assert vault.verify(lambda done, total: told.append((done, total))).ok
    assert told == sorted(told)
    whole = 4 + 1_102 + 11_000
    assert {total for _, total in told} == {whole}
    assert told[-1] == (whole, whole)


def test_the_check_goes_on_while_others_write(place: Place) -> None:
    """Each piece is one snapshot; what comes later is no fault."""
    with place.create() as vault, place.open() as writer:
        fill(vault)

        def write(done: int, total: int) -> None:
            append(writer, intent(writer, f"op_{done}_{total}_{len(told)}"))
            told.append(store(writer, value=f"value {len(told)}"))

        told: list[int] = []
        assert vault.verify(write).ok
        assert told


def test_a_file_that_cannot_be_read_to_its_end_is_an_error(place: Place) -> None:
    """No report says that what was not seen is sound."""
    with place.create() as vault:
        calls(vault, 300)
    file = raw(place.database)
    (root,) = file.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'log'").fetchone()
    file.close()
    _spoil(place.database, root)
    with pytest.raises(StoreError), place.open() as vault:
        vault.verify()


def _spoil(path: Path, page: int) -> None:
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = bytes(4096)
    path.write_bytes(data)
