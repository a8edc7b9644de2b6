"""Does what is due, hour after hour, for as long as a server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError

#: A server that lives for moments does not tend.
FIRST_S: Final = 60.0
EVERY_S: Final = 3600.0
_log: Final = logging.getLogger(__name__)


async def upkeep(
    connector: Connector,
    user: str,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Tends the connector, again and again, until it is cancelled; what fails is tried again."""
    await sleep(FIRST_S)
    while True:
        await _tend(connector, user)
        await sleep(EVERY_S)


async def _tend(connector: Connector, user: str) -> None:
    try:
        report = await connector.tend(user=user)
    except ConnectorError as error:
        _log.warning("What is due could not be done: %s", error.message)
        return
    for item in report.items:
        if item.outcome != "done":
            _log.warning("%s %s: %s", item.what, item.connection or "", item.detail)
