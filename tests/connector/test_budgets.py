"""Proves that a budget is a hard stop, counts what was done, and cannot be lowered unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clientary_connector import ErrorKind, Outcome, Result, Settings, open_connector
from clientary_connector.call.budget import month_start, renewal
from clientary_connector.errors import InvalidValueError, UnknownConnectionError
from clientary_connector.frontends.cli.entry import main
from clientary_connector.frontends.cli.usage import bar
from clientary_connector.sandbox import Fault, FaultKind
from clientary_connector.terms import Terms
from tests.actions.stage import ACCOUNT, PERSONA, USER, Stage, set_stage
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("policy.budget.stop")

#: A read costs one credit, a write two.
READ, WRITE = "list_clients", "create_client"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox and a connector."""
    with set_stage(tmp_path / "state") as ready:
        ready.sandbox.forget()
        yield ready


def read(stage: Stage, operation: str | None = None) -> Result:
    """Runs a call that costs one credit."""
    return stage.run(stage.call(READ, {}, operation=operation))


def is_over(result: Result) -> bool:
    """Tells whether a call was stopped by a budget."""
    over = result.error is not None and result.error.kind is ErrorKind.OVER_BUDGET
    assert over is (result.outcome is Outcome.REFUSED)
    return over


@pytest.mark.parametrize(
    ("scope", "name"),
    [("account", ""), ("user", USER), ("persona", PERSONA), ("connection", ACCOUNT)],
)
def test_at_the_limit_nothing_is_sent(stage: Stage, scope: str, name: str) -> None:
    """The first calls fit; the next is refused and says when the budget renews."""
    stage.connector.budgets.set(scope, name, 3, user="root")
    results = [read(stage) for _ in range(5)]
    assert [is_over(result) for result in results] == [False, False, False, True, True]
    assert len(stage.sandbox.requests) == 3
    error = results[-1].error
    assert error is not None
    assert "3 of 3 credits" in error.message
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    assert f"{renewal(now):%Y-%m-%d}" in error.hint
    assert error.wait_s is not None
    assert 0 < error.wait_s <= 31 * 86_400
    (budget,) = [one for one in stage.connector.budgets.all() if one.scope == scope]
    assert (budget.credits, budget.spent, budget.left, budget.usual) == (3, 3, 0, False)


def test_a_call_that_costs_more_than_is_left_is_stopped(stage: Stage) -> None:
    """A write costs two credits; with one left it is refused, and a read still goes."""
    stage.connector.budgets.set("account", "", 3, user="root")
    assert stage.run(stage.call(WRITE, {"name": "One"})).outcome is Outcome.SUCCEEDED
    assert is_over(stage.run(stage.call(WRITE, {"name": "Two"})))
    assert not is_over(read(stage))


def test_the_budget_of_a_grant_is_its_own(stage: Stage) -> None:
    """It stops this persona over this connection, and no other."""
    everything = ("*:*",)
    stage.connector.grants.give(PERSONA, ACCOUNT, Terms(scopes=everything, budget=1), user=USER)
    stage.connector.grant("auditor", ACCOUNT, scopes=everything, user=USER)
    assert not is_over(read(stage))
    error = read(stage).error
    assert error is not None
    assert error.message.startswith(f"The budget of the grant {ACCOUNT}/{PERSONA} is used up")
    other = stage.run(stage.call(READ, {}, persona="auditor"))
    assert other.outcome is Outcome.SUCCEEDED
    (budget,) = stage.connector.budgets.all()
    assert (budget.scope, budget.name, budget.left) == ("grant", f"{ACCOUNT}/{PERSONA}", 0)


def test_the_settings_hold_the_usual_budgets(tmp_path: Path) -> None:
    """One that was set for somebody counts in its place, also where it is larger."""
    settings = Settings(budget_user=1)
    with set_stage(tmp_path / "state", settings=settings) as stage:
        assert [is_over(read(stage)) for _ in range(2)] == [False, True]
        assert [one.usual for one in stage.connector.budgets.all()] == [True]
        stage.connector.budgets.set("user", USER, 2, user="root")
        assert [is_over(read(stage)) for _ in range(2)] == [False, True]
        stage.connector.budgets.set("user", USER, None, user="root")
        assert is_over(read(stage))


