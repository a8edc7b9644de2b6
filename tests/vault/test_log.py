"""Proves that a row of the log is bound to all rows before it, and that any edit is found."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest

from connector_vault import (
    ConflictError,
    DegradedError,
    IntegrityError,
    LogFault,
    LogReport,
    OperationClaimedError,
    Transaction,
    Vault,
)
from connector_vault.columns import LOG_COLUMNS
from connector_vault.sqlite import Connection, ConstraintError
from tests.vault.by_hand import long_row
from tests.vault.ground import Clock, Place, append, calls, intent, mac_key_of, raw, row_of, settle

pytestmark = pytest.mark.requirement("log.chain")


@pytest.mark.requirement("log.rows")
def test_a_row_is_read_as_it_was_written(place: Place) -> None:
    """Every column, and the payload opened."""
    clock = Clock(1_767_225_600.25)
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        draft = vault.draft(
            kind="intent",
            user="ada",
            persona="bookkeeper",
            connection="con_1",
            action="list_clients",
            effect="read",
            operation="op_1",
            subject="connection:con_1",
            revision=3,
            facts={"cost": 1, "context": {"run": "r_1"}},
            payload=b"why",
        )
        assert append(vault, draft) == 1
        row = row_of(vault, 1)
        assert vault.open_payload(row) == b"why"
        assert (row.seq, row.at, row.kind, row.ref, row.outcome) == (
            1,
            1_767_225_600_250_000,
            "intent",
            None,
            None,
        )
        assert (row.user, row.persona, row.connection, row.action, row.effect) == (
            "ada",
            "bookkeeper",
            "con_1",
            "list_clients",
            "read",
        )
        assert (row.operation, row.subject, row.revision) == ("op_1", "connection:con_1", 3)
        assert row.facts == {"cost": 1, "context": {"run": "r_1"}}
        assert vault.read(lambda view: view.log_row(2)) is None


@pytest.mark.requirement("log.sealed")
def test_payloads_are_sealed(place: Place) -> None:
    """No file holds the prompt; a row without payload opens to nothing."""
    with place.create() as vault:
        append(vault, intent(vault, payload=b"canary prompt"))
        append(vault, vault.draft(kind="connect"))
        assert vault.open_payload(row_of(vault, 2)) is None
        assert b"canary" not in place.bytes_on_disk()
    assert b"canary" not in place.bytes_on_disk()


@pytest.mark.requirement("log.sealed")
def test_a_payload_moved_to_another_row_does_not_open(vault: Vault) -> None:
    """Two calls of one user in one month share a key, and still cannot be exchanged."""
    for operation in ("op_1", "op_2"):
        append(vault, intent(vault, operation))
    moved = replace(row_of(vault, 1), payload=row_of(vault, 2).payload)
    with pytest.raises(IntegrityError, match="log 1"):
        vault.open_payload(moved)


def test_hashes_are_the_documented_ones(place: Place) -> None:
    """Leaf, chain and MAC, computed again from the columns, the vault's id and the MAC key."""
    with place.create() as vault:
        calls(vault, 2)
        material = mac_key_of(vault)
        identity = vault.id
    with place.edited() as file:
        rows = file.execute(f"SELECT {LOG_COLUMNS} FROM log ORDER BY seq").fetchall()  # noqa: S608
    chain = hashlib.sha256(long_row("connector-vault/1/log", identity)).digest()
    for row in rows:
        *columns, leaf, stored_chain, mac, _, payload = row
        assert columns[-1] == hashlib.sha256(payload).digest()
        assert leaf == hashlib.sha256(b"\x00" + long_row(*columns)).digest()
        chain = hashlib.sha256(b"\x02" + chain + leaf).digest()
        assert stored_chain == chain
        assert mac == hmac.digest(material, row[0].to_bytes(8) + chain, "sha256")


@pytest.mark.requirement("log.claim")
def test_an_operation_has_one_intent(vault: Vault) -> None:
    """The same connection, persona and operation are refused; any other is not."""
    seq = append(vault, intent(vault))
    with pytest.raises(OperationClaimedError):
        append(vault, intent(vault, user="bob", action="other"))
    append(vault, intent(vault, persona="other"))
    append(vault, intent(vault, connection="con_2"))
    append(vault, intent(vault, "op_2"))
    for operation, found in (("op_1", seq), ("op_3", None)):
        assert _claimant(vault, operation) == found
    assert vault.verify_log().rows == 4


