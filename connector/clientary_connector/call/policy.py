"""Decides whether a call may go on: nothing is allowed that was not granted.

1. The connection is there, and this persona holds a grant over it. Whoever does not learns
   nothing: "not yours" and "not there" read the same.
2. The connection was not revoked.
3. The grant is active, has not ended, and covers the action.
4. The conditions of the grant that apply to the action do not fail by what is known.
5. The connection's subdomain or address is plain still.

The decision is made on one snapshot, and its revisions are compared again where the intent is
written and before every send.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from clientary_connector import connections, grants
from clientary_connector.call.address import Target, target_of
from clientary_connector.call.failure import RefusedError, refused
from clientary_connector.call.result import Call, ErrorKind
from clientary_connector.conditions.rulebook import Rulebook
from clientary_connector.conditions.rules import Facts, Rule
from clientary_connector.manifest import Action, Effect, Manifest
from clientary_connector.terms import DEFAULT, approval_rule
from connector_vault import Record, View

#: So many permits are kept ready; beyond that all are worked out anew.
MOST: Final = 4096


class Basis:
    """Connection and grant by which permits are given: while they stand, these hold in time."""

    __slots__ = ("_seen", "connection", "grant")

    def __init__(self, connection: Record, grant: Record) -> None:
        """Takes the records as they were just seen."""
        self.connection = connection
        self.grant = grant
        self._seen: object = None

    def stands(self, view: View) -> bool:
        """Tells whether the vault has these very records.

        It need not be asked for them again before any record there can have become another one.
        """
        epoch = view.epoch
        if self._seen is epoch:
            return True
        same = (
            view.record(connections.KIND, self.connection.id) is self.connection
            and view.record(grants.KIND, self.grant.id) is self.grant
        )
        if same:
            self._seen = epoch
        return same


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Says under what a call was allowed, and where it goes."""

    #: Id of the connection.
    connection: str
    generation: int
    #: Id of the grant; None for the test of a new connection, which no persona makes.
    grant: str | None
    grant_revision: int
    target: Target
    #: What the grant has to cover: the action, by its scope or by its name.
    action: str = ""
    scope: str = ""
    #: What the connection authenticates with.
    kind: str = connections.API_KEY
    #: What the call costs, and the credits a month of the grant; None is no limit of its own.
    cost: int = 0
    budget: int | None = None
    #: The requests a minute of the grant.
    rate: int | None = None
    #: What the grant says about approvals.
    rule: str = DEFAULT
    #: Whether the call runs only under an approval, and the one that it will claim.
    needs_yes: bool = False
    approval: str | None = None
    #: The conditions of the grant, and those of them that apply to the action.
    conditions: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    #: The records by which it was given; None where no grant is.
    basis: Basis | None = field(default=None, compare=False, repr=False)


class Policy:
    """Decides about calls; what follows from a connection and its grant is worked out once."""

    def __init__(self, manifest: Manifest) -> None:
        """Takes the manifest; nothing is worked out yet."""
        self._rulebook = Rulebook(manifest)
        self._pattern = manifest.host_pattern
        self._given: dict[tuple[str, str, str], Permit] = {}

    def decide(self, view: View, call: Call, action: Action, *, now: float) -> Permit:
        """Returns the permit of a call; `now` counts seconds since 1970.

        Raises:
            RefusedError: The call is not allowed.
        """
        asked = (call.connection, call.persona, action.id)
        permit = self._given.get(asked)
        # What goes by a name goes on by it until the record that has it becomes another one.
        if permit is None or permit.basis is None or not permit.basis.stands(view):
            connection, grant = _held(view, call)
            _check(connection, grant, action, now)
            permit = self._permit(connection, grant, action)
            if len(self._given) >= MOST:
                self._given.clear()
            self._given[asked] = permit
        elif grants.has_ended(permit.basis.grant.body, now):
            raise _ended()
        if permit.rules:
            judge(permit.rules, Facts(call.arguments))
        return permit

    def oversee(self, view: View, connection: str, action: Action) -> Permit:
        """Returns the permit of a read by which whoever runs the connector finds things out.

        No persona asks, so no grant is needed; the connection must be active all the same.

        Raises:
            RefusedError: The connection is not, or the action is no read.
        """
        found = connections.find_record(view, connection)
        if found is None or action.effect is not Effect.READ:
            raise refused(ErrorKind.DENIED)
        if found.body["state"] != connections.ACTIVE:
            raise refused(ErrorKind.REVOKED)
        return Permit(
            connection=found.id,
            generation=found.body["generation"],
            grant=None,
            grant_revision=0,
            target=_target(found, self._pattern),
            action=action.id,
            scope=action.scope,
            kind=found.body["kind"],
        )

    def _permit(self, connection: Record, grant: Record, action: Action) -> Permit:
        """Returns what an active connection and grant permit."""
        return Permit(
            connection=connection.id,
            generation=connection.body["generation"],
            grant=grant.id,
            grant_revision=grant.revision,
            target=_target(connection, self._pattern),
            action=action.id,
            scope=action.scope,
            kind=connection.body["kind"],
            cost=action.cost,
            budget=grant.body.get("budget"),
            rate=grant.body.get("rate"),
            rule=approval_rule(grant.body, action.id, action.scope),
            conditions=tuple(grant.body.get("conditions", ())),
            rules=self._rulebook.rules(action, grant.body),
            basis=Basis(connection, grant),
        )