@pytest.mark.requirement("policy.budget.cost")
def test_only_what_was_done_costs(stage: Stage) -> None:
    """Refused, unreached and replayed calls cost nothing; failed and unknown ones cost."""
    stage.connector.budgets.set("account", "", 100, user="root")

    def spent() -> int:
        return stage.connector.budgets.all()[0].spent

    assert stage.run(stage.call(READ, {"limit": "x"})).outcome is Outcome.REFUSED
    assert stage.run(stage.call(READ, {}, persona="stranger")).outcome is Outcome.REFUSED
    assert spent() == 0
    assert read(stage, "op_1").outcome is Outcome.SUCCEEDED
    assert read(stage, "op_1").replayed
    assert spent() == 1
    assert stage.run(stage.call("get_client", {"id": 999_999})).outcome is Outcome.FAILED
    assert spent() == 2
    stage.sandbox.faults.add(Fault(kind=FaultKind.CUT_AFTER, times=1))
    assert stage.run(stage.call(WRITE, {"name": "Lost"})).outcome is Outcome.UNKNOWN
    assert spent() == 4
    stage.stop()
    result = read(stage)
    assert result.error is not None
    assert result.error.kind is ErrorKind.UNREACHABLE
    assert spent() == 4


def test_a_repeat_is_answered_when_the_budget_is_used_up(stage: Stage) -> None:
    """It costs nothing, so no budget stops it."""
    stage.connector.budgets.set("account", "", 1, user="root")
    assert read(stage, "op_1").outcome is Outcome.SUCCEEDED
    assert is_over(read(stage, "op_2"))
    assert read(stage, "op_1").replayed


def test_another_process_counts_along(stage: Stage, tmp_path: Path) -> None:
    """Two connectors on one vault see each other's calls and each other's budgets."""
    with open_connector(tmp_path / "state") as other:
        assert other.run_sync(stage.call(READ, {})).outcome is Outcome.SUCCEEDED
        stage.connector.budgets.set("account", "", 3, user="root")
        assert not is_over(read(stage))
        assert not is_over(other.run_sync(stage.call(READ, {})))
        assert is_over(read(stage))
        assert is_over(other.run_sync(stage.call(READ, {})))


@pytest.mark.requirement("policy.budget.truth")
def test_no_counter_can_be_lowered(stage: Stage, tmp_path: Path) -> None:
    """What was spent stands in the log; the sum that is kept for speed is bound to it."""
    stage.connector.budgets.set("account", "", 2, user="root")
    assert [is_over(read(stage)) for _ in range(3)] == [False, False, True]
    file = raw(tmp_path / "state" / "vault" / "vault.db")
    file.execute("UPDATE records SET body = replace(body, '2]]', '9]]') WHERE kind = 'budget'")
    result = read(stage)
    with open_connector(tmp_path / "state") as other:
        fresh = other.run_sync(stage.call(READ, {}))
        assert not other.vault.verify().ok
    file.execute("DELETE FROM records WHERE kind = 'budget'")
    with open_connector(tmp_path / "state") as other:
        gone = other.run_sync(stage.call(READ, {}))
    file.close()
    assert is_over(result)
    assert {one.error and one.error.kind for one in (fresh, gone)} == {ErrorKind.INTEGRITY}
    assert len(stage.sandbox.requests) == 2


@pytest.mark.requirement("policy.budget.truth")
def test_a_row_whose_cost_was_edited_stops_the_calls(stage: Stage, tmp_path: Path) -> None:
    """A process that adds up the log anew finds it, and verify names it."""
    stage.connector.budgets.set("account", "", 2, user="root")
    number = read(stage).log_id
    file = raw(tmp_path / "state" / "vault" / "vault.db")
    file.execute("DROP TRIGGER log_fixed")
    file.execute(
        "UPDATE log SET facts = replace(facts, '\"cost\":1', '\"cost\":0') WHERE seq = ?",
        (number or 0,),
    )
    file.close()
    with open_connector(tmp_path / "state") as other:
        result = other.run_sync(stage.call(READ, {}))
        assert result.error is not None
        assert (result.outcome, result.error.kind) == (Outcome.REFUSED, ErrorKind.INTEGRITY)
        assert not other.log.verify().ok