def _claimant(vault: Vault, operation: str) -> int | None:
    row = vault.read(lambda view: view.intent_of_operation("con_1", "bookkeeper", operation))
    return None if row is None else row.seq


@pytest.mark.requirement("log.claim")
def test_a_claim_that_was_undone_is_free(vault: Vault) -> None:
    """Work that raises after its intent leaves no intent and no claim."""

    def fail(change: Transaction) -> None:
        change.append(draft)
        raise RuntimeError

    draft = intent(vault)
    with pytest.raises(RuntimeError):
        vault.write(fail)
    assert append(vault, draft) == 1


@pytest.mark.requirement("log.rows")
def test_an_intent_has_one_outcome(vault: Vault) -> None:
    """The second is refused, and the first is found from the intent."""
    one, other = append(vault, intent(vault)), append(vault, intent(vault, "op_2"))
    assert vault.read(lambda view: view.outcome_of(one)) is None
    settled = settle(vault, one)
    with pytest.raises(ConflictError):
        settle(vault, one, "failed")
    row = vault.read(lambda view: view.outcome_of(one))
    assert row is not None
    assert (row.seq, row.outcome) == (settled, "succeeded")
    assert vault.read(lambda view: view.outcomes_of([one, other])) == {one: row}
    assert vault.read(lambda view: view.open_intents()) == [other]


@pytest.mark.requirement("log.degraded")
def test_a_degraded_vault_refuses_intents_until_it_is_reopened(place: Place) -> None:
    """Outcomes, refusals and reads go on; the first reason stays."""
    with place.create() as vault:
        seq = append(vault, intent(vault))
        vault.degrade("the disk was full")
        vault.degrade("something later")
        assert vault.degraded == "the disk was full"
        with pytest.raises(DegradedError, match="the disk was full"):
            append(vault, intent(vault, "op_2"))
        settle(vault, seq)
        append(vault, vault.draft(kind="refusal", outcome="refused"))
    with place.open() as vault:
        assert vault.degraded is None
        append(vault, intent(vault, "op_2"))


@pytest.mark.requirement("log.clock")
def test_order_is_by_number_whatever_the_clock_does(place: Place) -> None:
    """A clock that jumps back and forth leaves the line whole."""
    clock = Clock()
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        for number, jump in enumerate((0, -86_400, 31_536_000, -31_536_000, 1)):
            clock.now += jump
            append(vault, intent(vault, f"op_{number}"))
        assert vault.verify_log().ok
        assert vault.verify_log().rows == 5


@pytest.mark.requirement("log.verify")
def test_a_whole_log_passes(vault: Vault) -> None:
    """Rows are counted, open intents listed, and progress told."""
    assert vault.verify_log() == vault.verify_log()
    assert vault.verify_log().rows == 0
    calls(vault, 3)
    seq = append(vault, intent(vault, "op_open"))
    report = vault.verify_log()
    assert (report.ok, report.rows, report.faults, report.open) == (True, 7, (), (seq,))


@pytest.mark.requirement("log.verify")
def test_a_long_log_is_checked_in_pieces(vault: Vault) -> None:
    """Progress is told on the way, and an edit in a later piece is found."""
    draft = vault.draft(kind="connect")

    def many(change: Transaction) -> None:
        for _ in range(11_000):
            change.append(draft)

    vault.write(many)
    told: list[tuple[int, int]] = []
    report = vault.verify_log(lambda done, total: told.append((done, total)))
    assert (report.ok, report.rows) == (True, 11_000)
    assert report == vault.verify_log()
    assert told == [(8_191, 11_000)]


def _edit(statement: str) -> Callable[[Connection], None]:
    def edit(file: Connection) -> None:
        file.execute(statement)

    return edit


def _swap(file: Connection) -> None:
    """Exchanges the numbers of two rows."""
    for old, new in ((3, 1_000), (5, 3), (1_000, 5)):
        file.execute("UPDATE log SET seq = ? WHERE seq = ?", (new, old))


def _duplicate(file: Connection) -> None:
    """Appends the last row once more."""
    columns = LOG_COLUMNS.removeprefix("seq, ")
    file.execute("DROP INDEX log_settled")
    file.execute(f"INSERT INTO log (seq, {columns}) SELECT 9, {columns} FROM log WHERE seq = 8")  # noqa: S608


