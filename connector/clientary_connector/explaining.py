"""Explains what a persona may do, rule by rule, and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clientary_connector import connections, grants
from clientary_connector.call.arguments import REQUIRED, Arguments
from clientary_connector.call.budget import ACCOUNT, CONNECTION, GRANT, PERSONA, Limits, Scope
from clientary_connector.call.risk import needs_yes
from clientary_connector.conditions.rulebook import Rulebook
from clientary_connector.conditions.rules import Facts
from clientary_connector.manifest import Action
from clientary_connector.terms import ANY, approval_rule
from connector_vault import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule, and whether the call passes it; None where that depends on more than is known."""

    rule: str
    passed: bool | None
    why: str
    #: Until when it is so: ISO 8601, UTC.
    ends_at: str | None = None

    def told(self, when: Callable[[str], str] = str) -> str:
        """Says why, with the end as `when` writes it."""
        return self.why if self.ends_at is None else f"{self.why}, until {when(self.ends_at)}"

    def to_json(self) -> dict[str, Any]:
        """Returns the check as a JSON object."""
        return {"rule": self.rule, "passed": self.passed, "why": self.told()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Says whether a persona may do something over one connection, and by which rules."""

    persona: str
    connection: str
    action: str
    checks: tuple[Check, ...]
    #: Whether a person has to say yes first.
    needs_approval: bool

    @property
    def allowed(self) -> bool | None:
        """Whether every check passes; None where one depends on more than is known."""
        passed = {check.passed for check in self.checks}
        return False if False in passed else None if None in passed else True

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as a JSON object."""
        return {
            "persona": self.persona,
            "connection": self.connection,
            "action": self.action,
            "allowed": self.allowed,
            "needs_approval": self.needs_approval,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: may this persona do that, with these arguments, at this time?"""

    persona: str
    action: Action
    arguments: Mapping[str, Any]
    #: Seconds since 1970.
    now: float
    #: What was spent this month, and what may be.
    spent: Mapping[Scope, int]
    limits: Limits


def explain(view: View, connection: str, asked: Asked, *, rulebook: Rulebook) -> Verdict:
    """Returns the verdict over one connection, in the order in which a call is decided.

    Raises:
        UnknownConnectionError: There is no such connection.
    """
    owner = connections.record_of(view, connection)
    name, state = str(owner.body["name"]), owner.body["state"]
    checks = [
        Check(rule="connection", passed=state == connections.ACTIVE, why=f"{name} is {state}")
    ]
    grant = view.record(grants.KIND, grants.grant_id(owner.id, asked.persona))
    if grant is None:
        why = f"{asked.persona} holds no grant over {name}"
        checks.append(Check(rule="grant", passed=False, why=why))
    else:
        checks += _of_grant(grant.body, asked, rulebook)
        checks += _of_budgets(owner.id, grant.body, asked)
    if asked.arguments:
        checks += _of_arguments(asked)
    body: Mapping[str, Any] = {} if grant is None else grant.body
    rule = approval_rule(body, asked.action.id, asked.action.scope)
    return Verdict(
        persona=asked.persona,
        connection=name,
        action=asked.action.id,
        checks=tuple(checks),
        needs_approval=needs_yes(asked.action, asked.arguments, rule),
    )


def _of_grant(body: Mapping[str, Any], asked: Asked, rulebook: Rulebook) -> list[Check]:
    ended = grants.has_ended(body, asked.now)
    active = body["state"] == grants.ACTIVE
    state = "has ended" if active and ended else f"is {body['state']}"
    valid, ends = active and not ended, body.get("expires_at")
    until = grants.moment(ends) if valid and ends is not None else None
    checks = [Check(rule="grant", passed=valid, why=f"it {state}", ends_at=until)]
    checks.append(_covered(body, asked.action))
    facts = Facts(asked.arguments)
    for rule in rulebook.rules(asked.action, body):
        held = rule.judge(facts, False)  # noqa: FBT003 - as it is asked
        checks.append(Check(rule="condition", passed=held, why=_said(rule.text, held, asked)))
    approve = approval_rule(body, asked.action.id, asked.action.scope)
    needed = needs_yes(asked.action, asked.arguments, approve)
    yes = "a person has to say yes first" if needed else "no person is asked"
    checks.append(Check(rule="approval", passed=True, why=f"{approve}: {yes}"))
    if body.get("rate") is not None:
        why = f"at most {body['rate']:,} calls a minute"
        checks.append(Check(rule="rate", passed=True, why=why))
    return checks


def _of_budgets(connection: str, body: Mapping[str, Any], asked: Asked) -> list[Check]:
    """Returns what is left of the budgets; whose user asks is not known here."""
    scopes = ((ACCOUNT, ""), (PERSONA, asked.persona), (CONNECTION, connection))
    most = {scope: asked.limits.of(scope) for scope in scopes}
    most[GRANT, f"{connection}/{asked.persona}"] = body.get("budget")
    return [_of_budget(scope, limit, asked) for scope, limit in most.items() if limit is not None]


def _of_budget(scope: Scope, most: int, asked: Asked) -> Check:
    used, cost = asked.spent.get(scope, 0), asked.action.cost
    return Check(
        rule="budget",
        passed=not cost or used + cost <= most,
        why=f"{used:,} of {most:,} credits a month of the {scope[0]} are used, this costs {cost:,}",
    )


def _of_arguments(asked: Asked) -> list[Check]:
    """Returns what is wrong with the arguments; what is missing only leaves it open."""
    checks: list[Check] = []
    for fault in Arguments(asked.action.input).faults(asked.arguments):
        name = fault.path.removeprefix("$.").partition(".")[0].partition("[")[0]
        passed = None if name == "$" or fault.hint == REQUIRED else False
        checks.append(Check(rule="arguments", passed=passed, why=f"{fault.path}: {fault.expected}"))
    return checks


def _covered(body: Mapping[str, Any], action: Action) -> Check:
    if grants.covers(body, action.id, action.scope):
        by = _scope_of(body, action)
        why = f"{action.id} is allowed by name" if by is None else f"{by} covers {action.id}"
        return Check(rule="scope", passed=True, why=why)
    if action.id in body.get("deny", ()):
        why = f"{action.id} is denied by name"
    elif action.id in body.get("left_out", ()):
        why = f"{action.id} tells too little to meet the conditions of the grant"
    elif _scope_of(body, action) is not None:
        why = f"{action.id} came after the grant was given: give it anew to have it in"
    else:
        why = f"nothing covers {action.scope}"
    return Check(rule="scope", passed=False, why=why)


def _scope_of(body: Mapping[str, Any], action: Action) -> str | None:
    """Returns the scope that covers an action, the most particular one."""
    resource, _, effect = action.scope.partition(":")
    ways = (action.scope, f"{resource}:{ANY}", f"{ANY}:{effect}", f"{ANY}:{ANY}")
    return next((way for way in ways if way in body["scopes"]), None)


def _said(text: str, held: bool | None, asked: Asked) -> str:  # noqa: FBT001 - a verdict
    if held is None:
        open_by = "the record decides" if asked.arguments else "the arguments decide"
        return f"{text}: {open_by}"
    return f"{text}: {'holds' if held else 'does not hold'}"
