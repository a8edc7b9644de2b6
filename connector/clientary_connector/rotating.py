"""Rotates the keys of connections, and says how old they are."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from clientary_connector import connections
from clientary_connector.accounts import Accounts
from clientary_connector.call.clock import Clock
from clientary_connector.call.result import Outcome
from clientary_connector.call.sending import SECRET_FIELD
from clientary_connector.checks import check_interval, check_user
from clientary_connector.connections import Connection
from clientary_connector.errors import (
    ConnectorError,
    InvalidValueError,
    RotationError,
    UnknownConnectionError,
)
from clientary_connector.joining import check_secret
from clientary_connector.manifest import Manifest
from clientary_connector.rotations import (
    Interval,
    KeyStatus,
    RotationReport,
    left_of,
    report_of,
)
from clientary_connector.settings import Settings
from connector_vault import (
    ConflictError,
    LeaseHeldError,
    LeaseLostError,
    NotFoundError,
    RotationOpenError,
    SameSecretError,
    Secret,
    Transaction,
    Vault,
)
from connector_vault.hookcalls import HookCalls
from connector_vault.rotation import Rotation, State
from connector_vault.rotation_run import Limits, OnStep
from connector_vault.rotator import Rotator

LOG_KIND: Final = "rotate"
#: Is told the state that a rotation has reached.
OnState = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatingParts:
    """What rotating takes; `wiring` joins them."""

    vault: Vault
    hooks: HookCalls
    accounts: Accounts
    manifest: Manifest
    settings: Settings
    clock: Clock
    #: Is told of every step of a rotation.
    on_step: OnStep


class Rotating:
    """Rotates keys, and blocks while it waits for the service; it is given a thread."""

    def __init__(self, parts: RotatingParts) -> None:
        """Takes the parts that `wiring` has joined."""
        self.hooks = parts.hooks
        self._parts = parts
        self._settings = parts.settings
        self.rotator = Rotator(
            parts.vault,
            parts.hooks,
            limits=limits_of(parts.settings),
            clock=lambda: parts.clock().timestamp(),
            on_step=parts.on_step,
        )

    def rotate(
        self, name: str, *, secret: Secret | None, user: str, on_state: OnState | None
    ) -> RotationReport:
        """Brings a new key into use, or goes on with the rotation that is open.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user or the key cannot be used, or the key is in use already.
            RotationError: Another process is at work, or a rotation with another key is open.
        """
        check_user(user)
        if secret is not None:
            check_secret(secret, self._parts.manifest.auth)
        connection = self._rotatable(name)
        steps = _Steps(on_state)
        with _faults(connection):
            done = self.rotator.rotate(
                connection.id, SECRET_FIELD, secret=secret, user=user, progress=steps
            )
        return self._report(connection, done, steps)

    def resume(
        self, name: str, *, user: str, early: bool = False, on_state: OnState | None = None
    ) -> RotationReport:
        """Goes on with a rotation; `early` looks at the old key before the overlap is over.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user cannot be used, or the key was never rotated.
            RotationError: Another process is at work.
        """
        check_user(user)
        connection = self._rotatable(name)
        steps = _Steps(on_state)
        with _faults(connection):
            done = self.rotator.resume(
                connection.id, SECRET_FIELD, user=user, early=early, progress=steps
            )
        return self._report(connection, done, steps)

    def drop(self, name: str, *, user: str) -> RotationReport:
        """Drops the new key of a rotation that is open; the key in use stays.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user cannot be used, or no rotation is open.
            RotationError: The new key may be the only one that works, or is in use already.
        """
        check_user(user)
        connection = self._rotatable(name)
        with _faults(connection):
            done = self.rotator.drop(connection.id, SECRET_FIELD, user=user)
        return self._report(connection, done, _Steps(None))

    def every(self, name: str, days: int, *, user: str) -> Connection:
        """Sets after how many days the key of a connection is to be replaced.

        Raises:
            UnknownConnectionError: There is no such connection, or it was revoked.
            InvalidValueError: The user or the interval cannot be used.
        """
        check_user(user)
        check_interval(days)
        connection = self._rotatable(name)
        return self._parts.vault.write(lambda log: self._set_interval(log, connection, days, user))

    def statuses(self) -> tuple[KeyStatus, ...]:
        """Returns the age of every active connection's key, by name."""
        active = self._parts.accounts.connections(revoked=False)
        return tuple(self.status(one) for one in active if one.kind == connections.API_KEY)

    def status(self, connection: Connection) -> KeyStatus:
        """Returns the age of one connection's key."""
        versions = self._parts.vault.read(
            lambda view: view.secret_versions(connection.id, SECRET_FIELD)
        )
        current = next(one for one in versions if one.stage == "current")
        found = self.rotator.rotation(connection.id, SECRET_FIELD)
        interval = Interval(notice_days=self._settings.rotation_notice_days, now=self.now())
        return interval.status(
            connection, current, rotation=found, left=self._left(connection, found)
        )

    def now(self) -> datetime:
        """Returns the time."""
        return self._parts.clock()

    def _set_interval(
        self, log: Transaction, connection: Connection, days: int, user: str
    ) -> Connection:
        record = log.record(connections.KIND, connection.id)
        if record is None or not connections.connection_of(record).active:
            raise UnknownConnectionError(f"The connection {connection.name!r} was revoked.")
        after = replace(connections.connection_of(record), rotate_every_days=days)
        kept = log.put(replace(record, body=connections.body_of(after)), expect=record.revision)
        log.append(
            self._parts.vault.draft(
                kind=LOG_KIND,
                user=user,
                connection=connection.id,
                outcome=Outcome.SUCCEEDED.value,
                subject=f"{connections.KIND}:{connection.id}",
                revision=kept.revision,
                facts={"name": connection.name, "rotate_every_days": days},
            )
        )
        return after

    def _rotatable(self, name: str) -> Connection:
        """Returns a connection whose key can be rotated."""
        connection = self._parts.accounts.connection(name)
        if not connection.active:
            raise UnknownConnectionError(f"The connection {name[:64]!r} was revoked.")
        if connection.kind != connections.API_KEY:
            raise InvalidValueError(
                f"The connection {name[:64]!r} has no API key.", hint="Its tokens renew themselves."
            )
        return connection

    def _report(self, connection: Connection, rotation: Rotation, steps: _Steps) -> RotationReport:
        left = self._left(connection, rotation)
        return report_of(connection, rotation, steps=tuple(steps.seen), left=left)

    def _left(self, connection: Connection, rotation: Rotation | None) -> str:
        return left_of(connection, rotation, title=self._parts.manifest.title)


