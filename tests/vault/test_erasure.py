"""Proves that what is erased is gone, here and in older backups, and that all proofs still hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connector_vault import (
    ErasedError,
    IntegrityError,
    LogQuery,
    ShredError,
    Vault,
    restore,
)
from connector_vault.erasure import STEPS, Eraser, ErasureReport
from connector_vault.keyrotator import KeyRotator
from connector_vault.shreds import Held
from tests.vault.ground import Clock, Place, append, intent, row_of

pytestmark = pytest.mark.requirement("log.erase")

PROMPT = b"canary-prompt-4f1d pay Ada 3 EUR"
MONTHS = ((2026, 1, 20), (2026, 2, 10), (2026, 2, 20), (2026, 3, 5))


class Cut(Exception):  # noqa: N818 - it is no error of anything
    """Stands for the end of a process."""


def moment(year: int, month: int, day: int) -> float:
    """Gives a time as the clock does."""
    return datetime(year, month, day, tzinfo=UTC).timestamp()


#: Inside the month in which Ada has two calls, between them.
BOUND = moment(2026, 2, 15)


@pytest.fixture
def clock() -> Clock:
    """A clock that the test sets."""
    return Clock(moment(2026, 3, 31))


@pytest.fixture
def vault(place: Place, clock: Clock) -> Iterator[Vault]:
    """A vault with four calls of Ada and four of Bob, in three months, each with its outcome."""
    with Vault.create(place.database, key=place.key, clock=clock) as made:
        fill(made, clock)
        yield made


def fill(vault: Vault, clock: Clock) -> None:
    """Writes the calls: heads are rows 1, 3, 5 and so on; Ada's come first each day."""
    now = clock.now
    for number, day in enumerate(MONTHS):
        clock.now = moment(*day)
        for user in ("ada", "bob"):
            seq = append(vault, intent(vault, f"{user}_{number}", user=user, payload=PROMPT))
            draft = vault.draft(
                kind="outcome", ref=seq, user=user, outcome="succeeded", payload=PROMPT
            )
            append(vault, draft)
    clock.now = now


def readable(vault: Vault) -> set[int]:
    """Gives the rows whose text opens."""
    found: set[int] = set()
    for seq in range(1, 17):
        try:
            assert vault.open_payload(row_of(vault, seq)) == PROMPT
        except ErasedError:
            continue
        found.add(seq)
    return found


def opens(vault: Vault, seq: int) -> bool:
    """Says whether the text of a row opens, and is what was written."""
    try:
        return vault.open_payload(row_of(vault, seq)) == PROMPT
    except ErasedError:
        return False


OF_ADA = {1, 2, 5, 6, 9, 10, 13, 14}
ALL = set(range(1, 17))


def at_once(seconds: float) -> None:
    """Waits for nobody."""
    assert seconds > 0


def erase(vault: Vault, before: float | None = None, batch: int = 2) -> ErasureReport:
    """Erases what was written of Ada."""
    eraser = Eraser(vault, batch=batch, sleep=at_once)
    return eraser.erase("ada", before=before, asked_by="root", reason="She asked for it.")


def test_all_of_a_user_is_erased_and_nothing_else(place: Place, vault: Vault) -> None:
    """Her text is gone from every file; the rows stay, and the check of the log holds."""
    report = Eraser(vault, batch=2).erase("ada", asked_by="root", reason="She asked for it.")
    assert (report.plan.rows, report.keys, report.scrubbed) == (8, 3, True)
    assert (report.plan.months, report.plan.partial) == (("2026-01", "2026-02", "2026-03"), None)
    assert readable(vault) == ALL - OF_ADA
    checked = vault.verify()
    assert (checked.ok, checked.log.erased, checked.log.rows) == (True, 8, 17)
    assert all(row_of(vault, seq).payload is None for seq in OF_ADA)
    vault.close()
    assert PROMPT not in place.bytes_on_disk()


def test_the_log_says_who_asked_and_why(vault: Vault) -> None:
    """One row of kind `erase`, in the line of all rows."""
    erase(vault)
    row = row_of(vault, 17)
    assert (row.kind, row.user, row.outcome) == ("erase", "root", "succeeded")
    named = {name: row.facts[name] for name in ("user", "reason", "rows", "before", "partial")}
    assert named == {
        "user": "ada",
        "reason": "She asked for it.",
        "rows": 8,
        "before": None,
        "partial": None,
    }


