"""Lets the processes on one database take turns at something, through a page of shared memory.

1. So many turns are taken at once, and so many in a minute (GCRA, the virtual scheduling of ITU-T
   I.371: each turn moves the time at which the next one is due).
2. A rest that one process asks for holds for all of them.
3. Who waits longest goes first, also before those of another process.
4. A process that died holds no turn, and nobody waits for it; nor for one that stopped asking.

It is for pace and no secret: the file lies beside the database, and is not authenticated. Times
are those of the machine since it was started; what cannot be is forgotten.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from connector_vault.attendance import Attendance
from connector_vault.errors import StoreUnavailableError
from connector_vault.lock_file import lock_file

SIZE: Final = 4096
#: When the next turn is due, and until when all rest.
_HEAD: Final = struct.Struct("=dd")
#: How many slots were ever in use: none after them is read.
_USED: Final = struct.Struct("=Q")
_USED_AT: Final = 16
#: Who; how many turns they have; since when their first waits; when they asked last.
_SLOT: Final = struct.Struct("=QQdd")
_HEAD_AND_USED: Final = struct.Struct("=ddQ")
_SLOTS_AT: Final = 64
_SLOTS: Final = (SIZE - _SLOTS_AT) // _SLOT.size
#: A slot as numbers of eight bytes, and which of them says how many turns are taken.
_SLOT_NUMBERS: Final = _SLOT.size // 8
_TAKEN_NUMBER: Final = 1
#: Nobody rests longer, so a time further ahead is of another life of the machine.
LONGEST_S: Final = 3600.0
#: Who has not asked for so long does not wait any more.
ASKED_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How many turns at once, and how many a minute; 0 is no limit."""

    at_once: int
    a_minute: int

    @property
    def interval_s(self) -> float:
        """Seconds between two turns."""
        return 60 / self.a_minute if self.a_minute else 0.0

    @property
    def slack_s(self) -> float:
        """How much too early a turn may be: a tenth of a minute's turns come at once."""
        return 6.0 - self.interval_s if self.a_minute >= 10 else 0.0  # noqa: PLR2004 - a tenth is one


@dataclass(slots=True)
class _Slot:
    """What one process has, and waits for."""

    at: int
    owner: int
    taken: int
    since: float
    asked: float