def limits_of(settings: Settings) -> Limits:
    """Returns what bounds a rotation: a lease outlives two hooks, and a little more."""
    return Limits(
        tries=settings.rotation_tries,
        overlap_s=settings.rotation_overlap_s,
        lease_s=2 * settings.rotation_hook_s + 30,
    )


class _Steps:
    """Gathers the states that a rotation goes through, each time it comes to another."""

    def __init__(self, on_state: OnState | None) -> None:
        self.seen: list[str] = []
        self._on_state = on_state

    def __call__(self, rotation: Rotation) -> None:
        state = rotation.state.value
        if self.seen[-1:] != [state]:
            self.seen.append(state)
            if self._on_state is not None:
                self._on_state(state)


@contextmanager
def _faults(connection: Connection) -> Generator[None]:
    """Says in words of the connector why a rotation cannot go on."""
    fault: ConnectorError
    try:
        yield
    except (LeaseHeldError, LeaseLostError) as error:
        fault = RotationError(str(error), hint="It ends by itself. Look again then.")
    except RotationOpenError as error:
        fault = RotationError(
            str(error),
            hint="Go on with it: `clientary vault tend`. Or drop its new key: "
            f"`clientary rotate {connection.name} --drop`.",
        )
    except SameSecretError:
        fault = InvalidValueError("That key is the one in use already.", hint="Make a new one.")
    except NotFoundError:
        fault = InvalidValueError(f"No rotation of {connection.name!r} is open.")
    except ConflictError as error:
        fault = RotationError(str(error), hint="Look at `clientary connections`, and try again.")
    else:
        return
    raise fault


#: The states in which a rotation goes on by itself.
MOVING: Final = frozenset(State) - {State.WAITING, State.FINISHED, State.DROPPED}