def test_the_plan_says_first_what_would_go(vault: Vault) -> None:
    """Rows, whole months, and the month of which only a part goes; nothing is changed by it."""
    plan = Eraser(vault).plan("ada", before=moment(2026, 2, 15))
    assert (plan.rows, plan.partial_rows) == (4, 2)
    assert (plan.months, plan.partial) == (("2026-01",), "2026-02")
    assert Eraser(vault).plan("nobody").rows == 0
    assert readable(vault) == ALL


@pytest.mark.requirement("log.erase.before")
def test_of_a_month_erased_in_part_the_rest_opens_and_the_key_is_gone(vault: Vault) -> None:
    """What came before the time is gone, what came after it opens; a later erasure takes that."""
    report = erase(vault, BOUND, batch=1)
    assert (report.keys, report.plan.partial) == (2, "2026-02")
    facts = row_of(vault, report.log_id).facts
    assert facts["narrowed"] == [row_of(vault, 5).key_id]
    assert vault.shreds.state(facts["narrowed"][0]) is Held.NARROWED
    assert readable(vault) == ALL - {1, 2, 5, 6}
    assert (vault.verify().ok, vault.verify_log().erased) == (True, 4)
    erase(vault)
    assert readable(vault) == ALL - OF_ADA
    assert vault.shreds.state(facts["narrowed"][0]) is Held.DESTROYED
    assert not list(vault.shreds.folder.glob("rest-*"))
    assert (vault.verify().ok, vault.verify_log().erased) == (True, 8)


@pytest.mark.requirement("log.erase.before")
def test_a_bound_inside_a_second_takes_what_came_before_it_alone(
    vault: Vault, clock: Clock
) -> None:
    """Rows of one day, one second and one user part at the moment that is given."""
    seqs: list[int] = []
    for number in range(4):
        clock.now = moment(2026, 3, 20) + number * 0.000_1
        seqs.append(append(vault, intent(vault, f"fast_{number}", user="ada", payload=PROMPT)))
    clock.now = moment(2026, 3, 31)
    erase(vault, moment(2026, 3, 20) + 0.000_15)
    assert [opens(vault, seq) for seq in seqs] == [False, False, True, True]
    assert vault.verify().ok


@pytest.mark.requirement("log.erase.before")
@pytest.mark.parametrize("where", ["beside", "restored"])
def test_a_backup_opens_nothing_of_the_erased_part_of_a_month(
    place: Place, vault: Vault, clock: Clock, where: str
) -> None:
    """And all that was not erased, of that month too, with every key there is."""
    backup, beside = place.root / "saved" / "one.db", Place(place.root / "beside")
    for name in ("anchors", "keys"):
        shutil.copytree(place.root / name, beside.root / name)
    vault.back_up(backup)
    erase(vault, BOUND)
    vault.close()
    if where == "restored":
        report = restore(backup, place.database, key=place.key, accept=True)
        assert (report.erased, report.unreadable) == (1, 0)
        older = Vault.open(place.database, key=place.key, clock=clock)
    else:
        beside.database.parent.mkdir()
        shutil.copy(backup, beside.database)
        shreds = place.root / "shreds"
        older = Vault.open(beside.database, key=beside.key, shreds=shreds, clock=clock)
    with older:
        assert readable(older) == ALL - {1, 2, 5, 6}
        clock.now = moment(2026, 2, 25)
        if where == "beside":
            with pytest.raises(ShredError, match="a part was erased"):
                intent(older, "op_new", user="ada")
        else:
            assert older.verify().ok
            seq = append(older, intent(older, "op_new", user="ada", payload=PROMPT))
            assert older.open_payload(row_of(older, seq)) == PROMPT
            erase(older, moment(2026, 2, 22))
            assert readable(older) == ALL - {1, 2, 5, 6, 9, 10}


