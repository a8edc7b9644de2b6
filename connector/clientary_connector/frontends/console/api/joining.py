"""Holds the operations that join an account otherwise than by a key: simulated, or with a token.

For OAuth 2 a host's page begins an authorization, leads its person to the address that comes back,
and hands the address to which the provider has led the person to `finish_authorization`. Whoever
finishes is who has begun: the user of the token, or of the host's own sign-in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from clientary_connector.connector import Secret
from clientary_connector.frontends.console.api.connections import (
    AccountShown,
    Connected,
    ConnectionShown,
    Key,
)
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.placing import check_account
from clientary_connector.frontends.console.api.problems import Fault, ProblemError, unusable
from clientary_connector.frontends.console.api.shapes import Moment, Name, moment_of, shown
from clientary_connector.frontends.console.rehearsing import join
from clientary_connector.oauth.provider import Provider
from clientary_connector.people import Role

#: Where the console's own page takes whoever comes back from a provider.
BACK: Final = "/authorize/back"
Address = Annotated[str, Meta(max_length=2000, pattern=r"^https?://[\x21\x24-\x7e]+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderShown:
    """A provider of OAuth 2 tokens, as the host has described it."""

    number: Annotated[int, Meta(description="By which an authorization names it.")]
    name: str
    scopes: tuple[str, ...]
    has_secret: Annotated[bool, Meta(description="Begin with the `client_secret`, then.")]
    redirect_uri: Annotated[
        str | None, Meta(description="Where it leads back to; null: where the request says.")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """In which ways an account can be joined here."""

    title: Annotated[str, Meta(description="What the service is called.")]
    host: Annotated[str, Meta(description="Where accounts are, by their subdomain.")]
    rotate_every_days: Annotated[int, Meta(description="Where a new connection says nothing else.")]
    sandbox: Annotated[bool, Meta(description="A simulated account is to be had.")]
    providers: tuple[ProviderShown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxJoined:
    """The connection to the simulated account."""

    connection: ConnectionShown
    account: Annotated[AccountShown | None, Meta(description="null: it was joined before.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthorization:
    """An account that is to be joined with a token of a provider."""

    name: Name
    provider: Annotated[int, Meta(ge=0, le=1000, description="As `GET /ways` numbers them.")] = 0
    subdomain: str | None = None
    sandbox: Annotated[str | None, Meta(description="http://127.0.0.1 and its port.")] = None
    redirect_uri: Annotated[
        Address | None,
        Meta(
            description="A page of yours, as the provider knows it; left out: that of the "
            "provider's description, or the console's own."
        ),
    ] = None
    client_secret: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationBegun:
    """Where a person has to go, and how long it may take."""

    id: str
    url: Annotated[str, Meta(description="To be opened in the person's browser.")]
    redirect_uri: Annotated[str, Meta(description="Where the provider leads back to.")]
    expires_at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationShown:
    """How far an authorization is."""

    id: str
    user: Annotated[str, Meta(description="Who has begun it, and has to finish it.")]
    state: Annotated[str, Meta(description="waiting; ended: it was taken up; expired")]
    expires_at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a provider has answered: the address to which it has led the person back."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            description="The whole of it, with its query: it is worth something once.",
            extra_json_schema={"writeOnly": True},
        ),
    ]


@operation("GET", "/ways", role=Role.ADMIN, gives=Ways)
def show_ways(asked: Asked[Nothing, Nothing]) -> Ways:
    """Says in which ways an account can be joined here.

    By its key always (`POST /connections`); with a token where the host has described a provider;
    a simulated one where the console offers it.
    """
    manifest = asked.connector.manifest
    return Ways(
        title=manifest.title,
        host=manifest.host_pattern,
        rotate_every_days=asked.connector.settings.rotation_days,
        sandbox=asked.desk.rehearsal is not None,
        providers=tuple(_provider_shown(*one) for one in enumerate(asked.desk.providers)),
    )


@operation(
    "POST",
    "/sandbox",
    role=Role.ADMIN,
    gives=SandboxJoined,
    refuses={404: "No simulated account is offered here."},
)
async def connect_sandbox(asked: Asked[Nothing, Nothing]) -> SandboxJoined:
    """Starts the simulated account, unless it runs, and joins it, unless it is joined.

    It runs in the process of the console, on loopback alone, and ends with it. A console in a
    host offers none unless the host gives one.
    """
    rehearsal = asked.desk.rehearsal
    if rehearsal is None:
        raise ProblemError(404, "No simulated account is offered here.", hint="See GET /ways.")
    try:
        joined = await join(asked.connector, rehearsal, user=asked.person.name)
    except OSError:
        raise ProblemError(503, "The simulated account cannot be started.") from None
    account = None if joined.account is None else shown(joined.account, AccountShown)
    return SandboxJoined(connection=shown(joined.connection, ConnectionShown), account=account)


@operation(
    "POST",
    "/authorizations",
    role=Role.ADMIN,
    body=NewAuthorization,
    gives=AuthorizationBegun,
    status=201,
    refuses={409: "A connection has that name."},
)
async def begin_authorization(asked: Asked[Nothing, NewAuthorization]) -> AuthorizationBegun:
    """Begins to join an account with a token: says where a person has to allow the access.

    Bound by PKCE, state and user, used once, and over by itself at `expires_at`.
    """
    new = asked.body
    provider = _provider(asked)
    check_account(asked.desk, name=new.name, subdomain=new.subdomain, sandbox=new.sandbox)
    secret = None if new.client_secret is None else Secret(new.client_secret)
    begun = await asked.connector.oauth.start(
        new.name,
        provider=provider,
        redirect_uri=new.redirect_uri or provider.redirect_uri or f"{asked.site}{asked.root}{BACK}",
        user=asked.person.name,
        subdomain=new.subdomain,
        sandbox=new.sandbox,
        client_secret=secret,
    )
    return AuthorizationBegun(
        id=begun.id,
        url=begun.url,
        redirect_uri=begun.redirect_uri,
        expires_at=moment_of(begun.expires_at),
    )


@operation("GET", "/authorizations/{authorization}", role=Role.ADMIN, gives=AuthorizationShown)
def show_authorization(asked: Asked[Nothing, Nothing]) -> AuthorizationShown:
    """Says whether an authorization still waits for its person.

    Where it ended, `GET /connections` says whether the account was joined.
    """
    found = asked.connector.oauth.one(asked.path["authorization"])
    if found is None:
        raise ProblemError(
            404, "There is no such authorization.", hint="Begin one: POST /authorizations."
        )
    return AuthorizationShown(
        id=found.id, user=found.user, state=found.state, expires_at=moment_of(found.expires_at)
    )


@operation(
    "POST",
    "/authorizations/finish",
    role=Role.ADMIN,
    body=Answer,
    gives=Connected,
    status=201,
    refuses={
        409: "A connection has that name by now.",
        502: "The provider gave no token, or the service could not be reached.",
    },
)
async def finish_authorization(asked: Asked[Nothing, Answer]) -> Connected:
    """Joins the account, with the address to which the provider has led the person back.

    The token is tested before anything is saved; one of which nothing comes is given back.
    """
    connection, account = await asked.connector.oauth.finish(asked.body.url, user=asked.person.name)
    return Connected(
        connection=shown(connection, ConnectionShown), account=shown(account, AccountShown)
    )


def _provider(asked: Asked[Nothing, NewAuthorization]) -> Provider:
    providers, number = asked.desk.providers, asked.body.provider
    if number < len(providers):
        return providers[number]
    said = (
        "The host of this console has described no provider." if not providers else "See GET /ways."
    )
    fault = Fault(place="body", path="$.provider", expected="the number of a provider", hint=said)
    raise unusable(fault)


def _provider_shown(number: int, provider: Provider) -> ProviderShown:
    return ProviderShown(
        number=number,
        name=provider.name,
        scopes=provider.scopes,
        has_secret=provider.has_secret,
        redirect_uri=provider.redirect_uri,
    )


OPERATIONS = (
    show_ways,
    connect_sandbox,
    begin_authorization,
    finish_authorization,
    show_authorization,
)
