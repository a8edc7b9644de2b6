"""Writes the messages of OAuth 2, with authlib; the secrets go into them here.

This is the one door to authlib, which comes with the extra `oauth`.
"""

from __future__ import annotations

from typing import Any, Final, Protocol, cast
from urllib.parse import quote_plus

from authlib.common.security import generate_token
from authlib.oauth2 import ClientAuth, rfc7009, rfc7636
from authlib.oauth2.rfc6749 import parameters

from clientary_connector.call.address import place_of
from clientary_connector.call.request import Form
from clientary_connector.oauth.provider import Provider
from connector_vault import Secret

#: More than 256 bits of chance; RFC 7636 asks for 43 to 128 signs.
VERIFIER_CHARS: Final = 64


class Library(Protocol):
    """What is used of authlib; its own types leave much of it open."""

    def create_s256_code_challenge(self, verifier: str, /) -> str:
        """Returns what is shown of a verifier ahead (RFC 7636)."""
        ...

    def prepare_grant_uri(
        self, uri: str, client_id: str, response_type: str, /, **more: object
    ) -> str:
        """Returns the address of an authorization request (RFC 6749 4.1.1)."""
        ...

    def prepare_token_request(self, grant_type: str, /, **more: str) -> str:
        """Returns the form of a token request (RFC 6749 4.1.3 and 6)."""
        ...

    def prepare_revoke_token_request(self, token: str, hint: str, /) -> tuple[str, dict[str, str]]:
        """Returns the form and headers of a revocation (RFC 7009 2.1)."""
        ...


class Client(Protocol):
    """What shows who a client is."""

    def prepare(
        self, method: str, uri: str, headers: dict[str, str], body: str, /
    ) -> tuple[str, dict[str, str], str]:
        """Adds that to a request (RFC 6749 2.3)."""
        ...


PKCE: Final = cast("Library", cast("Any", rfc7636))
REQUESTS: Final = cast("Library", cast("Any", parameters))
REVOCATION: Final = cast("Library", cast("Any", rfc7009))


def verifier() -> Secret:
    """Makes the secret that only the asker of a code knows (RFC 7636)."""
    return Secret(generate_token(VERIFIER_CHARS))


def authorization_url(
    provider: Provider, *, redirect_uri: str, state: str, code_verifier: Secret
) -> str:
    """Returns the address where a person allows the access."""
    return REQUESTS.prepare_grant_uri(
        provider.authorization_endpoint,
        provider.client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=list(provider.scopes) or None,
        state=state,
        code_challenge=PKCE.create_s256_code_challenge(code_verifier.reveal()),
        code_challenge_method="S256",
        **provider.parameters,
    )


def code_form(
    provider: Provider,
    *,
    code: Secret,
    redirect_uri: str,
    code_verifier: Secret,
    client_secret: Secret | None,
) -> Form:
    """Returns what exchanges a code for tokens."""
    body = REQUESTS.prepare_token_request(
        "authorization_code",
        code=code.reveal(),
        redirect_uri=redirect_uri,
        code_verifier=code_verifier.reveal(),
    )
    return _form(provider, provider.token_endpoint, body, client_secret)


def refresh_form(provider: Provider, *, token: Secret, client_secret: Secret | None) -> Form:
    """Returns what asks for a new access token."""
    body = REQUESTS.prepare_token_request("refresh_token", refresh_token=token.reveal())
    return _form(provider, provider.token_endpoint, body, client_secret)


def revocation_form(
    provider: Provider, *, token: Secret, hint: str, client_secret: Secret | None
) -> Form:
    """Returns what gives a token back to a provider that has an endpoint for it (RFC 7009)."""
    body, _ = REVOCATION.prepare_revoke_token_request(token.reveal(), hint)
    return _form(provider, provider.revocation_endpoint or "", body, client_secret)


def _form(provider: Provider, endpoint: str, body: str, client_secret: Secret | None) -> Form:
    """Adds who asks."""
    place = place_of(endpoint)
    name, secret = provider.client_id, "" if client_secret is None else client_secret.reveal()
    if provider.client_authentication == "client_secret_basic":
        # RFC 6749 2.3.1 has both encoded before they are joined.
        name, secret = quote_plus(name), quote_plus(secret)
    client = cast("Client", cast("Any", ClientAuth(name, secret, provider.client_authentication)))
    _, headers, filled = client.prepare("POST", endpoint, {}, body)
    path = "/" if place is None else place[1]
    return Form(path=path, body=filled.encode(), headers=headers)
