"""Joins the simulated account of a console: once, under a name that is free."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool

from clientary_connector.connections import Account, Connection
from clientary_connector.connector import Connector, Secret
from clientary_connector.frontends.console.rehearsal import NAME, Rehearsal
from clientary_connector.sandbox import RunningSandbox

#: How connections to the simulated account are named here.
OURS: Final = re.compile(rf"{NAME}(-\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The connection to the simulated account, and whose it is where it was joined just now."""

    connection: Connection
    #: None where it was joined before.
    account: Account | None


async def join(connector: Connector, rehearsal: Rehearsal, *, user: str) -> Joined:
    """Starts the simulated account, unless it runs, and joins it, unless it is joined.

    Raises:
        OSError: It cannot be started.
        ConnectorError: It cannot be joined.
    """
    running = await run_in_threadpool(_running, connector, rehearsal)
    joined = await run_in_threadpool(_joined, connector, running.url)
    if joined is not None:
        return Joined(connection=joined, account=None)
    name = await run_in_threadpool(_free_name, connector)
    with Secret(running.key) as secret:
        connection, account = await connector.connect(
            name, secret=secret, user=user, sandbox=running.url
        )
    return Joined(connection=connection, account=account)


def _running(connector: Connector, rehearsal: Rehearsal) -> RunningSandbox:
    """Starts the account, where a connection knows it from another run of the console."""
    known = [one for one in connector.connections() if OURS.fullmatch(one.name)]
    ports = (urlsplit(one.sandbox).port for one in known if one.sandbox is not None)
    return rehearsal.running(before=[port for port in ports if port is not None])


def _joined(connector: Connector, url: str) -> Connection | None:
    """Returns the connection that an address has, if it has one."""
    return next((one for one in connector.connections() if one.sandbox == url), None)


def _free_name(connector: Connector) -> str:
    """Returns a name for the simulated account."""
    taken = {one.name for one in connector.connections()}
    names = (NAME, *(f"{NAME}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
