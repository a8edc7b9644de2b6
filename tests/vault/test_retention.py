"""Proves that text is kept as long as it is to be, and no longer, while everybody works on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connector_vault import ErasedError, Vault
from connector_vault.ages import ANY
from connector_vault.retention import DAY_S, STEPS, Retention
from connector_vault.shreds import Held
from connector_vault.spans import SPAN_ROWS
from tests.vault.ground import Clock, Place, append, intent, row_of

pytestmark = pytest.mark.requirement("log.keep")

TEXT = b"canary-text-5512"
READS, REFUSALS, CHANGES = "call:read", "refusal", ANY
DAYS = {CHANGES: 365, READS: 90, REFUSALS: 30}
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC).timestamp()
#: How old each call is, in days, and its effect; a refusal has none.
CALLS = (
    *((400, "write"), (399, "read"), (398, None)),
    *((200, "write"), (199, "read"), (198, None)),
    *((60, "write"), (59, "read"), (58, None)),
    *((5, "write"), (4, "read"), (3, None)),
)
WRITE_OLD, READ_OLD, REFUSED_OLD = 1, 3, 5


class Cut(Exception):  # noqa: N818 - it is no error of anything
    """Stands for the end of a process."""


@pytest.fixture
def clock() -> Clock:
    """A clock that the test sets."""
    return Clock(NOW)


@pytest.fixture
def vault(place: Place, clock: Clock) -> Iterator[Vault]:
    """A vault with calls of every class and age: of each change and read, intent and outcome."""
    with Vault.create(place.database, key=place.key, clock=clock) as made:
        for number, (age, effect) in enumerate(CALLS):
            clock.now = NOW - age * DAY_S
            write(made, number, effect)
        clock.now = NOW
        yield made


def write(vault: Vault, number: int, effect: str | None) -> None:
    """Writes one call, or one refusal."""
    if effect is None:
        draft = vault.draft(kind="refusal", user="ada", action="x", outcome="refused", payload=TEXT)
        append(vault, draft)
        return
    seq = append(vault, intent(vault, f"op_{number}", effect=effect, payload=TEXT))
    draft = vault.draft(
        kind="outcome",
        ref=seq,
        user="ada",
        action="list_clients",
        effect=effect,
        outcome="succeeded",
        payload=TEXT,
    )
    append(vault, draft)


def readable(vault: Vault) -> list[tuple[int, str]]:
    """Gives age and class of every row that has a text which opens."""
    found: list[tuple[int, str]] = []
    for seq in range(1, vault.read(lambda view: view.last_seq()) + 1):
        row = row_of(vault, seq)
        try:
            text = vault.open_payload(row)
        except ErasedError:
            continue
        if text is not None:
            assert text == TEXT
            age = round((NOW - row.at / 1_000_000) / DAY_S)
            found.append((age, row.effect or "refused"))
    return found


def run(vault: Vault, clock: Clock, days: dict[str, int] | None = None) -> object:
    """Ends what is old enough."""
    return Retention(vault, clock=clock).run(DAYS if days is None else days, user="root")


KEPT = [
    *[(200, "write")] * 2,
    *[(60, "write")] * 2,
    *[(59, "read")] * 2,
    *[(5, "write")] * 2,
    *[(4, "read")] * 2,
    (3, "refused"),
]


def test_each_class_is_kept_for_its_own_days(vault: Vault, clock: Clock) -> None:
    """Rows stay and verify; what is gone is told as erased, and one row says so."""
    report = Retention(vault, clock=clock).run(DAYS, user="root")
    assert report is not None
    assert report.rows == {CHANGES: 2, READS: 4, REFUSALS: 3}
    assert readable(vault) == KEPT
    checked = vault.verify()
    assert (checked.ok, checked.log.erased) == (True, 9)
    row = row_of(vault, report.log_id)
    assert (row.kind, row.user, row.facts["what"]) == ("tend", "root", "retention")
    assert row.facts["rows"] == report.rows
    assert set(row.facts["until"]) == {CHANGES, READS, REFUSALS}


def test_nothing_due_writes_nothing(vault: Vault, clock: Clock) -> None:
    """Neither where all is young, nor again on the same day, nor where all is kept for ever."""
    end = vault.read(lambda view: view.last_seq())
    assert run(vault, clock, {CHANGES: 500, READS: 500, REFUSALS: 500}) is None
    assert run(vault, clock, dict.fromkeys(DAYS, 0)) is None
    assert vault.read(lambda view: view.last_seq()) == end
    assert run(vault, clock) is not None
    clock.now += DAY_S / 2
    assert run(vault, clock, dict.fromkeys(DAYS, 1)) is None
    clock.now += DAY_S
    assert run(vault, clock, dict.fromkeys(DAYS, 1)) is not None
    assert readable(vault) == []
    assert vault.verify().ok


def test_a_class_may_be_kept_for_ever(vault: Vault, clock: Clock) -> None:
    """The others end; keys that still seal something stay."""
    run(vault, clock, {**DAYS, CHANGES: 0})
    assert [one for one in readable(vault) if one[1] == "write"] == [
        (age, "write") for age in (400, 400, 200, 200, 60, 60, 5, 5)
    ]
    assert vault.verify().ok


def test_the_word_that_says_most_of_a_row_decides(vault: Vault, clock: Clock) -> None:
    """A kind and effect, then the kind, then what is for all others; each with its own end."""
    clock.now = NOW - 50 * DAY_S
    for kind, effect in (("approval", "send"), ("approval", None), ("connect", None)):
        draft = vault.draft(kind=kind, user="ada", effect=effect, outcome="asked", payload=TEXT)
        append(vault, draft)
    clock.now = NOW
    ages = {"call": 300, "call:delete": 1, "approval:send": 10, "approval": 60, ANY: 40}
    report = Retention(vault, clock=clock).run(ages, user="root")
    assert report is not None
    assert report.rows == {"call": 4, "call:delete": 0, "approval:send": 1, "approval": 0, ANY: 4}
    assert [one for one in readable(vault) if one[0] == 50] == [(50, "refused")]
    assert vault.verify().ok
    assert vault.verify_log().erased == 9


@pytest.mark.requirement("log.erase.together")
def test_a_call_ends_as_a_whole_once_its_end_is_old_enough(vault: Vault, clock: Clock) -> None:
    """Its intent stays as long as its outcome; then both go, wherever they stand in the log."""
    clock.now = NOW - 91 * DAY_S
    seq = append(vault, intent(vault, "slow", effect="read", payload=TEXT))
    fillers = [vault.draft(kind="refusal", outcome="refused") for _ in range(2_100)]
    vault.write(lambda log: [log.append(one) for one in fillers])
    clock.now = NOW - 89 * DAY_S
    end = vault.draft(
        kind="outcome", ref=seq, user="ada", action="x", effect="read", outcome="succeeded"
    )
    append(vault, end)
    clock.now = NOW
    run(vault, clock)
    assert vault.open_payload(row_of(vault, seq)) == TEXT
    clock.now = NOW + 2 * DAY_S
    report = Retention(vault, clock=clock).run(DAYS, user="root")
    assert report is not None
    assert report.rows[READS] == 1
    with pytest.raises(ErasedError):
        vault.open_payload(row_of(vault, seq))
    assert vault.verify().ok


def test_other_ages_than_before_are_looked_at_from_the_beginning(
    vault: Vault, clock: Clock
) -> None:
    """What was kept for ever by the last ages, in rows that were passed, ends by the next ones."""
    fillers = [vault.draft(kind="refusal", outcome="refused") for _ in range(2_100)]
    clock.now = NOW - 399 * DAY_S
    vault.write(lambda log: [log.append(one) for one in fillers])
    clock.now = NOW
    run(vault, clock, {ANY: 1, "call": 0})
    assert {one[1] for one in readable(vault)} == {"read", "write"}
    clock.now += 2 * DAY_S
    run(vault, clock, {ANY: 1})
    assert readable(vault) == []
    assert vault.verify().ok


@pytest.mark.requirement("log.keep.keys")
def test_keys_of_months_without_text_go_and_others_stay(vault: Vault, clock: Clock) -> None:
    """Their shred keys first: an older backup opens nothing of those months."""
    before = {row.period: row.id for row in vault.read(lambda view: view.texts.keys("ada"))}
    report = Retention(vault, clock=clock).run(DAYS, user="root")
    assert report is not None
    after = {row.period for row in vault.read(lambda view: view.texts.keys("ada"))}
    gone = set(before) - after
    assert (len(gone), report.keys) == (1, 1)
    assert gone == {"2025-11"}
    assert vault.shreds.state(before["2025-11"]) is Held.DESTROYED
    assert {vault.shreds.state(before[month]) for month in after} == {Held.PRESENT}


@pytest.mark.requirement("log.keep.resume")
@pytest.mark.parametrize("step", STEPS[1:])
def test_a_run_that_was_cut_short_goes_on(vault: Vault, clock: Clock, step: str) -> None:
    """At every step: the log verifies in between, and the next run ends it without a second row."""

    def cut(name: str) -> None:
        if name == step:
            raise Cut

    with pytest.raises(Cut):
        Retention(vault, clock=clock, on_step=cut).run(DAYS, user="root")
    assert vault.verify().ok
    end = vault.read(lambda view: view.last_seq())
    assert run(vault, clock) is not None
    assert vault.read(lambda view: view.last_seq()) == end
    assert readable(vault) == KEPT
    assert vault.verify().ok
    assert run(vault, clock) is None


@pytest.mark.requirement("log.keep.resume")
def test_two_runs_at_once_end_the_same_rows(place: Place, vault: Vault, clock: Clock) -> None:
    """One of them begins it, the other joins in, and neither takes more than is due."""
    with Vault.open(place.database, key=place.key, clock=clock) as other:

        def join(name: str) -> None:
            if name == "before drop":
                Retention(other, clock=clock).run(DAYS, user="second")

        Retention(vault, clock=clock, on_step=join).run(DAYS, user="first")
        assert readable(other) == KEPT
        assert (row_of(vault, 21).user, vault.read(lambda view: view.last_seq())) == ("first", 21)
    assert vault.verify().ok


def test_only_what_is_new_is_looked_at_again(place: Place, clock: Clock) -> None:
    """Runs of rows that are old as a whole are passed once; the check still holds over many."""
    with Vault.create(place.database, key=place.key, clock=clock) as vault:
        clock.now = NOW - 400 * DAY_S
        for number in range(2):
            write(vault, number, None)
        drafts = [vault.draft(kind="refusal", outcome="refused") for _ in range(2 * 1024)]
        vault.write(lambda log: [log.append(one) for one in drafts])
        clock.now = NOW
        report = Retention(vault, clock=clock).run(DAYS, user="root")
        assert report is not None
        assert report.rows[REFUSALS] == 2
        record = vault.read(lambda view: view.record("retention", "log"))
        assert record is not None
        assert record.body["floors"] == dict.fromkeys(DAYS, 2 * SPAN_ROWS)
        assert vault.verify().ok


@pytest.mark.requirement("log.erase.proof")
def test_a_row_of_an_older_version_covers_what_it_covered(place: Place, vault: Vault) -> None:
    """It names changes, reads and refusals; whatever else is missing is a fault."""
    until = dict.fromkeys(("changes", "reads", "refusals"), int(NOW * 1_000_000))
    other = append(vault, vault.draft(kind="connect", user="ada", payload=TEXT))
    facts = {"what": "retention", "until": until, "rows": {}}
    append(vault, vault.draft(kind="tend", subject="retention:log", facts=facts))
    vault.close()
    with place.edited() as file:
        file.execute("UPDATE log SET payload = NULL")
    with place.open() as again:
        report = again.verify_log()
        assert ([fault.seq for fault in report.faults], report.erased) == ([other], 20)


@pytest.mark.requirement("log.erase.proof")
def test_text_that_is_to_be_kept_and_is_gone_is_a_fault(
    place: Place, vault: Vault, clock: Clock
) -> None:
    """A row about what has ended covers nothing that is younger, or of another class."""
    run(vault, clock)
    vault.close()
    with place.edited() as file:
        file.execute("UPDATE log SET payload = NULL WHERE kind = 'refusal'")
    with place.open() as again:
        report = again.verify_log()
        assert (len(report.faults), report.erased) == (1, 9)
