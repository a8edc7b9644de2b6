"""Takes part in rotations for a service that can neither issue nor revoke a key itself.

A person makes the new key and brings it, so there is no hook that creates or sets one. The new
key is tested by reading the account. The old one is retired once it is shown to get no answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from clientary_connector import connections
from clientary_connector.background import Background
from clientary_connector.call.address import Target, target_of
from clientary_connector.call.ending import Ending
from clientary_connector.call.result import ErrorKind
from clientary_connector.connections import Account, Connection
from clientary_connector.probe import Probe, is_same
from connector_vault import Record, Secret, Transaction, Vault
from connector_vault.hooks import RotationContext, Verdict, hookimpl

#: What the service answers to a key that it does not know, or whose user may not even read that.
NOT_ACCEPTED: Final = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN})


class AccountHooks:
    """The hooks for connections with an API key."""

    def __init__(
        self,
        *,
        vault: Vault,
        probe: Probe,
        background: Background,
        host_pattern: str,
        limit_s: float,
    ) -> None:
        """Takes the parts that `wiring` has joined; `limit_s` bounds one question."""
        self._vault = vault
        self._probe = probe
        self._background = background
        self._host_pattern = host_pattern
        self._limit_s = limit_s

    def serves(self, owner: str) -> bool:
        """Tells whether an owner of secrets is a connection with an API key."""
        record = self._vault.read(lambda view: view.record(connections.KIND, owner))
        return record is not None and record.body["kind"] == connections.API_KEY

    @hookimpl
    def rotation_test(self, context: RotationContext, secret: Secret) -> Verdict:
        """Reads the account, and compares it with the one that was connected."""
        connection = self._connection(context.owner)
        ending = None if connection is None else self._asked(connection, secret)
        if connection is None or ending is None:
            return Verdict.NO_ANSWER
        if ending.error is not None:
            refused = ending.error.kind in NOT_ACCEPTED
            return Verdict.REFUSED if refused else Verdict.NO_ANSWER
        account = self._probe.account(ending)
        if not is_same(connection.marks, account.marks):
            return Verdict.OTHER_ACCOUNT
        if set(account.marks) != set(connection.marks):
            self._remember(connection, account)
        return Verdict.ACCEPTED

    @hookimpl
    def rotation_retire(self, context: RotationContext, secret: Secret) -> bool:
        """Shows whether the old key still works; a person has to delete it."""
        connection = self._connection(context.owner)
        ending = None if connection is None else self._asked(connection, secret)
        error = None if ending is None else ending.error
        return error is not None and error.kind is ErrorKind.UNAUTHORIZED

    def _connection(self, owner: str) -> Connection | None:
        """Returns the connection, if it is still active."""
        record = self._vault.read(lambda view: view.record(connections.KIND, owner))
        connection = None if record is None else connections.connection_of(record)
        return connection if connection is not None and connection.active else None

    def _asked(self, connection: Connection, secret: Secret) -> Ending | None:
        """Reads the account in the time that there is; None says that there was no answer."""
        target = target_of(
            self._host_pattern, subdomain=connection.subdomain, sandbox=connection.sandbox
        )
        return None if target is None else self._background.run(self._bounded(target, secret))

    async def _bounded(self, target: Target, secret: Secret) -> Ending | None:
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._probe.ask(target, secret)
        except TimeoutError:
            return None

    def _remember(self, connection: Connection, account: Account) -> None:
        """Knows the account by the people of today from now on, unless it was changed just now."""

        def remember(log: Transaction) -> None:
            record = log.record(connections.KIND, connection.id)
            if record is None or record.body != connections.body_of(connection):
                return
            kept = log.put(_with_account(record, account), expect=record.revision)
            log.append(
                self._vault.draft(
                    kind="connect",
                    connection=connection.id,
                    outcome="succeeded",
                    subject=f"{connections.KIND}:{connection.id}",
                    revision=kept.revision,
                    facts={"name": connection.name, "account": str(account)},
                )
            )

        self._vault.write(remember)


def _with_account(record: Record, account: Account) -> Record:
    body = {**record.body, "account": str(account), "marks": list(account.marks)}
    return replace(record, body=body)
