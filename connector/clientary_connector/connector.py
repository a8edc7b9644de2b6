"""Is what a host holds in its hand: run calls, connect, grant, revoke, and read the log."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from clientary_connector import connections, grants
from clientary_connector.call.result import Call, Preview, Result
from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.errors import ClosedError
from clientary_connector.grants import Grant
from clientary_connector.hosting import name_of
from clientary_connector.manifest import Action
from clientary_connector.state import state_faults
from clientary_connector.terms import Terms
from connector_vault import LogReport, Secret

if TYPE_CHECKING:
    from clientary_connector.approver import Approvals
    from clientary_connector.authorizing import Authorizing
    from clientary_connector.budgets import Budgets
    from clientary_connector.call.executor import Executor
    from clientary_connector.granting import Grants
    from clientary_connector.issuing import Tokens
    from clientary_connector.log import Log
    from clientary_connector.rotating import OnState
    from clientary_connector.rotations import KeyStatus, RotationReport
    from clientary_connector.settlements import Settlements
    from clientary_connector.tending import TendReport
    from clientary_connector.users import Users
    from clientary_connector.vaultcare import VaultCare
    from clientary_connector.wiring import Parts

__all__ = ["Connector", "LogReport", "Secret"]


class Connector:
    """The connector of one state directory; `open_connector` makes one.

    `run` never raises for what happens to a call: its result says it. The other methods raise
    a `ConnectorError`.
    """

    def __init__(self, parts: Parts) -> None:
        """Takes the parts that `wiring` has joined."""
        self.manifest = parts.ground.manifest
        self.settings = parts.ground.settings
        self.hosting = parts.ground.hosting
        self._clock = parts.ground.clock
        self._vault = parts.ground.vault
        self._parts = parts
        self._closed = False

    @property
    def grants(self) -> Grants:
        """What personas may do."""
        return self._parts.grants()

    @property
    def approvals(self) -> Approvals:
        """The calls that wait for a person's yes."""
        return self._parts.approvals()

    @property
    def log(self) -> Log:
        """What was called, decided and changed."""
        return self._parts.log()

    @property
    def budgets(self) -> Budgets:
        """Credits a month, and who has used what."""
        return self._parts.budgets()

    @property
    def settlements(self) -> Settlements:
        """The changes of which nobody knows whether they were done."""
        return self._parts.settlements()

    @property
    def oauth(self) -> Authorizing:
        """The accounts that are joined by OAuth 2."""
        return self._parts.oauth()

    @property
    def vault(self) -> VaultCare:
        """The state of the vault, its keys, checks and backups."""
        return self._parts.care()

    @property
    def tokens(self) -> Tokens:
        """The tokens of programs that come over HTTP."""
        return self._parts.tokens()

    @property
    def users(self) -> Users:
        """The people who sign in at a console that stands by itself."""
        return self._parts.users()

    async def run(self, call: Call) -> Result:
        """Runs a call the one governed way.

        Raises:
            ClosedError: The connector was closed.
            CancelledError: The caller left; what is known stands in the log.
        """
        self._check_open()
        executor = self._parts.executor.made or await self._executor()
        return await executor.run(call)

    def run_sync(self, call: Call) -> Result:
        """Does the same for callers without an event loop; safe from many threads.

        Raises:
            ClosedError: The connector was closed.
        """
        self._check_open()
        return self._parts.background.run(self._parts.executor().run(call))

    async def prepare(self) -> None:
        """Loads what calls go through, so that the first one does not wait for it."""
        await self._executor()

    async def preview(self, call: Call) -> Preview:
        """Shows what a call would send and take along; sends nothing but reads that count.

        Raises:
            ClosedError: The connector was closed.
        """
        self._check_open()
        return await self._parts.previews().show(call)

    async def connect(  # noqa: PLR0913 - what makes a connection, all by name
        self,
        name: str,
        *,
        secret: Secret,
        user: str,
        subdomain: str | None = None,
        sandbox: str | None = None,
        rotate_every_days: int | None = None,
    ) -> tuple[Connection, Account]:
        """Tests an account, saves it under a name, and shows whose it is.

        `sandbox` is the loopback URL of a simulated account, in place of a subdomain. The key is
        due for rotation after so many days, by default those of the settings.

        Raises:
            InvalidValueError: Name, user, secret, subdomain or address cannot be used.
            NameTakenError: A connection has that name.
            ConnectError: The service refused the test, or could not be reached.
            OperatorError: The state cannot be used.
        """
        self._check_open()
        with state_faults():
            return await self._parts.accounts().connect(
                name,
                secret=secret,
                user=user,
                subdomain=subdomain,
                sandbox=sandbox,
                rotate_every_days=rotate_every_days,
            )

    def connections(self, *, revoked: bool = False) -> tuple[Connection, ...]:
        """Returns the connections by name; revoked ones only where they are asked for."""
        with state_faults():
            return self._vault.read(lambda view: connections.known(view, revoked=revoked))

    def connection(self, name_or_id: str) -> Connection:
        """Returns one connection, by name or id.

        Raises:
            UnknownConnectionError: There is none.
        """
        with state_faults():
            record = self._vault.read(lambda view: connections.record_of(view, name_or_id))
            return connections.connection_of(record)

    def grant(
        self,
        persona: str,
        connection: str,
        *,
        user: str,
        scopes: Iterable[str] = (),
        terms: Terms | None = None,
    ) -> Grant:
        """Gives a persona exactly these scopes over a connection, in place of any before.

        `terms` say more than scopes can; `grants` has the rest of what is done with grants.

        Raises:
            UnknownScopeError: A scope covers no action.
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: Something cannot be used, or there is nothing to grant.
        """
        self._check_open()
        given = terms or Terms()
        given = replace(given, scopes=(*given.scopes, *scopes))
        return self.grants.give(persona, connection, given, user=user)

    def allowed(self, persona: str, connection: str) -> tuple[Action, ...]:
        """Returns the actions that a persona may call over a connection, in their order.

        Raises:
            UnknownConnectionError: There is no such connection.
        """
        now = self._clock().timestamp()
        with state_faults():
            return self._vault.read(
                lambda view: grants.allowed(view, persona, connection, self.manifest, now=now)
            )

    async def revoke(
        self, name: str, *, user: str, reason: str = "", persona: str | None = None
    ) -> Revocation:
        """Revokes a connection, or one persona's grant over it.

        No send under it starts after this returned, in any process; `confirmed` is False where
        a process that was stopped could not say so. Calls under way are stopped unless they have
        changed something already.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked before.
            UnknownGrantError: The persona holds no grant over it.
            InvalidValueError: The user cannot be used.
        """
        self._check_open()
        with state_faults():
            if persona is not None:
                return await self.grants.revoke(persona, name, user=user, reason=reason)
            return await self.oauth.revoke(name, user=user, reason=reason)

    async def rotate(
        self,
        name: str,
        *,
        user: str,
        secret: Secret | None = None,
        on_state: OnState | None = None,
    ) -> RotationReport:
        """Replaces the key of a connection, or goes on with the rotation that is open.

        A person brings the new key; without one, the host's hooks make it. It comes into use
        only once it has answered as the same account. `on_state` is told of every state.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user or the key cannot be used, or the key is in use already.
            RotationError: Another process is at work, or a rotation with another key is open.
        """
        self._check_open()
        with state_faults():
            return await asyncio.to_thread(
                self._parts.rotating().rotate, name, secret=secret, user=user, on_state=on_state
            )

    async def check_old_key(self, name: str, *, user: str) -> RotationReport:
        """Asks the service whether the key before the current one still works.

        Once it does not, the vault lets go of it, and the rotation is finished.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user cannot be used, or the key was never rotated.
            RotationError: Another process is at work.
        """
        self._check_open()
        with state_faults():
            return await asyncio.to_thread(
                self._parts.rotating().resume, name, user=user, early=True
            )

    async def drop_new_key(self, name: str, *, user: str) -> RotationReport:
        """Drops the new key of a rotation that is open; the key in use stays.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user cannot be used, or no rotation is open.
            RotationError: The new key may be the only one that works, or is in use already.
        """
        self._check_open()
        with state_faults():
            return await asyncio.to_thread(self._parts.rotating().drop, name, user=user)

    def rotate_every(self, name: str, days: int, *, user: str) -> Connection:
        """Sets after how many days the key of a connection is due for rotation.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user or the interval cannot be used.
        """
        self._check_open()
        with state_faults():
            return self._parts.rotating().every(name, days, user=user)

    def rotations(self) -> tuple[KeyStatus, ...]:
        """Returns how old the key of every active connection is, and how far its rotation."""
        with state_faults():
            return self._parts.rotating().statuses()

    def register_rotation_hooks(
        self, plugin: object, *, serves: Callable[[str], bool] | None = None
    ) -> None:
        """Lets a host take part in rotations; `connector_vault.hooks` says in what.

        `serves` is asked with the id of a connection; the hooks get no secret of another one.

        Raises:
            ValueError: The plugin has a hook that is none, or was registered before.
        """
        self._parts.rotating().hooks.register(plugin, serves=serves)

    def register(self, plugin: object, *, sealed: bool = False, user: str | None = None) -> None:
        """Takes in a plugin of the host; `clientary_connector.hooks` says what it may hook into.

        Where it may see what is sealed in the log, the log says which user lets it.

        Raises:
            InvalidValueError: It has a hook that is none, was registered before, or there is no
                user where one is needed.
        """
        self._check_open()
        with state_faults():
            if sealed:
                self.log.reads.note(user or "", {"what": "plugin", "plugin": name_of(plugin)})
            self.hosting.register(plugin, sealed=sealed)
            self._parts.billing().begin()

    async def tend(self, *, user: str) -> TendReport:
        """Does all that is due now, and says what a person has to do.

        Raises:
            InvalidValueError: The user cannot be used.
        """
        self._check_open()
        with state_faults():
            return await self._parts.tending().tend(user)

    async def aclose(self) -> None:
        """Closes the connector; calls under way on other loops are cancelled."""
        if not self._closed:
            self._closed = True
            parts = self._parts
            if parts.refresher.made is not None:
                await parts.refresher.made.aclose()
            if parts.transport.made is not None:
                await parts.transport.made.aclose()
            parts.background.close()
            if parts.billing.made is not None:
                await asyncio.to_thread(parts.billing.made.close)
            await asyncio.to_thread(self.hosting.close)
            if parts.executor.made is not None:
                parts.executor.made.close()
            await asyncio.to_thread(self._vault.close)

    def close(self) -> None:
        """Does the same for callers without an event loop."""
        if not self._closed:
            self._closed = True
            parts = self._parts
            if parts.refresher.made is not None and parts.refresher.made.busy:
                parts.background.run(parts.refresher.made.aclose())
            parts.background.close()
            if parts.transport.made is not None:
                parts.transport.made.close_soon()
            if parts.billing.made is not None:
                parts.billing.made.close()
            self.hosting.close()
            if parts.executor.made is not None:
                parts.executor.made.close()
            self._vault.close()

    def __enter__(self) -> Self:
        """Gives the connector itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the connector."""
        self.close()

    async def __aenter__(self) -> Self:
        """Gives the connector itself."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Closes the connector."""
        await self.aclose()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("The connector was closed.", hint="Open it again.")

    async def _executor(self) -> Executor:
        """Returns what runs calls; for the first of them it is loaded, beside the loop."""
        made = self._parts.executor.made
        return await asyncio.to_thread(self._parts.executor) if made is None else made
