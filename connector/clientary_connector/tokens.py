"""Describes tokens: with which a program that comes over HTTP says for whom it works."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from clientary_connector import connections
from clientary_connector.errors import TokenRefusedError, UnknownTokenError
from connector_vault import Record, View

KIND: Final = "token"
ID_PREFIX: Final = "tok_"
#: When a token was used last stands apart, so that using it never touches what decides.
USE: Final = "token_use"
MCP: Final = "mcp"
ADMIN: Final = "admin"
#: What a token of the admin API may be, from the least on.
ROLES: Final = ("viewer", "approver", "admin")
ACTIVE: Final = "active"
REVOKED: Final = "revoked"
EXPIRED: Final = "expired"
#: The connection of the token was revoked.
ENDED: Final = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token: never the token itself."""

    id: str
    #: `mcp`: a persona works with it. `admin`: a person's program looks after the connector.
    kind: str
    #: For whom it works.
    user: str
    persona: str | None = None
    #: Id of the connection, and its name.
    connection: str | None = None
    connection_name: str | None = None
    #: `viewer`, `approver` or `admin`, of a token of that kind.
    role: str | None = None
    #: `active`, `revoked`, `expired`, or `ended` with its connection.
    state: str
    made_by: str
    #: ISO 8601, UTC, as the two below.
    made_at: str
    expires_at: str
    #: To the hour; None where it was never used.
    used_at: str | None = None
    log_id: int | None = None

    @property
    def active(self) -> bool:
        """Whether it lets anybody in."""
        return self.state == ACTIVE

    def to_json(self) -> dict[str, Any]:
        """Returns the token as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that was just made; its text is to be had here, and never again."""

    token: Token
    text: str = field(repr=False)


def token_of(view: View, record: Record, *, now: datetime, log_id: int | None = None) -> Token:
    """Returns the token that a record holds, as it is at a time."""
    body, use = record.body, view.record(USE, record.id)
    owner = None if record.parent is None else view.record(connections.KIND, record.parent)
    connection = None if owner is None else connections.connection_of(owner)
    state = str(body["state"])
    if state == ACTIVE and now >= datetime.fromisoformat(body["expires_at"]):
        state = EXPIRED
    elif state == ACTIVE and connection is not None and not connection.active:
        state = ENDED
    return Token(
        id=record.id,
        kind=body["kind"],
        user=body["user"],
        persona=body.get("persona"),
        connection=record.parent,
        connection_name=None if connection is None else connection.name,
        role=body.get("role"),
        state=state,
        made_by=body["made_by"],
        made_at=body["made_at"],
        expires_at=body["expires_at"],
        used_at=None if use is None else use.body["at"],
        log_id=log_id,
    )


def record_of(view: View, token: str) -> Record:
    """Finds the record of a token that has to be there, by the id of the token.

    Raises:
        UnknownTokenError: There is none.
    """
    found = view.record(KIND, token) if token.startswith(ID_PREFIX) else None
    if found is None:
        raise UnknownTokenError(
            f"There is no token {token[:64]!r}.", hint="List them: each has an id of its own."
        )
    return found


def mark_of(view: View, text: str) -> str:
    """Returns what the vault knows the text of a token by."""
    return view.mark(KIND, text)


def check_active(token: Token) -> None:
    """Refuses a token that counts no more; who shows it may know why.

    Raises:
        TokenRefusedError: It was revoked, is over, or its connection was revoked.
    """
    why = {
        REVOKED: "The token was revoked.",
        EXPIRED: f"The token ended at {token.expires_at}.",
        ENDED: "The connection of the token was revoked.",
    }
    if not token.active:
        raise TokenRefusedError(why[token.state], token=token.id)