def _rebuild(file: Connection) -> None:
    """Edits a row and computes every hash after it anew, as far as that goes without the key."""
    file.execute("UPDATE log SET user = 'eve' WHERE seq = 3")
    rows = file.execute(f"SELECT {LOG_COLUMNS} FROM log ORDER BY seq").fetchall()  # noqa: S608
    chain = rows[1][18]
    for row in rows[2:]:
        leaf = hashlib.sha256(b"\x00" + long_row(*row[:17])).digest()
        chain = hashlib.sha256(b"\x02" + chain + leaf).digest()
        file.execute("UPDATE log SET leaf = ?, chain = ? WHERE seq = ?", (leaf, chain, row[0]))


def _fit_leaf(file: Connection) -> None:
    """Edits a row and its leaf, and leaves the chain."""
    file.execute("UPDATE log SET user = 'eve' WHERE seq = 3")
    row = file.execute(f"SELECT {LOG_COLUMNS} FROM log WHERE seq = 3").fetchone()  # noqa: S608
    leaf = hashlib.sha256(b"\x00" + long_row(*row[:17])).digest()
    file.execute("UPDATE log SET leaf = ? WHERE seq = 3", (leaf,))


ALTERED = "a column was altered"
PAYLOAD = "the payload was altered or removed"
REMOVED = "the payload was removed, and nothing says that it was erased"
FOLLOWS = "does not follow the row before it"
FOREIGN = "was not written by this vault"
HIDDEN = "cannot be found by a search"
TIMES = "the times for searching were altered from here on"
CLAIM = "the claim of its operation was altered"
OPEN = "the list of open intents was altered"


@pytest.mark.requirement("threat.17")
@pytest.mark.parametrize(
    ("edit", "faults"),
    [
        (_edit("UPDATE log SET user = 'eve' WHERE seq = 3"), [(3, ALTERED)]),
        (_edit("UPDATE log SET facts = '{\"a\":1}' WHERE seq = 3"), [(3, ALTERED)]),
        (_edit("UPDATE log SET at = at + 1 WHERE seq = 3"), [(3, ALTERED)]),
        (_edit("UPDATE log SET uid = zeroblob(16) WHERE seq = 3"), [(3, ALTERED)]),
        (_edit("UPDATE log SET outcome = 'failed' WHERE seq = 4"), [(4, ALTERED)]),
        (_edit("UPDATE log SET outcome = NULL WHERE seq = 4"), [(4, ALTERED)]),
        (_edit("UPDATE log SET payload_hash = zeroblob(32) WHERE seq = 3"), [(3, ALTERED)]),
        (_edit("UPDATE log SET payload = zeroblob(90) WHERE seq = 3"), [(3, PAYLOAD)]),
        (_edit("UPDATE log SET payload = NULL WHERE seq = 3"), [(3, REMOVED)]),
        (_edit("UPDATE log SET leaf = zeroblob(32) WHERE seq = 3"), [(3, ALTERED)]),
        (_fit_leaf, [(3, FOLLOWS)]),
        (_edit("UPDATE log SET chain = zeroblob(32) WHERE seq = 3"), [(3, FOLLOWS), (4, FOLLOWS)]),
        (_edit("UPDATE log SET mac = zeroblob(32) WHERE seq = 3"), [(3, FOREIGN)]),
        (_rebuild, [(seq, FOREIGN) for seq in range(3, 9)]),
        (_edit("DELETE FROM log WHERE seq IN (3, 4)"), [(3, "missing, up to row 4"), (5, FOLLOWS)]),
        (_edit("DELETE FROM log WHERE seq <= 2"), [(1, "missing, up to row 2"), (3, FOLLOWS)]),
        (
            _swap,
            [
                *((3, ALTERED), (4, FOLLOWS), (5, ALTERED), (6, FOLLOWS)),
                *((3, CLAIM), (5, CLAIM)),
            ],
        ),
        (_duplicate, [(9, ALTERED)]),
        (_edit("UPDATE log SET head = NULL WHERE seq = 4"), [(4, HIDDEN)]),
        (_edit("INSERT INTO log_open VALUES (3)"), [(3, OPEN)]),
        (_edit("DELETE FROM log_claims WHERE seq = 3"), [(3, CLAIM)]),
        (_edit("UPDATE log_claims SET seq = 7 WHERE seq = 3"), [(3, CLAIM)]),
        (_edit("UPDATE log_claims SET claim = 1 WHERE seq = 5"), [(5, CLAIM)]),
        (_edit("UPDATE log_spans SET last = first - 1"), [(1, TIMES)]),
        (_edit("DELETE FROM log_spans"), [(1, TIMES)]),
    ],
)
def test_every_edit_is_found_where_it_is(
    place: Place, edit: Callable[[Connection], None], faults: list[tuple[int, str]]
) -> None:
    """The report names the rows, and a reader of such a row gets an error and no row."""
    with place.create() as vault:
        calls(vault, 4)
        with place.edited() as file:
            edit(file)
        report = vault.verify_log()
        assert not report.ok
        assert _told(report) == [
            LogFault(seq=seq, what=what, verdict="coverage" if what == FOREIGN else "integrity")
            for seq, what in faults
        ]
        for seq, what in faults:
            if what in {ALTERED, PAYLOAD, FOLLOWS, FOREIGN, HIDDEN}:
                with pytest.raises(IntegrityError, match=f"log {seq} "):
                    row_of(vault, seq)


