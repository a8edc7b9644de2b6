"""Judges the conditions of a grant over records: what a call names is read before it is made.

1. What the arguments tell is judged first: a call that fails by them reads nothing.
2. A record is read the way of every call: under the same connection and grant, with an intent, an
   outcome and a cost of its own. It shows nothing to the persona, so it needs no scope.
3. A record that is not there, and one that does not meet the condition, read the same.
4. The answer to a read is judged record by record; what fails is left out, and counted.

Between the reading and the send the record may change at the service; nothing there can be held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from clientary_connector.call import policy
from clientary_connector.call.failure import RefusedError, failure
from clientary_connector.call.kinds import is_object
from clientary_connector.call.policy import Permit
from clientary_connector.call.result import Call, ErrorKind, Outcome, Result, mint_operation
from clientary_connector.conditions.rules import Facts, Need

#: Runs a call that was permitted.
Read: TypeAlias = Callable[[Call, Permit], Awaitable[Result]]

#: Says in the log of which operation's conditions a read was a part.
CONTEXT = "condition_of"


@dataclass(frozen=True, slots=True)
class Sieve:
    """Lets through what of an answer meets the conditions."""

    permit: Permit
    facts: Facts

    def passes(self, record: object) -> bool:
        """Tells whether a record of the answer meets every condition."""
        seen = Facts(self.facts.arguments, self.facts.known, record)
        return all(rule.judge(seen, False) for rule in self.permit.rules)  # noqa: FBT003 - as it is asked


async def judged(call: Call, permit: Permit, read: Read) -> Sieve | None:
    """Reads what the conditions of a permit need, and judges them.

    Returns what is left to be judged over the answer.

    Raises:
        RefusedError: A condition does not hold, or what it needs could not be read.
    """
    facts = Facts(call.arguments)
    while not policy.judge(permit.rules, facts):
        if not facts.needs:
            return Sieve(permit, facts)
        needs, facts.needs = sorted(facts.needs, key=str), set()
        for need in needs:
            facts.known[need] = await _record(call, permit, need, read)
    return None


async def _record(call: Call, permit: Permit, need: Need, read: Read) -> Mapping[str, Any] | None:
    """Returns the record that is needed; None where it is not there."""
    action, number = need
    asked = replace(
        call,
        action=action,
        arguments={"id": number},
        operation=mint_operation(),
        context={**call.context, CONTEXT: call.operation},
    )
    result = await read(asked, replace(permit, rules=()))
    if result.outcome is Outcome.SUCCEEDED and is_object(result.data):
        return result.data
    kind = ErrorKind.BAD_RESPONSE if result.error is None else result.error.kind
    if kind is ErrorKind.NOT_FOUND:
        return None
    error = failure(
        kind, message="A condition of the grant could not be checked. Nothing was sent."
    )
    hint = error.hint if result.error is None else result.error.hint
    wait_s = None if result.error is None else result.error.wait_s
    raise RefusedError(replace(error, hint=hint, wait_s=wait_s, retryable=_again(result)))


def _again(result: Result) -> bool:
    return result.error is not None and result.error.retryable
