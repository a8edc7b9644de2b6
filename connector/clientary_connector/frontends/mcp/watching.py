"""Looks whether what personas may do has changed, in any process, and tells their clients."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged

from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.mcp.caller import Caller

#: Seconds between two looks; one is a read of one record.
EVERY_S: Final = 1.0
#: So many clients of one caller are told; the one that was heard of longest ago is left out.
MOST_SESSIONS: Final = 1000
#: Where a client that has a session says which.
SESSION_HEADER: Final = "mcp-session-id"

Request = ServerRequestContext[Any, Any]
#: Returns the ids of what a caller may call.
Offered = Callable[[Caller], tuple[str, ...]]


@dataclass(slots=True)
class Watched:
    """One caller, what it may do as far as its clients know, and how they are told."""

    known: tuple[str, ...]
    #: The clients of the older protocol, by the id of their session.
    sessions: OrderedDict[str, ServerSession] = field(
        default_factory=OrderedDict[str, ServerSession]
    )
    bus: InMemorySubscriptionBus = field(default_factory=InMemorySubscriptionBus)
    listening: ListenHandler = field(init=False)

    def __post_init__(self) -> None:
        """Lets clients of the newer protocol listen."""
        self.listening = ListenHandler(self.bus)

    async def tell(self) -> None:
        """Tells every client; one that is gone is told in vain."""
        for session in list(self.sessions.values()):
            await session.send_tool_list_changed()
        await self.bus.publish(ToolsListChanged())


class Watch:
    """Watches over the callers that were heard of."""

    def __init__(
        self, offered: Offered, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        """Takes what says which actions a caller may call."""
        self._offered = offered
        self._sleep = sleep
        self._watched: dict[Caller, Watched] = {}

    def note(self, caller: Caller, request: Request) -> Watched:
        """Takes note of a client, which is told from now on."""
        watched = self._watched.get(caller)
        if watched is None:
            watched = self._watched[caller] = Watched(self._ids(caller) or ())
        sessions, name = watched.sessions, _session(request)
        sessions[name] = request.session
        sessions.move_to_end(name)
        if len(sessions) > MOST_SESSIONS:
            sessions.popitem(last=False)
        return watched

    def forget(self, token: str) -> None:
        """Lets go of the callers that had shown a token, which counts no more."""
        for caller in [one for one in self._watched if one.token == token]:
            del self._watched[caller]

    def end(self) -> None:
        """Ends what clients listen on."""
        for watched in self._watched.values():
            watched.listening.close()

    async def run(self) -> None:
        """Looks, again and again, until it is cancelled."""
        while True:
            await self._sleep(EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Looks once, and tells the clients of each caller whose tools are others now."""
        for caller, watched in list(self._watched.items()):
            ids = self._ids(caller)
            if ids is not None and ids != watched.known:
                watched.known = ids
                await watched.tell()

    def _ids(self, caller: Caller) -> tuple[str, ...] | None:
        """Returns what a caller may call; None where the vault cannot say it just now."""
        try:
            return self._offered(caller)
        except ConnectorError:
            return None


def _session(request: Request) -> str:
    """Returns the id of a client's session; over stdio there is one client, and it has none."""
    headers = getattr(request.request, "headers", {})
    name: str = headers.get(SESSION_HEADER, "")
    return name
