"""Gives personas their grants over connections, changes them, and takes them away again.

1. What a grant says is checked before anything is written.
2. Every change commits together with its row in the log, which holds the whole grant and who
   changed it, or not at all.
3. Taking a grant away, or giving other terms in its place, clears the fence, so that no send
   starts under what it was after that returned, in any process, and stops what is under way and
   has changed nothing yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from clientary_connector import connections, grants, terms
from clientary_connector.call.budget import Meter
from clientary_connector.call.clock import Clock
from clientary_connector.checks import check_user
from clientary_connector.conditions.rulebook import Rulebook
from clientary_connector.connections import Connection, Revocation
from clientary_connector.errors import (
    CallerError,
    GrantFileError,
    GrantsChangedError,
    InvalidValueError,
    UnknownConnectionError,
    UnknownGrantError,
)
from clientary_connector.explaining import Asked, Verdict, explain
from clientary_connector.grantchanges import Change, Entry, Step
from clientary_connector.grantcheck import GrantCheck
from clientary_connector.grantfaults import TermFault, faults_of
from clientary_connector.grants import Grant, Ready
from clientary_connector.manifest import Action, Manifest
from clientary_connector.state import state_faults
from clientary_connector.terms import Terms
from connector_vault import Record, Transaction, Vault, View


class Grants:
    """Is the admin's hand on the grants of a connector.

    Every method raises an `OperatorError` where the vault cannot be used.
    """

    def __init__(
        self,
        *,
        manifest: Manifest,
        vault: Vault,
        clock: Clock,
        meter: Callable[[], Meter],
        stop: Callable[[], bool],
    ) -> None:
        """Takes the parts that `wiring` has joined.

        `meter` gives what counts credits, and `stop` waits until nothing more leaves.
        """
        self._manifest = manifest
        self._vault = vault
        self._clock = clock
        self._meter = meter
        self._stop = stop
        self._check = GrantCheck(manifest)
        self._rulebook = Rulebook(manifest)

    def give(self, persona: str, connection: str, given: Terms, *, user: str) -> Grant:
        """Gives a persona exactly these terms over a connection, in place of any before.

        Raises:
            UnknownScopeError: A scope covers no action.
            UnknownActionError: There is no such action.
            ConditionError: A condition cannot be read, or said of no action of the grant.
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The persona, the user or another part cannot be used.
        """
        check_user(user)
        body = self._body(persona, given, user=user)
        with state_faults():
            grant = self._vault.write(lambda log: self._given(log, connection, body))
            self._settle(grant)
            return grant

    def all(
        self, *, persona: str | None = None, connection: str | None = None
    ) -> tuple[Grant, ...]:
        """Returns the grants, closed ones too, by connection and persona.

        Raises:
            UnknownConnectionError: There is no such connection.
        """
        with state_faults():
            return self._vault.read(lambda view: self._found(view, persona, connection))

    def one(self, persona: str, connection: str) -> Grant:
        """Returns the grant of a persona over a connection, a closed one too.

        Raises:
            UnknownConnectionError: There is no such connection.
            UnknownGrantError: The persona never held one.
        """
        for grant in self.all(persona=persona, connection=connection):
            return grant
        raise _unknown(persona, connection)

    def allowed(self, persona: str, connection: str) -> tuple[Action, ...]:
        """Returns the actions that a persona may call over a connection, in their order.

        Raises:
            UnknownConnectionError: There is no such connection.
        """
        now = self._clock().timestamp()
        with state_faults():
            return self._vault.read(
                lambda view: grants.allowed(view, persona, connection, self._manifest, now=now)
            )

    async def revoke(
        self, persona: str, connection: str, *, user: str, reason: str = ""
    ) -> Revocation:
        """Closes one persona's grant; the connection and the other grants stay.

        Raises:
            UnknownConnectionError: There is no such connection.
            UnknownGrantError: The persona holds no grant over it.
        """
        check_user(user)
        with state_faults():
            revocation = await self._vault.write_async(
                lambda log: self._revoked(log, connection, persona, (user, reason))
            )
            return replace(revocation, confirmed=await asyncio.to_thread(self._stop))

    def compare(self, wanted: Iterable[Entry], *, close_others: bool = False) -> tuple[Change, ...]:
        """Returns what it takes until these grants are held.

        With `close_others` every other grant ends; without it they stay as they are.

        Raises:
            GrantFileError: Some of them cannot be used; each fault is told with its place.
        """
        entries = tuple(wanted)
        with state_faults():
            return self._vault.read(lambda view: self._changes(view, entries, close_others))

    def apply(self, changes: Iterable[Change], *, user: str) -> tuple[Grant, ...]:
        """Makes changes that were compared, all of them or none, and returns the grants changed.

        Raises:
            GrantsChangedError: A grant is not as it was when they were compared.
            UnknownConnectionError: A connection was revoked.
            InvalidValueError: The user cannot be used.
        """
        check_user(user)
        todo = [one for one in changes if one.step is not Step.KEEP]
        with state_faults():
            made = self._vault.write(lambda log: tuple(self._made(log, one, user) for one in todo))
            self._settle(*made)
            return made

    def faults(self, persona: str, given: Terms) -> tuple[TermFault, ...]:
        """Returns all that is wrong with terms, each with its part; nothing where they fit."""
        return faults_of(self._check, persona, given, now=self._now())

    def can(
        self, persona: str, action: str, connection: str, arguments: Mapping[str, Any]
    ) -> Verdict:
        """Says whether a persona may do something, and by which rules; nothing is sent or logged.

        Raises:
            UnknownActionError: There is no such action.
            UnknownConnectionError: There is no such connection.
        """
        found, now = self._manifest.action(action), self._clock().timestamp()
        meter = self._meter()

        def explained(view: View) -> Verdict:
            asked = Asked(
                persona=persona,
                action=found,
                arguments=arguments,
                now=now,
                spent=spent,
                limits=meter.limits(view),
            )
            return explain(view, connection, asked, rulebook=self._rulebook)

        with state_faults():
            spent = meter.spent(int(now * 1_000_000))
            return self._vault.read(explained)

    def _settle(self, *changed: Grant) -> None:
        """Waits until nothing more leaves under what grants were before, where they were any."""
        if any(one.revision > 1 for one in changed):
            self._stop()

    def _body(self, persona: str, given: Terms, *, user: str) -> dict[str, object]:
        now = self._now()
        ready = self._check.ready(persona, given, now=now)
        return grants.body_of(persona, ready, user=user, at=now.isoformat())

    def _changes(
        self,
        view: View,
        wanted: Iterable[Entry],
        close_others: bool,  # noqa: FBT001 - as it was given
    ) -> tuple[Change, ...]:
        held = {(one.connection, one.persona): one for one in self._found(view, None, None)}
        found: dict[tuple[str, str], Change] = {}
        faults: list[str] = []
        for entry in wanted:
            try:
                change = self._change(view, entry, held)
                if change.key in found:
                    raise _twice(entry)
                found[change.key] = change
            except CallerError as error:
                faults.append(f"{entry.place}: {error.message} {error.hint}".rstrip())
        if faults:
            raise GrantFileError(tuple(faults))
        others = [one for key, one in held.items() if close_others and key not in found]
        closing = [_closing(one) for one in others if one.state != grants.CLOSED]
        return (*found.values(), *closing)

    def _change(self, view: View, entry: Entry, held: Mapping[tuple[str, str], Grant]) -> Change:
        owner = _active(connections.record_of(view, entry.connection), entry.connection)
        return Change(
            persona=entry.persona,
            connection=owner.id,
            connection_name=owner.name,
            before=held.get((owner.id, entry.persona)),
            after=self._check.ready(entry.persona, entry.terms, now=self._now()),
        )

    def _made(self, log: Transaction, change: Change, user: str) -> Grant:
        grant = log.record(grants.KIND, grants.grant_id(change.connection, change.persona))
        seen = None if change.before is None else change.before.revision
        if (None if grant is None else grant.revision) != seen:
            raise GrantsChangedError(
                f"The grant of {change.persona} was changed since the difference was shown.",
                hint="Run it again: nothing was changed by it.",
            )
        if change.after is None and grant is not None:
            kept, log_id = grants.close(log, grant, vault=self._vault, user=user)
            return self._shown(kept, change.connection_name, log_id=log_id)
        ready = cast("Ready", change.after)
        at = self._now().isoformat()
        body = grants.body_of(change.persona, ready, user=user, at=at)
        return self._given(log, change.connection, body)

    def _given(self, log: Transaction, connection: str, body: dict[str, object]) -> Grant:
        owner = _active(connections.record_of(log, connection), connection)
        name = grants.grant_id(owner.id, str(body["persona"]))
        before = log.record(grants.KIND, name)
        record = Record(kind=grants.KIND, id=name, parent=owner.id, body=dict(body))
        kept = log.put(record, expect=None if before is None else before.revision)
        log_id = log.append(grants.draft_of(kept, vault=self._vault, user=str(body["user"])))
        return self._shown(kept, owner.name, log_id=log_id)

    def _shown(self, record: Record, name: str, *, log_id: int | None = None) -> Grant:
        """Returns a grant with what its terms would cover today, and it does not."""
        grant = grants.grant_of(record, connection_name=name, now=self._now(), log_id=log_id)
        if grant.actions is None or not grant.active:
            return grant
        covered = {*grant.actions, *grant.left_out}
        today = terms.resolved(grant.terms, self._manifest)
        return replace(grant, new=tuple(one for one in today if one not in covered))

    def _found(self, view: View, persona: str | None, connection: str | None) -> tuple[Grant, ...]:
        parent = None if connection is None else connections.record_of(view, connection).id
        names = {one.id: str(one.body["name"]) for one in view.records(connections.KIND)}
        return tuple(
            self._shown(record, names.get(str(record.parent), ""))
            for record in view.records(grants.KIND, parent=parent)
            if persona is None or record.body["persona"] == persona
        )

    def _revoked(
        self, log: Transaction, connection: str, persona: str, who: tuple[str, str]
    ) -> Revocation:
        owner = connections.record_of(log, connection)
        grant = log.record(grants.KIND, grants.grant_id(owner.id, persona))
        if grant is None or grant.body["state"] != grants.ACTIVE:
            raise _unknown(persona, connection)
        user, reason = who
        _, log_id = grants.close(log, grant, vault=self._vault, user=user, reason=reason)
        return Revocation(
            connection=connections.connection_of(owner),
            persona=persona,
            grants_closed=1,
            secrets_destroyed=0,
            confirmed=False,
            upstream="Nothing: the key stays in use for the other grants.",
            log_id=log_id,
        )

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def _active(record: Record, name: str) -> Connection:
    owner = connections.connection_of(record)
    if not owner.active:
        raise UnknownConnectionError(f"The connection {name!r} was revoked.")
    return owner


def _closing(grant: Grant) -> Change:
    return Change(
        persona=grant.persona,
        connection=grant.connection,
        connection_name=grant.connection_name,
        before=grant,
        after=None,
    )


def _twice(entry: Entry) -> InvalidValueError:
    return InvalidValueError(f"{entry.persona} over {entry.connection} stands there twice.")


def _unknown(persona: str, connection: str) -> UnknownGrantError:
    return UnknownGrantError(
        f"The persona {persona[:64]!r} holds no grant over {connection[:64]!r}.",
        hint="List them with `grants`.",
    )
