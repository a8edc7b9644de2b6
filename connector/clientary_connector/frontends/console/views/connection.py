"""Shapes one connection for its page: its key, its grants, and what is left of their budgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clientary_connector.authorizing import TokenStatus
from clientary_connector.budgets import Budget
from clientary_connector.call.budget import GRANT
from clientary_connector.connections import OAUTH2, Connection
from clientary_connector.connector import Connector
from clientary_connector.frontends.console.views.grantdiff import held
from clientary_connector.frontends.console.views.keys import KeyView, key_view
from clientary_connector.frontends.console.views.matrix import Matrix, matrix
from clientary_connector.grants import Grant
from clientary_connector.rotations import KeyStatus

#: So many matrices stand on the page of a connection; those of more personas on pages of their own.
MOST_SHOWN: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """One persona's grant, as a person is shown it."""

    grant: Grant
    matrix: Matrix
    #: What it may spend, and has spent this month; None where it has no budget of its own.
    budget: Budget | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """The token of a connection that was joined by OAuth 2."""

    provider: str
    expires_at: datetime | None
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionView:
    """All that the page of a connection shows."""

    connection: Connection
    address: str
    #: Whether its account is made up.
    simulated: bool
    #: None where it has no key: it was revoked, or has a token.
    key: KeyView | None
    token: TokenView | None
    grants: tuple[GrantView, ...]
    #: Personas whose grant was closed, or has ended.
    ended: tuple[Grant, ...]
    #: How many calls over it wait for a person.
    waiting: int
    #: What a person still has to do in the service after a revoke.
    left: str


def connection_view(connector: Connector, name: str) -> ConnectionView:
    """Returns what is shown of a connection.

    Raises:
        UnknownConnectionError: There is none of that name or id.
    """
    one = connector.connection(name)
    grants = connector.grants.all(connection=one.id)
    waiting = [item for item in connector.approvals.pending() if item.connection == one.id]
    return ConnectionView(
        connection=one,
        address=address_of(connector, one),
        simulated=one.sandbox is not None,
        key=_key(connector, one),
        token=_token(connector, one),
        grants=grant_views(connector, one, [item for item in grants if item.active]),
        ended=tuple(item for item in grants if not item.active),
        waiting=len(waiting),
        left=left_after(connector, one),
    )


def key_status(connector: Connector, connection: Connection) -> KeyStatus | None:
    """Returns how old the key of a connection is; None where it has none."""
    return next((one for one in connector.rotations() if one.id == connection.id), None)


def token_status(connector: Connector, connection: Connection) -> TokenStatus | None:
    """Returns how the token of a connection is; None where it has none."""
    held = connector.oauth.statuses()
    return next((one for one in held if one.connection.id == connection.id), None)


def grant_views(
    connector: Connector, connection: Connection, grants: list[Grant]
) -> tuple[GrantView, ...]:
    """Returns what is shown of grants over one connection."""
    budgets = {item.name: item for item in connector.budgets.all() if item.scope == GRANT}
    return tuple(
        GrantView(
            grant=grant,
            matrix=matrix(connector.manifest, *held(connector.manifest, grant)),
            budget=budgets.get(f"{connection.name}/{grant.persona}"),
        )
        for grant in grants
    )


def address_of(connector: Connector, connection: Connection) -> str:
    """Returns where the account is."""
    if connection.sandbox is not None:
        return connection.sandbox
    subdomain = connection.subdomain or ""
    return connector.manifest.host_pattern.replace("{subdomain}", subdomain)


def left_after(connector: Connector, connection: Connection) -> str:
    """Says what is left to do in the service for a connection that was revoked."""
    if connection.active or connection.sandbox is not None:
        return ""
    title = connector.manifest.title
    if connection.kind == OAUTH2:
        return f"Look in {title} whether the access is taken back: the log says what was answered."
    return (
        f"Delete its API key in {title}, on the profile page of the user whose key it is, "
        "if that was not done yet: a revoke here cannot make it invalid there."
    )


def _key(connector: Connector, connection: Connection) -> KeyView | None:
    status = key_status(connector, connection)
    return None if status is None else key_view(status, title=connector.manifest.title)


def _token(connector: Connector, connection: Connection) -> TokenView | None:
    status = token_status(connector, connection)
    if status is None:
        return None
    ends = status.expires_at
    return TokenView(
        provider=str((connection.provider or {}).get("name", "")),
        expires_at=None if ends is None else datetime.fromtimestamp(ends, UTC),
        trouble="" if status.trouble is None else status.trouble.reason,
    )
