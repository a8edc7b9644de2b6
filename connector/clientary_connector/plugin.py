"""Is what a host registers: the contract of `hooks`, each call of it handed to a connector.

It holds nothing itself, so one object serves any number of hosts and connectors. What is no
connector of this package is left to others: the answer is None, and pluggy asks the next plugin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pluggy

import connector_vault.hooks
from clientary_connector.approvals import Approval, Decision
from clientary_connector.budgets import Usage
from clientary_connector.call.result import Call, Result
from clientary_connector.connections import Account, Connection, Revocation
from clientary_connector.connector import Connector
from clientary_connector.errors import ContractError, InvalidValueError
from clientary_connector.finding import Search, find
from clientary_connector.grants import Grant
from clientary_connector.hooks import CONTRACT, HOST, PROJECT
from clientary_connector.logentry import LogFilter, LogPage
from clientary_connector.manifest import Action, Manifest, load_manifest
from clientary_connector.rotations import RotationReport
from clientary_connector.settings import Settings
from clientary_connector.status import HostStatus, status_of
from clientary_connector.tending import TendReport
from clientary_connector.terms import Terms
from clientary_connector.wiring import open_connector
from connector_vault import Secret

hostimpl: Final = pluggy.HookimplMarker(HOST)
#: What can be said of where an account lies.
PLACES: Final = frozenset({"subdomain", "sandbox"})


class Plugin:
    """The actions of one manifest, for any host."""

    def __init__(self, manifest: Callable[[], Manifest] = load_manifest) -> None:
        """Takes what loads the manifest; a second service is a second manifest."""
        self._manifest = manifest

    @hostimpl
    def connector_manifest(self) -> Manifest:
        """Returns what the plugin can do."""
        return self._manifest()

    @hostimpl
    def connector_open(
        self,
        service: str,
        contract: int,
        state: Path | str | None,
        settings: Settings | None,
    ) -> Connector | None:
        """Opens the connector of a state directory.

        Raises:
            ContractError: The host was written for another contract.
            OperatorError: The state, the settings or the manifest cannot be used.
        """
        manifest = self._manifest()
        if service != manifest.name:
            return None
        if contract != CONTRACT:
            raise ContractError(
                f"The host speaks contract {contract} of the connector, and this is {CONTRACT}.",
                hint=f"Use a release of the host for contract {CONTRACT}, or another of this.",
            )
        return open_connector(state, manifest=manifest, settings=settings)

    @hostimpl
    def connector_register(
        self,
        connector: object,
        plugin: object,
        sealed: bool,  # noqa: FBT001 - pluggy hands all over by name
        user: str | None,
    ) -> bool | None:
        """Takes in what the host answers.

        Raises:
            InvalidValueError: It has a hook that is none, none at all, was registered before, or
                there is no user where one is needed.
        """
        if not isinstance(connector, Connector):
            return None
        ours = _has(plugin, PROJECT)
        keys = _has(plugin, connector_vault.hooks.PROJECT)
        if not ours and not keys:
            raise InvalidValueError("The plugin has no hook of this connector.")
        if ours:
            connector.register(plugin, sealed=sealed, user=user)
        if keys:
            connector.register_rotation_hooks(plugin)
        return True

    @hostimpl
    def connector_connect(
        self, connector: object, name: str, secret: Secret, place: Mapping[str, str], user: str
    ) -> Awaitable[tuple[Connection, Account]] | None:
        """Tests an account and saves it.

        Raises:
            InvalidValueError: The place is none; awaiting raises the rest.
        """
        if not isinstance(connector, Connector):
            return None
        if strange := sorted({*place} - PLACES):
            raise InvalidValueError(f"A place has no {', '.join(strange)}.")
        return connector.connect(
            name,
            secret=secret,
            user=user,
            subdomain=place.get("subdomain"),
            sandbox=place.get("sandbox"),
        )

    @hostimpl
    def connector_grant(
        self, connector: object, persona: str, connection: str, terms: Terms, user: str
    ) -> Grant | None:
        """Gives a persona exactly this over a connection."""
        if not isinstance(connector, Connector):
            return None
        return connector.grant(persona, connection, terms=terms, user=user)

    @hostimpl
    def connector_tools(
        self, connector: object, persona: str, connection: str
    ) -> tuple[Action, ...] | None:
        """Returns the actions that a persona may call now."""
        if not isinstance(connector, Connector):
            return None
        return connector.allowed(persona, connection)

    @hostimpl
    def connector_call(self, connector: object, call: Call) -> Awaitable[Result] | None:
        """Runs a call the one governed way."""
        return connector.run(call) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_find(self, connector: object, search: Search) -> Awaitable[Result] | None:
        """Finds the ids of what a person names."""
        return find(connector, search) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_call_sync(self, connector: object, call: Call) -> Result | None:
        """Does the same for callers without an event loop."""
        return connector.run_sync(call) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_status(self, connector: object) -> HostStatus | None:
        """Returns how things stand."""
        return status_of(connector) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_revoke(
        self, connector: object, connection: str, persona: str | None, user: str, reason: str
    ) -> Awaitable[Revocation] | None:
        """Revokes a connection, or one persona's grant over it."""
        if not isinstance(connector, Connector):
            return None
        return connector.revoke(connection, persona=persona, user=user, reason=reason)

    @hostimpl
    def connector_rotate(
        self, connector: object, connection: str, secret: Secret | None, user: str
    ) -> Awaitable[RotationReport] | None:
        """Replaces the key of a connection."""
        if not isinstance(connector, Connector):
            return None
        return connector.rotate(connection, secret=secret, user=user)

    @hostimpl
    def connector_approvals(self, connector: object) -> tuple[Approval, ...] | None:
        """Returns the calls that wait for a person."""
        return connector.approvals.pending() if isinstance(connector, Connector) else None

    @hostimpl
    def connector_decide(
        self, connector: object, approval: str, decision: Decision
    ) -> Approval | None:
        """Takes a person's yes or no."""
        if not isinstance(connector, Connector):
            return None
        return connector.approvals.decide(approval, decision)

    @hostimpl
    def connector_used(self, connector: object, by: Sequence[str]) -> tuple[Usage, ...] | None:
        """Returns what was used this month."""
        return connector.budgets.usage(by=by) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_log(
        self,
        connector: object,
        where: LogFilter,
        before: int | None,
        limit: int,
        user: str | None,
    ) -> LogPage | None:
        """Returns lines of the log, newest first."""
        if not isinstance(connector, Connector):
            return None
        return connector.log.page(where, before=before, limit=limit, user=user)

    @hostimpl
    def connector_tend(self, connector: object, user: str) -> Awaitable[TendReport] | None:
        """Does what is due."""
        return connector.tend(user=user) if isinstance(connector, Connector) else None

    @hostimpl
    def connector_close(self, connector: object) -> bool | None:
        """Closes a connector."""
        if not isinstance(connector, Connector):
            return None
        connector.close()
        return True


def _has(plugin: object, project: str) -> bool:
    """Tells whether something has a hook for a project."""
    parts: list[Any] = [getattr(plugin, name, None) for name in dir(plugin)]
    return any(hasattr(part, f"{project}_impl") for part in parts)


#: What the entry point names.
plugin: Final = Plugin()
