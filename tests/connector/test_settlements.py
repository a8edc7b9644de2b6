"""Proves that what became of an unknown change is found out, and what its operation does then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from clientary_connector import ErrorKind, LogFilter, Outcome, Result, Settings, open_connector
from clientary_connector.call.settling import Verdict
from clientary_connector.errors import (
    InvalidValueError,
    LookUpError,
    SettleError,
    StateIntegrityError,
    UnknownEntryError,
)
from clientary_connector.frontends.cli.entry import main
from clientary_connector.hooks import hookimpl
from clientary_connector.sandbox import Fault, FaultKind
from clientary_connector.settlements import Settlement
from connector_vault import Vault
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("policy.once.settle")

AT_ONCE = Settings(settle_after_s=0, operation_wait_s=0)
#: What happens to a request: it arrives and the answer is lost, or it never arrives.
ARRIVES, LOST = FaultKind.CUT_AFTER, FaultKind.CUT_BEFORE


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A far side with a clock that goes right, and look-ups at once."""
    with set_stage(tmp_path / "state", settings=AT_ONCE, clock=lambda: datetime.now(UTC)) as ready:
        ready.sandbox.forget()
        yield ready


def unknown(
    stage: Stage, action: str, arguments: Mapping[str, Any], *, fault: FaultKind, operation: str
) -> int:
    """Runs a change whose answer never comes, and returns its line in the log."""
    stage.sandbox.faults.add(Fault(kind=fault, times=1))
    result = again(stage, action, arguments, operation)
    assert (result.outcome, result.replayed) == (Outcome.UNKNOWN, False)
    assert result.log_id is not None
    return result.log_id


def again(stage: Stage, action: str, arguments: Mapping[str, Any], operation: str) -> Result:
    """Runs a call under an operation."""
    return stage.run(stage.call(action, arguments, operation=operation))


def letter(stage: Stage) -> dict[str, Any]:
    """Returns the arguments of a message, which no list shows afterwards."""
    recipients = ["ada@client.example"]
    return {"invoice_id": stage.world.id("invoice"), "recipients": recipients, "subject": "Hello"}


def test_a_change_that_arrived_is_found_and_given_to_its_repeat(stage: Stage) -> None:
    """The repeat gets the record as a success that was replayed; nothing is sent a second time."""
    call = ("create_client", {"name": "Arrived"})
    number = unknown(stage, *call, fault=ARRIVES, operation="op_1")
    assert again(stage, *call, "op_1").error is not None
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert (said.verdict, said.record["name"]) == (Verdict.FOUND, "Arrived")
    result = again(stage, *call, "op_1")
    assert (result.outcome, result.replayed, result.log_id) == (Outcome.SUCCEEDED, True, number)
    assert result.data == said.record
    assert stage.sandbox.done("POST", "/clients") == 1
    entry = stage.connector.log.entry(said.log_id)
    assert (entry.kind, entry.user, entry.facts["verdict"]) == ("settle", "root", "found")
    assert stage.connector.settlements.unsettled() == ()
    assert stage.connector.vault.verify().ok