class _Page:
    """The page, locked for the length of a `with` block."""

    __slots__ = ("_file", "_page")

    def __init__(self, file: int, page: mmap.mmap) -> None:
        self._file = file
        self._page = page

    def __enter__(self) -> mmap.mmap:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self._page

    def __exit__(self, *error: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


class Turns:
    """The turns at one thing, as one process takes them. Any thread may ask."""

    def __init__(self, path: Path, attendance: Attendance) -> None:
        """Names the file, and takes who is there."""
        self._path = path
        self._attendance = attendance
        self._lock = Lock()
        self._file: int | None = None
        self._page: mmap.mmap | None = None
        self._locked: _Page | None = None
        self._numbers = memoryview(b"").cast("Q")
        self._mine: int | None = None
        self._me = 0

    def take(self, pace: Pace, *, now: float, since: float, rested: float = 0.0) -> float | None:
        """Takes a turn, or says how long to wait before asking again; None is yes.

        `since` is when the caller came; a rest until `rested` it has kept already.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._lock, self._opened() as page:
            if self._mine == 0 and not pace.a_minute and self._took_alone(page, pace, now):
                return None
            due, rest = self._times(page, now)
            if rest > max(now, rested):
                return rest - now
            slots, mine = self._slots(page)
            wait = self._full(page, slots, mine, pace, now=now, since=since)
            if wait is None and pace.a_minute and due - now > pace.slack_s:
                wait = due - now - pace.slack_s
            if wait is not None:
                mine.since = min(mine.since or since, since)
            else:
                mine.taken, mine.since = mine.taken + 1, 0.0
                _HEAD.pack_into(page, 0, max(due, now) + pace.interval_s, rest)
            mine.asked = now
            self._store(page, mine)
            return wait

    def leave(self) -> None:
        """Gives a turn back.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._lock:
            if self._page is not None and self._mine is not None and self._mine < _SLOTS - 1:
                # Nobody else writes to this slot, and a number is written in one piece.
                numbers, at = self._numbers, self._mine * _SLOT_NUMBERS + _TAKEN_NUMBER
                numbers[at] = max(numbers[at] - 1, 0)
                return
            with self._opened() as page:
                mine = self._own(page)
                mine.taken = max(mine.taken - 1, 0)
                self._store(page, mine)

    def forgo(self) -> None:
        """Waits no more; whoever else waits here asks again soon.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._lock, self._opened() as page:
            mine = self._own(page)
            mine.since = 0.0
            self._store(page, mine)

    def rest(self, until: float, *, now: float) -> None:
        """Lets nobody have a turn until then.

        Raises:
            StoreError: The file cannot be used.
        """
        with self._lock, self._opened() as page:
            due, rest = self._times(page, now)
            _HEAD.pack_into(page, 0, due, max(rest, min(until, now + LONGEST_S)))

    def close(self) -> None:
        """Gives back every turn, and closes the file."""
        with self._lock:
            if self._page is not None and self._file is not None:
                if self._mine is not None:
                    self._store(self._page, _Slot(self._mine, 0, 0, 0.0, 0.0))
                self._numbers.release()
                self._page.close()
                os.close(self._file)
            self._page = self._file = self._mine = self._locked = None

    def _opened(self) -> _Page:
        if self._locked is None:
            try:
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
                self._file = lock_file(self._path)
                # The length is the same for all, and what was there stays.
                os.posix_fallocate(self._file, 0, SIZE)
                self._page = mmap.mmap(self._file, SIZE)
                self._numbers = memoryview(self._page)[_SLOTS_AT:].cast("Q")
            except OSError as error:
                if self._file is not None:
                    os.close(self._file)
                    self._file = None
                raise StoreUnavailableError(
                    f"{self._path} cannot be used: {error.strerror}."
                ) from None
            self._locked = _Page(self._file, self._page)
        return self._locked

    def _took_alone(self, page: mmap.mmap, pace: Pace, now: float) -> bool:
        """Takes a turn where no other process ever came, nobody waits and nobody has to rest."""
        _, rest, used = _HEAD_AND_USED.unpack_from(page, 0)
        owner, taken, since, _ = _SLOT.unpack_from(page, _SLOTS_AT)
        if used != 1 or rest > now or owner != self._me or since:
            return False
        if pace.at_once and taken >= pace.at_once:
            return False
        _SLOT.pack_into(page, _SLOTS_AT, owner, taken + 1, 0.0, now)
        return True

    @staticmethod
    def _times(page: mmap.mmap, now: float) -> tuple[float, float]:
        """Gives when the next turn is due and until when all rest, as far as that can be."""
        due, rest = _HEAD.unpack_from(page, 0)
        return (
            due if 0 <= due <= now + LONGEST_S else 0.0,
            rest if 0 <= rest <= now + LONGEST_S else 0.0,
        )

    def _slots(self, page: mmap.mmap) -> tuple[list[_Slot], _Slot]:
        """Gives the slots that are in use, and this process's own, which it takes if need be."""
        own = self._own(page)
        (used,) = _USED.unpack_from(page, _USED_AT)
        if used <= 1 and own.at == 0:
            return [own], own
        others = [_read(page, at) for at in range(min(used, _SLOTS)) if at != own.at]
        return [own, *(one for one in others if one.owner)], own

    def _own(self, page: mmap.mmap) -> _Slot:
        """Gives this process's slot, which it takes if it has none."""
        me = self._me = self._me or int(self._attendance.me, 16)
        if self._mine is not None and (own := _read(page, self._mine)).owner == me:
            return own
        every = [_read(page, at) for at in range(_SLOTS)]
        free = [one for one in every if not one.owner] or self._reaped(page, every)
        # With more processes than slots the last one is shared, and counts for who had it last.
        self._mine = free[0].at if free else _SLOTS - 1
        (used,) = _USED.unpack_from(page, _USED_AT)
        _USED.pack_into(page, _USED_AT, max(used, self._mine + 1))
        return _Slot(self._mine, me, 0, 0.0, 0.0)

    def _full(  # noqa: PLR0913 - what decides, all by name
        self,
        page: mmap.mmap,
        slots: list[_Slot],
        mine: _Slot,
        pace: Pace,
        *,
        now: float,
        since: float,
    ) -> float | None:
        """Says whether others are before the caller: all turns are taken, or one came earlier."""
        if pace.at_once and sum(one.taken for one in slots) >= pace.at_once:
            self._reaped(page, [one for one in slots if one is not mine])
            if sum(one.taken for one in slots) >= pace.at_once:
                return 0.0
        others = (one for one in slots if one is not mine and one.since)
        earlier = any(one.since < since and 0 <= now - one.asked < ASKED_S for one in others)
        return 0.0 if earlier else None

    def _reaped(self, page: mmap.mmap, slots: list[_Slot]) -> list[_Slot]:
        """Empties the slots of processes that are gone, and gives them."""
        gone = [one for one in slots if not self._attendance.is_present(f"{one.owner:016x}")]
        for one in gone:
            one.owner, one.taken, one.since, one.asked = 0, 0, 0.0, 0.0
            self._store(page, one)
        return gone

    @staticmethod
    def _store(page: mmap.mmap, slot: _Slot) -> None:
        _SLOT.pack_into(
            page,
            _SLOTS_AT + slot.at * _SLOT.size,
            slot.owner,
            slot.taken,
            slot.since,
            slot.asked,
        )


def _read(page: mmap.mmap, at: int) -> _Slot:
    """Gives one slot."""
    return _Slot(at, *_SLOT.unpack_from(page, _SLOTS_AT + at * _SLOT.size))
