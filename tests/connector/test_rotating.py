"""Proves that the key of a connection is replaced without a call that fails, and tended to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from clientary_connector import Outcome, Secret, Settings
from clientary_connector.errors import (
    InvalidValueError,
    RotationError,
    UnknownConnectionError,
)
from clientary_connector.rotations import Due
from clientary_connector.sandbox import Fault, FaultKind, Sandbox
from connector_vault import lease
from connector_vault.hooks import RotationContext, hookimpl
from tests.connector.rotating_ground import FIELD, NAME, USER, Issuing, Scene, scene

pytestmark = pytest.mark.requirement("rotation.keys")

OVERLAP_DAYS = 3600 / 86_400


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Scene]:
    """Connects a simulated account."""
    with scene(tmp_path) as made:
        made.connect()
        yield made


def test_a_key_that_a_person_brings_comes_into_use(stage: Scene) -> None:
    """It was tested first, every state is told, and what is left to do is said."""
    told: list[str] = []
    new = stage.sandbox.add_key()
    report = stage.bring(new, on_state=told.append)
    assert told == ["intended", "pending", "set", "tested", "promoted", "overlapping"]
    assert report.steps == tuple(told)
    assert (report.rotated, report.old, report.new, report.number) == (True, 1, 2, 1)
    assert report.left.startswith("Delete the old API key in Clientary")
    assert (stage.key(), stage.stages()) == (new, ["previous", "current"])
    assert stage.works()


def test_the_old_key_is_let_go_of_once_it_gets_401(stage: Scene) -> None:
    """Until then a person is asked for it; the answer of the service is what counts."""
    stage.bring(stage.sandbox.add_key())
    early = stage.run(stage.connector.check_old_key(NAME, user=USER))
    assert (early.state, early.reason) == ("overlapping", "The old secret is still accepted.")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=403))
    assert stage.run(stage.connector.check_old_key(NAME, user=USER)).state == "overlapping"
    stage.sandbox.revoke_key(stage.far.key)
    done = stage.run(stage.connector.check_old_key(NAME, user=USER))
    assert (done.state, done.left, done.steps) == ("finished", "", ("finished",))
    assert stage.stages() == ["retired", "current"]
    assert stage.works()


@pytest.mark.requirement("threat.12")
def test_a_mistyped_key_changes_nothing_and_the_right_one_follows(stage: Scene) -> None:
    """The one in use stays in use; there is nothing to clear away first."""
    report = stage.bring("mistyped-" * 4)
    assert (report.rotated, report.state, report.verdict) == (False, "set", "refused")
    assert stage.key() == stage.far.key
    assert stage.works()
    assert stage.bring(stage.sandbox.add_key()).rotated


@pytest.mark.requirement("threat.12")
def test_a_key_of_another_account_never_comes_into_use(stage: Scene) -> None:
    """It answers at the same address, and the people that it shows are others."""
    foreign = stage.sandbox.add_key(of=Sandbox(seed=2))
    report = stage.bring(foreign)
    assert (report.rotated, report.state) == (False, "dropped")
    assert report.reason == "The new secret belongs to another account."
    assert (stage.key(), stage.stages()) == (stage.far.key, ["current", "retired"])
    assert stage.works()


def test_an_account_is_the_same_though_its_people_change(stage: Scene) -> None:
    """One changed name, one left; the rest is known, and today's people from then on."""
    state = stage.sandbox.state
    first, second, *_ = list(state.staff)
    state.staff.change(first, state.clock(), name="Renamed Person")
    state.staff.remove(second)
    assert stage.bring(stage.sandbox.add_key()).rotated
    known = stage.connector.connection(NAME)
    assert known.account.startswith("Renamed Person")
    for one in list(state.staff)[1:]:
        state.staff.remove(one)
    assert stage.bring(stage.sandbox.add_key()).rotated
    assert stage.connector.log.verify().ok


