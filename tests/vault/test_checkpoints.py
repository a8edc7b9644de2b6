"""Proves that the log is signed in time, and that what was cut or rebuilt since is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from connector_vault import (
    CheckpointPlan,
    Held,
    IntegrityError,
    LogReport,
    PublicKey,
    Vault,
    WrongKeyError,
    restore,
)
from connector_vault.checkpoint import open_checkpoint
from connector_vault.kekrotator import KekRotator
from connector_vault.keyrotator import KeyRotator
from connector_vault.sqlite import Connection
from tests.vault.ground import Place, append, intent

pytestmark = pytest.mark.requirement("log.checkpoint.made")

#: Longer than any checkpoint takes, however slow the machine.
SOON_S = 60.0


class Shelf:
    """An anchor in memory that tells when it was given something."""

    name = "shelf"

    def __init__(self) -> None:
        """Starts empty."""
        self.given: SimpleQueue[tuple[str, int]] = SimpleQueue()
        self.notes: list[str] = []

    def keep(self, note: str, size: int) -> None:
        """Keeps a checkpoint."""
        self.notes.append(note)
        self.given.put((note, size))

    def held(self) -> str:
        """Gives all of them."""
        return "\n".join(self.notes)

    def next(self) -> int:
        """Waits for a checkpoint, and gives its size."""
        return self.given.get(timeout=SOON_S)[1]


def opened(place: Place, shelf: Shelf, *, rows: int = 1024, seconds: float = 3600) -> Vault:
    """Opens or makes a vault with an anchor in memory."""
    plan = CheckpointPlan(rows=rows, seconds=seconds, anchors=[shelf])
    if place.database.exists():
        return Vault.open(place.database, key=place.key, checkpoints=plan)
    return Vault.create(place.database, key=place.key, checkpoints=plan)


def write(vault: Vault, calls: int) -> None:
    """Writes two rows for each call."""
    for _ in range(2 * calls):
        append(vault, vault.draft(kind="connect"))


def against(vault: Vault, text: str) -> LogReport:
    """Compares a log with what an anchor holds."""
    return vault.proofs.verify(held=[Held(name="shelf", text=text)])


def says(report: LogReport) -> list[str]:
    """Gives what the anchors say."""
    return [anchor.says for anchor in report.anchors]


def test_so_many_rows_are_signed_together(place: Place) -> None:
    """And every row that came while that was done, so that the next one comes later."""
    shelf = Shelf()
    with opened(place, shelf, rows=8) as vault:
        write(vault, 4)
        assert shelf.next() == 8
        write(vault, 3)
        assert shelf.given.empty()


def test_rows_are_signed_after_a_while(place: Place) -> None:
    """However few they are."""
    shelf = Shelf()
    with opened(place, shelf, seconds=0.01) as vault:
        append(vault, intent(vault))
        assert shelf.next() == 1
        append(vault, intent(vault, "op_2"))
        assert shelf.next() == 2


def test_what_is_left_is_signed_at_the_end(place: Place) -> None:
    """And nothing where nothing was written."""
    shelf = Shelf()
    with opened(place, shelf) as vault:
        key = vault.checkpoints.public_key()
        write(vault, 2)
    note, size = shelf.given.get(timeout=SOON_S)
    assert (size, open_checkpoint(note, key).size) == (4, 4)
    opened(place, shelf).close()
    assert shelf.given.empty()
    with place.open() as vault:
        assert vault.proofs.sizes() == [4]
        assert vault.verify_log().signed == 4


@pytest.mark.requirement("log.checkpoint.key")
def test_the_key_that_signs_stays_the_same(place: Place) -> None:
    """Over openings and rotations of all keys above it; its name is the vault's id."""
    with place.create() as vault:
        key = vault.checkpoints.public_key()
        assert key.name == vault.id
        write(vault, 1)
    with place.open() as vault:
        KeyRotator(vault).rotate()
        assert vault.checkpoints.public_key() == key
    new_key = f"file:{place.root / 'keys' / 'new.key'}"
    with place.open() as vault:
        before = vault.fingerprint
        KekRotator(vault).rotate(new_key, switch=lambda _: True)
        assert vault.fingerprint != before
        assert vault.checkpoints.public_key() == key
        write(vault, 1)
    with Vault.open(place.database, key=new_key) as vault:
        assert vault.checkpoints.public_key() == key
        assert vault.proofs.verify(key=key).ok
        assert vault.verify().ok


