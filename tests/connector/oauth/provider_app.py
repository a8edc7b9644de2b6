"""Plays a provider of OAuth 2 tokens, and an account behind them, with a real implementation.

Grants, codes, PKCE and revocation are authlib's own server. A refresh token is used once, unless
`rotates` is off; one that was used before is an invalid grant. What a test wants to go wrong is
set on `Far`, which also counts what came in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    ClientMixin,
    OAuth2Request,
    TokenMixin,
    grants,
)
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

CLIENT = "connector-7"
CLIENT_SECRET = "canary-client-secret-0123456789"
ISSUER = "https://issuer.example"
METHODS = ["none", "client_secret_basic", "client_secret_post"]
PERSON = "ada"
#: What the provider says of the life of an access token.
LIFE_S = 3600
#: Every code and token begins with it, so that a search finds them all.
CANARY = "canary-oauth-"


@dataclass
class Client(ClientMixin):
    """The one client that is registered."""

    secret: str | None
    redirect_uri: str

    client_id: ClassVar[str] = CLIENT

    def get_client_id(self) -> str:
        """Returns the id."""
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        """Returns the address that is registered."""
        return self.redirect_uri

    def get_allowed_scope(self, scope: Collection[str] | str) -> str:
        """Allows every scope."""
        return str(scope or "")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Compares to the letter, save for the port of a loopback address (RFC 8252 7.3)."""
        loopback = "http://127.0.0.1:"
        if self.redirect_uri.startswith(loopback):
            return redirect_uri.startswith(loopback)
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        """Compares the secret."""
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Wants a secret if there is one."""
        del endpoint
        return (method == "none") == (self.secret is None)

    def check_response_type(self, response_type: str) -> bool:
        """Knows codes alone."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Knows codes and refreshes."""
        return grant_type in {"authorization_code", "refresh_token"}


@dataclass
class Code(AuthorizationCodeMixin):
    """A code that was given out."""

    code: str
    redirect_uri: str
    scope: str
    code_challenge: str | None
    code_challenge_method: str | None

    def get_redirect_uri(self) -> str:
        """Returns the address that it is bound to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Returns the scope."""
        return self.scope


@dataclass
class Token(TokenMixin):
    """A token that was given out."""

    access_token: str
    refresh_token: str | None
    expires_at: float
    scope: str = ""
    used: bool = False
    revoked: bool = False

    def check_client(self, client: ClientMixin) -> bool:
        """Belongs to the one client."""
        return client.get_client_id() == CLIENT

    def get_scope(self) -> str:
        """Returns the scope."""
        return self.scope

    def get_expires_in(self) -> int:
        """Returns the life."""
        return LIFE_S

    def is_expired(self) -> bool:
        """Tells whether its time is over."""
        return time.time() >= self.expires_at

    def is_revoked(self) -> bool:
        """Tells whether it was revoked."""
        return self.revoked

    def get_user(self) -> str:
        """Returns whose it is."""
        return PERSON

    def get_client(self) -> ClientMixin:
        """Is not asked: there is one client."""
        raise NotImplementedError


@dataclass
class Far:
    """The state of the provider, and how it misbehaves."""

    client: Client
    url: str = ""
    #: What the life really is.
    life_s: int = LIFE_S
    rotates: bool = True
    #: A used refresh token is taken again, as providers do that allow for a lost answer.
    forgives: bool = False
    #: A refresh is answered without a refresh token; the old one stays good.
    silent: bool = False
    #: The person does not allow the access.
    denies: bool = False
    issuer: str | None = None
    #: Is asked before a token request is worked on, and after: an answer takes its place.
    before: Callable[[], Response | None] = lambda: None
    after: Callable[[], Response | None] = lambda: None
    codes: dict[str, Code] = field(default_factory=dict[str, Code])
    tokens: list[Token] = field(default_factory=list[Token])
    #: What was asked at the token endpoint: `authorization_code` or `refresh_token`.
    asked: list[str] = field(default_factory=list[str])
    #: What was revoked, by hint.
    revoked: list[str] = field(default_factory=list[str])
    #: The authorization headers that reached the account.
    calls: list[str] = field(default_factory=list[str])
    made: int = 0

    @property
    def refreshes(self) -> int:
        """How often somebody asked for new tokens."""
        return self.asked.count("refresh_token")

    def fresh(self, kind: str) -> str:
        """Makes a code or token that is never made again."""
        self.made += 1
        return f"{CANARY}{kind}-{self.made:04d}-{'x' * 24}"

    def end_access(self) -> None:
        """Lets every access token that was given out end now."""
        for token in self.tokens:
            token.expires_at = 0

    def accepts(self, access: str) -> bool:
        """Tells whether the account takes a token."""
        return any(
            token.access_token == access and not token.revoked and not token.is_expired()
            for token in self.tokens
        )


