"""Proves the nine steps over real HTTP: what is sent, what is logged, what the host is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from clientary_connector import ErrorKind, LogFilter, Outcome, Settings, Terms
from clientary_connector.call.result import mint_operation
from connector_vault import StoreFullError
from tests.connector.engine.far_side import HANG, Answer, FarSide, Seen, far_side, reply
from tests.connector.engine.ground import KEY, NAME, PERSONA, PROMPT, USER, Ground, ground, staff_or

CLIENT = {"id": 7, "name": "Acme", "number": "C7"}


class Script:
    """Answers what a test puts in, one after the other; the last one stays."""

    def __init__(self) -> None:
        """Starts with one client for everything."""
        self.answers: list[Answer] = [reply(body=CLIENT)]

    def __call__(self, _: Seen) -> Answer:
        """Gives the next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def script() -> Script:
    """What the far side answers."""
    return Script()


@pytest.fixture
def side(script: Script) -> Iterator[FarSide]:
    """A far side that follows the script, once it is connected."""
    with far_side(staff_or(script)) as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, side: FarSide) -> Generator[Ground]:
    """A connector on that far side, with a grant for everything."""
    settings = Settings(max_attempts=3, backoff_first_s=0.5, max_wait_s=30, read_timeout_s=1)
    with ground(tmp_path, settings=settings) as made:
        made.join(side.url)
        side.seen.clear()
        yield made


# The order of the steps


@pytest.mark.requirement("engine.order")
def test_the_intent_stands_in_the_log_before_anything_is_sent(on: Ground, side: FarSide) -> None:
    """When the request arrives, its call is in the log, and open."""
    found: list[str] = []

    def look(_: Seen) -> Answer:
        found.append(on.connector.log.page(limit=1).entries[0].outcome)
        return reply(body=CLIENT)

    side.answer = look
    on.data("get_client", {"id": 7})
    assert found == ["open"]
    assert on.connector.log.page(limit=1).entries[0].outcome == "succeeded"


@pytest.mark.requirement("engine.order")
def test_an_intent_that_cannot_be_written_sends_nothing(on: Ground, side: FarSide) -> None:
    """A full disk stops the call before the door; the refusal says that nothing was sent."""
    full(on, "intent")
    result = on.result("create_client", {"name": "Acme"})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "internal")
    assert side.seen == []


@pytest.mark.requirement("engine.degraded")
def test_an_outcome_that_cannot_be_written_stops_new_calls(on: Ground, side: FarSide) -> None:
    """The call's effect is called unknown, and the next call is refused unsent."""
    full(on, "outcome")
    result = on.result("create_client", {"name": "Acme"})
    full(on)
    assert (result.outcome, result.error and result.error.kind) == (Outcome.UNKNOWN, "unknown")
    assert result.error is not None
    assert not result.error.retryable
    assert len(side.seen) == 1
    following = on.result("create_client", {"name": "Other"})
    assert following.outcome is Outcome.REFUSED
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.degraded")
def test_a_read_whose_outcome_cannot_be_written_has_failed(on: Ground) -> None:
    """A read changes nothing, so nothing about it is unknown."""
    full(on, "outcome")
    assert on.result("get_client", {"id": 7}).outcome is Outcome.FAILED


@pytest.mark.requirement("engine.degraded")
def test_a_refusal_stays_one_when_it_cannot_be_logged(on: Ground, side: FarSide) -> None:
    """Without a line in the log there is no log id, and nothing is sent."""
    full(on, "refusal")
    result = on.result("get_client", {"id": 7}, persona="stranger")
    assert (result.outcome, result.log_id) == (Outcome.REFUSED, None)
    assert side.seen == []


def full(on: Ground, *kinds: str) -> None:
    """Lets the disk be full for some rows of the log; the vault's own tests fill a real one."""

    def refuse(kind: str) -> None:
        if kind in kinds:
            raise StoreFullError("The disk is full.")

    on.vault.before_draft = refuse