@pytest.mark.requirement("log.checkpoint.key", "threat.22")
def test_an_anchor_names_the_rows_that_a_restore_has_lost(place: Place) -> None:
    """Also once the log is longer again than it was; what is signed anew has the same key."""
    backup = place.root / "backup.db"
    with place.create() as vault:
        key = vault.checkpoints.public_key()
        write(vault, 2)
        vault.back_up(backup)
        write(vault, 3)
        checkpoint = vault.checkpoints.make()
        assert checkpoint is not None
        seen = vault.checkpoints.signed(checkpoint)
        end = vault.read(lambda view: view.last_seq())
    kept = restore(backup, place.database, key=place.key, accept=True).rows
    lost = f"Rows {kept + 1} to {end} were lost when a backup was restored."
    assert (kept, end) == (4, 11)
    with place.open() as vault:
        _check_lost(vault, seen, lost)
        write(vault, 10)
        report = _check_lost(vault, seen, lost)
        assert report.rows > end
        assert not report.faults
        assert vault.checkpoints.public_key() == key


def _check_lost(vault: Vault, seen: str, lost: str) -> LogReport:
    """Sees that an anchor tells of lost rows, and of nothing else."""
    report = against(vault, seen)
    assert [(one.says, one.what) for one in report.anchors] == [("truncated", lost)]
    assert not report.ok
    return report


@pytest.mark.requirement("log.checkpoint.key")
def test_a_vault_of_an_older_version_gets_a_key_with_its_first_checkpoint(place: Place) -> None:
    """One that has signed already does not: its key was taken out."""
    place.create().close()
    with place.edited() as file:
        file.execute("DELETE FROM keys WHERE purpose = 'log-sign'")
    with place.open() as vault:
        append(vault, intent(vault))
        assert vault.verify_log().signed == 1
    with place.edited() as file:
        file.execute("DELETE FROM keys WHERE purpose = 'log-sign'")
    with place.open() as vault:
        report = vault.verify_log()
        assert {fault.verdict for fault in report.faults} == {"coverage"}
        assert not vault.verify().ok
        with pytest.raises(IntegrityError, match="log-sign is missing"):
            vault.checkpoints.public_key()


@pytest.mark.requirement("threat.18")
def test_a_chain_that_was_rebuilt_is_not_signed(place: Place) -> None:
    """Nothing is signed that does not follow, or that the vault did not write."""
    edits = (
        "UPDATE log SET leaf = zeroblob(32) WHERE seq = 3",
        "UPDATE log SET chain = zeroblob(32) WHERE seq = 3",
        "UPDATE log SET mac = zeroblob(32) WHERE seq = 4",
        "DELETE FROM log WHERE seq = 3",
    )
    for number, edit in enumerate(edits):
        own = Place(place.root / str(number))
        with own.create() as vault:
            write(vault, 2)
            with own.edited() as file:
                file.execute(edit)
            with pytest.raises(IntegrityError, match=r"log [34]"):
                vault.checkpoints.make()
            report = vault.verify_log()
            assert [fault for fault in report.faults if "is not signed" in fault.what]
            assert report.signed == 0


def _sql(statement: str) -> Callable[[Connection], None]:
    def edit(file: Connection) -> None:
        file.execute(statement)

    return edit


@pytest.mark.requirement("log.verify.coverage")
@pytest.mark.parametrize(
    ("edit", "faults"),
    [
        (_sql("UPDATE log SET mac = zeroblob(32) WHERE seq = 2"), [("coverage", 2)]),
        (
            _sql("UPDATE records SET body = '{\"note\":\"x\"}' WHERE kind = 'checkpoint'"),
            [("coverage", 4), ("coverage", 1)],
        ),
        (
            _sql("UPDATE records SET mac = zeroblob(32) WHERE kind = 'checkpoint'"),
            [("coverage", 4), ("coverage", 1)],
        ),
        (
            _sql("UPDATE records SET id = 'x' WHERE kind = 'checkpoint'"),
            [("coverage", 1), ("coverage", 4)],
        ),
        (_sql("DELETE FROM records WHERE kind = 'checkpoint'"), [("coverage", 1), ("coverage", 4)]),
        (_sql("DELETE FROM records WHERE kind = 'tree'"), [("coverage", 4), ("coverage", 4)]),
        (_sql("UPDATE log SET user = 'eve' WHERE seq = 2"), [("integrity", 2)]),
    ],
)
def test_a_stretch_that_nothing_covers_is_a_fault(
    place: Place, edit: Callable[[Connection], None], faults: list[tuple[str, int]]
) -> None:
    """A MAC or a checkpoint that is gone or altered is told apart from an altered row."""
    with place.create() as vault:
        write(vault, 2)
    with place.edited() as file:
        edit(file)
    with place.open() as vault:
        report = vault.verify_log()
        assert not report.ok
        assert [(fault.verdict, fault.seq) for fault in report.faults] == faults
        assert report.faults_of(faults[0][0]) == report.faults


