"""Gives the tests of the admin API a console, a token of each role, and a client for each."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx
import msgspec
from starlette.applications import Starlette

from clientary_connector import Connector
from clientary_connector.frontends.console import console
from clientary_connector.frontends.console.api import OPERATIONS
from clientary_connector.frontends.console.api.describing import document
from clientary_connector.frontends.console.api.operations import Operation
from clientary_connector.frontends.console.rehearsal import Rehearsal
from clientary_connector.people import Role
from tests.console.ground import NAME, PERSONA, Ground, stage

#: What stands for the names in a path where the thing itself is to be there.
THERE: Final = {"connection": NAME, "entry": "1", "action": "list_clients"}
#: What stands for the other names.
NOT_THERE: Final = {
    "approval": "apr_0",
    "authorization": "aut_0",
    "token": "tok_0",
    "user": "usr_0",
}
#: Makes the console that is served.
Make: TypeAlias = Callable[[Connector, Rehearsal], Starlette]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The admin API of a console, and who may ask it."""

    ground: Ground
    url: str
    tokens: Mapping[Role, str]
    clients: Mapping[Role, httpx.Client]
    #: Without a token.
    stranger: httpx.Client

    @property
    def admin(self) -> httpx.Client:
        """Whoever may do everything."""
        return self.clients[Role.ADMIN]

    def described(self) -> dict[str, Any]:
        """Returns the description, with the address of this server."""
        made = document(OPERATIONS, version="1", root=self.url)
        described: dict[str, Any] = msgspec.to_builtins(made)
        return described


def _usual(connector: Connector, rehearsal: Rehearsal) -> Starlette:
    return console(connector, rehearsal=rehearsal)


@contextmanager
def api(folder: Path, make: Make = _usual) -> Generator[Api]:
    """Serves a console with one account that is connected, and gives its API."""
    with ExitStack() as stack:
        rehearsal = stack.enter_context(closing(Rehearsal()))
        ground = stack.enter_context(
            stage(folder, make=lambda connector: make(connector, rehearsal))
        )
        ground.join()
        ground.call("list_clients", {"limit": 1})
        tokens = {
            role: ground.connector.tokens.for_admin(role=role.value, user=f"{role.value}-ada").text
            for role in Role
        }
        url = f"{ground.url}/api"
        yield Api(
            ground=ground,
            url=url,
            tokens=tokens,
            clients={
                role: stack.enter_context(_client(url, token)) for role, token in tokens.items()
            },
            stranger=stack.enter_context(_client(url, "")),
        )


def path_of(operation: Operation, names: Mapping[str, str] | None = None) -> str:
    """Returns the path of an operation with names in it, by default of what is there."""
    path = operation.path
    for name, value in {**THERE, **NOT_THERE, **(names or {})}.items():
        path = path.replace(f"{{{name}}}", value)
    return f"{path}?persona={PERSONA}" if path.endswith("/grant") else path


def _client(url: str, token: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(
        base_url=url,
        headers=headers,
        timeout=30,
        trust_env=False,
        verify=False,  # noqa: S501 - plain HTTP on loopback; spares loading certificates
    )