def test_a_silent_service_is_asked_again_by_the_timer(stage: Scene) -> None:
    """The new key is kept as a candidate meanwhile, and the old one stays in use."""
    new = stage.sandbox.add_key()
    for _ in range(3):
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=503, times=2))
    assert stage.bring(new).verdict == "no_answer"
    first = stage.tend().items[0]
    assert (first.what, first.outcome) == ("rotation", "failed")
    assert stage.key() == stage.far.key
    stage.sandbox.faults.clear()
    assert [item.outcome for item in stage.tend().items] == ["done"]
    assert (stage.key(), stage.tend().items) == (new, ())


def test_a_question_that_takes_too_long_is_no_answer(tmp_path: Path) -> None:
    """The hook has a time limit, and asks no longer than that."""
    settings = Settings(rotation_hook_s=0.5, key_rotation_days=3650)
    with scene(tmp_path, settings=settings) as stage:
        stage.connect()
        stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, delay_s=30))
        assert stage.bring(stage.sandbox.add_key()).verdict == "no_answer"
        assert [item.outcome for item in stage.tend().items] == ["done"]


def test_the_timer_leaves_alone_what_another_process_does(stage: Scene) -> None:
    """It says nothing; that process will."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=503, times=2))
    stage.bring(stage.sandbox.add_key())
    name = f"rotation:{stage.id}/{FIELD}"
    now = stage.time.seconds()
    held = stage.vault.write(lambda log: lease.take(log, name, now=now, term_s=60))
    assert stage.tend().items == ()
    stage.vault.write(lambda log: lease.give_back(log, held))
    assert [item.outcome for item in stage.tend().items] == ["done"]


def test_what_breaks_in_one_chore_is_told_and_the_others_go_on(stage: Scene) -> None:
    """A rotation that cannot be stored, and then keys that cannot be read at all."""

    class Closing(Issuing):
        """Takes the vault away under the rotation."""

        @hookimpl
        def rotation_create(self, context: RotationContext) -> Secret:
            """Closes the vault."""
            stage.vault.close()
            return super().rotation_create(context)

    stage.connector.register_rotation_hooks(Closing(stage.sandbox))
    stage.pass_days(91)
    report = stage.tend()
    assert report.failed
    assert [item.what for item in report.items][:2] == ["rotation", "vault"]
    assert "closed" in report.items[0].detail
    assert {item.what for item in stage.tend().items} == {"vault"}


@pytest.mark.requirement("rotation.no_gap")
def test_no_call_fails_while_its_key_is_replaced(stage: Scene) -> None:
    """Also where the old key is deleted at the very moment at which the new one is in use."""
    new = stage.sandbox.add_key()
    # What was sent with the old key is looked at only when that is gone.
    stage.sandbox.faults.add(Fault(kind=FaultKind.DELAY, route="/clients", delay_s=1.5, times=8))

    def delete_old(state: str) -> None:
        if state == "promoted":
            stage.sandbox.revoke_key(stage.far.key)

    async def together() -> list[Outcome]:
        done = asyncio.Event()

        async def caller() -> list[Outcome]:
            seen: list[Outcome] = []
            while not done.is_set():
                seen.append((await stage.connector.run(stage.call("list_clients"))).outcome)
            return seen

        callers = [asyncio.create_task(caller()) for _ in range(8)]
        with Secret(new) as secret:
            await stage.connector.rotate(NAME, secret=secret, user=USER, on_state=delete_old)
        done.set()
        return [outcome for seen in await asyncio.gather(*callers) for outcome in seen]

    outcomes = stage.run(together())
    refused = [seen for seen in stage.sandbox.requests if seen.status == 401]
    assert set(outcomes) == {Outcome.SUCCEEDED}
    assert len(outcomes) >= len(refused) > 0


def test_nothing_is_due_for_a_fresh_key(stage: Scene) -> None:
    """The timer says nothing, and writes nothing."""
    before = stage.connector.log.verify().rows
    assert stage.tend().items == ()
    assert stage.connector.log.verify().rows == before
    status = stage.connector.rotations()[0]
    assert (status.due, status.days_left, status.every_days) == (Due.FRESH, 90, 90)


def test_a_key_is_due_then_overdue_with_the_days_left(stage: Scene) -> None:
    """From two weeks before; a person has to bring it, and the host is told each time."""

    class Watching:
        """Notes what it is told."""

        def __init__(self) -> None:
            self.told: list[tuple[str, str, int]] = []

        @hookimpl
        def rotation_due(self, owner: str, field: str, days_left: int) -> None:
            """Notes it."""
            self.told.append((owner, field, days_left))

    watching = Watching()
    stage.connector.register_rotation_hooks(watching)
    seen: list[tuple[Due, int | None]] = []
    for days in (75.5, 1, 14, 1):
        stage.pass_days(days)
        status = stage.connector.rotations()[0]
        items = stage.tend().items
        assert [item.days_left for item in items] in ([], [status.days_left])
        seen.append((status.due, items[0].days_left if items else None))
    assert seen == [(Due.DUE, 14), (Due.DUE, 13), (Due.OVERDUE, -1), (Due.OVERDUE, -2)]
    assert watching.told == [(stage.id, FIELD, days) for days in (14, 13, -1, -2)]
    stage.bring(stage.sandbox.add_key())
    assert stage.connector.rotations()[0].due is Due.FRESH


def test_a_host_that_issues_keys_rotates_by_itself(stage: Scene) -> None:
    """Overdue, the timer does all of it; after the overlap the old key is revoked."""
    stage.connector.register_rotation_hooks(Issuing(stage.sandbox), serves=lambda _: True)
    stage.pass_days(91)
    first = stage.tend().items
    assert [(item.what, item.outcome) for item in first] == [("rotation", "done")]
    assert stage.key() == "issued-key-number-1"
    assert stage.tend().items == ()
    stage.pass_days(OVERLAP_DAYS)
    assert [item.outcome for item in stage.tend().items] == ["done"]
    assert stage.sandbox.keys == [stage.key()]
    assert stage.works()


def test_hooks_of_another_connection_are_not_asked(stage: Scene) -> None:
    """They see no secret of this one; it waits for its person."""
    stage.connector.register_rotation_hooks(Issuing(stage.sandbox), serves=lambda _: False)
    stage.pass_days(91)
    assert [item.what for item in stage.tend().items] == ["key"]
    assert stage.key() == stage.far.key


def test_the_interval_belongs_to_the_connection(tmp_path: Path) -> None:
    """Set when it is connected, or later; both stand in the log."""
    with scene(tmp_path, settings=Settings(rotation_days=60)) as stage:
        stage.connect(rotate_every_days=30)
        assert stage.connector.rotations()[0].every_days == 30
        after = stage.connector.rotate_every(NAME, 45, user=USER)
        assert (after, after.rotate_every_days) == (stage.connector.connection(NAME), 45)
        row = stage.connector.log.page(limit=1).entries[0]
        assert (row.kind, row.user, row.facts["rotate_every_days"]) == ("rotate", USER, 45)
        for days in (0, 3651):
            with pytest.raises(InvalidValueError):
                stage.connector.rotate_every(NAME, days, user=USER)
        stage.run(stage.connector.revoke(NAME, user=USER))
        stage.connect()
        assert stage.connector.rotations()[0].every_days == 60


def test_what_cannot_be_rotated_is_refused(stage: Scene) -> None:
    """The key in use, one that no header can carry, no user, no connection, a revoked one."""
    for key, user in ((stage.far.key, USER), ("short", USER), ("fine-key-of-a-person", "")):
        with Secret(key) as secret, pytest.raises(InvalidValueError):
            stage.run(stage.connector.rotate(NAME, secret=secret, user=user))
    for ask in (stage.connector.check_old_key, stage.connector.drop_new_key):
        with pytest.raises(InvalidValueError, match="No rotation"):
            stage.run(ask(NAME, user=USER))
    stage.run(stage.connector.revoke(NAME, user=USER))
    for name in (NAME, "nobody"):
        with pytest.raises(UnknownConnectionError):
            stage.run(stage.connector.rotate(name, user=USER))
    assert stage.connector.rotations() == ()


def test_a_new_key_can_be_dropped_but_not_one_in_use(stage: Scene) -> None:
    """While another key is being tried, a further one is refused."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=503, times=6))
    stage.bring(stage.sandbox.add_key())
    with pytest.raises(RotationError, match="another new secret"):
        stage.bring(stage.sandbox.add_key())
    stage.sandbox.faults.clear()
    dropped = stage.run(stage.connector.drop_new_key(NAME, user=USER))
    assert (dropped.state, stage.key()) == ("dropped", stage.far.key)
    stage.bring(stage.sandbox.add_key())
    with pytest.raises(RotationError, match="in use already"):
        stage.run(stage.connector.drop_new_key(NAME, user=USER))