@pytest.mark.requirement("log.erase.before")
def test_the_month_of_an_erased_part_goes_on_under_a_new_key(vault: Vault, clock: Clock) -> None:
    """Here and in vaults opened before; erased in part again, both keys are narrowed."""
    with Vault.open(vault.path, key=f"file:{vault.path.parents[1]}/keys/vault.key") as other:
        assert other.open_payload(row_of(other, 13)) == PROMPT
        clock.now = moment(2026, 3, 10)
        erase(vault, moment(2026, 3, 2))
        seq = append(vault, intent(vault, "new", user="ada", payload=PROMPT))
        assert row_of(vault, seq).key_id != row_of(vault, 13).key_id
        clock.now = moment(2026, 3, 20)
        later = append(vault, intent(vault, "newer", user="ada", payload=PROMPT))
        assert [opens(other, one) for one in (9, 13, 14, seq, later)] == [False] + [True] * 4
        erase(other, moment(2026, 3, 15))
        assert [opens(vault, one) for one in (13, 14, seq, later)] == [False] * 3 + [True]
        kept = vault.shreds.folder.glob("rest-*")
        assert [path.name for path in kept] == [f"rest-{row_of(vault, later).key_id}"]
        assert other.verify().ok


@pytest.mark.requirement("log.erase.before")
def test_what_was_sealed_just_before_and_is_written_meanwhile_opens(
    vault: Vault, clock: Clock
) -> None:
    """A call of that moment, under the key that is about to be narrowed, keeps its text."""
    clock.now = moment(2026, 3, 20)
    draft = intent(vault, "just_now", user="ada", payload=PROMPT)
    seqs: list[int] = []

    def meanwhile(seconds: float) -> None:
        assert seconds > 0
        seqs.append(append(vault, draft))

    Eraser(vault, sleep=meanwhile).erase(
        "ada", before=moment(2026, 3, 10), asked_by="root", reason=""
    )
    assert row_of(vault, seqs[0]).key_id == row_of(vault, 13).key_id
    assert [opens(vault, seq) for seq in (13, seqs[0])] == [False, True]
    assert vault.verify().ok


@pytest.mark.requirement("log.erase.together")
def test_a_call_goes_as_a_whole_or_stays_as_a_whole(vault: Vault, clock: Clock) -> None:
    """An intent before the time stays with its outcome after it, also where clocks ran back."""
    pairs: list[int] = []
    for number, (begun, ended) in enumerate(((1, 3), (3, 1), (1, 1))):
        clock.now = moment(2026, 3, 20) + begun
        seq = append(vault, intent(vault, f"pair_{number}", user="ada", payload=PROMPT))
        clock.now = moment(2026, 3, 20) + ended
        draft = vault.draft(kind="outcome", ref=seq, user="ada", outcome="failed", payload=PROMPT)
        pairs += [seq, append(vault, draft)]
    clock.now = moment(2026, 3, 31)
    report = erase(vault, moment(2026, 3, 20) + 2)
    assert [opens(vault, seq) for seq in pairs] == [True] * 4 + [False] * 2
    assert report.plan.rows == 8 + 2
    assert vault.verify().ok


@pytest.mark.requirement("log.erase.before")
def test_nothing_is_kept_of_a_month_of_which_nothing_stays(vault: Vault) -> None:
    """Its key is destroyed here too, like that of a whole month."""
    report = erase(vault, moment(2026, 3, 30))
    assert report.plan.partial == "2026-03"
    assert vault.read(lambda view: view.texts.keys("ada")) == []
    assert readable(vault) == ALL - OF_ADA
    assert vault.verify().ok


@pytest.mark.requirement("log.erase.before")
def test_a_bound_between_two_months_erases_whole_months(vault: Vault) -> None:
    """Nothing is left over for which a backup would still have the key."""
    plan = Eraser(vault).plan("ada", before=moment(2026, 3, 1))
    assert (plan.rows, plan.months, plan.partial) == (6, ("2026-01", "2026-02"), None)


def test_the_user_goes_on_under_a_new_key(vault: Vault) -> None:
    """Calls after an erasure are sealed and open; a second erasure takes them too."""
    erase(vault)
    seq = append(vault, intent(vault, "later", user="ada", payload=PROMPT))
    assert vault.open_payload(row_of(vault, seq)) == PROMPT
    erase(vault)
    with pytest.raises(ErasedError):
        vault.open_payload(row_of(vault, seq))
    assert (vault.verify().ok, vault.verify_log().erased) == (True, 9)


