"""Proves how a host takes part in approvals: by a rule of its own, by a notice, by a signal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue

import pytest

from clientary_connector import Decision, ErrorKind, Outcome, Question, Settings
from clientary_connector.hooks import hookimpl
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.engine.ground import PERSONA, PROMPT, USER, Ground, ground

pytestmark = pytest.mark.requirement("policy.approvals.host")
BOSS = "grace"


@dataclass(eq=False, slots=True)
class Rule:
    """A plugin that decides in a way that a test gives."""

    decides: Callable[[Question], Decision | None]
    seen: list[Question] = field(default_factory=list[Question])

    @hookimpl
    def connector_approval_decide(self, question: Question) -> Decision | None:
        """Decides, and remembers what it was asked."""
        self.seen.append(question)
        return self.decides(question)


@dataclass(eq=False, slots=True)
class Ear:
    """A plugin that hears of what waits."""

    heard: Queue[Question] = field(default_factory=Queue[Question])

    @hookimpl
    def connector_approval_asked(self, question: Question) -> None:
        """Remembers it."""
        self.heard.put(question)


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    """A simulated account."""
    with serve(Sandbox(key="canary-0123456789-ABCDEFGHIJ-abcdefghij")) as far_side:
        yield far_side


@pytest.fixture
def on(tmp_path: Path, running: RunningSandbox) -> Iterator[Ground]:
    """A connector on that account, with a grant for everything and the default rule."""
    with ground(tmp_path, settings=Settings(hook_answer_s=1)) as made:
        made.join(running.url, approve="default")
        running.sandbox.forget()
        yield made


def yes(question: Question) -> Decision:
    """Approves whatever is asked, in the name of a person."""
    return Decision(approve=True, user=BOSS, note=f"Rule for {question.approval.action}")


def first(running: RunningSandbox) -> dict[str, int]:
    """Returns arguments that delete the first client."""
    return {"id": next(iter(running.sandbox.state.clients)).id}


def test_a_rule_of_the_host_lets_a_call_through_at_once(
    on: Ground, running: RunningSandbox
) -> None:
    """The call runs without a refusal, and the log says in whose name."""
    rule = Rule(yes)
    on.connector.register(rule, sealed=True, user=USER)
    arguments = first(running)
    result = on.result("delete_client", arguments)
    assert result.outcome is Outcome.SUCCEEDED
    question = rule.seen[0]
    assert (question.prompt, question.arguments) == (PROMPT, arguments)
    sent = (question.method, question.url, question.query, question.body)
    assert sent == ("DELETE", f"{running.url}/api/v2/clients/{arguments['id']}", (), None)
    lines = [one for one in on.connector.log.page(limit=50).entries if one.kind == "approval"]
    assert [(one.outcome, one.user) for one in reversed(lines)] == [
        ("asked", USER),
        ("given", BOSS),
        ("used", USER),
    ]
    again = on.result("delete_client", arguments)
    assert again.outcome is Outcome.FAILED, "each call is asked about anew"
    assert len(rule.seen) == 2


def test_a_rule_of_the_host_says_no(on: Ground, running: RunningSandbox) -> None:
    """Nothing is sent, and the rule is not asked again about the same call."""
    rule = Rule(lambda _: Decision(approve=False, user=BOSS, note="Never on Sundays"))
    on.connector.register(rule)
    for _ in range(2):
        result = on.result("delete_client", first(running))
        assert result.error is not None
        assert result.error.kind is ErrorKind.DENIED
        assert "Never on Sundays" in result.error.message
    assert len(rule.seen) == 1
    assert running.sandbox.requests == []


def test_what_no_rule_decides_is_left_to_people_and_told(
    on: Ground, running: RunningSandbox
) -> None:
    """A notice goes to every plugin that hears; what is sealed to those that see it alone."""
    trusted, other = Ear(), Ear()
    on.connector.register(Rule(lambda _: None))
    on.connector.register(trusted, sealed=True, user=USER)
    on.connector.register(other)
    result = on.result("delete_client", first(running))
    assert result.error is not None
    assert result.error.kind is ErrorKind.APPROVAL_REQUIRED
    full, bare = trusted.heard.get(timeout=10), other.heard.get(timeout=10)
    assert full.approval.id == bare.approval.id == result.error.approval
    assert (full.prompt, full.arguments, full.method) == (PROMPT, first(running), "DELETE")
    assert bare == Question(approval=full.approval)
    on.connector.approvals.approve(full.approval.id, user=BOSS)
    assert on.result("delete_client", first(running)).outcome is Outcome.SUCCEEDED


def test_what_a_rule_decides_is_told_to_nobody(on: Ground, running: RunningSandbox) -> None:
    """Nobody is called for what needs nobody."""
    ear = Ear()
    on.connector.register(Rule(yes))
    on.connector.register(ear)
    on.result("delete_client", first(running))
    on.connector.hosting.unregister(ear)
    assert ear.heard.empty()


def test_a_plugin_that_must_not_see_what_is_sealed_decides_without_it(
    on: Ground, running: RunningSandbox
) -> None:
    """One such plugin among several is enough: a decision is put to all of them alike."""
    one, other = Rule(lambda _: None), Rule(lambda _: None)
    on.connector.register(one, sealed=True, user=USER)
    on.connector.register(other)
    on.result("delete_client", first(running))
    (question,) = one.seen
    assert question == Question(approval=question.approval)
    assert other.seen == [question]


def _raising(_: Question) -> Decision:
    raise ValueError("canary: the secret of the plugin")


def _nonsense(_: Question) -> Decision:
    return True  # type: ignore[return-value] # what a careless plugin might give


def _half(_: Question) -> Decision:
    return Decision(approve="no", user=BOSS)  # type: ignore[arg-type] # the same


def _as_persona(_: Question) -> Decision:
    return Decision(approve=True, user=PERSONA)


@pytest.mark.parametrize(
    ("decides", "said"),
    [
        (_raising, "raised ValueError"),
        (_nonsense, "what is no decision"),
        (_half, "what is no decision"),
        (_as_persona, "A persona cannot approve"),
    ],
)
def test_a_rule_that_fails_has_decided_nothing(
    on: Ground,
    running: RunningSandbox,
    decides: Callable[[Question], Decision | None],
    said: str,
) -> None:
    """The call waits for a person, whom the host is told of, and nothing is sent."""
    ear = Ear()
    on.connector.register(Rule(decides))
    on.connector.register(ear)
    result = on.result("delete_client", first(running))
    assert result.error is not None
    assert result.error.kind is ErrorKind.APPROVAL_REQUIRED
    assert said in result.error.message
    assert "canary" not in result.error.message
    assert ear.heard.get(timeout=10).approval.id == result.error.approval
    assert running.sandbox.requests == []
    waiting = on.connector.approvals.pending()
    assert [one.id for one in waiting] == [result.error.approval]


def test_a_host_with_a_signal_of_its_own_asks_its_way_and_runs_the_call_again(
    on: Ground, running: RunningSandbox
) -> None:
    """As a host does that elicits an answer, or asks for a confirmation, in the chat."""
    call = on.call("delete_client", first(running))
    refused = on.run(on.connector.run(call))
    waiting = on.connector.approvals.asked(refused)
    assert waiting is not None
    on.connector.approvals.decide(waiting.id, Decision(approve=True, user=BOSS, note="In the chat"))
    assert on.run(on.connector.run(call)).outcome is Outcome.SUCCEEDED
