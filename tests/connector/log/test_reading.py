"""Proves that calls are found by what the host said of them, and who read what is sealed."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any

import pytest

from clientary_connector import LogFilter
from clientary_connector.call.context import facts_of, traceparent
from clientary_connector.errors import InvalidValueError, ReadRefusedError, UnknownEntryError
from clientary_connector.following import PATIENCE_S, Following
from clientary_connector.hooks import hookimpl
from clientary_connector.logreader import LogReader
from clientary_connector.sandbox import Fault, FaultKind, RunningSandbox
from connector_vault import Vault
from tests.connector.engine.ground import PROMPT, USER, Ground

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"

# The context of a call


@pytest.mark.requirement("log.read.context")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PARENT, PARENT),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", PARENT),
        (f"00-{TRACE}-{SPAN}-01-more", None),
        (f"ff-{TRACE}-{SPAN}-01", None),
        (f"00-{'0' * 32}-{SPAN}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (PARENT.upper(), None),
        (f"{PARENT}\n", None),
        (f"00-{TRACE[:-1]}-{SPAN}-01", None),
        ("", None),
        (7, None),
        (None, None),
    ],
)
def test_a_traceparent_is_read_as_the_specification_says(
    text: object, expected: str | None
) -> None:
    """A later version is read as far as this one goes; what is none is not used."""
    assert traceparent(text) == expected


@pytest.mark.requirement("log.read.context")
def test_what_cannot_stand_in_the_log_as_an_id_is_left_out() -> None:
    """The rest is kept; a tracestate without its traceparent says nothing."""
    assert facts_of({"run": "r1", "flow": "", "session": 7, "other": "x"}) == {
        "context": {"run": "r1"}
    }
    assert facts_of({"tracestate": "a=1", "run": "x" * 300}) == {}
    assert facts_of({"traceparent": PARENT, "tracestate": "a=1"}) == {
        "context": {"traceparent": PARENT, "tracestate": "a=1"}
    }
    assert facts_of({"traceparent": PARENT, "tracestate": "a" * 600}) == {
        "context": {"traceparent": PARENT}
    }
    assert facts_of("none") == {}


@pytest.mark.requirement("log.read.context")
def test_calls_are_found_by_run_flow_session_and_trace(joined_up: Ground) -> None:
    """A call that succeeded, one that was refused and a replay alike."""
    context = {"traceparent": PARENT, "run": "r1", "flow": "f1", "session": "s1", "note": "hidden"}
    joined_up.result("clientary_list_clients", operation="op-1", context=context)
    joined_up.result("clientary_list_clients", operation="op-1", context=context)
    joined_up.result("clientary_no_such_action", context=context)
    joined_up.result("clientary_list_clients", context={"run": "r2"})
    log = joined_up.connector.log
    for where in (
        LogFilter(run="r1"),
        LogFilter(flow="f1"),
        LogFilter(session="s1"),
        LogFilter(trace=TRACE),
        LogFilter(run="r1", user=USER),
    ):
        kinds = [entry.kind for entry in log.page(where).entries]
        assert kinds == ["refusal", "replay", "call"], where
    assert [one.kind for one in log.page(LogFilter(run="r1", kind="call")).entries] == ["call"]
    assert log.page(LogFilter(run="r1", flow="f2")).entries == ()
    (call,) = log.page(LogFilter(run="r1", kind="call")).entries
    assert call.context == {name: context[name] for name in context if name != "note"}
    assert log.entry(call.id, user="ada").context == context


# Who reads what is sealed


def reads_of(on: Ground) -> list[dict[str, Any]]:
    """Returns the facts of all readings, oldest first."""
    entries = on.connector.log.page(LogFilter(kind="read")).entries
    return [dict(entry.facts) for entry in reversed(entries)]


@pytest.mark.requirement("log.read.sealed")
def test_what_is_sealed_is_shown_to_a_user_and_that_is_written_down(joined_up: Ground) -> None:
    """Lists and entries without a user hold nothing of it, and leave no line."""
    result = joined_up.result("clientary_list_clients")
    assert result.log_id is not None
    log = joined_up.connector.log
    shut = log.entry(result.log_id)
    assert (shut.prompt, shut.arguments, shut.request, shut.response) == (None,) * 4
    assert log.page().entries[0].prompt is None
    assert [one.prompt for one in log.export(LogFilter(kind="call"))] == [None]
    assert reads_of(joined_up) == []
    where = LogFilter(kind="call")
    assert log.entry(result.log_id, user="ada").prompt == PROMPT
    assert log.page(where, user="ada").entries[0].prompt == PROMPT
    assert [one.prompt for one in log.export(where, user="ada")] == [PROMPT]
    assert [one.prompt for one in log.search("DO THE books", where, user="ada")] == [PROMPT]
    call, last = result.log_id, log.page().entries[0].id
    kinds = {"kind": "call"}
    assert reads_of(joined_up) == [
        {"what": "entry", "entry": call},
        {"what": "page", "entries": 1, "first": call, "last": call, "where": kinds},
        {"what": "export", "last": last - 2, "where": kinds},
        {"what": "search", "last": last - 1, "where": kinds},
    ]
    assert {one.user for one in log.page(LogFilter(kind="read")).entries} == {"ada"}


@pytest.mark.requirement("log.read.sealed")
def test_what_was_searched_for_is_sealed_itself(joined_up: Ground) -> None:
    """It may be a name; whoever opens that line is written down too."""
    log = joined_up.connector.log
    assert list(log.search("Zimt", user="ada")) == []
    (read,) = log.page(LogFilter(kind="read")).entries
    assert "Zimt" not in str(read.to_json())
    assert log.entry(read.id, user="eve").arguments == {"text": "Zimt"}


class Gatekeeper:
    """A plugin that lets one user read, and fails for another."""

    def __init__(self) -> None:
        """Has been asked nothing yet."""
        self.asked: list[str] = []

    @hookimpl
    def connector_may_read(self, user: str, what: dict[str, Any]) -> bool | None:
        """Answers."""
        self.asked.append(f"{user} {what['what']}")
        if user == "broken":
            raise RuntimeError
        return {"ada": True, "eve": False}.get(user)


@pytest.mark.requirement("log.read.sealed")
@pytest.mark.parametrize(("user", "may"), [("ada", True), ("eve", False), ("broken", False)])
def test_a_plugin_of_the_host_decides_who_reads(joined_up: Ground, user: str, may: bool) -> None:  # noqa: FBT001 - a case
    """Whoever is refused learns nothing, and stands in the log."""
    keeper = Gatekeeper()
    joined_up.connector.register(keeper)
    result = joined_up.result("clientary_list_clients")
    log = joined_up.connector.log
    if may:
        assert log.entry(result.log_id or 0, user=user).prompt == PROMPT
    else:
        with pytest.raises(ReadRefusedError):
            log.entry(result.log_id or 0, user=user)
    assert keeper.asked == [f"{user} entry"]
    (read,) = log.page(LogFilter(kind="read")).entries
    assert read.outcome == ("succeeded" if may else "refused")


@pytest.mark.requirement("log.read.sealed")
def test_a_reading_by_nobody_is_refused(joined_up: Ground) -> None:
    """A user that cannot stand in the log, a text that is none, an entry that is not there."""
    log = joined_up.connector.log
    with pytest.raises(InvalidValueError):
        log.page(user=" ")
    with pytest.raises(InvalidValueError):
        log.search(" ", user="ada")
    with pytest.raises(UnknownEntryError):
        log.entry(10_000, user="ada")
    assert reads_of(joined_up) == []


# Search, export, retries


@pytest.mark.requirement("log.read.search")
def test_a_text_is_found_in_values_and_not_in_the_names_of_fields(joined_up: Ground) -> None:
    """In prompt, arguments, request and response; numbers too; progress ends at the end."""
    made = joined_up.result("clientary_create_client", {"name": "Zimt & Söhne"})
    joined_up.result("clientary_list_estimates", prompt='Look at "Zimt"\nonce more.')
    log, told = joined_up.connector.log, list[tuple[int, int]]()

    def found(text: str) -> list[str | None]:
        entries = log.search(text, user="ada", told=lambda done, total: told.append((done, total)))
        return [entry.action for entry in entries]

    assert found("zimt & SÖHNE") == ["create_client"]
    assert found('look at "zimt"\nonce') == ["list_estimates"]
    assert found(str(made.data["id"])) == ["create_client"]
    assert found("prompt") == []
    assert told[-1][0] == told[-1][1] > 0


@pytest.mark.requirement("log.export")
def test_an_export_is_whole_in_order_and_bounded_by_its_beginning(joined_up: Ground) -> None:
    """Oldest first, over many windows; what comes later is not in it."""
    vault: Vault = joined_up.vault  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - it hands all else on
    drafts = [vault.draft(kind="note", user="ada") for _ in range(2_500)]
    vault.write(lambda log: [log.append(draft) for draft in drafts])
    told = list[tuple[int, int]]()
    entries = joined_up.connector.log.export(told=lambda done, total: told.append((done, total)))
    joined_up.result("clientary_list_clients")
    ids = [entry.id for entry in entries]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) > 2_500
    assert told[-1] == (len(ids), len(ids))


@pytest.mark.requirement("log.read.retries")
def test_every_send_of_a_call_that_was_retried_is_told(
    joined_up: Ground, far_side: RunningSandbox
) -> None:
    """Its status or what went wrong, when it began and how long it took; one send says nothing."""
    far_side.sandbox.faults.add(Fault(kind=FaultKind.STATUS, status=503, times=2))
    result = joined_up.result("clientary_list_clients")
    entry = joined_up.connector.log.entry(result.log_id or 0)
    tries = entry.facts["tries"]
    assert [one["status"] for one in tries] == [503, 503, 200]
    assert all(one["after_ms"] >= 0 and one["took_ms"] >= 0 for one in tries)
    assert entry.attempts == 3
    once = joined_up.result("clientary_list_clients")
    assert "tries" not in joined_up.connector.log.entry(once.log_id or 0).facts


# Following


def following(on: Ground, where: LogFilter, clock: list[float], steps: list[Any]) -> Following:
    """Follows from now on; between two looks the next step is done, and time passes."""

    def sleep(seconds: float) -> None:
        clock[0] += seconds
        if not steps:
            raise KeyboardInterrupt
        steps.pop(0)()

    reader = LogReader(on.vault)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - it hands all else on
    return Following(reader, where, after=reader.last(), sleep=sleep, clock=lambda: clock[0])


def seen(lines: Following) -> list[tuple[str, str]]:
    """Collects kind and outcome of what is shown until the steps are over."""
    found: list[tuple[str, str]] = []
    with suppress(KeyboardInterrupt):
        for line in lines.lines():
            end = "open" if line.outcome is None else str(line.outcome.outcome)
            found.append((line.head.kind, end))
    return found


@pytest.mark.requirement("log.read.follow")
def test_what_is_followed_shows_each_call_once_it_has_ended(joined_up: Ground) -> None:
    """Calls and changes in their order, by their filter, and nothing that was there before."""
    joined_up.result("clientary_list_clients")
    steps = [
        lambda: joined_up.result("clientary_list_clients"),
        lambda: joined_up.result("clientary_no_such_action"),
        lambda: joined_up.result("clientary_get_client", {"id": 999_999}),
    ]
    every = following(joined_up, LogFilter(), [0.0], list(steps))
    assert seen(every) == [("intent", "succeeded"), ("refusal", "open"), ("intent", "failed")]
    failed = following(joined_up, LogFilter(outcome="failed"), [0.0], list(steps))
    assert seen(failed) == [("intent", "failed")]


@pytest.mark.requirement("log.read.follow")
def test_a_call_that_takes_long_is_shown_open_and_again_at_its_end(joined_up: Ground) -> None:
    """Until then it is waited for in silence."""
    vault: Vault = joined_up.vault  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType] - it hands all else on
    intent = vault.draft(kind="intent", user="ada", persona="p", connection="c", operation="o")
    clock, open_ = [0.0], list[int]()

    def begin() -> None:
        open_.append(vault.write(lambda log: log.append(intent)))

    def wait() -> None:
        clock[0] += PATIENCE_S

    def end() -> None:
        draft = vault.draft(kind="outcome", ref=open_[0], outcome="succeeded")
        vault.write(lambda log: log.append(draft))

    lines = following(joined_up, LogFilter(), clock, [begin, lambda: None, wait, end, lambda: None])
    assert seen(lines) == [("intent", "open"), ("intent", "succeeded")]


@pytest.mark.requirement("log.read.follow")
def test_following_shows_prompts_to_a_user_and_writes_that_down(joined_up: Ground) -> None:
    """One line for the whole of it."""
    log = joined_up.connector.log

    def sleep(seconds: float) -> None:
        assert seconds > 0
        joined_up.result("clientary_list_clients")

    coming = log.follow(LogFilter(kind="call"), user="ada", sleep=sleep)
    assert [entry.prompt for entry in islice(coming, 2)] == [PROMPT, PROMPT]
    assert [read["what"] for read in reads_of(joined_up)] == ["follow"]
