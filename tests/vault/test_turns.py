"""Proves that processes take turns: no more than may, in their order, and none held by the dead."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from connector_vault import StoreError
from connector_vault.attendance import Attendance
from connector_vault.turns import ASKED_S, LONGEST_S, SIZE, Pace, Turns

pytestmark = pytest.mark.requirement("policy.rate.turns")

TWO = Pace(at_once=2, a_minute=0)
#: Six at once, as sixty a minute make a tenth of them, and then one a second.
MINUTE = Pace(at_once=0, a_minute=60)
HOLDER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from connector_vault.attendance import Attendance
    from connector_vault.turns import Pace, Turns

    there = Attendance(Path(sys.argv[1]))
    turns = Turns(Path(sys.argv[2]), there)
    for _ in range(2):
        assert turns.take(Pace(at_once=2, a_minute=0), now=100.0, since=100.0) is None
    print("holds", flush=True)
    sys.stdin.readline()
    """
)


class Party:
    """Several who take turns, each as a process of its own would."""

    def __init__(self, folder: Path) -> None:
        """Names the files."""
        self._folder = folder
        self.database = folder / "vault.db"
        self.file = folder / "turns" / "con_1"
        self._made: list[tuple[Turns, Attendance]] = []

    def another(self) -> Turns:
        """Lets one more come."""
        attendance = Attendance(self.database)
        turns = Turns(self.file, attendance)
        self._made.append((turns, attendance))
        return turns

    def close(self) -> None:
        """Lets all go."""
        for turns, attendance in self._made:
            turns.close()
            attendance.close()


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    """Those who take turns."""
    made = Party(tmp_path)
    yield made
    made.close()


def test_no_more_turns_than_may_be_had_at_once(party: Party) -> None:
    """Two processes have two turns between them; one that is given back can be had."""
    one, other = party.another(), party.another()
    assert one.take(TWO, now=1, since=1) is None
    assert other.take(TWO, now=1, since=1) is None
    assert one.take(TWO, now=1, since=1) == 0
    other.leave()
    assert one.take(TWO, now=1, since=1) is None
    assert other.take(TWO, now=1, since=2) == 0


def test_whoever_waits_longest_goes_first(party: Party) -> None:
    """A process that came later waits for one that came earlier, as long as that asks."""
    one, other = party.another(), party.another()
    held = [one.take(TWO, now=1, since=1) for _ in range(2)]
    assert held == [None, None]
    assert other.take(TWO, now=2, since=2) == 0
    one.leave()
    assert one.take(TWO, now=2.1, since=2.1) == 0
    assert other.take(TWO, now=2.2, since=2) is None
    one.leave()
    assert other.take(TWO, now=2.3, since=2.3) == 0
    one.forgo()
    assert other.take(TWO, now=3, since=3) is None
    assert one.take(TWO, now=3, since=3) == 0
    other.forgo()
    other.leave()
    later = 3 + ASKED_S
    assert one.take(TWO, now=later, since=later) is None


def test_who_gives_up_waiting_is_not_waited_for(party: Party) -> None:
    """The next in line goes at once."""
    one, other = party.another(), party.another()
    assert [one.take(TWO, now=1, since=1) for _ in range(3)] == [None, None, 0]
    one.leave()
    assert other.take(TWO, now=1.1, since=1.1) == 0
    one.forgo()
    assert other.take(TWO, now=1.1, since=1.1) is None


def test_so_many_in_a_minute_and_a_tenth_at_once(party: Party) -> None:
    """After that the next is due a second later, for both processes together."""
    one, other = party.another(), party.another()
    taken = [turns.take(MINUTE, now=50, since=50) for turns in (one, other) * 3]
    assert taken == [None] * 6
    assert one.take(MINUTE, now=50, since=50) == pytest.approx(1)
    assert one.take(MINUTE, now=50.5, since=50) == pytest.approx(0.5)
    assert one.take(MINUTE, now=51, since=50) is None
    slow = Pace(at_once=0, a_minute=6)
    third = Turns(party.file.with_name("other"), Attendance(party.database))
    assert third.take(slow, now=50, since=50) is None
    assert third.take(slow, now=50, since=50) == pytest.approx(10)
    third.close()


def test_a_rest_holds_for_all(party: Party) -> None:
    """Except for who has kept it already; a rest never gets shorter, nor longer than an hour."""
    one, other = party.another(), party.another()
    one.rest(107, now=100)
    one.rest(103, now=100)
    assert other.take(TWO, now=101, since=101) == 6
    assert one.take(TWO, now=101, since=101, rested=107) is None
    assert other.take(TWO, now=107, since=101) is None
    one.rest(10**9, now=200)
    assert other.take(TWO, now=200, since=200) == LONGEST_S


def test_times_of_another_life_of_the_machine_are_forgotten(party: Party) -> None:
    """After a start the clock counts from zero again, and the file is as it was."""
    one = party.another()
    one.rest(90_000, now=89_000)
    assert one.take(MINUTE, now=89_990, since=89_990) == 10
    assert one.take(MINUTE, now=90_000, since=90_000) is None
    assert one.take(MINUTE, now=5, since=5) is None


def test_a_killed_process_holds_no_turn(party: Party) -> None:
    """Its turns come back when somebody asks for them."""
    one = party.another()
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
        [sys.executable, "-c", HOLDER, str(party.database), str(party.file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        assert one.take(TWO, now=101, since=101) == 0
        process.kill()
    assert one.take(TWO, now=101, since=101) is None
    assert one.take(TWO, now=101, since=101) is None


def test_more_processes_than_there_is_room_for_share_a_place(party: Party) -> None:
    """Those who are gone make room; while all are there, the last place is shared."""
    every = [party.another() for _ in range(130)]
    wide = Pace(at_once=1_000, a_minute=0)
    assert {turns.take(wide, now=1, since=1) for turns in every} == {None}
    for turns in every:
        turns.leave()


def test_a_file_that_cannot_be_made_is_a_named_error(tmp_path: Path) -> None:
    """And can be made the next time."""
    attendance = Attendance(tmp_path / "vault.db")
    turns = Turns(tmp_path / "none" / "turns" / "con_1", attendance)
    with pytest.raises(StoreError):
        turns.take(TWO, now=1, since=1)
    (tmp_path / "none").mkdir()
    assert turns.take(TWO, now=1, since=1) is None
    assert (tmp_path / "none" / "turns" / "con_1").stat().st_size == SIZE
    turns.close()
    with suppress(OSError):
        attendance.close()
