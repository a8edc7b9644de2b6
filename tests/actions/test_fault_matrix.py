"""Proves 57 actions under every fault: verdict, one entry, no write twice, no trace of the key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from clientary_connector import (
    Action,
    Call,
    ErrorKind,
    LogEntry,
    LogFilter,
    Outcome,
    Result,
    Settings,
)
from clientary_connector.sandbox import Fault, FaultKind
from tests.actions.expected import JSON, ExpectedRequest
from tests.actions.expected_requests import EXPECTED, THE_57
from tests.actions.fault_table import (
    CASES,
    CREATE,
    DELETE,
    MAX_BODY,
    MAX_SENDS,
    READ,
    READ_TIMEOUT_S,
    SEND,
    UPDATE,
    Case,
    Verdict,
)
from tests.actions.stage import ACCOUNT, PERSONA, PROMPT, USER, Stage, join, set_stage
from tests.actions.traces import CANARY, Ear, Tracker

TRACKER = Tracker(CANARY)

#: One row for each action; deletions last and children first, so that each finds its record.
ROWS = {row.action: row for row in reversed(EXPECTED)}
LAST = (
    "delete_payment",
    "delete_payment_profile",
    "delete_recurring_schedule",
    "delete_hour_entry",
    "delete_expense",
    "delete_contact",
    "delete_project",
    "delete_lead",
    "delete_client",
)
ORDER = (*(action for action in THE_57 if action not in LAST), *LAST)

#: Bears any load of the machine, so that a late answer is never taken for a fault.
PATIENT = Settings(
    backoff_first_s=0.0, max_wait_s=1.0, max_attempts=MAX_SENDS, max_body_bytes=MAX_BODY
)
#: For the faults that are a silence.
QUICK = replace(PATIENT, read_timeout_s=READ_TIMEOUT_S, send_timeout_s=2 * READ_TIMEOUT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One call of the matrix and all that is known of it afterwards."""

    action: Action
    call: Call
    result: Result
    sends: int
    work: int
    entries: tuple[LogEntry, ...]


@pytest.fixture
def ear() -> Iterator[Ear]:
    """Hears all loggers."""
    with Ear() as listening:
        yield listening


@pytest.mark.requirement("proof.faults", "proof.one_entry", "proof.once", "proof.no_trace")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_action_meets_the_fault_as_the_rules_say(
    case: Case, tmp_path_factory: pytest.TempPathFactory, ear: Ear
) -> None:
    """Right verdict, exactly one log entry, at most one effect, and no trace of the key."""
    state = tmp_path_factory.mktemp("matrix") / "state"
    with set_stage(state, settings=QUICK if case.slow else PATIENT) as stage:
        rows = [ROWS[action] for action in ORDER]
        if case.slow:
            played = _play(stage, rows, case)
        else:
            play = _play_apart if case.rests else _play_alone
            played = [each for row in rows for each in play(stage, row, case)]
        assert stage.connector.log.verify().ok
        found = _traces(played, ear)
    assert {each.call.action: wrong for each in played if (wrong := _wrong(each, case))} == {}
    assert found == {}
    assert TRACKER.in_files(state) == {}


@pytest.mark.requirement("proof.faults")
def test_a_far_side_that_is_gone_is_unreachable_for_every_action(
    tmp_path_factory: pytest.TempPathFactory, ear: Ear
) -> None:
    """Nothing was sent, so that every effect was tried again and may be tried once more."""
    state = tmp_path_factory.mktemp("gone") / "state"
    with set_stage(state, settings=PATIENT) as stage:
        calls = [stage.call(name, stage.world.fill(ROWS[name].arguments)) for name in ORDER]
        stage.stop()
        results = stage.run_all(calls)
        seen = {
            call.action: (result.outcome, result.error and result.error.kind)
            for call, result in zip(calls, results, strict=True)
        }
        assert seen == dict.fromkeys(ORDER, (Outcome.FAILED, ErrorKind.UNREACHABLE))
        assert all(result.error and result.error.retryable for result in results)
        entries = [
            stage.connector.log.entry(result.log_id or 0, user="auditor") for result in results
        ]
        assert {entry.attempts for entry in entries} == {MAX_SENDS}
        assert TRACKER.in_text(repr(results) + repr(entries) + "".join(ear.heard)) == set()
    assert TRACKER.in_files(state) == {}