# Who may call


@pytest.mark.requirement("engine.identity")
@pytest.mark.parametrize("field", ["user", "persona", "prompt", "connection", "operation"])
def test_a_call_without_identity_is_refused_and_logged(
    on: Ground, side: FarSide, field: str
) -> None:
    """What is known of it stands in the log, and nothing was sent."""
    result = on.result("get_client", {"id": 7}, **{field: " "})
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.REFUSED, "invalid_arguments")
    assert [fault.path for fault in result.error.faults] == [f"$.{field}"]
    assert result.log_id is not None
    entry = on.connector.log.entry(result.log_id, user="auditor")
    assert (entry.kind, entry.error, entry.action) == ("refusal", "invalid_arguments", "get_client")
    assert side.seen == []


@pytest.mark.requirement("engine.identity")
def test_an_identity_of_no_text_is_logged_as_far_as_it_goes(on: Ground) -> None:
    """Values that are no text, or no UTF-8, do not break the log."""
    result = on.result("nothing_like_it", {"x": object()}, user=7, persona="\ud800", context=None)
    assert result.outcome is Outcome.REFUSED
    assert result.log_id is not None
    entry = on.connector.log.entry(result.log_id, user="auditor")
    assert (entry.user, entry.persona, entry.arguments) == ("", "?", {"unreadable": "dict"})


@pytest.mark.requirement("engine.denied")
def test_not_yours_and_not_there_read_the_same(on: Ground, side: FarSide) -> None:
    """A stranger learns nothing from the refusal, and both are logged."""
    stranger = on.result("get_client", {"id": 7}, persona="stranger")
    absent = on.result("get_client", {"id": 7}, connection="nothing")
    by_id = on.result("get_client", {"id": 7}, connection="con_000000000000")
    assert stranger.error == absent.error == by_id.error
    assert stranger.error is not None
    assert stranger.error.kind is ErrorKind.DENIED
    assert None not in {stranger.log_id, absent.log_id, by_id.log_id}
    assert side.seen == []


@pytest.mark.requirement("engine.denied")
def test_a_grant_covers_its_scopes_and_no_more(on: Ground, side: FarSide) -> None:
    """What is missing is named, so that a person can grant it."""
    never = Terms(scopes=("clients:read", "*:delete"), approve="never")
    on.connector.grant(PERSONA, NAME, user=USER, terms=never)
    assert on.result("get_client", {"id": 7}).outcome is Outcome.SUCCEEDED
    assert on.result("delete_lead", {"id": 7}).outcome is Outcome.SUCCEEDED
    refused = on.result("create_client", {"name": "x"})
    assert refused.error is not None
    assert refused.error.kind is ErrorKind.DENIED
    assert "clients:write" in refused.error.hint
    assert len(side.seen) == 2


@pytest.mark.requirement("engine.denied")
def test_an_unknown_action_is_refused_with_its_nearest(on: Ground) -> None:
    """An alias is known; a slip is helped."""
    assert on.result("CLIENTARY_GET_CLIENT", {"id": 7}).outcome is Outcome.SUCCEEDED
    refused = on.result("get_cleint", {"id": 7})
    assert refused.error is not None
    assert "get_client" in refused.error.faults[0].hint


@pytest.mark.requirement("engine.denied")
def test_a_grant_changed_in_between_is_seen_where_the_intent_is_written(
    on: Ground, side: FarSide
) -> None:
    """Between the decision and the intent another admin narrows the grant: nothing is sent."""

    def narrow(kind: str) -> None:
        if kind == "intent":
            on.connector.grant(PERSONA, NAME, scopes=["leads:read"], user=USER)

    on.vault.before_draft = narrow
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "denied")
    assert side.seen == []


# Revoke


