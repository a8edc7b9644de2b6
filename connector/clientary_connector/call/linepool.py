"""Opens lines to hosts, and lets them rest between requests, for one event loop.

1. The library below opens a line and proves who is at its end. Its own pool is left out, as all
   that it does for each request costs a call more than a queue of open lines.
2. No more lines are open than allowed, to all hosts together, those that rest among them. The one
   that has rested longest makes room.
3. A line rests for a limited time, and only if nothing is still to come on it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import certifi
from aiohttp.connector import Connection
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from clientary_connector.call.address import Target, open_to_loopback, open_to_public
from clientary_connector.settings import Settings

#: So many hosts are kept in mind.
KEPT_HOSTS: Final = 512


class ElsewhereError(Exception):
    """The target, read as a URL, is another host."""


@dataclass(slots=True, eq=False)
class Host:
    """What lines to a host are opened by, its name, and the lines that rest, each until when."""

    dial: aiohttp.ClientRequest
    name: str
    resting: deque[tuple[Connection, float]] = field(
        default_factory=deque[tuple[Connection, float]]
    )
    #: Whether it is forgotten: no line to it rests any more.
    gone: bool = False


class LinePool:
    """The open lines of one event loop, to public hosts or to loopback."""

    def __init__(self, settings: Settings, *, loopback: bool) -> None:
        """Takes the limits."""
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._connector = _connector(loopback=loopback)
        # What the layer below calls `connect` spans the opening of a line.
        self._patience = aiohttp.ClientTimeout(
            connect=min(settings.connect_timeout_s, settings.send_timeout_s)
        )
        self._hosts: dict[Target, Host] = {}
        #: How many lines are open or being opened, or rest and may have been closed meanwhile.
        self._open = 0
        self._sweep: asyncio.TimerHandle | None = None

    def host(self, target: Target) -> Host:
        """Gives the host of a target.

        Raises:
            ElsewhereError: The target is no plain host.
        """
        return self._hosts.get(target) or self._met(target)

    def rested(self, host: Host) -> Connection | None:
        """Gives a line that rests and is open still, the one that has rested least."""
        while host.resting:
            line, until = host.resting.pop()
            if not line.closed and self._loop.time() < until:
                return line
            self.close(line)
        return None

    async def opened(self, host: Host) -> Connection:
        """Opens a line.

        Raises:
            aiohttp.ClientError: It does not open.
        """
        if self._open >= self._settings.max_connections:
            self._make_room()
        self._open += 1
        try:
            line = await self._connector.connect(host.dial, [], self._patience)
        except BaseException as error:
            self._open -= 1
            if not isinstance(error, TimeoutError) or isinstance(error, aiohttp.ClientError):
                raise
        else:
            return line
        raise aiohttp.ConnectionTimeoutError

    def rest(self, host: Host, line: Connection) -> None:
        """Keeps a line whose answer was read, unless something is still to come on it."""
        protocol = line.protocol
        if protocol is None or protocol.should_close or host.gone:
            self.close(line)
            return
        keep_s = self._settings.keepalive_s
        host.resting.append((line, self._loop.time() + keep_s))
        if self._sweep is None:
            self._sweep = self._loop.call_later(keep_s, self._sweep_out)

    def close(self, line: Connection) -> None:
        """Closes a line that was given by this."""
        self._open -= 1
        line.close()

    async def aclose(self) -> None:
        """Closes all lines; what is under way ends."""
        self._forget()
        if self._sweep is not None:
            self._sweep.cancel()
        await self._connector.close()

    def _met(self, target: Target) -> Host:
        """Takes a host in; with too many of them all are forgotten first.

        Raises:
            ElsewhereError: The target is no plain host.
        """
        url = URL(target.origin, encoded=True)
        if not goes_to(url, target):
            raise ElsewhereError
        dial = aiohttp.ClientRequest("GET", url, loop=self._loop, ssl=True)
        if len(self._hosts) >= KEPT_HOSTS:
            self._forget()
        found = self._hosts[target] = Host(dial, target.origin.partition("://")[2])
        return found

    def _forget(self) -> None:
        """Forgets all hosts; lines that are in use are closed when they come back."""
        for host in self._hosts.values():
            host.gone = True
            self._close_rested(host, len(host.resting))
        self._hosts.clear()

    def _make_room(self) -> None:
        """Closes the line that has rested longest, if one rests."""
        resting = [host for host in self._hosts.values() if host.resting]
        if resting:
            self._close_rested(min(resting, key=lambda host: host.resting[0][1]), 1)

    def _sweep_out(self) -> None:
        """Closes the lines that have rested for too long, and comes again while there are any."""
        self._sweep = None
        now = self._loop.time()
        for host in self._hosts.values():
            self._close_rested(host, sum(until <= now for _, until in host.resting))
        if any(host.resting for host in self._hosts.values()):
            self._sweep = self._loop.call_later(self._settings.keepalive_s, self._sweep_out)

    def _close_rested(self, host: Host, count: int) -> None:
        """Closes so many lines that rest, those that have rested longest first."""
        for _ in range(count):
            self.close(host.resting.popleft()[0])


def tls() -> ssl.SSLContext:
    """Returns a TLS context that knows the public authorities and nothing of the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def goes_to(url: URL, target: Target) -> bool:
    """Compares a URL with the target, part by part."""
    return (
        url.scheme == target.scheme
        and url.raw_host == target.host
        and target.host.isascii()
        and url.explicit_port == target.port
        and url.raw_user is None
        and url.raw_password is None
    )


def _connector(*, loopback: bool) -> aiohttp.TCPConnector:
    """Returns what opens lines; it reads nothing of the environment."""
    return aiohttp.TCPConnector(
        # A simulated account speaks no TLS: a context that trusts nobody takes no time to make.
        ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if loopback else tls(),
        # How many there are, and how long they rest, is seen to above.
        limit=0,
        resolver=ThreadedResolver(),
        socket_factory=open_to_loopback if loopback else open_to_public,
    )
