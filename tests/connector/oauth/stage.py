"""Sets the stage for tests of tokens: a vault, a connector, a provider, and a person's browser."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from clientary_connector import Call, Connector, Outcome, Result, Secret, Settings, load_manifest
from clientary_connector.authorizing import Authorization
from clientary_connector.connections import Account, Connection
from clientary_connector.oauth import provider as descriptions
from clientary_connector.oauth.provider import Provider
from clientary_connector.oauth.refreshing import OnStep
from clientary_connector.wiring import joined
from connector_vault import Vault
from tests.connector.oauth.provider_app import (
    CANARY,
    CLIENT,
    CLIENT_SECRET,
    Client,
    Far,
    running,
)

T = TypeVar("T")

USER, PERSONA, NAME = "maria", "bookkeeper", "books"
REDIRECT = "http://127.0.0.1:8765/callback"
PATIENT = Settings(oauth_timeout_s=5.0, refresh_cooldown_s=30.0)


def description(far: Far, **other: Any) -> Provider:  # noqa: ANN401 - fields of a description
    """Describes the provider of a test."""
    facts: dict[str, Any] = {
        "name": "Books Login",
        "authorization_endpoint": f"{far.url}/authorize",
        "token_endpoint": f"{far.url}/token",
        "revocation_endpoint": f"{far.url}/revoke",
        "client_id": CLIENT,
        "scopes": ["read", "write"],
        "issuer": far.issuer,
        **other,
    }
    return descriptions.provider_of(facts)


def browse(url: str) -> str:
    """Goes where a person is sent, allows the access, and returns where that leads back to."""
    parts = urlsplit(url)
    line = http.client.HTTPConnection(parts.netloc, timeout=10)
    line.request("GET", f"{parts.path}?{parts.query}")
    answer = line.getresponse()
    answer.read()
    line.close()
    assert answer.status == 302, answer.status
    return str(answer.headers["Location"])


@dataclass
class Stage:
    """A connector whose time can be set forward, and a loop to run it on."""

    folder: Path
    connector: Connector
    vault: Vault
    runner: asyncio.Runner
    ahead_s: list[float]

    def later(self, seconds: float) -> None:
        """Sets the connector's time forward."""
        self.ahead_s[0] += seconds

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine to its end."""
        return self.runner.run(work)

    def begin(self, far: Far, *, secret: str | None = None, **other: Any) -> Authorization:  # noqa: ANN401 - fields of a description
        """Begins to join the account under the usual name."""
        provider = description(far, **other)
        return self.run(
            self.connector.oauth.start(
                NAME,
                provider=provider,
                redirect_uri=REDIRECT,
                user=USER,
                sandbox=far.url,
                client_secret=None if secret is None else Secret(secret),
            )
        )

    def join(self, far: Far, **other: Any) -> tuple[Connection, Account]:  # noqa: ANN401 - as for `begin`
        """Joins the account, and grants the usual persona everything."""
        begun = self.begin(far, **other)
        found = self.run(self.connector.oauth.finish(browse(begun.url), user=USER))
        self.connector.grant(PERSONA, NAME, scopes=["*:*"], user=USER)
        return found

    def call(self, action: str = "list_clients", **arguments: object) -> Result:
        """Runs one call to its end."""
        return self.run(self.connector.run(call(action, **arguments)))

    def works(self) -> bool:
        """Tells whether a read succeeds."""
        return self.call().outcome is Outcome.SUCCEEDED

    def tokens(self) -> str:
        """Returns the stages of the connection's tokens, such as `1 current`."""
        owner = self.connector.connection(NAME).id
        held = self.vault.read(lambda view: view.secret_versions(owner, "oauth_token"))
        return ", ".join(f"{one.version} {one.stage}" for one in held if one.stage != "retired")


def call(action: str = "list_clients", **arguments: object) -> Call:
    """Returns a call by the usual user and persona."""
    return Call(
        action=action,
        arguments=arguments,
        connection=NAME,
        user=USER,
        persona=PERSONA,
        prompt="Look at the books.",
    )


@contextmanager
def stage(
    folder: Path,
    *,
    ahead_s: float = 0.0,
    settings: Settings = PATIENT,
    on_step: OnStep = lambda _: None,
) -> Generator[Stage]:
    """Opens a connector on the state of a folder, or makes one."""
    database, key = folder / "vault" / "vault.db", f"file:{folder / 'keys' / 'vault.key'}"
    vault = (Vault.open if database.exists() else Vault.create)(database, key=key)
    ahead = [ahead_s]
    connector = joined(
        vault,
        manifest=load_manifest(),
        settings=settings,
        clock=lambda: datetime.now(UTC) + timedelta(seconds=ahead[0]),
        on_step=on_step,
    )
    with asyncio.Runner() as runner:
        yield Stage(folder, connector, vault, runner, ahead)
        runner.run(connector.aclose())


@contextmanager
def provider(**facts: Any) -> Generator[Far]:  # noqa: ANN401 - fields of a Far
    """Runs a provider that knows the one client, without a secret."""
    secret = facts.pop("secret", None)
    with running(Far(Client(secret=secret, redirect_uri=REDIRECT), **facts)) as far:
        yield far


def no_trace(folder: Path, *texts: str) -> None:
    """Checks that no token, code or client secret stands in a file of the state, or in a text."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    for needle in (CANARY.encode(), CLIENT_SECRET.encode()):
        assert [path for path in found if needle in path.read_bytes()] == []
    for text in texts:
        assert CANARY not in text
        assert CLIENT_SECRET not in text


def killer(at: str) -> Callable[[str], None]:
    """Returns what kills the process at a step."""

    def die(step: str) -> None:
        if step == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return die