@pytest.mark.requirement("engine.revoke")
def test_after_a_revoke_nothing_is_sent(on: Ground, side: FarSide) -> None:
    """The persona that had a grant is told so; a stranger is not."""
    revoked = on.run(on.connector.revoke(NAME, user=USER, reason="left the house"))
    assert (revoked.grants_closed, revoked.secrets_destroyed) == (1, 1)
    assert revoked.connection.generation == 2
    assert revoked.upstream.startswith("Nothing")
    for name in (NAME, revoked.connection.id):
        result = on.result("get_client", {"id": 7}, connection=name)
        assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "revoked")
    stranger = on.result("get_client", {"id": 7}, persona="stranger")
    assert stranger.error is not None
    assert stranger.error.kind is ErrorKind.DENIED
    assert side.seen == []


@pytest.mark.requirement("engine.revoke")
@pytest.mark.parametrize("status", [429, 503])
def test_a_revoke_stops_the_next_attempt(on: Ground, side: FarSide, status: int) -> None:
    """What was answered before stays; the retry does not start."""

    def revoke_first(_: Seen) -> Answer:
        revoke_now(on)
        return reply(status)

    side.answer = revoke_first
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.FAILED, "revoked")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.revoke")
def test_a_revoke_stops_the_next_page(on: Ground, side: FarSide) -> None:
    """A list that is being followed ends between two pages."""

    def page_then_revoke(_: Seen) -> Answer:
        revoke_now(on)
        return reply(body={"clients": [CLIENT], "page_count": 5, "page_size": 1})

    side.answer = page_then_revoke
    result = on.result("list_clients", {"limit": 3})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.FAILED, "revoked")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.revoke")
def test_a_revoke_stops_the_reread_and_not_the_change(on: Ground, side: FarSide) -> None:
    """What was changed is changed; that it cannot be read again is a warning."""

    def change_then_revoke(_: Seen) -> Answer:
        revoke_now(on)
        return reply(204)

    side.answer = change_then_revoke
    result = on.result("update_client", {"id": 7, "name": "Acme"})
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, None)
    assert "could not be read again" in str(result.warnings)
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.revoke")
def test_a_revoke_between_decision_and_intent_is_seen(on: Ground, side: FarSide) -> None:
    """The generation is compared again in the intent's transaction."""

    def revoke(kind: str) -> None:
        if kind == "intent":
            revoke_now(on)

    on.vault.before_draft = revoke
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.REFUSED, "revoked")
    assert side.seen == []


def revoke_now(on: Ground) -> None:
    """Revokes the connection as another thread would, and waits for it."""

    def revoke() -> None:
        asyncio.run(on.connector.revoke(NAME, user=USER))

    thread = threading.Thread(target=revoke)
    thread.start()
    thread.join()


# Retries


@pytest.mark.requirement("engine.retries")
@pytest.mark.parametrize("first", [reply(502), reply(503), reply(504), reply(429), None])
def test_a_read_is_sent_again_when_the_far_side_stumbles(
    on: Ground, side: FarSide, script: Script, first: Answer
) -> None:
    """The second answer counts, and the log says that there were two attempts."""
    script.answers = [first, reply(body=CLIENT)]
    result = on.result("get_client", {"id": 7})
    assert result.data["name"] == "Acme"
    assert result.log_id is not None
    assert on.connector.log.entry(result.log_id).attempts == 2
    assert len(side.seen) == 2
    assert len(on.waits) == 1
    assert 0 <= on.waits[0] <= 0.5


