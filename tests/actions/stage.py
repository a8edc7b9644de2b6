"""Sets up the whole way of a call: a sandbox over real HTTP, a state directory, a connector."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from clientary_connector import (
    Call,
    Connector,
    Result,
    Secret,
    Settings,
    Terms,
    create_state,
    open_connector,
)
from clientary_connector.call.result import mint_operation
from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.actions.expected import JSON
from tests.actions.traces import CANARY
from tests.actions.world import World

T = TypeVar("T")

USER: Final = "maria"
PERSONA: Final = "bookkeeper"
PROMPT: Final = "Please do the books for March, thank you."
ACCOUNT: Final = "books"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One sandbox, one connector that is connected to it, and one loop for both."""

    state: Path
    running: RunningSandbox
    connector: Connector
    world: World
    runner: asyncio.Runner
    #: Stops the far side for good.
    stop: Callable[[], None]

    @property
    def sandbox(self) -> Sandbox:
        """The far side."""
        return self.running.sandbox

    def call(
        self,
        action: str,
        arguments: Mapping[str, JSON],
        *,
        connection: str = ACCOUNT,
        persona: str = PERSONA,
        operation: str | None = None,
    ) -> Call:
        """Returns a call by the usual user, for the usual prompt."""
        return Call(
            action=action,
            arguments=arguments,
            connection=connection,
            user=USER,
            persona=persona,
            prompt=PROMPT,
            operation=operation or mint_operation(),
        )

    def run(self, call: Call) -> Result:
        """Runs one call to its end."""
        return self.runner.run(self.connector.run(call))

    def run_all(self, calls: Sequence[Call]) -> list[Result]:
        """Runs calls all at once."""

        async def together() -> list[Result]:
            return await asyncio.gather(*map(self.connector.run, calls))

        return self.runner.run(together())

    def wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """Runs any other piece of work on the same loop."""

        async def whole() -> T:
            return await work()

        return self.runner.run(whole())


@contextlib.contextmanager
def set_stage(  # noqa: PLR0913 - what a test may choose, all by name
    state: Path,
    *,
    seed: int = 7,
    settings: Settings | None = None,
    key: str = CANARY,
    key_uri: str | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Generator[Stage]:
    """Serves a sandbox, connects it under a new state directory and grants every scope."""
    create_state(state, key=key_uri, settings=settings)
    with contextlib.ExitStack() as far_side, asyncio.Runner() as runner:
        running = far_side.enter_context(serve(Sandbox(seed=seed, key=key, clock=clock)))
        world = far_side.enter_context(contextlib.closing(World(running.url, key)))
        connector = open_connector(state, settings=settings)
        try:
            runner.run(join(connector, running.url, key))
            yield Stage(
                state=state,
                running=running,
                connector=connector,
                world=world,
                runner=runner,
                stop=far_side.close,
            )
        finally:
            runner.run(connector.aclose())


async def join(connector: Connector, url: str, key: str, *, name: str = ACCOUNT) -> None:
    """Connects the sandbox's account and lets the usual persona do everything in it, unasked."""
    await connector.connect(name, secret=Secret(key), user=USER, sandbox=url)
    scopes = sorted({action.scope for action in connector.manifest.actions.values()})
    connector.grant(PERSONA, name, scopes=scopes, user=USER, terms=Terms(approve="never"))
