"""Keeps the grants: what one persona may do over one connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
        return {
            "persona": self.persona,
            "connection": self.connection,
            "connection_name": self.connection_name,
            "scopes": list(self.scopes),
            "state": self.state,
            "revision": self.revision,
            "user": self.user,
            "at": self.at,
            "log_id": self.log_id,
        }
