"""Joins accounts by OAuth 2: a person allows the access at the provider, and comes back.

1. What is begun is sealed, bound to its user, used once, and ends by itself.
2. The code is bound to us by PKCE (S256), the callback to the request by its state, to the letter
   of its address, and to the provider by its issuer where it says one.
3. The tokens are tested before they are saved, as with API keys. Tokens of which nothing comes
   are given back.
4. A revoke ends everything here first. What the provider says to it is reported apart.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import Any, Final

from clientary_connector import connections
from clientary_connector.accounts import Accounts
from clientary_connector.call.clock import Clock
from clientary_connector.call.result import CallError, ErrorKind, Outcome
from clientary_connector.call.sending import BEARER
from clientary_connector.call.transport import Gate
from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.errors import ConnectError, ConnectorError, InvalidValueError
from clientary_connector.joining import Joining
from clientary_connector.oauth import callback, pending, tokens
from clientary_connector.oauth.asking import Asking, ProviderError
from clientary_connector.oauth.extra import missing_extra
from clientary_connector.oauth.looking import Seen, look
from clientary_connector.oauth.provider import Provider, provider_of
from clientary_connector.oauth.refreshing import Refresher, Trouble
from clientary_connector.oauth.tokens import CLIENT_FIELD, TOKEN_FIELD, Tokens, UnusableReplyError
from clientary_connector.settings import Settings
from clientary_connector.state import state_faults
from connector_vault import Secret, Transaction, Vault, View

#: What is sent through it stands under no connection yet, or any more.
OPEN: Final[Gate] = contextlib.nullcontext


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a person has to open in a browser; `finish` is given where it leads back to."""

    id: str
    url: str
    redirect_uri: str
    #: Seconds since 1970.
    expires_at: float

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {
            "id": self.id,
            "url": self.url,
            "redirect_uri": self.redirect_uri,
            "expires_at": self.expires_at,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationStatus:
    """How far an authorization is that somebody has begun."""

    id: str
    #: Who has begun it, and has to finish it.
    user: str
    #: `waiting`, `ended` or `expired`.
    state: str
    #: Seconds since 1970.
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenStatus:
    """How the token of one connection is."""

    connection: Connection
    #: Seconds since 1970; None where the provider does not say.
    expires_at: float | None
    due: bool
    #: Why there is no newer one; None where nothing is wrong.
    trouble: Trouble | None = None


class Authorizing:
    """Joins accounts by OAuth 2, keeps their tokens new, and gives them back."""

    def __init__(  # noqa: PLR0913 - the parts, all by name
        self,
        *,
        vault: Vault,
        accounts: Accounts,
        asking: Asking,
        refresher: Refresher,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Takes the parts that `wiring` has joined."""
        self._vault = vault
        self._accounts = accounts
        self._asking = asking
        self._refresher = refresher
        self._settings = settings
        self._clock = clock

    async def start(  # noqa: PLR0913 - what makes a connection, all by name
        self,
        name: str,
        *,
        provider: Provider,
        redirect_uri: str,
        user: str,
        subdomain: str | None = None,
        sandbox: str | None = None,
        client_secret: Secret | None = None,
    ) -> Authorization:
        """Begins to join an account; a person goes to the address that is returned.

        Raises:
            InvalidValueError: Something given cannot be used, or the extra is not installed.
            NameTakenError: A connection has that name.
        """
        if (missing := missing_extra()) is not None:
            raise InvalidValueError("OAuth 2 cannot be used.", hint=missing)
        from clientary_connector.oauth import messages  # noqa: PLC0415 - of the extra `oauth`

        with state_faults():
            target = self._accounts.check(name, user=user, subdomain=subdomain, sandbox=sandbox)
        _check(provider, redirect_uri, client_secret, local=target.loopback)
        id_, state = pending.fresh_state()
        expires_at = self._now() + self._settings.authorization_s
        with messages.verifier() as code_verifier:
            url = messages.authorization_url(
                provider, redirect_uri=redirect_uri, state=state, code_verifier=code_verifier
            )
            begun = pending.Pending(
                name=name,
                user=user,
                subdomain=subdomain,
                sandbox=sandbox,
                redirect_uri=redirect_uri,
                provider=provider.to_json(),
                state=state,
                **tokens.texts(code_verifier=code_verifier, client_secret=client_secret),
            )

        def begin(log: Transaction) -> None:
            pending.sweep(log, now=self._now())
            pending.put(log, id_, begun, expires_at=expires_at)

        with state_faults():
            await self._vault.write_async(begin)
        return Authorization(id=id_, url=url, redirect_uri=redirect_uri, expires_at=expires_at)

    def one(self, authorization: str) -> AuthorizationStatus | None:
        """Returns how far an authorization is, by its id; None where there is none."""
        with state_faults():
            found = self._vault.read(lambda view: view.record(pending.KIND, authorization))
        if found is None:
            return None
        body = found.body
        late = body["state"] == pending.WAITING and self._now() >= body["expires_at"]
        return AuthorizationStatus(
            id=found.id,
            user=body["user"],
            state="expired" if late else body["state"],
            expires_at=body["expires_at"],
        )

    async def finish(self, url: str, *, user: str) -> tuple[Connection, Account]:
        """Ends what was begun, with the address that the provider has sent the person back to.

        Raises:
            InvalidValueError: The address is not one that was waited for, or it comes too late.
            NameTakenError: A connection has that name by now.
            ConnectError: The provider gave no tokens, or the service does not take them.
        """
        with state_faults():
            return await self._finished(url, user)

    async def refresh(self, connection: Connection) -> Trouble | None:
        """Renews the token of a connection now, also where that failed just before."""
        held = self._refresher.look(connection.id)
        held.wipe()
        return await self._refresher.renew(connection.id, held.number, force=True)

    def statuses(self) -> tuple[TokenStatus, ...]:
        """Returns how the tokens of all active connections are."""
        active = self._accounts.connections(revoked=False)
        return tuple(self._status(one) for one in active if one.kind == connections.OAUTH2)

    async def tend(self) -> tuple[TokenStatus, ...]:
        """Renews what ends soon, and returns what was due with what came of it."""
        found: list[TokenStatus] = []
        for status in self.statuses():
            if status.due:
                held = self._refresher.look(status.connection.id)
                held.wipe()
                trouble = await self._refresher.renew(status.connection.id, held.number)
                found.append(replace(self._status(status.connection), trouble=trouble))
        now = self._now()
        if self._vault.read(lambda view: pending.stale(view, now=now)):
            await self._vault.write_async(lambda log: pending.sweep(log, now=now))
        return tuple(found)

    async def revoke(self, name: str, *, user: str, reason: str) -> Revocation:
        """Revokes a connection here, and then its tokens at the provider, if it has any.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked before.
        """
        held: list[Seen] = []

        def last(view: View, connection: str) -> None:
            record = view.record(connections.KIND, connection)
            if record is not None and record.body["kind"] == connections.OAUTH2:
                held.append(look(view, connection))

        done = await self._accounts.revoke(name, user=user, reason=reason, last=last)
        if not held:
            return done
        seen = held[0]
        trouble = await self._given_back(seen.provider, seen.tokens, seen.client)
        await self._note(done, seen.provider, trouble, user=user)
        return replace(done, upstream=_upstream(seen.provider, trouble))

    async def _finished(self, url: str, user: str) -> tuple[Connection, Account]:
        id_ = pending.id_of(callback.state_in(url))
        begun = await self._vault.write_async(
            lambda log: pending.take(log, id_, user=user, now=self._now())
        )
        if begun is None:
            raise InvalidValueError(callback.STRANGE, hint=callback.AGAIN)
        provider = provider_of(begun.provider)
        code = callback.code_in(
            url, redirect_uri=begun.redirect_uri, state=begun.state, issuer=provider.issuer
        )
        kept, held = await self._exchanged(provider, begun, code)
        client = pending.secret_or_none(begun.client_secret)
        try:
            return await self._saved(begun, provider, kept, held, client)
        except ConnectorError as error:
            failed = error
        await self._given_back(provider, held, client)
        raise failed

    async def _exchanged(
        self, provider: Provider, begun: pending.Pending, code: Secret
    ) -> tuple[Secret, Tokens]:
        from clientary_connector.oauth import messages  # noqa: PLC0415 - of the extra `oauth`

        at = self._now()
        try:
            answer = await self._asking.ask(
                provider,
                provider.token_endpoint,
                messages.code_form(
                    provider,
                    code=code,
                    redirect_uri=begun.redirect_uri,
                    code_verifier=Secret(begun.code_verifier),
                    client_secret=pending.secret_or_none(begun.client_secret),
                ),
                gate=OPEN,
            )
            kept = tokens.sealable(answer, before=None, at=at)
            return kept, tokens.tokens_of(kept)
        except (ProviderError, UnusableReplyError) as error:
            failed = _no_tokens(str(error))
        raise failed

    async def _saved(
        self,
        begun: pending.Pending,
        provider: Provider,
        kept: Secret,
        held: Tokens,
        client: Secret | None,
    ) -> tuple[Connection, Account]:
        target = self._accounts.check(
            begun.name, user=begun.user, subdomain=begun.subdomain, sandbox=begun.sandbox
        )
        fields = {TOKEN_FIELD: kept} | ({} if client is None else {CLIENT_FIELD: client})
        return await self._accounts.add(
            Joining(
                name=begun.name,
                user=begun.user,
                subdomain=begun.subdomain,
                target=target,
                secret=held.access,
                kept=fields,
                rotate_every_days=self._settings.rotation_days,
                kind=connections.OAUTH2,
                provider=provider.to_json(),
                auth=BEARER,
            )
        )

    async def _given_back(
        self, provider: Provider, held: Tokens, client: Secret | None
    ) -> str | None:
        """Gives tokens back to the provider; returns why that was in vain, if it was."""
        if provider.revocation_endpoint is None or missing_extra() is not None:
            return "it has no endpoint for that"
        from clientary_connector.oauth import messages  # noqa: PLC0415 - of the extra `oauth`

        # Without its refresh token a grant ends, and its access tokens with it (RFC 7009 2.1);
        # a provider may leave those in force, so each is given back.
        given = [("refresh_token", held.refresh), ("access_token", held.access)]
        trouble: str | None = None
        for hint, token in given:
            if token is None:
                continue
            try:
                await self._asking.ask(
                    provider,
                    provider.revocation_endpoint,
                    messages.revocation_form(
                        provider, token=token, hint=hint, client_secret=client
                    ),
                    gate=OPEN,
                )
            except ProviderError as error:
                trouble = error.message
        return trouble

    async def _note(
        self, done: Revocation, provider: Provider, trouble: str | None, *, user: str
    ) -> None:
        """Writes down what the provider said to a revoke."""
        outcome = Outcome.SUCCEEDED if trouble is None else Outcome.FAILED
        draft = self._vault.draft(
            kind="revoke",
            user=user,
            connection=done.connection.id,
            outcome=outcome.value,
            facts={"upstream": provider.name, "reason": trouble or ""},
        )
        await self._vault.write_async(lambda log: log.append(draft))

    def _status(self, connection: Connection) -> TokenStatus:
        held = self._refresher.look(connection.id)
        held.wipe()
        due = held.due(self._now(), ahead_s=self._settings.refresh_ahead_s)
        return TokenStatus(connection=connection, expires_at=held.expires_at, due=due)

    def _now(self) -> float:
        return self._clock().timestamp()


def _check(
    provider: Provider, redirect_uri: str, client_secret: Secret | None, *, local: bool
) -> None:
    """Refuses what does not fit together."""
    if provider.redirect_uri not in {None, redirect_uri}:
        raise InvalidValueError(
            "The redirect address is not the one of the provider's description.",
            hint="Give that one: it is compared to the letter.",
        )
    if provider.has_secret != (client_secret is not None):
        raise InvalidValueError(
            "The client secret does not fit the description of the provider.",
            hint=f"Its client_authentication is {provider.client_authentication}.",
        )
    if provider.local and not local:
        raise InvalidValueError(
            "A provider on this machine gives no tokens for a real account.",
            hint="Give https endpoints.",
        )


def _no_tokens(message: str) -> ConnectError:
    hint = "Begin again; if it stays so, look at the description of the provider."
    return ConnectError(CallError(kind=ErrorKind.UNAUTHORIZED, message=message, hint=hint))


def _upstream(provider: Provider, trouble: str | None) -> str:
    if trouble is None:
        return f"Nothing: {provider.name} has taken the tokens back."
    return (
        f"Take the access back at {provider.name}: the tokens could not be given back "
        f"({trouble.rstrip('.')})."
    )
