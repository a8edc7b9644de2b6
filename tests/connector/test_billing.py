"""Proves that the billing of a host is told of every cost at least once, whatever dies or hangs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from clientary_connector import Call, Connector, LogFilter, Outcome, Settings, open_connector
from clientary_connector.billing import PIECE, UsageRecord
from clientary_connector.hooks import hookimpl
from clientary_connector.hosting import HookFailedError, Hosting
from clientary_connector.tending import TendItem
from connector_vault import Vault
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, set_stage
from tests.forking import started
from tests.vault.ground import raw

pytestmark = pytest.mark.requirement("policy.budget.billing")

#: Nothing is due but what these tests are about.
SETTINGS = Settings(hook_answer_s=30, settle_after_s=86_400)
#: Whoever hangs is given up soon.
HASTY = replace(SETTINGS, hook_answer_s=0.2, notices_close_s=0.2)
KILLED_AT = 3


class Meter:
    """A host's billing, which may fail or hang."""

    def __init__(self) -> None:
        """Has heard nothing yet."""
        self.heard: Queue[UsageRecord] = Queue()
        #: What it does before it takes a record.
        self.before: Callable[[UsageRecord], object] = lambda record: record

    @hookimpl
    def connector_usage(self, record: UsageRecord) -> None:
        """Takes a record."""
        self.before(record)
        self.heard.put(record)

    def all(self) -> list[UsageRecord]:
        """Returns what it has heard since the last time."""
        return [self.heard.get() for _ in range(self.heard.qsize())]

    def next(self) -> UsageRecord:
        """Waits for the next record."""
        return self.heard.get(timeout=20)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A sandbox, and a connector on it."""
    with set_stage(tmp_path / "state", settings=SETTINGS) as ready:
        yield ready


def created(stage: Stage, name: str) -> int:
    """Makes a client, and returns the call's line in the log."""
    result = stage.run(stage.call("create_client", {"name": name}))
    assert result.outcome is Outcome.SUCCEEDED
    assert result.log_id is not None
    return result.log_id


def tended(stage: Stage) -> list[TendItem]:
    """Tends the state, and returns what is said of billing."""
    report = stage.wait(lambda: stage.connector.tend(user="timer"))
    return [item for item in report.items if item.what == "usage"]


def costs(connector: Connector, after: int = 0) -> dict[int, int | None]:
    """Returns what the log says that calls have cost, by their lines."""
    entries = connector.log.export(LogFilter(kind="call"))
    return {one.id: one.cost for one in entries if one.cost and one.id > after}


def test_a_host_is_told_what_a_call_has_cost(stage: Stage) -> None:
    """Soon after it ended, with who and what and an id; nothing of what is sealed."""
    meter = Meter()
    stage.connector.register(meter)
    number = created(stage, "Metered Bakery")
    record = meter.next()
    entry = stage.connector.log.entry(number)
    assert record == UsageRecord(
        id=record.id,
        log_id=number,
        row=record.row,
        at=record.at,
        user=USER,
        persona=PERSONA,
        connection=stage.connector.connection(ACCOUNT).id,
        action="create_client",
        operation=str(entry.operation),
        outcome="succeeded",
        credits=stage.connector.manifest.action("create_client").cost,
    )
    assert (record.row > number, record.at >= entry.at) == (True, True)
    assert "Metered Bakery" not in json.dumps(record.to_json())


def test_what_costs_nothing_is_not_told(stage: Stage) -> None:
    """Not what was refused or never arrived, and a repeat costs once."""
    meter = Meter()
    stage.connector.register(meter)
    assert stage.run(stage.call("create_client", {})).outcome is Outcome.REFUSED
    call = stage.call("create_client", {"name": "Once"})
    assert [stage.run(call).replayed, stage.run(call).replayed] == [False, True]
    stage.stop()
    failed = stage.run(stage.call("create_client", {"name": "Unreached"}))
    assert failed.outcome is Outcome.FAILED
    stage.wait(lambda: stage.connector.tend(user="timer"))
    told = meter.all()
    assert {one.log_id: one.credits for one in told} == costs(stage.connector)
    assert failed.log_id not in {one.log_id for one in told}
    assert len(told) == 1


def test_telling_begins_with_the_first_plugin(stage: Stage) -> None:
    """What was spent before is not told; what is spent while no plugin is there comes later."""
    created(stage, "Before")
    first, second = Meter(), Meter()
    assert tended(stage) == []
    stage.connector.register(first)
    assert tended(stage) == []
    stage.connector.hosting.unregister(first)
    last = [created(stage, f"Between {number}") for number in range(PIECE)][-1]
    stage.connector.register(second)
    (item,) = tended(stage)
    assert (item.outcome, item.detail) == ("done", f"{PIECE} costs were told to the host.")
    told = second.all()
    assert (len(told), told[-1].log_id) == (PIECE, last)
    assert [one.row for one in told] == sorted({one.row for one in told})
    assert (first.all(), tended(stage)) == ([], [])


def test_a_plugin_that_fails_is_told_the_same_again_and_first(stage: Stage) -> None:
    """What comes after it waits, so that the order holds; tending says so until it is taken."""
    failing, other = Meter(), Meter()
    tried: Queue[str] = Queue()

    def fail(record: UsageRecord) -> None:
        tried.put(record.id)
        raise RuntimeError("canary")

    failing.before = fail
    stage.connector.register(failing)
    stage.connector.register(other)
    first = created(stage, "First")
    assert tried.get(timeout=20) == other.next().id
    second = created(stage, "Second")
    (item,) = tended(stage)
    assert item.outcome == "failed"
    assert "raised RuntimeError" in item.detail
    assert "canary" not in item.detail
    failing.before = lambda record: record
    assert [one.outcome for one in tended(stage)] == ["done"]
    told = failing.all()
    assert [one.log_id for one in told] == [first, second]
    assert {tried.get() for _ in range(tried.qsize())} == {told[0].id}
    assert {one.id for one in other.all()} >= {told[1].id}