def judge(rules: Iterable[Rule], facts: Facts) -> bool:
    """Tells whether all conditions hold, as far as it is known; what is not stands in `facts`.

    Raises:
        RefusedError: One of them does not hold.
    """
    waiting: list[Rule] = []
    for rule in rules:
        held = rule.judge(facts, False)  # noqa: FBT003 - as it is asked
        if held is False:
            raise not_met(rule)
        if held is None:
            waiting.append(rule)
    for rule in waiting:
        if not facts.needs and not rule.answers:
            raise not_met(rule)
    return not waiting


def not_met(rule: Rule) -> RefusedError:
    """Says which condition a call does not meet."""
    return refused(
        ErrorKind.DENIED,
        message=f"The call does not meet a condition of this persona's grant: {rule.text}",
        hint="Call again within the condition, or ask a person to change the grant.",
    )


def still_holds(view: View, permit: Permit, *, now: float) -> bool:
    """Tells whether connection and grant still permit what they did when the permit was given."""
    return _granted(view, permit, now)[0]


def confirm(view: View, permit: Permit, *, now: float) -> None:
    """Compares connection and grant with the permit, inside the transaction of the intent.

    Raises:
        RefusedError: One of them was changed in between, or has ended.
    """
    holds, grant = _granted(view, permit, now)
    if holds and (grant is None or grant.revision == permit.grant_revision):
        return
    if grant is None:
        raise refused(ErrorKind.REVOKED)
    if grants.has_ended(grant.body, now):
        raise _ended()
    raise refused(ErrorKind.DENIED, message="The grant was changed just now.")


def _granted(view: View, permit: Permit, now: float) -> tuple[bool, Record | None]:
    """Tells whether a permit still holds, and gives the grant, which is read once."""
    if permit.basis is not None and permit.basis.stands(view):
        return not grants.has_ended(permit.basis.grant.body, now), permit.basis.grant
    connection = view.record(connections.KIND, permit.connection)
    if (
        connection is None
        or connection.body["state"] != connections.ACTIVE
        or connection.body["generation"] != permit.generation
    ):
        return False, None
    grant = None if permit.grant is None else view.record(grants.KIND, permit.grant)
    if grant is None:
        return permit.grant is None, None
    # In the revision in which the call was allowed, nothing but its time can have run out.
    same = grant.revision == permit.grant_revision or _still_covers(grant, permit)
    return same and not grants.has_ended(grant.body, now), grant


def _still_covers(grant: Record, permit: Permit) -> bool:
    return (
        grant.body["state"] == grants.ACTIVE
        and grants.covers(grant.body, permit.action, permit.scope)
        and tuple(grant.body.get("conditions", ())) == permit.conditions
    )


def _check(connection: Record, grant: Record, action: Action, now: float) -> None:
    """Refuses what connection and grant do not allow.

    Raises:
        RefusedError: They do not.
    """
    if connection.body["state"] != connections.ACTIVE:
        raise refused(ErrorKind.REVOKED)
    if grant.body["state"] != grants.ACTIVE:
        raise refused(ErrorKind.DENIED)
    if grants.has_ended(grant.body, now):
        raise _ended()
    if not grants.covers(grant.body, action.id, action.scope):
        raise _not_covered(grant, action)


def _target(connection: Record, host_pattern: str) -> Target:
    body = connection.body
    found = target_of(host_pattern, subdomain=body["subdomain"], sandbox=body["sandbox"])
    if found is None:
        raise refused(
            ErrorKind.DENIED, message="The connection leads to no address that is allowed."
        )
    return found


def _ended() -> RefusedError:
    return refused(
        ErrorKind.DENIED,
        message="This persona's grant has ended.",
        hint="Do not try again. Ask a person to grant it anew.",
    )


def _not_covered(grant: Record, action: Action) -> RefusedError:
    """Names what is missing: the scope, or the action where the scope was granted."""
    in_scope = grants.allows(grant.body["scopes"], action.scope)
    missing = action.id if in_scope else action.scope
    return refused(
        ErrorKind.DENIED,
        message=f"This persona's grant does not cover {missing}.",
        hint=f"Do not try again. Ask a person to grant {missing}.",
    )


def _held(view: View, call: Call) -> tuple[Record, Record]:
    connection = connections.find_record(view, call.connection)
    if connection is not None:
        grant = view.record(grants.KIND, grants.grant_id(connection.id, call.persona))
        if grant is not None:
            return connection, grant
    raise refused(ErrorKind.DENIED)