@pytest.mark.requirement("threat.21")
def test_an_older_backup_does_not_bring_the_text_back(
    place: Place, vault: Vault, clock: Clock
) -> None:
    """Neither opened beside the vault, nor restored in its place, with every key there is."""
    backup = place.root / "saved" / "one.db"
    beside = Place(place.root / "beside")
    for name in ("anchors", "keys"):
        shutil.copytree(place.root / name, beside.root / name)
    vault.back_up(backup)
    erase(vault)
    vault.close()
    beside.database.parent.mkdir()
    shutil.copy(backup, beside.database)
    with Vault.open(
        beside.database, key=beside.key, shreds=place.root / "shreds", clock=clock
    ) as thief:
        assert readable(thief) == ALL - OF_ADA
        with pytest.raises(ErasedError):
            thief.open_payload(row_of(thief, 1))
        with pytest.raises(ShredError, match="is older than that"):
            intent(thief, "op_new", user="ada")
        intent(thief, "op_new", user="bob")
    report = restore(backup, place.database, key=place.key, accept=True)
    assert (report.erased, report.unreadable) == (3, 0)
    with place.open() as restored:
        assert readable(restored) == ALL - OF_ADA
        assert restored.verify().ok
        with pytest.raises(ErasedError):
            restored.open_payload(row_of(restored, 1))


@pytest.mark.requirement("log.erase.resume")
@pytest.mark.parametrize("step", [*STEPS[1:6], *STEPS[8:-1]])
def test_an_erasure_that_was_cut_short_goes_on(place: Place, vault: Vault, step: str) -> None:
    """At every step: nobody opens the text from the first one on, and the next run ends it."""
    cut_at(vault, step)
    vault.close()
    with place.open() as again:
        assert readable(again) == ALL - OF_ADA
        assert again.verify().ok
        assert len(Eraser(again, sleep=at_once).resume()) == 1
        assert Eraser(again).resume() == ()
        assert all(row_of(again, seq).payload is None for seq in OF_ADA)
        assert (again.verify().ok, again.verify_log().erased) == (True, 8)
        assert {again.shreds.state(key) for key in row_of(again, 17).facts["keys"]} == {
            Held.DESTROYED
        }


@pytest.mark.requirement("log.erase.resume")
@pytest.mark.parametrize("step", STEPS[1:-1])
def test_an_erasure_of_a_part_that_was_cut_short_goes_on(
    place: Place, vault: Vault, step: str
) -> None:
    """At every step: what is to stay opens all the time, and what is to go not after the end."""
    cut_at(vault, step, BOUND)
    vault.close()
    stays = ALL - {1, 2, 5, 6}
    with place.open() as again:
        assert readable(again) >= stays
        assert not readable(again) & {1, 2}
        assert again.verify().ok
        assert len(Eraser(again, sleep=at_once).resume()) == 1
        assert Eraser(again).resume() == ()
        assert readable(again) == stays
        assert (again.verify().ok, again.verify_log().erased) == (True, 4)
        (key,) = row_of(again, 17).facts["narrowed"]
        assert again.shreds.state(key) is Held.NARROWED


def cut_at(vault: Vault, step: str, before: float | None = None) -> None:
    """Ends an erasure at a step."""

    def on_step(name: str) -> None:
        if name == step:
            raise Cut

    with pytest.raises(Cut):
        Eraser(vault, batch=2, on_step=on_step, sleep=at_once).erase(
            "ada", before=before, asked_by="root", reason=""
        )


def test_an_erasure_cut_before_its_first_step_changes_nothing(vault: Vault) -> None:
    """All text opens, and there is nothing to go on with."""
    cut_at(vault, "before note")
    assert readable(vault) == ALL
    assert Eraser(vault).open() == ()


def test_every_other_open_vault_stops_opening_and_sealing_with_the_old_keys(
    place: Place, vault: Vault, clock: Clock
) -> None:
    """It has the keys in memory; it asks the shred keys before each use."""
    with Vault.open(place.database, key=place.key, clock=clock) as other:
        rows = [row_of(other, seq) for seq in sorted(OF_ADA)]
        assert [other.open_payload(row) for row in rows] == [PROMPT] * 8
        append(other, intent(other, "before", user="ada", payload=PROMPT))
        erase(vault)
        for row in rows:
            with pytest.raises(ErasedError):
                other.open_payload(row)
        seq = append(other, intent(other, "after", user="ada", payload=PROMPT))
        assert other.open_payload(row_of(other, seq)) == PROMPT
        assert vault.open_payload(row_of(vault, seq)) == PROMPT


