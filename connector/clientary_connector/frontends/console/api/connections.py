"""Holds the operations on connections: join an account, look, rotate its key, revoke it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias
from urllib.parse import quote

from msgspec import Meta

from clientary_connector.authorizing import TokenStatus
from clientary_connector.connector import Secret
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.placing import check_account
from clientary_connector.frontends.console.api.shapes import (
    LogId,
    Moment,
    Name,
    Note,
    moment_of,
    shown,
)
from clientary_connector.frontends.console.api.words import in_words_of_the_api
from clientary_connector.frontends.console.views.connection import key_status, token_status
from clientary_connector.people import Role
from clientary_connector.rotations import KeyStatus, RotationReport

Days: TypeAlias = Annotated[int, Meta(ge=1, le=3650)]
#: A secret comes in, and never goes out.
Key: TypeAlias = Annotated[str, Meta(min_length=1, extra_json_schema={"writeOnly": True})]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionShown:
    """One account joined to the host; its key is not shown."""

    id: str
    name: str
    owner: str
    subdomain: str | None
    sandbox: Annotated[str | None, Meta(description="The address of a simulated account.")]
    state: Annotated[str, Meta(description="active or revoked")]
    generation: int
    created_at: Moment
    account: Annotated[str, Meta(description="Whose account it is.")]
    kind: Annotated[str, Meta(description="api_key or oauth2")]
    provider: dict[str, Any] | None
    rotate_every_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """How old the key of a connection is, and how far its rotation."""

    connection: str
    id: str
    version: int
    made_at: Moment
    age_days: int
    every_days: int
    due_at: Moment
    days_left: int
    due: Annotated[str, Meta(description="fresh, due or overdue")]
    rotation: str | None
    reason: str
    left: Annotated[str, Meta(description="What a person has to do.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOfConnection:
    """When the OAuth 2 token of a connection ends; it is renewed ahead of that by itself."""

    expires_at: Annotated[Moment | None, Meta(description="null: the provider does not say.")]
    due: Annotated[bool, Meta(description="It is about to be renewed.")]
    trouble: Annotated[str, Meta(description="Why there is no newer one; empty: nothing is wrong.")]

    @classmethod
    def of(cls, status: TokenStatus) -> TokenOfConnection:
        """Returns what is shown of a token."""
        ends = status.expires_at
        return cls(
            expires_at=None if ends is None else moment_of(ends),
            due=status.due,
            trouble="" if status.trouble is None else status.trouble.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """How the key or the token of a connection is."""

    kind: Annotated[str, Meta(description="api_key or oauth2")]
    key: KeyShown | None
    token: TokenOfConnection | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """Connections by name, and the age of their keys."""

    connections: tuple[ConnectionShown, ...]
    keys: tuple[KeyShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichConnections:
    """Which connections are wanted."""

    revoked: Annotated[bool, Meta(description="Those that were revoked, too.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """An account that is to be joined: at a subdomain of the service, or a simulated one."""

    name: Name
    secret: Key
    subdomain: str | None = None
    sandbox: Annotated[str | None, Meta(description="http://127.0.0.1 and its port.")] = None
    rotate_every_days: Days | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShown:
    """Whose account answered when it was tested."""

    people: tuple[str, ...]
    total: int
    log_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A connection that was made, and whose account it is."""

    connection: ConnectionShown
    account: AccountShown


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    """Why something is revoked; that stands in the log."""

    reason: Note = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """What a revoke has done, and what is left to do at the service."""

    connection: ConnectionShown
    persona: str | None
    grants_closed: int
    secrets_destroyed: int
    confirmed: Annotated[bool, Meta(description="Every process has said that nothing more leaves.")]
    upstream: Annotated[str, Meta(description="What a person has to do at the service.")]
    log_id: LogId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A new key; without one the hooks of the host make it."""

    secret: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """How far a rotation came, and what is left to do."""

    connection: str
    id: str
    state: str
    number: int
    old: int
    new: int | None
    steps: tuple[str, ...]
    verdict: str | None
    reason: str
    left: str
    rotated: Annotated[bool, Meta(description="The new key is in use.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """After how many days the key of a connection is due for rotation."""

    days: Days


@operation("GET", "/connections", role=Role.VIEWER, query=WhichConnections, gives=Connections)
def list_connections(asked: Asked[WhichConnections, Nothing]) -> Connections:
    """Lists the connections, by name, with the age of their keys.

    Those that were revoked are left out unless they are asked for; they have no key.
    """
    found = asked.connector.connections(revoked=asked.query.revoked)
    return Connections(
        connections=tuple(shown(one, ConnectionShown) for one in found),
        keys=tuple(key_shown(one) for one in asked.connector.rotations()),
    )


@operation(
    "POST",
    "/connections",
    role=Role.ADMIN,
    body=NewConnection,
    gives=Connected,
    status=201,
    refuses={
        409: "A connection has that name.",
        422: "Some of the request cannot be used, or the account does not take the key.",
        502: "The service could not be reached, or did not answer as it should.",
    },
    headers={"Location": lambda made: f"connections/{quote(made.connection.name)}"},
)
async def connect(asked: Asked[Nothing, NewConnection]) -> Connected:
    """Tests an account, saves it under a name, and says whose it is.

    Nothing is saved where the test fails. The key is sealed, and no answer ever holds it. A new
    connection lets nobody do anything: put grants over it.
    """
    new = asked.body
    check_account(
        asked.desk,
        name=new.name,
        subdomain=new.subdomain,
        sandbox=new.sandbox,
        secret=new.secret,
    )
    connection, account = await asked.connector.connect(
        new.name,
        secret=Secret(new.secret),
        user=asked.person.name,
        subdomain=new.subdomain,
        sandbox=new.sandbox,
        rotate_every_days=new.rotate_every_days,
    )
    return Connected(
        connection=shown(connection, ConnectionShown), account=shown(account, AccountShown)
    )


@operation("GET", "/connections/{connection}", role=Role.VIEWER, gives=ConnectionShown)
def show_connection(asked: Asked[Nothing, Nothing]) -> ConnectionShown:
    """Shows one connection, by its name or its id.

    One that was revoked is found by the name that it had, until another one has it.
    """
    return shown(asked.connector.connection(asked.path["connection"]), ConnectionShown)


@operation("GET", "/connections/{connection}/credential", role=Role.VIEWER, gives=Credential)
def show_credential(asked: Asked[Nothing, Nothing]) -> Credential:
    """Says how old the key or the token of a connection is, and never what it is.

    Both are null where the connection was revoked.
    """
    one = asked.connector.connection(asked.path["connection"])
    key, token = key_status(asked.connector, one), token_status(asked.connector, one)
    return Credential(
        kind=one.kind,
        key=None if key is None else key_shown(key),
        token=None if token is None else TokenOfConnection.of(token),
    )


@operation(
    "POST", "/connections/{connection}/revoke", role=Role.ADMIN, body=Revoking, gives=Revoked
)
async def revoke_connection(asked: Asked[Nothing, Revoking]) -> Revoked:
    """Revokes a connection for good: nothing is sent over it once this has answered.

    It closes the grants over it, destroys the sealed key here, and stops calls that are under way
    unless they have changed something already. `upstream` says what a person still has to do at
    the service.
    """
    done = await asked.connector.revoke(
        asked.path["connection"], user=asked.person.name, reason=asked.body.reason
    )
    return shown(done, Revoked)


@operation(
    "POST",
    "/connections/{connection}/rotate",
    role=Role.ADMIN,
    body=NewKey,
    gives=Rotated,
    refuses={409: "A rotation with another key is open, or another process is at work on it."},
)
async def rotate_key(asked: Asked[Nothing, NewKey]) -> Rotated:
    """Replaces the key of a connection, or goes on with the rotation that is open.

    The new key is tested, and comes into use only if it opens the same account. Calls go on
    meanwhile. `left` says what a person has to do next.
    """
    secret = None if asked.body.secret is None else Secret(asked.body.secret)
    done = await asked.connector.rotate(
        asked.path["connection"], user=asked.person.name, secret=secret
    )
    return _rotated(done)


@operation(
    "POST",
    "/connections/{connection}/check-old-key",
    role=Role.ADMIN,
    gives=Rotated,
    refuses={409: "Another process is at work on the rotation."},
)
async def check_old_key(asked: Asked[Nothing, Nothing]) -> Rotated:
    """Asks the service whether the key before the current one still works.

    Once it does not, the vault lets go of it, and the rotation is finished.
    """
    done = await asked.connector.check_old_key(asked.path["connection"], user=asked.person.name)
    return _rotated(done)


@operation(
    "POST",
    "/connections/{connection}/drop-new-key",
    role=Role.ADMIN,
    gives=Rotated,
    refuses={409: "The new key may be the only one that works, or is in use already."},
)
async def drop_new_key(asked: Asked[Nothing, Nothing]) -> Rotated:
    """Drops the new key of a rotation that is open; the key in use stays.

    It is refused where the new key may be the only one that works.
    """
    done = await asked.connector.drop_new_key(asked.path["connection"], user=asked.person.name)
    return _rotated(done)


@operation(
    "PUT",
    "/connections/{connection}/rotation",
    role=Role.ADMIN,
    body=Interval,
    gives=ConnectionShown,
)
def set_interval(asked: Asked[Nothing, Interval]) -> ConnectionShown:
    """Sets after how many days the key of a connection is due for rotation.

    What is due is told by `GET /status`, and by what is done when the connector is tended.
    """
    changed = asked.connector.rotate_every(
        asked.path["connection"], asked.body.days, user=asked.person.name
    )
    return shown(changed, ConnectionShown)


def key_shown(status: KeyStatus) -> KeyShown:
    """Returns what is shown of the age of a key."""
    told = status.to_json()
    return shown({**told, "left": in_words_of_the_api(told["left"])}, KeyShown)


def _rotated(report: RotationReport) -> Rotated:
    told = report.to_json()
    return shown({**told, "left": in_words_of_the_api(told["left"])}, Rotated)


OPERATIONS = (
    list_connections,
    connect,
    show_connection,
    show_credential,
    revoke_connection,
    rotate_key,
    check_old_key,
    drop_new_key,
    set_interval,
)