def test_without_a_key_a_rotation_waits_for_a_person(stage: Scene) -> None:
    """It is shown with what to do, and the key that is brought later goes into it."""
    report = stage.run(stage.connector.rotate(NAME, user=USER))
    assert (report.state, report.rotated) == ("waiting", False)
    assert report.left.startswith("Make a new API key in Clientary")
    assert stage.connector.rotations()[0].rotation == "waiting"
    assert stage.bring(stage.sandbox.add_key()).number == 1


def test_the_timer_frees_what_a_dead_process_held(stage: Scene) -> None:
    """And who comes while another process is at work is told so, and does not wait."""
    name = f"rotation:{stage.id}/{FIELD}"
    now = stage.time.seconds()
    held = stage.vault.write(lambda log: lease.take(log, name, now=now, term_s=60))
    with pytest.raises(RotationError, match="Another process is at work"):
        stage.bring(stage.sandbox.add_key())
    stage.tend()
    assert _until(stage, name) == now + 60
    stage.pass_days(1)
    stage.tend()
    assert _until(stage, name) == 0
    again = stage.vault.write(lambda log: lease.take(log, name, now=now, term_s=60))
    assert again.fence == held.fence + 1


def _until(stage: Scene, name: str) -> float:
    """Returns until when a lease is held."""
    found = stage.vault.read(lambda view: view.record(lease.KIND, name))
    assert found is not None
    until: float = found.body["until"]
    return until


