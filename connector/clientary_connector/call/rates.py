"""Keeps the pace that a service bears: over one connection, by all processes on one vault.

1. So many requests are under way at once, and so many begin in a minute; a grant may have fewer.
2. What the service asks for with 429 holds for everybody who uses the connection.
3. Who came first goes first. Who would have to wait longer than the limit is told so at once,
   or when the limit is reached, and nothing was sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

from clientary_connector.call.failure import RefusedError, refused
from clientary_connector.call.policy import Permit
from clientary_connector.call.result import ErrorKind
from clientary_connector.call.trouble import vault_kind
from clientary_connector.settings import Settings
from connector_vault import Vault, VaultError
from connector_vault.turns import Pace, Turns

#: Between two looks for a turn that somebody has to give back first.
FIRST_LOOK_S: Final = 0.002
LONGEST_LOOK_S: Final = 0.05


@dataclass(eq=False, slots=True)
class Line:
    """The turns at one thing, and who waits for them in this process."""

    turns: Turns
    pace: Pace
    waiting: deque[object] = field(default_factory=deque[object])


class Rates:
    """The pace of every connection of one vault."""

    def __init__(
        self,
        vault: Vault,
        settings: Settings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes the vault beside which the turns are kept, the limits, and the time."""
        self._vault = vault
        self._pace = Pace(at_once=settings.requests_at_once, a_minute=settings.requests_a_minute)
        self._patience = settings.max_wait_s
        self._sleep = sleep
        self._clock = clock
        self._lock = Lock()
        self._lines: dict[str, Line] = {}

    def turn(self, permit: Permit, rested: float) -> Turn:
        """Gives what takes, and gives back, the right to send once.

        A rest until `rested` the caller has kept already.
        """
        lines = [self._line(permit.connection, self._pace)]
        if permit.rate is not None and permit.grant is not None:
            lines.append(self._line(permit.grant, Pace(at_once=0, a_minute=permit.rate)))
        return Turn(self, lines, rested)

    def rest(self, permit: Permit, seconds: float) -> float:
        """Lets nobody send over a connection for so long; gives until when that is."""
        now = self._clock()
        # A page that cannot be written slows nobody down; the caller itself keeps the rest.
        with suppress(VaultError):
            self._line(permit.connection, self._pace).turns.rest(now + seconds, now=now)
        return now + seconds

    def close(self) -> None:
        """Gives back all turns."""
        with self._lock:
            lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            line.turns.close()

    def took(self, line: Line, rested: float) -> bool:
        """Takes a turn if nobody waits for one and there is one now, as there is most often."""
        if line.waiting:
            return False
        now = self._clock()
        try:
            return line.turns.take(line.pace, now=now, since=now, rested=rested) is None
        except VaultError:
            return False

    async def take(self, line: Line, rested: float) -> None:
        """Waits for a turn.

        Raises:
            RefusedError: It would take too long, or the vault's files cannot be used.
        """
        since, ticket = self._clock(), object()
        line.waiting.append(ticket)
        try:
            await self._taken(line, ticket, since, rested)
        except VaultError as error:
            kind = vault_kind(error)
        else:
            return
        finally:
            line.waiting.remove(ticket)
        raise refused(kind)

    async def _taken(self, line: Line, ticket: object, since: float, rested: float) -> None:
        waited, look = 0.0, FIRST_LOOK_S
        while True:
            first = line.waiting[0] is ticket
            # Waiting counts as time even where a test's sleep takes none.
            now = max(self._clock(), since + waited)
            wait = line.turns.take(line.pace, now=now, since=since, rested=rested) if first else 0.0
            if wait is None:
                return
            pause = wait or look
            if waited + pause > self._patience:
                if first:
                    line.turns.forgo()
                raise _too_many(pause)
            await self._sleep(pause)
            waited += pause
            look = min(look * 2, LONGEST_LOOK_S)

    def _line(self, name: str, pace: Pace) -> Line:
        found = self._lines.get(name)
        if found is not None and (found.pace is pace or found.pace == pace):
            return found
        with self._lock:
            held = self._lines.get(name)
            if held is None:
                page = page_of(self._vault.path, name)
                held = Line(Turns(page, self._vault.attendance), pace)
            elif held.pace != pace:
                # The same turns at another pace: an admin has changed the grant.
                held = Line(held.turns, pace, held.waiting)
            self._lines[name] = held
            return held


def page_of(database: Path, name: str) -> Path:
    """Returns where the processes on a database share the turns at something."""
    folder = database.with_name(f"{database.name}.turns")
    return folder / sha256(name.encode()).hexdigest()[:32]


class Turn:
    """One send's turns, over its connection and under its grant; `leave` follows in any case."""

    __slots__ = ("_held", "_lines", "_rates", "_rested")

    def __init__(self, rates: Rates, lines: list[Line], rested: float) -> None:
        """Takes the lines to wait in, in their order."""
        self._rates = rates
        self._lines = lines
        self._rested = rested
        self._held: list[Line] = []

    def taken(self) -> bool:
        """Takes them if all are to be had at once; tells whether they were."""
        for line in self._lines:
            if not self._rates.took(line, self._rested):
                return False
            self._held.append(line)
        return True

    async def wait(self) -> None:
        """Waits for those that were not to be had.

        Raises:
            RefusedError: It would take too long.
        """
        for line in self._lines[len(self._held) :]:
            await self._rates.take(line, self._rested)
            self._held.append(line)

    def leave(self) -> None:
        """Gives back those that it has."""
        held, self._held = self._held, []
        for line in held:
            try:
                line.turns.leave()
            except VaultError:
                # A page that cannot be written counts the turn until this process ends.
                continue


class Free:
    """Leave to send at once, whoever else sends."""

    def taken(self) -> bool:
        """Tells that it is to be had."""
        return True

    async def wait(self) -> None:
        """Waits for nothing."""

    def leave(self) -> None:
        """Gives nothing back."""


def free(rested: float) -> Free:
    """Gives leave to send at once."""
    del rested
    return Free()


def unrested(seconds: float) -> float:
    """Lets nobody rest."""
    del seconds
    return 0.0


def _too_many(wait_s: float) -> RefusedError:
    return refused(
        ErrorKind.RATE_LIMITED,
        message="Too many requests are made over this connection; nothing was sent.",
        wait_s=round(wait_s, 3),
    )
