"""Joins accounts to the host, and takes them away again.

1. A name, a subdomain or address and a secret are checked before anything is sent.
2. A connection is tested before it is saved, and shows whose account it is.
3. Every change commits together with its row in the log, or not at all.
4. A revoke raises the generation, closes the grants and destroys the secret in one go. Then it
   clears the fence, so that no send starts after it returned, in any process, and stops what is
   under way and has changed nothing yet.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

import msgspec

from clientary_connector import connections, grants
from clientary_connector.call.address import Target
from clientary_connector.call.clock import Clock
from clientary_connector.call.result import CallError, Outcome
from clientary_connector.call.sending import SECRET_FIELD
from clientary_connector.checks import check_interval, check_user
from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.errors import (
    ConnectError,
    NameTakenError,
    UnknownConnectionError,
)
from clientary_connector.joining import Joining, check_name, check_secret, place_of
from clientary_connector.manifest import Manifest
from clientary_connector.probe import Probe
from clientary_connector.settings import Settings
from connector_vault import ConflictError, Record, Secret, Transaction, Vault, View

#: Is given the vault and the id of a connection.
Last: TypeAlias = Callable[[View, str], None]


class Accounts:
    """Keeps connections in the vault."""

    def __init__(  # noqa: PLR0913 - the parts, all by name
        self,
        *,
        manifest: Manifest,
        vault: Vault,
        stop: Callable[[], bool],
        clock: Clock,
        probe: Probe,
        settings: Settings,
    ) -> None:
        """Takes the parts that `wiring` has joined; `stop` waits until nothing more leaves."""
        self._manifest = manifest
        self._probe = probe
        self._vault = vault
        self._stop = stop
        self._clock = clock
        self._settings = settings

    async def connect(  # noqa: PLR0913 - what makes a connection, all by name
        self,
        name: str,
        *,
        secret: Secret,
        user: str,
        subdomain: str | None,
        sandbox: str | None,
        rotate_every_days: int | None,
    ) -> tuple[Connection, Account]:
        """Tests an account and saves it under a name.

        Raises:
            InvalidValueError: Name, user, secret, subdomain or address cannot be used.
            NameTakenError: A connection has that name.
            ConnectError: The service refused the test, or could not be reached.
        """
        target = self.check(name, user=user, subdomain=subdomain, sandbox=sandbox)
        days = self._settings.rotation_days if rotate_every_days is None else rotate_every_days
        check_interval(days)
        check_secret(secret, self._manifest.auth)
        joining = Joining(
            name=name,
            user=user,
            subdomain=subdomain,
            target=target,
            secret=secret,
            kept={SECRET_FIELD: secret},
            rotate_every_days=days,
        )
        return await self.add(joining)

    def check(self, name: str, *, user: str, subdomain: str | None, sandbox: str | None) -> Target:
        """Returns where an account is, if it can be connected under a name.

        Raises:
            InvalidValueError: Name, user, subdomain or address cannot be used.
            NameTakenError: A connection has that name.
        """
        check_user(user)
        self._check_name(name)
        return place_of(self._manifest.host_pattern, subdomain=subdomain, sandbox=sandbox)

    async def add(self, joining: Joining) -> tuple[Connection, Account]:
        """Tests an account that was checked, and saves it.

        Raises:
            NameTakenError: A connection has that name by now.
            ConnectError: The service refused the test, or could not be reached.
        """
        ending = await self._probe.ask(joining.target, joining.secret, auth=joining.auth)
        if ending.error is not None:
            await self._note_failure(joining.name, user=joining.user, error=ending.error)
            raise ConnectError(ending.error)
        account = self._probe.account(ending)
        connection = Connection(
            id=f"{connections.ID_PREFIX}{secrets.token_hex(6)}",
            name=joining.name,
            owner=joining.user,
            subdomain=joining.subdomain,
            sandbox=joining.target.origin if joining.target.loopback else None,
            state=connections.ACTIVE,
            generation=1,
            created_at=self._now().isoformat(),
            account=str(account),
            kind=joining.kind,
            provider=joining.provider,
            rotate_every_days=joining.rotate_every_days,
            marks=account.marks,
        )
        log_id = await self._save(connection, account, kept=joining.kept)
        return connection, replace(account, log_id=log_id)

    def connections(self, *, revoked: bool) -> tuple[Connection, ...]:
        """Returns the connections by name; revoked ones only where they are asked for."""
        return self._vault.read(lambda view: connections.known(view, revoked=revoked))

    def connection(self, name_or_id: str) -> Connection:
        """Returns one connection.

        Raises:
            UnknownConnectionError: There is none of that name or id.
        """
        return connections.connection_of(
            self._vault.read(lambda view: connections.record_of(view, name_or_id))
        )

    async def revoke(
        self, name_or_id: str, *, user: str, reason: str, last: Last = lambda _view, _id: None
    ) -> Revocation:
        """Revokes a connection: state, generation, grants and secret, in one transaction.

        `last` is given a last look at what is destroyed.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked before.
        """
        check_user(user)
        revocation = await self._vault.write_async(
            lambda log: self._revoked(log, name_or_id, (user, reason), last)
        )
        return replace(revocation, confirmed=await asyncio.to_thread(self._stop))

    async def _save(
        self, connection: Connection, account: Account, *, kept: Mapping[str, Secret]
    ) -> int:
        draft = self._vault.draft(
            kind="connect",
            user=connection.owner,
            connection=connection.id,
            outcome=Outcome.SUCCEEDED.value,
            subject=f"{connections.KIND}:{connection.id}",
            revision=1,
            facts={"name": connection.name, "generation": connection.generation},
            payload=msgspec.json.encode({"account": account.to_json()}),
        )

        def save(log: Transaction) -> int:
            record = Record(
                kind=connections.KIND,
                id=connection.id,
                name=connection.name,
                body=connections.body_of(connection),
            )
            log.put(record, expect=None)
            for field, secret in kept.items():
                log.store_secret(owner=connection.id, field=field, secret=secret)
            return log.append(draft)

        try:
            return await self._vault.write_async(save)
        except ConflictError:
            taken = _taken(connection.name)
        raise taken

    async def _note_failure(self, name: str, *, user: str, error: CallError) -> None:
        draft = self._vault.draft(
            kind="connect",
            user=user,
            outcome=Outcome.FAILED.value,
            facts={"name": name, "error": error.kind.value, "status": error.status},
        )
        await self._vault.write_async(lambda log: log.append(draft))

    def _revoked(self, log: Transaction, name: str, who: tuple[str, str], last: Last) -> Revocation:
        (user, reason), record = who, connections.record_of(log, name)
        before = connections.connection_of(record)
        if not before.active:
            raise UnknownConnectionError(f"The connection {name!r} was revoked before.")
        after = replace(before, state=connections.REVOKED, generation=before.generation + 1)
        revoked = replace(record, name=None, body=connections.body_of(after))
        kept = log.put(revoked, expect=record.revision, final=True)
        closed = [
            grants.close(log, one, vault=self._vault, user=user)
            for one in _open_grants(log, before.id)
        ]
        last(log, before.id)
        destroyed = log.destroy_secrets(before.id)
        facts = {"name": after.name, "generation": after.generation, "reason": reason}
        log_id = log.append(
            self._vault.draft(
                kind="revoke",
                user=user,
                connection=after.id,
                outcome=Outcome.SUCCEEDED.value,
                subject=f"{connections.KIND}:{after.id}",
                revision=kept.revision,
                facts={**facts, "grants_closed": len(closed), "secrets_destroyed": destroyed},
            )
        )
        return Revocation(
            connection=after,
            persona=None,
            grants_closed=len(closed),
            secrets_destroyed=destroyed,
            confirmed=False,
            upstream=self._upstream(after),
            log_id=log_id,
        )

    def _upstream(self, connection: Connection) -> str:
        if connection.sandbox is not None:
            return "Nothing: the account was a simulated one."
        return (
            f"Delete the API key in {self._manifest.title}, on the profile page of the user whose "
            "key it is: a revoke here cannot make it invalid there."
        )

    def _check_name(self, name: str) -> None:
        check_name(name)
        if self._vault.read(lambda view: view.record_named(connections.KIND, name)) is not None:
            raise _taken(name)

    def _now(self) -> datetime:
        return self._clock().replace(microsecond=0)


def _open_grants(view: View, connection: str) -> list[Record]:
    records = view.records(grants.KIND, parent=connection)
    return [one for one in records if one.body["state"] == grants.ACTIVE]


def _taken(name: str) -> NameTakenError:
    return NameTakenError(
        f"There is a connection {name!r} already.", hint="Revoke it first, or take another name."
    )