@pytest.mark.requirement("engine.retries")
@pytest.mark.parametrize("action", ["create_client", "update_client", "delete_client"])
@pytest.mark.parametrize("first", [reply(500), reply(502), reply(503), reply(504), None])
def test_a_change_that_may_have_happened_is_not_sent_again(
    on: Ground, side: FarSide, script: Script, action: str, first: Answer
) -> None:
    """It is called unknown, must not be repeated, and its operation is blocked."""
    script.answers = [first, reply(body=CLIENT)]
    choices: dict[str, dict[str, Any]] = {
        "create_client": {"name": "x"},
        "update_client": {"id": 7, "name": "x"},
        "delete_client": {"id": 7},
    }
    arguments = choices[action]
    operation = mint_operation()
    result = on.result(action, arguments, operation=operation)
    assert result.outcome is Outcome.UNKNOWN
    assert result.error is not None
    assert not result.error.retryable
    assert len(side.seen) == 1
    again = on.result(action, arguments, operation=operation)
    assert (again.outcome, again.error and again.error.kind) == (Outcome.REFUSED, "unknown")
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.retries")
def test_a_change_is_sent_again_after_429(on: Ground, side: FarSide, script: Script) -> None:
    """Nothing was done, and the wait that was asked for is kept."""
    script.answers = [reply(429, headers={"Retry-After": "7"}), reply(201, CLIENT)]
    assert on.data("create_client", {"name": "Acme"})["id"] == 7
    assert on.waits == [7.0]
    assert len(side.seen) == 2


@pytest.mark.requirement("engine.retries")
def test_a_longer_wait_than_the_limit_is_handed_to_the_caller(
    on: Ground, side: FarSide, script: Script
) -> None:
    """Nobody sleeps for an hour inside a call."""
    script.answers = [reply(429, headers={"Retry-After": "3600"})]
    result = on.result("create_client", {"name": "Acme"})
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.FAILED, "rate_limited")
    assert (result.error.wait_s, result.error.retryable) == (3600.0, True)
    assert (on.waits, len(side.seen)) == ([], 1)


@pytest.mark.requirement("engine.retries")
def test_attempts_end(on: Ground, side: FarSide, script: Script) -> None:
    """After so many attempts the last answer is the result."""
    script.answers = [reply(503)]
    result = on.result("get_client", {"id": 7})
    assert (result.outcome, result.error and result.error.kind) == (
        Outcome.FAILED,
        "upstream_error",
    )
    assert (len(side.seen), len(on.waits)) == (3, 2)


@pytest.mark.requirement("engine.retries")
def test_a_deletion_that_was_repeated_and_finds_nothing_is_done(on: Ground, script: Script) -> None:
    """The first attempt may have deleted it; the record is gone either way."""
    script.answers = [reply(429), reply(404)]
    assert on.data("delete_client", {"id": 7}) == {"id": 7, "deleted": True}
    script.answers = [reply(404)]
    result = on.result("delete_client", {"id": 7})
    assert result.error is not None
    assert result.error.kind is ErrorKind.NOT_FOUND


@pytest.mark.requirement("engine.retries")
def test_a_silent_far_side_is_asked_once(on: Ground, side: FarSide, script: Script) -> None:
    """The time that a call may take is not multiplied by the attempts."""
    script.answers = [HANG]
    result = on.result("get_client", {"id": 7})
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.FAILED, "unknown")
    assert result.error.retryable
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.retries")
def test_what_was_never_sent_is_tried_again_whatever_it_is(tmp_path: Path) -> None:
    """A far side that is gone was never reached: a change is retried, then unreachable."""
    with ground(tmp_path, settings=Settings(max_attempts=3, keepalive_s=0)) as on:
        with far_side(staff_or(lambda _: reply(body=CLIENT))) as side:
            on.join(side.url)
        result = on.result("create_client", {"name": "Acme"})
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.FAILED, "unreachable")
    assert result.error.retryable
    assert len(on.waits) == 2


# Answers


@pytest.mark.requirement("engine.reading")
def test_a_change_that_answers_nothing_is_read_again(
    on: Ground, side: FarSide, script: Script
) -> None:
    """PUT that answers 204, or what cannot be read, is followed by one read."""
    broken = reply(body=b"{", headers={})
    for first in (reply(204), reply(body=b"null"), broken, reply(body=["x"])):
        side.seen.clear()
        script.answers = [first, reply(body=CLIENT)]
        assert on.data("update_client", {"id": 7, "name": "Acme"})["name"] == "Acme"
        assert [one.method for one in side.seen] == ["PUT", "GET"]