@pytest.mark.requirement("proof.once")
def test_a_delete_that_was_put_off_and_then_finds_nothing_is_done(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What a repeated DELETE was to remove is gone, which is what was asked for."""
    state = tmp_path_factory.mktemp("gone") / "state"
    with set_stage(state, settings=PATIENT) as stage:
        for action in LAST:
            call = stage.call(action, stage.world.fill(ROWS[action].arguments))
            stage.sandbox.forget()
            stage.sandbox.faults.add(
                Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "0"}),
                Fault(kind=FaultKind.STATUS, status=404),
            )
            assert stage.run(call).outcome is Outcome.SUCCEEDED


@pytest.mark.requirement("proof.faults", "proof.once")
def test_a_change_whose_record_cannot_be_read_again_is_done_all_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """An empty answer to a PUT and a failed read after it leave a success that warns."""
    state = tmp_path_factory.mktemp("reread") / "state"
    with set_stage(state, settings=PATIENT) as stage:
        for action in (name for name in ORDER if name.startswith("update_")):
            call = stage.call(action, stage.world.fill(ROWS[action].arguments))
            stage.sandbox.forget()
            stage.sandbox.faults.add(
                Fault(kind=FaultKind.EMPTY, method="PUT"),
                Fault(kind=FaultKind.STATUS, method="GET", status=500, times=None),
            )
            result = stage.run(call)
            assert result.outcome is Outcome.SUCCEEDED, action
            assert result.warnings != ()
            assert sum(stage.sandbox.effects.values()) == 1
            stage.sandbox.forget()


@pytest.mark.requirement("proof.faults", "proof.one_entry")
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.STATUS, ErrorKind.UPSTREAM_ERROR),
        (FaultKind.BROKEN_JSON, ErrorKind.BAD_RESPONSE),
    ],
)
def test_a_list_that_breaks_off_on_a_later_page_has_failed(
    kind: FaultKind, error: ErrorKind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A list that was asked for whole is not given in part as if it were whole."""
    state = tmp_path_factory.mktemp("pages") / "state"
    with set_stage(state, settings=PATIENT) as stage:
        stage.sandbox.faults.add(Fault(kind=kind, nth=2))
        call = stage.call("list_clients", {"limit": 24})
        result = stage.run(call)
        assert (result.outcome, result.error and result.error.kind) == (Outcome.FAILED, error)
        assert len(stage.connector.log.page(LogFilter(operation=call.operation)).entries) == 1


def _play_alone(stage: Stage, row: ExpectedRequest, case: Case) -> list[Played]:
    """Runs an action under a fault."""
    return _play(stage, [row], case)


def _play_apart(stage: Stage, row: ExpectedRequest, case: Case) -> list[Played]:
    """Runs an action under a fault over a connection of its own: a rest holds for all of one."""
    url, secret = stage.running.url, CANARY
    stage.wait(lambda: join(stage.connector, url, secret, name=row.action))
    return _play(stage, [row], case, connection=row.action)


def _play(
    stage: Stage, rows: list[ExpectedRequest], case: Case, *, connection: str = ACCOUNT
) -> list[Played]:
    """Runs actions under one fault, all at once."""
    stage.world.forget()
    calls = [
        stage.call(row.action, stage.world.fill(row.arguments), connection=connection)
        for row in rows
    ]
    paths = [stage.world.fill(row.path) for row in rows]
    stage.sandbox.forget()
    stage.sandbox.faults.add(case.fault)
    results = stage.run_all(calls)
    stage.sandbox.faults.clear()
    return [
        _played(stage, call, result, path)
        for call, result, path in zip(calls, results, paths, strict=True)
    ]


def _played(stage: Stage, call: Call, result: Result, path: str) -> Played:
    """Gathers all that is known of a call."""
    action = stage.connector.manifest.action(call.action)
    sent = [
        seen for seen in stage.sandbox.requests if (seen.method, seen.path) == (action.method, path)
    ]
    return Played(
        action=action,
        call=call,
        result=result,
        sends=len(sent),
        work=stage.sandbox.done(action.method, action.path),
        entries=stage.connector.log.page(
            LogFilter(operation=call.operation), user="auditor"
        ).entries,
    )


def _kind_of(action: Action) -> str:
    """Returns the column of the table that an action stands in."""
    by_method = {"GET": READ, "POST": CREATE, "PUT": UPDATE, "DELETE": DELETE}
    return SEND if action.effect == "send" else by_method[action.method]


def _wrong(played: Played, case: Case) -> list[str]:
    """Returns everything in which a call differs from its verdict."""
    verdict = case.verdicts[_kind_of(played.action)]
    checks: Mapping[str, tuple[JSON, JSON]] = {
        **_verdict_checks(played, verdict),
        **_log_checks(played),
        **_error_checks(played, case, verdict),
    }
    return [
        f"{name}: {seen!r} instead of {wanted!r}"
        for name, (seen, wanted) in checks.items()
        if seen != wanted
    ]


def _verdict_checks(played: Played, verdict: Verdict) -> dict[str, tuple[JSON, JSON]]:
    result, error = played.result, played.result.error
    read = played.action.effect == "read"
    checks: dict[str, tuple[JSON, JSON]] = {
        "outcome": (result.outcome, verdict.outcome),
        "error": (error and error.kind, verdict.error),
        "sends": (played.sends, verdict.sends),
        "done more than once": (played.work > 1, False),
    }
    if verdict.work is not None:
        checks["work"] = (played.work, 0 if read else verdict.work)
    if verdict.retryable is not None:
        checks["retryable"] = (error and error.retryable, verdict.retryable)
    if verdict.warns is not None:
        checks["warns"] = (bool(result.warnings), verdict.warns)
    return checks


def _log_checks(played: Played) -> dict[str, tuple[JSON, JSON]]:
    if len(played.entries) != 1:
        return {"log entries": (len(played.entries), 1)}
    (entry,), result = played.entries, played.result
    return {
        "log id": (entry.id, result.log_id),
        "who and why": ((entry.user, entry.persona, entry.prompt), (USER, PERSONA, PROMPT)),
        "logged outcome": (entry.outcome, result.outcome.value),
        "logged error": (entry.error, result.error and result.error.kind.value),
        "logged response": (_told(entry.response), _told(result.to_json())),
    }


def _error_checks(played: Played, case: Case, verdict: Verdict) -> dict[str, tuple[JSON, JSON]]:
    error = played.result.error
    if error is None:
        return {}
    said = f"{error.message} {error.hint}"
    checks: dict[str, tuple[JSON, JSON]] = {
        "names": ([name for name in case.names if name not in said], []),
        "has a hint": (bool(error.hint), True),
    }
    if verdict.status is not None:
        checks["status"] = (error.status, verdict.status)
    if verdict.wait_s is not None:
        checks["wait"] = (error.wait_s, verdict.wait_s)
    if case.fields:
        checks["fields"] = (dict(error.fields), dict(case.fields))
    return checks


def _told(document: JSON) -> JSON:
    """Returns what a result tells, without what only the host or only the log may hold."""
    return {name: document[name] for name in ("error", "warnings", "page")}


def _traces(played: list[Played], ear: Ear) -> dict[str, set[str]]:
    """Returns every text of the matrix in which a trace of the key is found."""
    texts = {"logging": "".join(ear.heard)}
    for each in played:
        name = each.call.action
        texts[f"{name}: result"] = json.dumps(each.result.to_json()) + repr(each.result)
        texts[f"{name}: entry"] = json.dumps([entry.to_json() for entry in each.entries])
    found = {name: TRACKER.in_text(text) for name, text in texts.items()}
    return {name: forms for name, forms in found.items() if forms}