@pytest.mark.requirement("policy.budget.admin")
@pytest.mark.parametrize(
    ("scope", "name", "credits_"),
    [
        ("planet", "x", 1),
        ("account", "x", 1),
        ("user", "", 1),
        ("user", "\n", 1),
        ("user", "maria", -1),
        ("user", "maria", 10**10),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(
    stage: Stage, scope: str, name: str, credits_: int
) -> None:
    """Nothing is written."""
    with pytest.raises(InvalidValueError):
        stage.connector.budgets.set(scope, name, credits_, user="root")
    with pytest.raises(UnknownConnectionError):
        stage.connector.budgets.set("connection", "nowhere", 1, user="root")
    assert stage.connector.budgets.all() == ()


@pytest.mark.requirement("policy.budget.usage")
def test_usage_adds_up_by_what_is_asked_for(stage: Stage) -> None:
    """Calls, how they ended, and credits, of exactly the calls that fit."""
    stage.connector.grant("auditor", ACCOUNT, scopes=["*:*"], user=USER)
    for _ in range(3):
        read(stage)
    stage.run(stage.call(WRITE, {"name": "One"}))
    stage.run(stage.call("get_client", {"id": 999_999}, persona="auditor"))
    usage = stage.connector.budgets.usage
    assert [one.to_json() for one in usage(by=("persona",))] == [
        {"persona": "auditor", "calls": 1, "succeeded": 0, "failed": 1, "refused": 0, "unknown": 0}
        | {"credits": 1},
        {"persona": PERSONA, "calls": 4, "succeeded": 4, "failed": 0, "refused": 0, "unknown": 0}
        | {"credits": 5},
    ]
    (line,) = usage(by=("month", "connection"), persona=PERSONA, action=READ)
    month = f"{datetime.now(UTC):%Y-%m}"
    assert line.by == {"month": month, "connection": ACCOUNT}
    assert (line.calls, line.credits) == (3, 3)
    assert usage(user="nobody") == ()
    later = datetime.now(UTC) + timedelta(hours=1)
    assert usage(since=later, until=later + timedelta(hours=1)) == ()
    with pytest.raises(InvalidValueError):
        usage(by=("planet",))


@pytest.mark.requirement("policy.budget.admin", "policy.budget.usage")
def test_budgets_and_usage_at_the_command_line(
    stage: Stage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Set, listed, used, shown and taken away; bad usage is said."""
    state = ["--state", str(tmp_path / "state")]
    assert main([*state, "budget", "list"]) == 0
    assert "budget set account" in capfd.readouterr().err
    assert main([*state, "budget", "set", "account", "10"]) == 0
    assert main([*state, "budget", "set", "user", USER, "5", "-o", "json"]) == 0
    read(stage)
    capfd.readouterr()
    assert main([*state, "budget", "list", "-o", "json"]) == 0
    listed = json.loads(capfd.readouterr().out)["data"]
    assert [(one["scope"], one["left"]) for one in listed] == [("account", 9), ("user", 4)]
    assert main([*state, "budget", "list"]) == 0
    assert "account" in capfd.readouterr().out
    assert main([*state, "budget", "set", "user", USER, "none"]) == 0
    assert main([*state, "usage", "--by", "action"]) == 0
    assert "list_clients" in capfd.readouterr().out
    assert main([*state, "usage", "--by", "day", "--action", READ, "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["data"][0]["credits"] == 1
    assert main([*state, "usage", "--of-user", "nobody"]) == 0
    assert "Nothing was used" in capfd.readouterr().err
    for wrong in (["account"], ["user", "5"], ["account", "x"], ["planet", "5"], ["user", "", "5"]):
        assert main([*state, "budget", "set", *wrong]) == 2
    assert main([*state, "usage", "--by", "planet"]) == 2
    assert main([*state, "usage", "--connection", "nowhere"]) == 2


@pytest.mark.requirement("policy.budget.usage")
def test_a_bar_is_as_long_as_its_share() -> None:
    """To an eighth of a column; nothing for nothing."""
    assert bar(0, 0) == bar(0, 10) == ""
    assert bar(10, 10) == "█" * 20
    assert bar(1, 10) == "██"
    assert bar(1, 100) == "▎"


def test_months_begin_and_end_in_utc() -> None:
    """December is followed by January; the first moment of a month belongs to it."""
    at = int(datetime(2026, 12, 31, 23, 59, tzinfo=UTC).timestamp() * 1_000_000)
    assert renewal(at) == datetime(2027, 1, 1, tzinfo=UTC)
    start = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1_000_000)
    assert month_start(at) == month_start(start) == start