@pytest.mark.requirement("log.verify.coverage")
def test_a_checkpoint_that_was_taken_out_is_found(place: Place) -> None:
    """Each names the one before it, so that a gap in their line is seen."""
    with place.create() as vault:
        for size in (2, 4, 6):
            write(vault, 1)
            made = vault.checkpoints.make()
            assert made is not None
            assert made.size == size
    with place.edited() as file:
        file.execute("DELETE FROM records WHERE kind = 'checkpoint' AND id LIKE '%4'")
    with place.open() as vault:
        (fault,) = vault.verify_log().faults
        assert (fault.seq, fault.verdict) == (6, "coverage")
        assert "4 rows" in fault.what


@pytest.mark.requirement("log.verify.completeness", "threat.17")
def test_a_cut_tail_is_found_by_an_anchor(place: Place) -> None:
    """Database and own anchor are put back together: only what was kept elsewhere tells."""
    shelf = Shelf()
    with opened(place, shelf) as vault:
        write(vault, 2)
    old = _copied(place)
    with opened(place, shelf) as vault:
        write(vault, 3)
    _put_back(place, old)
    with opened(place, Shelf()) as vault:
        assert vault.verify_log().ok
        report = against(vault, shelf.held())
        assert (report.ok, says(report)) == (False, ["truncated"])
        assert "10" in report.anchors[0].what
        assert says(against(vault, shelf.notes[0])) == ["fits"]


@pytest.mark.requirement("log.verify.completeness", "threat.17")
def test_rows_that_took_the_place_of_others_are_found_by_an_anchor(place: Place) -> None:
    """As many rows as before, but others: the roots differ."""
    shelf = Shelf()
    with opened(place, shelf) as vault:
        write(vault, 2)
    old = _copied(place)
    for number in range(2):
        with opened(place, shelf) as vault:
            append(vault, intent(vault, f"op_other_{number}"))
        if number == 0:
            _put_back(place, old)
    with opened(place, Shelf()) as vault:
        assert vault.verify_log().rows == 5
        assert says(against(vault, shelf.notes[1])) == ["differs"]
        assert says(against(vault, shelf.notes[2])) == ["fits"]


@pytest.mark.requirement("log.verify.completeness")
def test_an_anchor_that_says_nothing_is_no_pass(place: Place) -> None:
    """Empty, altered, unreadable, or of another vault: each is told by its name."""
    shelf = Shelf()
    with opened(Place(place.root / "other"), shelf) as vault:
        write(vault, 1)
    with opened(place, shelf) as vault:
        write(vault, 1)
        vault.checkpoints.make()
        other, own = shelf.next(), shelf.next()
        assert (other, own) == (2, 2)
        stranger, ours = shelf.notes
        assert says(against(vault, "")) == ["empty"]
        assert says(against(vault, stranger)) == ["wrong_key"]
        assert says(against(vault, ours.replace("\n2\n", "\n1\n"))) == ["altered"]
        held = [Held(name="far", unreadable="It cannot be reached."), Held(name="own", text=ours)]
        report = vault.proofs.verify(held=held)
        assert [(one.name, one.says) for one in report.anchors] == [
            ("far", "unreadable"),
            ("own", "fits"),
        ]
        assert not report.ok


@pytest.mark.requirement("threat.18")
def test_a_key_that_is_not_the_vaults_is_an_error_and_no_verdict(place: Place) -> None:
    """Who has kept another public key is told so before anything is checked."""
    with place.create() as vault:
        write(vault, 1)
        key = vault.checkpoints.public_key()
        assert vault.proofs.verify(key=key).ok
        with pytest.raises(WrongKeyError, match="another key"):
            vault.proofs.verify(key=PublicKey(key.name, bytes(32)))


def _copied(place: Place) -> Path:
    """Keeps all that a vault has."""
    kept = place.root / "kept"
    for name in ("vault", "anchors"):
        shutil.copytree(place.root / name, kept / name)
    return kept


def _put_back(place: Place, kept: Path) -> None:
    """Puts database and anchor back as they were."""
    for name in ("vault", "anchors"):
        shutil.rmtree(place.root / name)
        shutil.copytree(kept / name, place.root / name)