def test_the_keys_of_the_vault_are_rotated_every_thirty_days(tmp_path: Path) -> None:
    """Once, and the connections go on."""
    with scene(tmp_path, settings=Settings()) as stage:
        stage.connect()
        stage.pass_days(29)
        assert stage.tend().items == ()
        stage.pass_days(1.1)
        items = stage.tend().items
        assert [(item.what, item.connection, item.outcome) for item in items] == [
            ("keys", None, "done")
        ]
        assert stage.tend().items == ()
        assert stage.works()


def test_a_revoke_ends_a_rotation(stage: Scene) -> None:
    """No new key comes into a connection that was revoked meanwhile."""

    def revoke(state: str) -> None:
        if state == "pending":
            asyncio.run(stage.connector.revoke(NAME, user=USER))

    connection = stage.id
    assert stage.bring(stage.sandbox.add_key(), on_state=revoke).state == "dropped"
    found = stage.vault.read(lambda view: view.secret_versions(connection, FIELD))
    assert {one.stage for one in found} == {"retired"}
    assert stage.tend().items == ()


def test_no_key_is_left_in_the_log_or_in_a_file(stage: Scene, tmp_path: Path) -> None:
    """Neither the old nor the new one, in any outcome."""
    keys = [stage.far.key, stage.sandbox.add_key(), "mistyped-" * 4]
    stage.bring(keys[2])
    stage.bring(keys[1])
    stage.tend()
    entries = [
        entry.to_json() for entry in stage.connector.log.page(limit=100, user="auditor").entries
    ]
    written = str(entries) + str(stage.connector.rotations())
    for path in (tmp_path / "vault").rglob("*"):
        written += path.read_bytes().decode("latin-1") if path.is_file() else ""
    assert not [key for key in keys if key in written]