def test_a_change_that_was_lost_is_not_found_and_its_repeat_runs(stage: Stage) -> None:
    """The operation runs in a new round, once; a later repeat gets that result."""
    call = ("create_client", {"name": "Lost"})
    number = unknown(stage, *call, fault=LOST, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert (said.verdict, said.record) == (Verdict.NOT_FOUND, None)
    results = stage.run_all([stage.call(*call, operation="op_1") for _ in range(8)])
    assert (
        sum(result.outcome is Outcome.SUCCEEDED and not result.replayed for result in results) == 1
    )
    assert stage.sandbox.done("POST", "/clients") == 1
    assert again(stage, *call, "op_1").replayed
    assert stage.connector.vault.verify().ok


def test_who_cannot_tell_leaves_it_to_a_person(stage: Stage) -> None:
    """It stays blocked until somebody says so, and what was said is final."""
    call = ("send_invoice_message", letter(stage))
    number = unknown(stage, *call, fault=ARRIVES, operation="op_1")
    settlements = stage.connector.settlements
    said = stage.wait(lambda: settlements.settle(number, user="root"))
    assert (said.verdict, said.reason) == (Verdict.CANNOT_TELL, "No action lists sent messages.")
    assert again(stage, *call, "op_1").outcome is Outcome.REFUSED
    assert [one.looked_up for one in settlements.unsettled()] == [True]
    told = settlements.decide(number, Verdict.FOUND, user="root", reason="The client has it.")
    assert told.record is None
    result = again(stage, *call, "op_1")
    assert (result.outcome, result.replayed, result.data) == (Outcome.SUCCEEDED, True, None)
    with pytest.raises(SettleError):
        settlements.decide(number, Verdict.NOT_FOUND, user="root")


@pytest.mark.parametrize(
    ("fault", "verdict"), [(ARRIVES, Verdict.FOUND), (LOST, Verdict.NOT_FOUND)]
)
@pytest.mark.parametrize("action", ["update_client", "delete_client"])
def test_updates_and_deletions_are_told_by_the_record(
    stage: Stage, action: str, fault: FaultKind, verdict: Verdict
) -> None:
    """An update by what the record holds, a deletion by whether it is gone."""
    call: tuple[str, dict[str, Any]] = (action, {"id": stage.world.id("client")})
    if action == "update_client":
        call[1]["name"] = "Renamed"
    number = unknown(stage, *call, fault=fault, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert said.verdict is verdict
    assert again(stage, *call, "op_1").replayed is (verdict is Verdict.FOUND)


def test_a_change_is_not_looked_up_while_it_may_still_arrive(tmp_path: Path) -> None:
    """By default that is a minute; the timer leaves it alone too."""
    with set_stage(tmp_path / "state") as stage:
        call = ("create_client", {"name": "Late"})
        number = unknown(stage, *call, fault=LOST, operation="op_1")
        stage.sandbox.forget()
        with pytest.raises(SettleError, match="may still arrive"):
            stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
        assert stage.wait(lambda: stage.connector.tend(user="root")).items == ()
        assert stage.sandbox.requests == []


def test_a_service_that_is_down_settles_nothing(stage: Stage) -> None:
    """The look-up fails, the change stays unsettled, and the next try may tell."""
    call = ("create_client", {"name": "Down"})
    number = unknown(stage, *call, fault=ARRIVES, operation="op_1")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=500, times=1))
    settlements = stage.connector.settlements
    with pytest.raises(LookUpError):
        stage.wait(lambda: settlements.settle(number, user="root"))
    assert [one.id for one in settlements.unsettled()] == [number]
    assert stage.wait(lambda: settlements.settle(number, user="root")).verdict is Verdict.FOUND


def test_the_timer_settles_what_it_can_and_names_the_rest(stage: Stage) -> None:
    """One that arrived is found; one that nothing lists waits for a person, and is not read."""
    unknown(stage, "create_client", {"name": "Timed"}, fault=ARRIVES, operation="op_1")
    other = unknown(stage, "send_invoice_message", letter(stage), fault=LOST, operation="op_2")
    first = stage.wait(lambda: stage.connector.tend(user="timer"))
    assert [(item.what, item.outcome) for item in first.items] == [
        ("settle", "done"),
        ("settle", "waiting"),
    ]
    stage.sandbox.forget()
    second = stage.wait(lambda: stage.connector.tend(user="timer"))
    assert [(item.what, item.outcome) for item in second.items] == [("settle", "waiting")]
    assert f"clientary settle {other}" in second.items[0].detail
    assert stage.sandbox.requests == []
    stage.stop()
    unknown_again = stage.wait(lambda: stage.connector.tend(user="timer"))
    assert not unknown_again.failed


class Ear:
    """A plugin that keeps what it is told."""

    def __init__(self) -> None:
        """Has heard nothing yet."""
        self.heard: Queue[Settlement] = Queue()

    @hookimpl
    def connector_operation_settled(self, settlement: Settlement) -> None:
        """Keeps what it is told."""
        self.heard.put(settlement)