@pytest.mark.requirement("engine.reading")
def test_a_reread_that_fails_is_no_failure_of_the_change(on: Ground, script: Script) -> None:
    """The change succeeded; the warning says what is missing."""
    script.answers = [reply(204), reply(500)]
    result = on.result("update_client", {"id": 7, "name": "Acme"})
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, None)
    assert result.warnings == ("$: it was done, and the record could not be read again",)


@pytest.mark.requirement("engine.reading")
@pytest.mark.parametrize("answer", [reply(201, b"{"), reply(201), reply(201, 7)])
def test_a_creation_with_an_odd_answer_has_happened(
    on: Ground, script: Script, answer: bytes
) -> None:
    """It is never reported as failed for that."""
    script.answers = [answer]
    result = on.result("create_client", {"name": "Acme"})
    assert (result.outcome, result.data) == (Outcome.SUCCEEDED, None)
    assert "it was done" in result.warnings[0]


@pytest.mark.requirement("engine.reading")
def test_a_record_in_a_wrapper_that_nobody_promised_is_taken_out(
    on: Ground, script: Script
) -> None:
    """And said so; a record with one field is left alone."""
    script.answers = [reply(201, {"client": CLIENT})]
    result = on.result("create_client", {"name": "Acme"})
    assert result.data["id"] == 7
    assert result.warnings == ("$: the record came in a wrapper",)
    script.answers = [reply(body={"other": {"no": "record"}})]
    assert on.data("get_client", {"id": 7}) == {"other": {"no": "record"}}
    script.answers = [reply(body={"name": "only"})]
    assert on.data("get_client", {"id": 7}) == {"name": "only"}
    script.answers = [reply(body={"address": {"id": 1}})]
    assert on.data("get_client", {"id": 7}) == {"address": {"id": 1}}


@pytest.mark.requirement("engine.errors")
@pytest.mark.parametrize(
    ("action", "arguments", "answer"),
    [
        ("get_client", {"id": 7}, reply(body=b"<html>")),
        ("get_client", {"id": 7}, reply(204)),
        ("get_client", {"id": 7}, reply(body=[])),
        ("list_clients", {}, reply(body=b"{")),
        ("list_clients", {}, reply(body={"leads": []})),
        ("list_clients", {}, reply(302, headers={"Location": "https://evil.example/"})),
    ],
)
def test_a_read_without_its_record_has_failed(
    on: Ground, script: Script, action: str, arguments: dict[str, Any], answer: bytes
) -> None:
    """The kind is bad_response."""
    script.answers = [answer]
    result = on.result(action, arguments)
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.FAILED, "bad_response")


@pytest.mark.requirement("engine.errors")
def test_a_read_that_breaks_off_each_time_is_a_bad_response(on: Ground, script: Script) -> None:
    """Its status was a success, so it is no lost answer."""
    script.answers = [reply(headers={"Content-Length": "99", "Connection": "close"}, body=b"{")]
    result = on.result("get_client", {"id": 7})
    assert result.error is not None
    assert (result.error.kind, result.error.status) == ("bad_response", 200)
    assert len(on.waits) == 2


@pytest.mark.requirement("engine.errors")
def test_what_breaks_in_the_connector_ends_in_the_log(
    on: Ground, side: FarSide, script: Script
) -> None:
    """A fault of our own after a change was sent leaves it unknown, and is never raised."""
    on.nap = _trip
    script.answers = [reply(200), reply(503)]
    result = on.result("update_client", {"id": 7, "name": "Acme"})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.UNKNOWN, "internal")
    assert len(side.seen) == 2
    assert on.result("get_client", {"id": 7}).outcome is Outcome.FAILED
    assert on.connector.log.verify().open == ()