@pytest.mark.requirement("log.erase.proof")
@pytest.mark.parametrize("statement", ["payload = NULL WHERE seq = 3", "payload = NULL"])
def test_text_that_somebody_removed_is_not_called_erased(
    place: Place, vault: Vault, statement: str
) -> None:
    """Without a row that says so, the check of the log names it and nobody reads the row."""
    vault.close()
    with place.edited() as file:
        file.execute(f"UPDATE log SET {statement}")  # noqa: S608 - a test's own
    with place.open() as again:
        report = again.verify_log()
        assert (report.ok, report.erased) == (False, 0)
        assert (report.faults[0].seq, "nothing says" in report.faults[0].what) != (0, False)
        with pytest.raises(IntegrityError):
            row_of(again, 3)
        with pytest.raises(IntegrityError):
            again.read(lambda view: view.log_rows(LogQuery(user="bob")))


@pytest.mark.requirement("log.erase.proof")
def test_an_erasure_covers_no_row_of_another_user(place: Place, vault: Vault) -> None:
    """Nor one that came after it: both are faults, each at its place."""
    erase(vault)
    later = append(vault, intent(vault, "later", user="ada", payload=PROMPT))
    vault.close()
    with place.edited() as file:
        file.execute("UPDATE log SET payload = NULL WHERE seq IN (3, ?)", (later,))
    with place.open() as again:
        report = again.verify_log()
        assert [fault.seq for fault in report.faults] == [3, later]
        assert report.erased == 8


@pytest.mark.requirement("log.erase.proof")
def test_a_row_about_an_erasure_that_was_altered_covers_nothing(place: Place, vault: Vault) -> None:
    """It is a fault itself, and so is every row that it would have covered."""
    erase(vault)
    vault.close()
    with place.edited() as file:
        file.execute("UPDATE log SET facts = replace(facts, 'ada', 'bob') WHERE seq = 17")
    with place.open() as again:
        assert {fault.seq for fault in again.verify_log().faults} == {*OF_ADA, 17}


def test_erased_rows_are_found_and_read_without_their_text(vault: Vault) -> None:
    """A search gives them, with all that lies open."""
    erase(vault)
    rows = vault.read(lambda view: view.log_rows(LogQuery(user="ada")))
    assert [row.seq for row in rows] == [13, 9, 5, 1]
    assert {row.payload for row in rows} == {None}
    assert {row.operation for row in rows} == {f"ada_{number}" for number in range(4)}


def test_keys_rotate_before_and_after_an_erasure(place: Place, vault: Vault) -> None:
    """What is wrapped anew is the masked key; it opens as before, and what was erased does not."""
    KeyRotator(vault).rotate()
    assert readable(vault) == ALL
    erase(vault)
    KeyRotator(vault).rotate()
    assert readable(vault) == ALL - OF_ADA
    vault.close()
    with place.open() as again:
        assert readable(again) == ALL - OF_ADA
        assert again.verify().ok


def test_what_a_colleague_wrote_about_a_call_is_not_taken_along(vault: Vault) -> None:
    """And what the user wrote about a colleague's call is."""
    mine = vault.draft(kind="note", ref=3, user="ada", payload=PROMPT)
    theirs = vault.draft(kind="note", ref=1, user="bob", payload=PROMPT)
    seqs = append(vault, mine), append(vault, theirs)
    erase(vault)
    with pytest.raises(ErasedError):
        vault.open_payload(row_of(vault, seqs[0]))
    assert vault.open_payload(row_of(vault, seqs[1])) == PROMPT
    assert vault.verify().ok


def test_progress_is_told_and_ends(vault: Vault) -> None:
    """Rows done and rows in all, never more than there are."""
    told: list[tuple[str, int, int]] = []

    def note(work: str, done: int, full: int) -> None:
        told.append((work, done, full))

    Eraser(vault, batch=2).erase("ada", asked_by="root", reason="", told=note)
    assert told == [("rows looked at", min(done, 16), 16) for done in range(2, 18, 2)]
