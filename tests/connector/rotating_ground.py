"""Gives the tests of rotations a connector over a served sandbox, and a clock for both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from clientary_connector import (
    Call,
    Connector,
    Outcome,
    RotationReport,
    Secret,
    Settings,
    TendReport,
    load_manifest,
)
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from clientary_connector.wiring import joined
from connector_vault import Vault
from connector_vault.hooks import RotationContext, hookimpl

T = TypeVar("T")

NAME, USER = "books", "ada"
FIELD = "api_key"


@dataclass
class Time:
    """The time, as a test sets it."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def seconds(self) -> float:
        """Gives it as the vault wants it."""
        return self.now.timestamp()


@dataclass
class Scene:
    """A connector with one connection, the account behind it, and the time."""

    connector: Connector
    vault: Vault
    far: RunningSandbox
    runner: asyncio.Runner
    time: Time
    operations: int = field(default=0)

    @property
    def sandbox(self) -> Sandbox:
        """The simulated account."""
        return self.far.sandbox

    @property
    def id(self) -> str:
        """The id of the connection."""
        return self.connector.connection(NAME).id

    def run(self, work: Awaitable[T]) -> T:
        """Runs a coroutine to its end."""

        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    def connect(self, *, rotate_every_days: int | None = None) -> None:
        """Connects the account, and grants a persona everything."""
        with Secret(self.far.key) as secret:
            self.run(
                self.connector.connect(
                    NAME,
                    secret=secret,
                    user=USER,
                    sandbox=self.far.url,
                    rotate_every_days=rotate_every_days,
                )
            )
        self.connector.grant("bookkeeper", NAME, scopes=["*:*"], user=USER)

    def bring(self, key: str, *, on_state: Callable[[str], None] | None = None) -> RotationReport:
        """Rotates to a key that a person brings."""
        with Secret(key) as secret:
            return self.run(
                self.connector.rotate(NAME, secret=secret, user=USER, on_state=on_state)
            )

    def tend(self) -> TendReport:
        """Does what is due."""
        return self.run(self.connector.tend(user="timer"))

    def pass_days(self, days: float) -> None:
        """Lets time pass."""
        self.time.now += timedelta(days=days)

    def key(self) -> str:
        """Returns the key in use."""
        with self.vault.open_secret(self.id, FIELD) as secret:
            return secret.reveal()

    def stages(self) -> list[str]:
        """Returns the stage of every version of the key."""
        found = self.vault.read(lambda view: view.secret_versions(self.id, FIELD))
        return [one.stage for one in found]

    def call(self, action: str = "list_staff", **arguments: object) -> Call:
        """Returns a call, each an operation of its own."""
        self.operations += 1
        return Call(
            action=action,
            arguments=arguments,
            connection=NAME,
            user=USER,
            persona="bookkeeper",
            prompt="Do the books, please.",
            operation=f"op_{self.operations}",
        )

    def works(self) -> bool:
        """Says whether a call gets through."""
        return self.run(self.connector.run(self.call())).outcome is Outcome.SUCCEEDED


@contextmanager
def scene(folder: Path, *, settings: Settings | None = None) -> Generator[Scene]:
    """Serves an account, and opens a connector whose vault keeps its own keys for years."""
    key = f"file:{folder / 'keys' / 'vault.key'}"

    async def no_sleep(seconds: float) -> None:
        del seconds

    time = Time()
    with serve(Sandbox()) as far, asyncio.Runner() as runner:
        path = folder / "vault" / "vault.db"
        vault = Vault.create(path, key=key, clock=time.seconds)
        connector = joined(
            vault,
            manifest=load_manifest(),
            settings=settings or Settings(max_attempts=2, key_rotation_days=3650),
            clock=lambda: time.now,
            sleep=no_sleep,
        )
        yield Scene(connector, vault, far, runner, time)
        runner.run(connector.aclose())


@dataclass(eq=False)
class Issuing:
    """A host's own hooks, for a service that issues and revokes keys by itself."""

    sandbox: Sandbox
    due: list[int] = field(default_factory=list[int])

    @hookimpl
    def rotation_create(self, context: RotationContext) -> Secret:
        """Makes a key that is not valid yet."""
        return Secret(f"issued-key-number-{context.number}")

    @hookimpl
    def rotation_set(self, secret: Secret) -> None:
        """Has the account accept it."""
        self.sandbox.add_key(secret.reveal())

    @hookimpl
    def rotation_retire(self, secret: Secret) -> bool:
        """Has the account accept the old one no longer."""
        return self.sandbox.revoke_key(secret.reveal())