@pytest.mark.requirement("engine.errors")
def test_what_breaks_after_a_change_was_turned_away_has_failed(
    on: Ground, side: FarSide, script: Script
) -> None:
    """A 429 says that nothing was done, so a fault of our own after it leaves nothing unknown."""
    on.nap = _trip
    script.answers = [reply(429)]
    result = on.result("create_client", {"name": "Acme"})
    assert (result.outcome, result.error and result.error.kind) == (Outcome.FAILED, "internal")
    assert len(side.seen) == 1


def _trip() -> None:
    raise RuntimeError("A fault of our own.")


# Once


@pytest.mark.requirement("engine.replay")
def test_a_repeat_gets_the_first_result_and_sends_nothing(on: Ground, side: FarSide) -> None:
    """The first result again, marked; the repeat itself stands in the log."""
    call = on.call("create_client", {"name": "Acme", "number": 5})
    first = on.run(on.connector.run(call))
    again = on.run(on.connector.run(call))
    assert again.replayed
    assert {**again.to_json(), "replayed": False} == first.to_json()
    assert len(side.seen) == 1
    entry = on.connector.log.page(limit=1).entries[0]
    assert (entry.kind, entry.outcome, entry.facts["first"]) == (
        "replay",
        "succeeded",
        first.log_id,
    )


@pytest.mark.requirement("engine.replay")
def test_a_failure_is_given_again_whole(on: Ground, script: Script) -> None:
    """Kind, faults and fields come back from the log as they were."""
    script.answers = [reply(422, {"name": ["is taken"]})]
    call = on.call("create_client", {"name": "Acme"})
    first = on.run(on.connector.run(call))
    again = on.run(on.connector.run(call))
    assert again.error == first.error
    script.answers = [reply(body={"clients": [CLIENT], "page_count": 1})]
    listing = on.call("list_clients", {})
    assert on.run(on.connector.run(listing)).page == on.run(on.connector.run(listing)).page


@pytest.mark.requirement("engine.replay")
@pytest.mark.parametrize(
    ("action", "arguments"), [("create_client", {"name": "Other"}), ("get_client", {"id": 7})]
)
def test_an_operation_does_not_serve_for_another_call(
    on: Ground, side: FarSide, action: str, arguments: dict[str, Any]
) -> None:
    """Other arguments or another action are refused at the operation."""
    on.result("create_client", {"name": "Acme"}, operation="op-1")
    result = on.result(action, arguments, operation="op-1")
    assert result.error is not None
    assert (result.outcome, result.error.kind) == (Outcome.REFUSED, "invalid_arguments")
    assert result.error.faults[0].path == "$.operation"
    assert len(side.seen) == 1


@pytest.mark.requirement("engine.replay")
def test_one_operation_at_the_same_moment_runs_once(on: Ground, side: FarSide) -> None:
    """Of sixteen at once, one is sent; the others are refused or get its result."""
    call = on.call("create_client", {"name": "Acme"})

    async def together() -> list[Any]:
        return await asyncio.gather(*(on.connector.run(call) for _ in range(16)))

    results = on.run(together())
    assert len(side.seen) == 1
    assert sum(not one.replayed and one.outcome is Outcome.SUCCEEDED for one in results) == 1
    others = [one for one in results if one.outcome is Outcome.REFUSED]
    assert {one.error.kind for one in others} <= {ErrorKind.UNKNOWN}


@pytest.mark.requirement("engine.replay")
def test_an_operation_of_one_persona_is_not_that_of_another(on: Ground, side: FarSide) -> None:
    """The same id under another persona is another operation."""
    on.connector.grant("auditor", NAME, scopes=["*:*"], user=USER)
    on.result("create_client", {"name": "Acme"}, operation="op-1")
    other = on.result("create_client", {"name": "Other"}, operation="op-1", persona="auditor")
    assert other.outcome is Outcome.SUCCEEDED
    assert len(side.seen) == 2


# Cancellation


