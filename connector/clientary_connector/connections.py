"""Keeps the connections: which account is joined under which name, and in what state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One account joined to the host; its secret lies in the vault, not here."""

    id: str
    name: str
    owner: str
    subdomain: str | None
    #: The loopback URL of a simulated account; None for a real one.
    sandbox: str | None
    #: `active` or `revoked`.
    state: str
    #: Grows with every revoke: a send under an older one does not start.
    generation: int
    #: ISO 8601, UTC.
    created_at: str
    #: Whose account it is, as the service answered when it was tested.
    account: str

    def to_json(self) -> dict[str, Any]:
        """Returns the connection as a JSON object."""
        return {
            "id": self.id,
            "name": self.name,
            "owner": self.owner,
            "subdomain": self.subdomain,
            "sandbox": self.sandbox,
            "state": self.state,
            "generation": self.generation,
            "created_at": self.created_at,
            "account": self.account,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Says whose account answered when a connection was tested."""

    #: One line a person, made of the fields that the manifest names.
    people: tuple[str, ...]
    #: How many there are in all.
    total: int
    log_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Says what a revoke has done, and what is left to do upstream."""

    connection: Connection
    grants_closed: int
    secrets_destroyed: int
    #: What a person still has to do at the service.
    upstream: str
    log_id: int

    def to_json(self) -> dict[str, Any]:
        """Returns the revocation as a JSON object."""
        return {
            "connection": self.connection.to_json(),
            "grants_closed": self.grants_closed,
            "secrets_destroyed": self.secrets_destroyed,
            "upstream": self.upstream,
            "log_id": self.log_id,
        }