def test_the_host_is_told_what_was_found(stage: Stage) -> None:
    """The verdict goes to every plugin, the record only to one that may see it."""
    plain, sealed = Ear(), Ear()
    stage.connector.register(plain)
    stage.connector.register(sealed, sealed=True, user="root")
    number = unknown(stage, "create_client", {"name": "Told"}, fault=ARRIVES, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert sealed.heard.get(timeout=10) == said
    assert plain.heard.get(timeout=10) == replace(said, record=None)


@pytest.mark.requirement("log.erase")
def test_what_was_found_goes_with_the_text_of_the_user_who_made_the_call(stage: Stage) -> None:
    """It is sealed for that user, the look-up too; that it was settled stays, and by whom."""
    call = ("create_client", {"name": "Zanzibar Bakery"})
    number = unknown(stage, *call, fault=ARRIVES, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert said.verdict is Verdict.FOUND
    log = stage.connector.log
    holders = {one.kind for one in log.search("Zanzibar", user="root")}
    assert holders == {"call", "found"}
    log.erasing.erase(USER, asked_by="root", reason="They asked.")
    # The search before stands in the log with what was looked for, sealed for who looked.
    assert {one.kind for one in log.search("Zanzibar", user="root")} == {"read"}
    result = again(stage, *call, "op_1")
    assert (result.outcome, result.data) == (Outcome.REFUSED, None)
    entry = log.entry(number)
    assert (entry.settled, entry.settled_by, entry.erased) == ("found", "root", True)
    assert stage.sandbox.done("POST", "/clients") == 1
    assert stage.connector.vault.verify().ok


def test_the_log_shows_a_settled_call_as_settled(
    stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the list, alone and as JSON, beside the outcome that the call had when it ended."""
    number = unknown(stage, "create_client", {"name": "Shown"}, fault=LOST, operation="op_1")
    log, settlements = stage.connector.log, stage.connector.settlements
    assert log.entry(number).settled is None
    settlements.decide(number, Verdict.CANNOT_TELL, user="ada")
    assert log.entry(number, user="root").settled == "cannot_tell"
    settlements.decide(number, Verdict.NOT_FOUND, user="root")
    (entry,) = log.page(LogFilter(outcome="unknown")).entries
    assert (entry.outcome, entry.settled, entry.settled_by) == ("unknown", "not_found", "root")
    state = ["--state", str(tmp_path / "state")]
    assert main([*state, "log", "--outcome", "unknown"]) == 0
    assert "settled: not found" in capfd.readouterr().out
    assert main([*state, "log", "show", str(number)]) == 0
    assert "not_found" in capfd.readouterr().out
    assert main([*state, "log", "show", str(number), "-o", "json"]) == 0
    shown = json.loads(capfd.readouterr().out)["data"]
    assert (shown["outcome"], shown["settled"]) == ("unknown", "not_found")


def test_only_a_change_with_an_unknown_end_can_be_settled(stage: Stage) -> None:
    """Not one that is known, not an entry that is no call, not one that is not there."""
    known = stage.run(stage.call("create_client", {"name": "Known"}))
    settlements = stage.connector.settlements
    assert known.log_id is not None
    with pytest.raises(SettleError, match="is known: succeeded"):
        settlements.decide(known.log_id, Verdict.FOUND, user="root")
    for number in (1, 999_999, -1):
        with pytest.raises(UnknownEntryError):
            settlements.decide(number, Verdict.FOUND, user="root")
    with pytest.raises(InvalidValueError):
        settlements.decide(known.log_id, Verdict.FOUND, user="")


def test_a_revoked_connection_is_not_asked(stage: Stage) -> None:
    """Nothing is sent; a person may still say what they know."""
    number = unknown(stage, "create_client", {"name": "Gone"}, fault=ARRIVES, operation="op_1")
    stage.wait(lambda: stage.connector.revoke(ACCOUNT, user=USER))
    stage.sandbox.forget()
    settlements = stage.connector.settlements
    with pytest.raises(LookUpError):
        stage.wait(lambda: settlements.settle(number, user="root"))
    assert stage.sandbox.requests == []
    assert settlements.decide(number, Verdict.FOUND, user="root").verdict is Verdict.FOUND


def test_a_look_up_needs_no_grant_and_stands_in_the_log(stage: Stage) -> None:
    """The persona may write and not read; the log says for whom it was read, and who asked."""
    stage.connector.grant(PERSONA, ACCOUNT, scopes=["clients:write"], user=USER)
    number = unknown(stage, "create_client", {"name": "Hidden"}, fault=ARRIVES, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert said.verdict is Verdict.FOUND
    (entry,) = stage.connector.log.page(LogFilter(action="list_clients")).entries
    assert (entry.user, entry.persona, entry.outcome) == (USER, "settle", "succeeded")
    assert entry.context == {"session": "root"}


def test_a_settlement_that_was_edited_or_removed_is_not_believed(
    stage: Stage, tmp_path: Path
) -> None:
    """Who writes to the database cannot make an operation run a second time."""
    call = ("create_client", {"name": "Edited"})
    number = unknown(stage, *call, fault=ARRIVES, operation="op_1")
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert said.verdict is Verdict.FOUND
    file = raw(tmp_path / "state" / "vault" / "vault.db")
    file.execute("UPDATE records SET body = replace(body, 'found', 'not_found')")
    result = again(stage, *call, "op_1")
    assert (result.outcome, result.error and result.error.kind) == (
        Outcome.REFUSED,
        ErrorKind.INTEGRITY,
    )
    file.execute("DELETE FROM records WHERE kind = 'settlement'")
    result = again(stage, *call, "op_1")
    assert (result.outcome, result.error and result.error.kind) == (
        Outcome.REFUSED,
        ErrorKind.INTEGRITY,
    )
    with pytest.raises(StateIntegrityError):
        stage.connector.settlements.unsettled()
    file.close()
    assert stage.sandbox.done("POST", "/clients") == 1


def test_a_call_whose_process_died_can_be_settled(stage: Stage, tmp_path: Path) -> None:
    """Its intent is open and nobody is behind it; settling writes its outcome too."""
    key = f"file:{tmp_path / 'state' / 'keys' / 'vault.key'}"
    path = tmp_path / "state" / "vault" / "vault.db"
    entry = stage.connector.connection(ACCOUNT)
    with Vault.open(path, key=key) as dead:
        draft = dead.draft(
            kind="intent",
            user=USER,
            persona=PERSONA,
            connection=entry.id,
            action="create_client",
            effect="write",
            operation="op_dead",
            facts={"by": dead.attendance.me, "cost": 2},
            payload=json.dumps({"arguments": {"name": "Dead"}}).encode(),
        )
        number = dead.write(lambda log: log.append(draft))
        with pytest.raises(SettleError, match="under way"):
            stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert [one.id for one in stage.connector.settlements.unsettled()] == [number]
    said = stage.wait(lambda: stage.connector.settlements.settle(number, user="root"))
    assert said.verdict is Verdict.NOT_FOUND
    ended = stage.connector.log.entry(number)
    assert (ended.outcome, ended.cost) == ("unknown", 2)
    result = again(stage, "create_client", {"name": "Dead"}, "op_dead")
    assert (result.outcome, result.replayed) == (Outcome.SUCCEEDED, False)


def test_a_person_settles_at_the_command_line(
    stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list names it, the look-up tells, and bad usage is said."""
    monkeypatch.setenv("CLIENTARY_SETTLE_AFTER_S", "0")
    state = ["--state", str(tmp_path / "state")]
    number = unknown(stage, "create_client", {"name": "Typed"}, fault=ARRIVES, operation="op_1")
    other = unknown(stage, "send_invoice_message", letter(stage), fault=LOST, operation="op_2")
    assert main([*state, "settle"]) == 0
    assert "op_1" in capfd.readouterr().out
    assert main([*state, "settle", "-o", "json"]) == 0
    assert [one["id"] for one in json.loads(capfd.readouterr().out)["data"]] == [number, other]
    assert main([*state, "settle", str(number)]) == 0
    assert "found" in capfd.readouterr().out
    assert main([*state, "settle", str(other)]) == 4
    assert "--not-found" in capfd.readouterr().err
    assert main([*state, "settle", str(other), "--not-found", "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["data"]["verdict"] == "not_found"
    assert main([*state, "settle"]) == 0
    assert "Nothing is unsettled" in capfd.readouterr().err
    for wrong in (["--found"], [str(other), "--reason", "x"], ["0"], [str(number), "--found"]):
        assert main([*state, "settle", *wrong]) == 2
    with open_connector(tmp_path / "state") as connector:
        assert connector.log.verify().ok