@pytest.mark.requirement("engine.cancel")
@pytest.mark.parametrize(
    ("action", "outcome"), [("delete_client", "unknown"), ("get_client", "failed")]
)
def test_a_host_that_leaves_during_a_send_leaves_the_truth(
    on: Ground, side: FarSide, script: Script, action: str, outcome: str
) -> None:
    """The outcome is in the log before the cancellation reaches the host."""
    script.answers = [HANG]
    side.asked.clear()

    async def leave() -> None:
        task = asyncio.ensure_future(on.connector.run(on.call(action, {"id": 7})))
        await asyncio.to_thread(side.asked.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on.run(leave())
    entry = on.connector.log.page(limit=1).entries[0]
    assert (entry.outcome, entry.error, entry.attempts) == (outcome, "unknown", 1)


@pytest.mark.requirement("engine.cancel")
def test_a_host_that_leaves_before_the_send_leaves_a_refusal(on: Ground, side: FarSide) -> None:
    """While the intent is being written nothing was sent, and the log says so."""

    async def leave() -> None:
        task = asyncio.ensure_future(on.connector.run(on.call("create_client", {"name": "x"})))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on.run(leave())
    entry = on.connector.log.page(limit=1).entries[0]
    assert (entry.action, entry.outcome) == ("create_client", "refused")
    assert side.seen == []
    assert on.connector.log.verify().open == ()


# The log


@pytest.mark.requirement("engine.log")
def test_a_call_stands_in_the_log_with_all_that_matters(on: Ground) -> None:
    """User, persona, prompt, arguments, request and response; and no secret in any of them."""
    result = on.result("create_client", {"name": "Acme"}, context={"trace": "t-1"})
    assert result.log_id is not None
    entry = on.connector.log.entry(result.log_id, user="auditor")
    shown = entry.to_json()
    assert (entry.user, entry.persona, entry.prompt) == (USER, PERSONA, PROMPT)
    assert (entry.kind, entry.action, entry.effect) == ("call", "create_client", "write")
    assert entry.arguments == {"name": "Acme"}
    assert entry.request["path"] == "/api/v2/clients"
    assert entry.request["body"] == {"client": {"name": "Acme"}}
    assert entry.response["data"]["id"] == 7
    assert (entry.status, entry.attempts, entry.warnings) == (200, 1, 0)
    assert entry.duration_ms is not None
    assert entry.duration_ms > 0
    assert shown["outcome"] == "succeeded"
    assert KEY not in str(shown)


@pytest.mark.requirement("engine.log")
def test_sensitive_fields_are_not_kept(on: Ground, script: Script) -> None:
    """The host gets them; the log does not."""
    script.answers = [reply(body={"id": 7, "secret": "opens-the-invoice"})]
    result = on.result("get_invoice", {"id": 7})
    assert result.data["secret"] == "opens-the-invoice"
    assert result.log_id is not None
    assert "opens-the-invoice" not in str(
        on.connector.log.entry(result.log_id, user="auditor").to_json()
    )


@pytest.mark.requirement("engine.log")
def test_the_log_is_found_by_every_filter_and_paged(on: Ground) -> None:
    """Newest first; each filter alone finds its entries."""
    for number in range(5):
        on.result("get_client", {"id": number + 1})
    refused = on.result("create_client", {"nme": 1})
    first = on.connector.log.page(limit=3)
    rest = on.connector.log.page(limit=100, before=first.next_before)
    ids = [entry.id for entry in (*first.entries, *rest.entries)]
    assert ids == sorted(ids, reverse=True)
    assert rest.next_before is None
    assert first.entries[0].id == refused.log_id
    now = first.entries[0].at
    for where, count in (
        (LogFilter(action="get_client"), 5),
        (LogFilter(outcome="refused"), 1),
        (LogFilter(operation=refused.operation), 1),
        (LogFilter(user=USER, persona=PERSONA, connection=NAME, effect="read"), 5),
        (LogFilter(connection="nothing"), 0),
        (LogFilter(until=now, action="create_client"), 0),
        (LogFilter(since=now, action="create_client"), 1),
    ):
        assert len(on.connector.log.page(where).entries) == count, where