def test_a_plugin_that_hangs_holds_up_no_call_and_no_closing(tmp_path: Path) -> None:
    """Tending says that it waits; what it did not return from is told by the next process."""
    meter, later = Meter(), Meter()
    reached, released = threading.Event(), threading.Event()

    def hang(record: UsageRecord) -> None:
        del record
        reached.set()
        released.wait(60)

    meter.before = hang
    with set_stage(tmp_path / "state", settings=HASTY) as stage:
        stage.connector.register(meter)
        first = created(stage, "First")
        assert reached.wait(20)
        second = created(stage, "Second")
        assert [one.outcome for one in tended(stage)] == ["waiting"]
    with open_connector(tmp_path / "state", settings=SETTINGS) as connector:
        connector.register(later)
        asyncio.run(connector.tend(user="timer"))
        assert [one.log_id for one in later.all()] == [first, second]
    released.set()


def test_what_was_told_is_not_told_again_by_the_next_process(stage: Stage, tmp_path: Path) -> None:
    """Where a connector was closed, or another one at the same vault has told more, it is noted."""
    first, second, third = Meter(), Meter(), Meter()
    stage.connector.register(first)
    created(stage, "Told")
    first.next()
    with open_connector(tmp_path / "state", settings=SETTINGS) as other:
        other.register(second)
        asyncio.run(other.tend(user="timer"))
        created(stage, "More")
        first.next()
        asyncio.run(other.tend(user="timer"))
        stage.wait(stage.connector.aclose)
    assert len(second.all()) in {1, 2}
    with open_connector(tmp_path / "state", settings=SETTINGS) as connector:
        connector.register(third)
        asyncio.run(connector.tend(user="timer"))
    assert third.all() == []


def test_a_call_whose_process_died_is_told_as_it_is_closed(stage: Stage, tmp_path: Path) -> None:
    """Nobody knows whether it was done, so it costs, and the host hears of it from the log."""
    meter = Meter()
    stage.connector.register(Meter())
    key = f"file:{tmp_path / 'state' / 'keys' / 'vault.key'}"
    with Vault.open(tmp_path / "state" / "vault" / "vault.db", key=key) as dead:
        draft = dead.draft(
            kind="intent",
            user=USER,
            persona=PERSONA,
            action="create_client",
            effect="write",
            operation="op_dead",
            facts={"by": dead.attendance.me, "cost": 2},
        )
        number = dead.write(lambda log: log.append(draft))
    with open_connector(tmp_path / "state", settings=SETTINGS) as connector:
        connector.register(meter)
        asyncio.run(connector.tend(user="timer"))
    (record,) = meter.all()
    assert (record.log_id, record.outcome, record.credits) == (number, "unknown", 2)


def test_a_cost_that_was_altered_is_not_told(stage: Stage, tmp_path: Path) -> None:
    """The rows are checked as they are read; tending says what is wrong."""
    meter = Meter()
    stage.connector.register(meter)
    stage.connector.hosting.unregister(meter)
    created(stage, "Altered")
    stage.connector.register(meter)
    file = raw(tmp_path / "state" / "vault" / "vault.db")
    file.execute("DROP TRIGGER log_fixed")
    file.execute("""UPDATE log SET facts = replace(facts, '"cost":', '"cost":9') """)
    file.close()
    report = stage.wait(lambda: stage.connector.tend(user="timer"))
    assert report.failed
    assert meter.all() == []


def call_until_killed(state: Path, path: Path, told: Connection) -> None:
    """Runs calls at once until the billing, which writes down what it hears, kills the process."""

    def hear(record: UsageRecord) -> None:
        with path.open("a") as file:
            file.write(f"{record.id}\n")
        if len(path.read_text().split()) == KILLED_AT:
            os.kill(os.getpid(), signal.SIGKILL)

    async def calls(connector: Connector) -> None:
        blank = Call(
            action="create_client",
            arguments={},
            connection=ACCOUNT,
            user=USER,
            persona=PERSONA,
            prompt=PROMPT,
        )
        named = ({"name": f"Killed {number}"} for number in range(100))
        await asyncio.gather(
            *(connector.run(replace(blank, arguments=one, operation=one["name"])) for one in named)
        )

    meter = Meter()
    meter.before = hear
    with open_connector(state, settings=SETTINGS) as connector:
        connector.register(meter)
        asyncio.run(calls(connector))
    told.send("lived")


def test_what_a_killed_process_did_not_tell_is_told_later(stage: Stage, tmp_path: Path) -> None:
    """Every cost of the log was told at least once, and what was told twice has one id."""
    path = tmp_path / "heard"
    process, told = started(call_until_killed, stage.state, path)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    told.close()
    before = path.read_text().split()
    assert len(before) == KILLED_AT
    meter = Meter()
    with open_connector(stage.state, settings=SETTINGS) as connector:
        connector.register(meter)
        asyncio.run(connector.tend(user="timer"))
        after = meter.all()
        assert {one.log_id: one.credits for one in after} == costs(connector)
        assert {*before} <= {one.id for one in after}
        assert len({one.id for one in after}) == len(after)
        assert connector.log.verify().ok


def test_nobody_is_told_where_nobody_hears() -> None:
    """A hook without a plugin counts as not told."""
    facts: dict[str, Any] = {"record": None}
    with pytest.raises(HookFailedError, match="was let go"):
        Hosting(Settings()).call("connector_usage", **facts)
