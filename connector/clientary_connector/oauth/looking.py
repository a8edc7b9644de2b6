"""Looks at the tokens of a connection, and at all that decides what is done about them."""

from __future__ import annotations

from dataclasses import dataclass

from clientary_connector import connections
from clientary_connector.connections import Connection
from clientary_connector.oauth.provider import Provider, provider_of
from clientary_connector.oauth.state import TokenState, state_of
from clientary_connector.oauth.tokens import CLIENT_FIELD, TOKEN_FIELD, Tokens, tokens_of
from connector_vault import NotFoundError, Secret, View


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look at the vault has shown of a connection."""

    connection: Connection
    provider: Provider
    tokens: Tokens
    #: An answer that came, and was not adopted yet.
    staged: bool
    state: TokenState
    client: Secret | None


def look(view: View, name: str) -> Seen:
    """Looks at a connection's tokens.

    Raises:
        NotFoundError: They were destroyed by a revoke.
    """
    record = view.record(connections.KIND, name)
    if record is None:
        raise NotFoundError("There is no such connection.")
    connection = connections.connection_of(record)
    provider = provider_of(connection.provider)
    with view.open_secret(name, TOKEN_FIELD) as kept:
        held = tokens_of(kept)
    return Seen(
        connection=connection,
        provider=provider,
        tokens=held,
        staged=waiting(view, name) is not None,
        state=state_of(view, name),
        client=view.open_secret(name, CLIENT_FIELD) if provider.has_secret else None,
    )


def waiting(view: View, name: str) -> int | None:
    """Returns the version of an answer that was sealed and not adopted yet."""
    versions = view.secret_versions(name, TOKEN_FIELD)
    return next((one.version for one in versions if one.stage == "pending"), None)
