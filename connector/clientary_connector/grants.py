"""Describes grants: what one persona may do over one connection."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from clientary_connector.errors import UnknownScopeError
from clientary_connector.manifest import Action
from connector_vault import Record

KIND: Final = "grant"
ACTIVE: Final = "active"
CLOSED: Final = "closed"
ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Joins one persona and one connection; nothing is allowed without it."""

    persona: str
    #: Id of the connection.
    connection: str
    connection_name: str
    scopes: tuple[str, ...]
    #: `active` or `closed`.
    state: str
    #: Grows with every change.
    revision: int
    #: Who gave it.
    user: str
    #: ISO 8601, UTC.
    at: str
    log_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the grant as a JSON object."""
        return {**asdict(self), "scopes": list(self.scopes)}


def grant_id(connection: str, persona: str) -> str:
    """Returns the id under which the grant of a persona over a connection is kept."""
    return f"{connection}/{persona}"


def grant_of(record: Record, *, connection_name: str, log_id: int | None = None) -> Grant:
    """Returns the grant that a record holds."""
    return Grant(
        persona=record.body["persona"],
        connection=str(record.parent),
        connection_name=connection_name,
        scopes=tuple(record.body["scopes"]),
        state=record.body["state"],
        revision=record.revision,
        user=record.body["user"],
        at=record.body["at"],
        log_id=log_id,
    )


def allows(scopes: Iterable[str], wanted: str) -> bool:
    """Tells whether one of the scopes covers the scope that an action needs."""
    resource, _, effect = wanted.partition(":")
    fitting = {wanted, f"{resource}:{ANY}", f"{ANY}:{effect}", f"{ANY}:{ANY}"}
    return not fitting.isdisjoint(scopes)


def checked_scopes(scopes: Iterable[str], actions: Iterable[Action]) -> tuple[str, ...]:
    """Returns the scopes in order, each once.

    Raises:
        UnknownScopeError: One of them covers no action.
    """
    known = {action.scope for action in actions}
    for scope in scopes:
        if not any(allows((scope,), wanted) for wanted in known):
            wild = {f"{wanted.partition(':')[0]}:{ANY}" for wanted in known}
            wild |= {f"{ANY}:{wanted.partition(':')[2]}" for wanted in known}
            near = difflib.get_close_matches(scope, sorted(known | wild), n=2, cutoff=0.6)
            raise UnknownScopeError(scope, suggestions=tuple(near))
    return tuple(sorted(set(scopes)))
