"""Describes grants: what one persona may do over one connection, as the vault keeps it.

1. A grant covers the actions that it covered when it was made: one that a later manifest brings
   is in no grant until an admin gives it anew. A grant from before lists of actions were kept
   covers what its scopes cover.
2. What a grant denies it does not cover, whatever else it says.
3. A grant that was closed, or has ended, covers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from clientary_connector import connections
from clientary_connector.manifest import Action, Manifest
from clientary_connector.terms import ANY, Terms, allows
from connector_vault import LogDraft, Record, Transaction, Vault, View

KIND: Final = "grant"
ACTIVE: Final = "active"
CLOSED: Final = "closed"
#: What a grant is shown as that has ended by itself.
EXPIRED: Final = "expired"

__all__ = ["ANY", "Grant", "allows", "covers", "grant_id", "grant_of", "has_ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Terms that were checked, and what they come to."""

    terms: Terms
    #: Its conditions as the vault keeps them, in the same order.
    rules: tuple[Any, ...]
    actions: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Joins one persona and one connection; nothing is allowed without it."""

    persona: str
    #: Id of the connection.
    connection: str
    connection_name: str
    terms: Terms
    #: `active`, `closed` or `expired`.
    state: str
    #: Grows with every change.
    revision: int
    #: Who gave it.
    user: str
    #: ISO 8601, UTC.
    at: str
    #: Ids of the actions that it covered when it was made; None in a grant from before.
    actions: tuple[str, ...] | None = None
    #: Ids of the actions in its scopes that tell too little for its conditions, and are not in it.
    left_out: tuple[str, ...] = ()
    #: Ids of the actions that its terms would cover today, and that came after it.
    new: tuple[str, ...] = ()
    log_id: int | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes alone."""
        return self.terms.scopes

    @property
    def active(self) -> bool:
        """Whether calls may go under it."""
        return self.state == ACTIVE

    def to_json(self) -> dict[str, Any]:
        """Returns the grant as a JSON object."""
        return {
            "persona": self.persona,
            "connection": self.connection,
            "connection_name": self.connection_name,
            **self.terms.to_json(),
            "state": self.state,
            "revision": self.revision,
            "user": self.user,
            "at": self.at,
            "actions": None if self.actions is None else list(self.actions),
            "left_out": list(self.left_out),
            "new": list(self.new),
            "log_id": self.log_id,
        }


def grant_id(connection: str, persona: str) -> str:
    """Returns the id under which the grant of a persona over a connection is kept."""
    return f"{connection}/{persona}"


def body_of(persona: str, ready: Ready, *, user: str, at: str) -> dict[str, Any]:
    """Returns what the record of a new grant holds."""
    return {
        "persona": persona,
        **ready.terms.to_body(),
        "rules": list(ready.rules),
        "actions": list(ready.actions),
        "left_out": list(ready.left_out),
        "state": ACTIVE,
        "user": user,
        "at": at,
    }


def grant_of(
    record: Record, *, connection_name: str, now: datetime, log_id: int | None = None
) -> Grant:
    """Returns the grant that a record holds, as it is at a time."""
    body = record.body
    ended = body["state"] == ACTIVE and has_ended(body, now.timestamp())
    actions = body.get("actions")
    return Grant(
        persona=body["persona"],
        connection=str(record.parent),
        connection_name=connection_name,
        terms=Terms.of_body(body),
        state=EXPIRED if ended else body["state"],
        revision=record.revision,
        user=body["user"],
        at=body["at"],
        actions=None if actions is None else tuple(actions),
        left_out=tuple(body.get("left_out", ())),
        log_id=log_id,
    )


def has_ended(body: Mapping[str, Any], now: float) -> bool:
    """Tells whether a grant's time is over; `now` counts seconds since 1970."""
    ends = body.get("expires_at")
    return ends is not None and now >= ends


def covers(body: Mapping[str, Any], action: str, scope: str) -> bool:
    """Tells whether a grant's record covers an action that needs a scope."""
    if action in body.get("deny", ()):
        return False
    known = body.get("actions")
    if known is not None and action not in known:
        return False
    return action in body.get("allow", ()) or allows(body["scopes"], scope)


def allowed(
    view: View, persona: str, connection: str, manifest: Manifest, *, now: float
) -> tuple[Action, ...]:
    """Returns the actions that a persona may call over a connection, in their order.

    Raises:
        UnknownConnectionError: There is no such connection.
    """
    owner = connections.record_of(view, connection)
    grant = view.record(KIND, grant_id(owner.id, persona))
    if grant is None or grant.body["state"] != ACTIVE or has_ended(grant.body, now):
        return ()
    actions = manifest.actions.values()
    return tuple(one for one in actions if covers(grant.body, one.id, one.scope))


def close(
    log: Transaction, grant: Record, *, vault: Vault, user: str, reason: str = ""
) -> tuple[Record, int]:
    """Closes a grant for good, and writes it down."""
    closed = replace(grant, body={**grant.body, "state": CLOSED})
    kept = log.put(closed, expect=grant.revision, final=True)
    return kept, log.append(draft_of(kept, vault=vault, user=user, reason=reason))


def draft_of(grant: Record, *, vault: Vault, user: str, reason: str = "") -> LogDraft:
    """Returns the line of the log that tells of a change, with the whole grant as it is now."""
    facts = {name: part for name, part in grant.body.items() if name not in {"persona", "user"}}
    return vault.draft(
        kind=KIND,
        user=user,
        persona=grant.body["persona"],
        connection=grant.parent,
        outcome="succeeded",
        subject=f"{KIND}:{grant.id}",
        revision=grant.revision,
        facts={**facts, **({"reason": reason} if reason else {})},
    )


def moment(seconds: int) -> str:
    """Writes seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
