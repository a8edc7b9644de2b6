"""Sets up what the engine's tests stand on: a state, a connector, and time that does not pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from clientary_connector import (
    Call,
    Connector,
    Manifest,
    Outcome,
    Result,
    Secret,
    Settings,
    Terms,
    load_manifest,
)
from clientary_connector.wiring import joined
from connector_vault import LogDraft, Vault
from tests.connector.engine.far_side import Answer, Answering, Seen, reply

T = TypeVar("T")

KEY = "canary-0123456789-ABCDEFGHIJ-abcdefghij"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
USER, PERSONA, PROMPT, NAME = "maria", "bookkeeper", "Do the books, please.", "books"
ALMANAC = Path(__file__).parents[1] / "data" / "almanac.json"


class WatchedVault:
    """A vault that lets a test step in before a row of the log is made."""

    def __init__(self, vault: Vault) -> None:
        """Takes the vault that does the work."""
        self._vault = vault
        self.before_draft: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the vault has
        """Hands everything else to the vault."""
        return getattr(self._vault, name)

    def draft(self, *, kind: str, **rest: Any) -> LogDraft:  # noqa: ANN401 - the fields of a draft
        """Makes a row, after the test has stepped in."""
        self.before_draft(kind)
        return self._vault.draft(kind=kind, **rest)


@dataclass(slots=True)
class Ground:
    """A connector on a far side, one loop to run it on, and the waits that it asked for."""

    connector: Connector
    vault: WatchedVault
    runner: asyncio.Runner
    waits: list[float]
    #: What happens when the connector waits, beside nothing.
    nap: Callable[[], None] = lambda: None

    def run(self, work: Awaitable[T]) -> T:
        """Runs a coroutine to its end."""

        async def awaited() -> T:
            return await work

        return self.runner.run(awaited())

    def call(
        self, action: str, arguments: Mapping[str, Any] | None = None, **other: object
    ) -> Call:
        """Returns a call by the usual user and persona, for the usual prompt."""
        usual = Call(
            action=action,
            arguments=arguments or {},
            connection=NAME,
            user=USER,
            persona=PERSONA,
            prompt=PROMPT,
        )
        return replace(usual, **cast("dict[str, Any]", other))

    def result(
        self, action: str, arguments: Mapping[str, Any] | None = None, **other: object
    ) -> Result:
        """Runs one call to its end."""
        return self.run(self.connector.run(self.call(action, arguments, **other)))

    def data(self, action: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON value
        """Runs one call that must succeed, and returns its data."""
        result = self.result(action, arguments)
        assert result.outcome is Outcome.SUCCEEDED, result.error
        return result.data

    def join(self, url: str, *, scopes: Sequence[str] = ("*:*",), approve: str = "never") -> None:
        """Connects the far side under the usual name and grants the usual persona.

        Nobody has to approve what it does, unless a test is about that.
        """
        secret = Secret(KEY)
        self.run(self.connector.connect(NAME, secret=secret, user=USER, sandbox=url))
        self.connector.grant(PERSONA, NAME, scopes=scopes, user=USER, terms=Terms(approve=approve))


@contextmanager
def ground(
    folder: Path,
    *,
    manifest: Manifest | None = None,
    settings: Settings | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
) -> Generator[Ground]:
    """Opens a connector on a fresh state, with a clock that stands and sleeps that are noted."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        made.nap()

    path = folder / "vault" / "vault.db"
    vault = WatchedVault(Vault.create(path, key=key_at(path)))
    connector = joined(
        cast("Vault", vault),
        manifest=manifest or load_manifest(),
        settings=settings or Settings(),
        clock=clock,
        sleep=sleep,
    )
    with asyncio.Runner() as runner:
        made = Ground(connector, vault, runner, waits)
        yield made
        runner.run(connector.aclose())


def key_at(database: Path) -> str:
    """Names the key of the vault of a ground, by the place of its database."""
    return f"file:{database.parent.parent / 'keys' / 'vault.key'}"


def staff_or(answer: Answering) -> Answering:
    """Answers the test of a connection as it should be, and all else as told."""

    def answered(seen: Seen) -> Answer | Awaitable[Answer]:
        if seen.path.endswith("/staff"):
            return reply(body={"staff": [{"id": 1, "name": "Ada", "email": "ada@books.example"}]})
        return answer(seen)

    return answered