def _told(report: LogReport) -> list[LogFault]:
    """Leaves out that rows are not signed: nothing is that does not follow the row before it."""
    unsigned = ("is not signed", "cannot be signed")
    return [fault for fault in report.faults if not fault.what.startswith(unsigned)]


@pytest.mark.requirement("threat.17")
def test_many_faults_are_told_up_to_a_limit(place: Place) -> None:
    """A log that is wrong everywhere gives a report of bounded size."""
    with place.create() as vault:
        draft = vault.draft(kind="connect")
        vault.write(lambda change: [change.append(draft) for _ in range(1_100)])
    with place.edited() as file:
        file.execute("UPDATE log SET kind = 'other'")
    with place.open() as vault:
        report = vault.verify_log()
        assert (report.rows, len(report.faults)) == (1_100, 1_000)


@pytest.mark.requirement("threat.18")
def test_nothing_is_appended_to_an_end_that_was_forged(place: Place) -> None:
    """The last row's MAC is checked before a row is bound to it."""
    with place.create() as vault:
        calls(vault, 2)
        with place.edited() as file:
            file.execute("UPDATE log SET chain = zeroblob(32) WHERE seq = 4")
        with pytest.raises(IntegrityError, match="log 4"):
            append(vault, intent(vault, "op_new"))
        assert vault.verify_log().rows == 4


@pytest.mark.requirement("threat.18")
def test_a_log_of_another_vault_is_refused(
    place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A whole line of rows, copied from a vault under the same key, does not fit."""
    other = Place(tmp_path_factory.mktemp("other"))
    place.create().close()
    with Vault.create(other.database, key=place.key) as vault:
        calls(vault, 2)
    with place.edited() as file:
        file.execute("ATTACH ? AS other", (str(other.database),))
        for table in ("log_spans", "log_open", "log_claims"):
            file.execute(f"INSERT INTO {table} SELECT * FROM other.{table}")  # noqa: S608
        file.execute(f"INSERT INTO log ({LOG_COLUMNS}) SELECT {LOG_COLUMNS} FROM other.log")  # noqa: S608
    with place.open() as vault:
        assert [fault.seq for fault in _told(vault.verify_log())] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM log",
        "UPDATE log SET user = 'eve'",
        "UPDATE log SET seq = seq + 1",
        "UPDATE log SET payload = zeroblob(9)",
    ],
)
def test_the_database_itself_refuses_to_change_the_log(place: Place, statement: str) -> None:
    """An accident is stopped before the chain has to find it."""
    with place.create() as vault:
        calls(vault, 1)
        connection = raw(place.database)
        with pytest.raises(ConstraintError, match="append-only"):
            connection.execute(statement)
        connection.close()
        assert vault.verify_log().ok


@pytest.mark.requirement("threat.17")
def test_a_row_that_is_gone_is_not_a_row_that_never_was(vault: Vault, place: Place) -> None:
    """A number that the log has passed has a row; one that it has not come to has none."""
    calls(vault, 2)
    with place.edited() as file:
        file.execute("DELETE FROM log WHERE seq = 3")
    with pytest.raises(IntegrityError, match="log 3 is gone"):
        vault.read(lambda view: view.log_row(3))
    assert vault.read(lambda view: (view.log_row(0), view.log_row(5))) == (None, None)