def app_of(far: Far) -> Flask:
    """Returns the provider and the account as one application."""
    app = Flask("far")
    server = _server_of(far, app)
    protector: Any = ResourceProtector()
    protector.register_token_validator(_validator(far)())
    lock = threading.Lock()

    @app.get("/authorize")
    def authorize() -> Any:  # noqa: ANN401 - whatever the library answers
        grant = server.get_consent_grant(end_user=PERSON)
        user = None if far.denies else PERSON
        return server.create_authorization_response(grant_user=user, grant=grant)

    @app.post("/token")
    def token() -> Any:  # noqa: ANN401 - the same
        far.asked.append(request.form["grant_type"])
        if (instead := far.before()) is not None:
            return instead
        with lock:
            answer = server.create_token_response()
        instead = far.after()
        return answer if instead is None else instead

    @app.post("/revoke")
    def revoke() -> Any:  # noqa: ANN401 - the same
        return server.create_endpoint_response("revocation")

    def staff() -> Response:
        far.calls.append(request.headers["Authorization"])
        return jsonify({"staff": [{"id": 1, "name": "Ada", "email": "ada@books.example"}]})

    def clients() -> tuple[Response, int]:
        far.calls.append(request.headers["Authorization"])
        if request.method == "POST":
            return jsonify({"client": {"id": 2, "name": "New"}}), 201
        page = {"page_count": 1, "page_size": 10, "total_count": 1}
        return jsonify({"clients": [{"id": 1, "name": "Lovelace"}], **page}), 200

    app.add_url_rule("/api/v2/staff", view_func=protector()(staff))
    app.add_url_rule("/api/v2/clients", view_func=protector()(clients), methods=["GET", "POST"])
    return app


@contextmanager
def running(far: Far) -> Generator[Far]:
    """Serves it on loopback, over real HTTP, while the block lasts."""
    for name in ("werkzeug", "authlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, app_of(far), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    far.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield far
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _server_of(far: Far, app: Flask) -> Any:  # noqa: ANN401 - the library's types leave much open

    def access(*_: object, **__: object) -> str:
        return far.fresh("access")

    def refresh(*_: object, **__: object) -> str:
        return far.fresh("refresh")

    def client_of(name: str) -> Client | None:
        return far.client if name == CLIENT else None

    def save(token: dict[str, Any], request: object) -> None:
        del request
        _save(far, token)

    app.config["OAUTH2_ACCESS_TOKEN_GENERATOR"] = access
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = refresh
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = dict.fromkeys(
        ("authorization_code", "refresh_token"), LIFE_S
    )
    # The library's types leave open what its methods take and return.
    server: Any = AuthorizationServer(
        app,
        query_client=client_of,
        save_token=save,
    )
    server.register_grant(_code_grant(far), [CodeChallenge(required=True)])
    server.register_grant(_refresh_grant(far))
    server.register_endpoint(_revocation(far))
    server.register_extension(_issuer(far))
    return server


def _save(far: Far, token: dict[str, Any]) -> None:
    far.tokens.append(
        Token(
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token"),
            expires_at=time.time() + far.life_s,
            scope=token.get("scope", ""),
        )
    )


def _code_grant(far: Far) -> type[grants.AuthorizationCodeGrant]:
    class CodeGrant(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = METHODS

        def generate_authorization_code(self) -> str:
            return far.fresh("code")

        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            payload = cast("Any", request.payload)
            data = payload.data
            far.codes[code] = Code(
                code=code,
                redirect_uri=payload.redirect_uri,
                scope=request.scope or "",
                code_challenge=data.get("code_challenge"),
                code_challenge_method=data.get("code_challenge_method"),
            )

        def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
            del client
            return far.codes.get(code)

        def delete_authorization_code(self, authorization_code: AuthorizationCodeMixin) -> None:
            del far.codes[cast("Code", authorization_code).code]

        def authenticate_user(self, authorization_code: AuthorizationCodeMixin) -> str:
            del authorization_code
            return PERSON

    return CodeGrant


def _refresh_grant(far: Far) -> type[grants.RefreshTokenGrant]:
    class RefreshGrant(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = METHODS
        INCLUDE_NEW_REFRESH_TOKEN = not far.silent

        def authenticate_refresh_token(self, refresh_token: str) -> Any:  # noqa: ANN401 - a token or None
            for token in far.tokens:
                if token.refresh_token == refresh_token and not token.revoked:
                    return None if token.used and not far.forgives else token
            return None

        def authenticate_user(self, refresh_token: TokenMixin) -> str:
            del refresh_token
            return PERSON

        def revoke_old_credential(self, refresh_token: TokenMixin) -> None:
            cast("Token", refresh_token).used = far.rotates and not far.silent

    return RefreshGrant


def _revocation(far: Far) -> type[RevocationEndpoint]:
    class Revocation(RevocationEndpoint):
        CLIENT_AUTH_METHODS = METHODS

        def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
            far.revoked.append(str(token_type_hint))
            found = (t for t in far.tokens if token_string in {t.access_token, t.refresh_token})
            return next(found, None)

        def revoke_token(self, token: Token, request: OAuth2Request) -> None:
            del request
            token.revoked = True

    return Revocation


def _issuer(far: Far) -> IssuerParameter:
    class Issuer(IssuerParameter):
        def get_issuer(self) -> str | None:
            return far.issuer

    return Issuer()


def _validator(far: Far) -> type[BearerTokenValidator]:
    class Validator(BearerTokenValidator):
        def authenticate_token(self, token_string: str) -> Token | None:
            return next((t for t in far.tokens if t.access_token == token_string), None)

    return Validator
