"""Proves that plugins are told and asked without a call ever waiting for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import LogEntry, LogFilter, Outcome, PluginStatus, Settings
from clientary_connector.errors import ClosedError, InvalidValueError
from clientary_connector.hooks import hookimpl
from clientary_connector.hosting import MOST_ASKED, HookFailedError, Hosting
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.engine.ground import KEY, PERSONA, PROMPT, Ground, ground

pytestmark = pytest.mark.requirement("log.hooks")

CALL = {"email": "zoe@example.com", "last_name": "Zimt"}


@pytest.fixture
def running() -> Generator[RunningSandbox]:
    """A simulated account with the usual key."""
    with serve(Sandbox(key=KEY)) as served:
        yield served


@pytest.fixture
def on(tmp_path: Path, running: RunningSandbox) -> Generator[Ground]:
    """A connector on a simulated account, with a grant for everything."""
    with ground(tmp_path, settings=Settings(notices=4, notices_close_s=5)) as made:
        made.join(running.url)
        yield made


@dataclass
class Sink:
    """A plugin that keeps what it is told, and may be held up."""

    records: list[LogEntry] = field(default_factory=list[LogEntry])
    lost: list[int] = field(default_factory=list[int])
    open: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    @hookimpl
    def connector_call_finished(self, record: LogEntry) -> None:
        """Keeps a record, once it is let."""
        self.reached.set()
        assert self.open.wait(30)
        self.records.append(record)

    @hookimpl
    def connector_notices_lost(self, count: int) -> None:
        """Keeps how many were left out."""
        self.lost.append(count)

    def __hash__(self) -> int:
        """Stands for itself, as pluggy asks of a plugin."""
        return id(self)


class Broken:
    """A plugin that fails whatever it is told."""

    @hookimpl
    def connector_call_finished(self, record: LogEntry) -> None:
        """Fails."""
        raise SystemExit(record.user)


def flowing() -> Sink:
    """Returns a sink that is never held up."""
    sink = Sink()
    sink.open.set()
    return sink


def told(on: Ground, *sinks: Sink) -> list[LogEntry]:
    """Closes the connector, which waits for its plugins, and returns what the first was told."""
    on.connector.close()
    return sinks[0].records


def test_a_plugin_is_told_of_a_call_as_the_log_shows_it(on: Ground) -> None:
    """The record is the entry of the log, without what is sealed in it."""
    sink = flowing()
    on.connector.register(sink)
    result = on.result("clientary_create_client", {"name": "Zimt"})
    assert result.log_id is not None
    entry = on.connector.log.entry(result.log_id)
    (record,) = told(on, sink)
    sealed = {"prompt": None, "arguments": None, "request": None, "response": None}
    assert record.to_json() == entry.to_json() | sealed
    assert record.outcome == "succeeded"
    assert record.persona == PERSONA


def test_a_plugin_that_may_see_what_is_sealed_gets_all_of_it(on: Ground) -> None:
    """Prompt, arguments, request and response are those of the log; the log says who let it."""
    sink = flowing()
    on.connector.register(sink, sealed=True, user="ada")
    result = on.result("clientary_create_client", {"name": "Zimt"})
    assert result.log_id is not None
    entry = on.connector.log.entry(result.log_id, user="auditor")
    reads = on.connector.log.page(LogFilter(user="ada")).entries
    assert [(one.kind, one.facts) for one in reads] == [
        ("read", {"what": "plugin", "plugin": "Sink"})
    ]
    (record,) = told(on, sink)
    assert record == entry
    assert record.prompt == PROMPT
    assert record.response["data"]["name"] == "Zimt"


def test_what_is_sealed_is_shown_to_nobody_unless_a_user_lets_it(on: Ground) -> None:
    """Without a user the plugin is not taken in."""
    sink = flowing()
    with pytest.raises(InvalidValueError):
        on.connector.register(sink, sealed=True)
    on.result("clientary_list_clients")
    assert told(on, sink) == []


def test_a_refused_a_failed_and_a_repeated_call_are_told_too(
    on: Ground, running: RunningSandbox
) -> None:
    """Each in its turn, as refused, failed, succeeded and replayed."""
    sink = flowing()
    on.connector.register(sink)
    on.result("clientary_no_such_action")
    on.result("clientary_get_client", {"id": 999_999})
    first = on.result("clientary_create_client", {"name": "Zimt"}, operation="op-1")
    again = on.result("clientary_create_client", {"name": "Zimt"}, operation="op-1")
    assert again.replayed
    records = told(on, sink)
    assert [(one.kind, one.outcome) for one in records] == [
        ("refusal", "refused"),
        ("call", "failed"),
        ("call", "succeeded"),
        ("replay", "succeeded"),
    ]
    assert records[2].id == first.log_id
    assert running.sandbox.requests


def test_a_plugin_that_hangs_holds_up_no_call_and_is_told_what_it_missed(on: Ground) -> None:
    """Four wait, the rest is left out and counted; the log has all of them."""
    sink = Sink()
    on.connector.register(sink)
    results = [on.result("clientary_list_clients")]
    assert sink.reached.wait(30)
    results += [on.result("clientary_list_clients") for _ in range(7)]
    assert {one.outcome for one in results} == {Outcome.SUCCEEDED}
    status = on.connector.hosting.plugins()
    assert status == (
        PluginStatus(name="Sink", sealed=False, waiting=4, told=0, lost=3, failed=0, error=None),
    )
    sink.open.set()
    assert len(told(on, sink)) == 5
    assert sink.lost == [3]
    found = on.connector
    assert found.hosting.plugins()[0].told == 5


def test_a_plugin_that_fails_stops_neither_a_call_nor_the_others(on: Ground) -> None:
    """What it raised is told by its type alone."""
    sink = flowing()
    on.connector.register(sink)
    on.connector.register(Broken())
    results = [on.result("clientary_list_clients") for _ in range(3)]
    assert {one.outcome for one in results} == {Outcome.SUCCEEDED}
    assert len(told(on, sink)) == 3
    broken = on.connector.hosting.plugins()[1]
    assert (broken.name, broken.told, broken.failed, broken.error) == ("Broken", 0, 3, "SystemExit")


def test_large_records_wait_by_their_size_and_not_by_number_alone() -> None:
    """A notice that does not fit beside those that wait is left out; the first always fits."""
    hosting = Hosting(Settings(notices_bytes=1024))
    sink = Sink()
    hosting.register(sink, sealed=True)
    for _ in range(2):
        hosting.tell_of("connector_call_finished", dict, sealed=_record, size=2000)
        assert sink.reached.wait(30)
    hosting.tell_of("connector_call_finished", dict, sealed=_record, size=100)
    assert hosting.plugins()[0].lost == 1
    sink.open.set()
    hosting.close()
    assert len(sink.records) == 2


def _record() -> dict[str, Any]:
    return {"record": None}


def test_closing_leaves_a_plugin_that_hangs_behind() -> None:
    """What waits for it counts as lost, and nothing more is taken."""
    hosting = Hosting(Settings(notices_close_s=0.05))
    sink = Sink()
    hosting.register(sink)
    for _ in range(3):
        hosting.tell("connector_call_finished", record=None)
    assert sink.reached.wait(30)
    hosting.close()
    assert hosting.plugins()[0].lost == 2
    sink.open.set()
    with pytest.raises(ClosedError):
        hosting.register(Broken())


def test_a_plugin_that_leaves_is_told_what_waits_and_nothing_after() -> None:
    """It can come back; one that was never there cannot leave."""
    hosting = Hosting(Settings())
    sink = flowing()
    with pytest.raises(InvalidValueError):
        hosting.unregister(sink)
    hosting.register(sink)
    hosting.tell("connector_call_finished", record=None)
    hosting.unregister(sink)
    hosting.tell("connector_call_finished", record=None)
    assert len(sink.records) == 1
    assert hosting.register(sink) == "Sink"
    with pytest.raises(InvalidValueError):
        hosting.unregister(Broken())
    hosting.close()


class Unknown:
    """A plugin with a hook that is none."""

    @hookimpl
    def connector_call_started(self) -> None:
        """Is never called."""


class Wrong:
    """A plugin whose hook asks for what it does not get."""

    @hookimpl
    def connector_call_finished(self, result: object) -> None:
        """Is never called."""


@pytest.mark.parametrize("plugin", [Unknown(), Wrong()], ids=["unknown", "wrong"])
def test_a_plugin_that_does_not_fit_is_refused_whole(plugin: object) -> None:
    """The error names the hook, and a later plugin is not harmed."""
    hosting = Hosting(Settings())
    with pytest.raises(InvalidValueError, match="connector_call_"):
        hosting.register(plugin)
    assert hosting.plugins() == ()
    assert hosting.register(flowing()) == "Sink"
    hosting.close()


def test_two_plugins_of_a_name_are_told_apart_and_one_is_taken_once() -> None:
    """The second gets a number; the same one again is refused."""
    hosting = Hosting(Settings())
    first = flowing()
    assert [hosting.register(one) for one in (first, flowing())] == ["Sink", "Sink-2"]
    with pytest.raises(InvalidValueError, match="before"):
        hosting.register(first)


class Asked:
    """A plugin that does with a question what it is told."""

    def __init__(self, answer: Any) -> None:  # noqa: ANN401 - what a plugin may answer
        """Takes the answer, or an error to raise, or an event to wait for."""
        self.answer = answer

    @hookimpl
    def connector_notices_lost(self, count: int) -> Any:  # noqa: ANN401 - the same
        """Answers."""
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, threading.Event):
            self.answer.wait(30)
        return count if self.answer is True else None


def test_a_question_is_answered_by_those_that_have_something_to_say() -> None:
    """Nobody there, and nobody who answers, is no answer."""
    hosting = Hosting(Settings())
    assert hosting.ask("connector_notices_lost", count=1) == []
    hosting.register(Asked(None))
    assert hosting.ask("connector_notices_lost", count=1) == []
    hosting.register(Asked(True))  # noqa: FBT003 - the answer
    assert hosting.ask("connector_notices_lost", count=7) == [7]


def test_a_plugin_that_raises_when_asked_is_named_by_the_type_of_its_error() -> None:
    """What it said is not repeated."""
    hosting = Hosting(Settings())
    hosting.register(Asked(ValueError("canary")))
    with pytest.raises(HookFailedError, match="raised ValueError") as caught:
        hosting.ask("connector_notices_lost", count=1)
    assert "canary" not in str(caught.value)


def test_a_plugin_that_hangs_when_asked_is_left_behind_and_so_often_only() -> None:
    """Each question ends in time; once too many hang, no more threads are started."""
    hosting = Hosting(Settings(hook_answer_s=0.05))
    held = threading.Event()
    hosting.register(Asked(held))

    async def ask() -> list[list[Any] | BaseException]:
        asks = [
            asyncio.to_thread(hosting.ask, "connector_notices_lost", count=1)
            for _ in range(MOST_ASKED + 1)
        ]
        return await asyncio.gather(*asks, return_exceptions=True)

    found = asyncio.run(ask())
    held.set()
    assert {type(one) for one in found} == {HookFailedError}
    assert sum("too often" in str(one) for one in found) == 1
