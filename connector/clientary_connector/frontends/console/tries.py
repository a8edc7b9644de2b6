"""Counts tries to sign in, by name and by address, so that nobody guesses a password.

Each name and each address has so many tries; one that failed comes back after a while. A try is
taken before the password is looked at, so that many at once are not more than many in a row.
A browser that the person has signed in with before has tries of its own: whoever else tries the
name, or comes from the same address, does not lock it out.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

from clientary_connector.frontends.web.peers import customer_of

#: An address may be many people behind one router.
OF_ADDRESS: Final = 4
#: Beyond that those are forgotten that have the most tries left: memory does not grow.
MOST: Final = 10_000


@dataclass(slots=True)
class _Left:
    tries: float
    at: float


class Tries:
    """The tries that are left at one console."""

    def __init__(self, *, most: int, every_s: float, clock: Callable[[], float]) -> None:
        """Takes how many tries a name has, after what time one comes back, and a clock."""
        self._most = most
        self._every_s = every_s
        self._clock = clock
        self._left: dict[tuple[str, str], _Left] = {}
        self._lock = Lock()

    def take(self, name: str, address: str, *, device: str = "") -> int:
        """Takes one try; returns 0, or after how many seconds there is one again.

        `device` is the mark of a browser that is known under that name.
        """
        now, keys = self._clock(), _keys(name, address, device)
        with self._lock:
            lefts = [(self._now(key, now), *self._rates(key)) for key in keys]
            waits = [math.ceil((1 - left.tries) * every_s) for left, _, every_s in lefts]
            if max(waits) <= 0:
                for left, _, _ in lefts:
                    left.tries -= 1
            return max(0, *waits)

    def give_back(self, name: str, address: str, *, device: str = "") -> None:
        """Gives back the try of somebody who was let in."""
        with self._lock:
            for key in _keys(name, address, device):
                left = self._left.get(key)
                if left is not None:
                    left.tries = min(left.tries + 1, self._rates(key)[0])

    def _now(self, key: tuple[str, str], now: float) -> _Left:
        most, every_s = self._rates(key)
        left = self._left.get(key)
        if left is None:
            self._forget()
            left = self._left[key] = _Left(most, now)
        left.tries = min(most, left.tries + (now - left.at) / every_s)
        left.at = now
        return left

    def _rates(self, key: tuple[str, str]) -> tuple[float, float]:
        times = OF_ADDRESS if key[0] == "address" else 1
        return self._most * times, self._every_s / times

    def _forget(self) -> None:
        if len(self._left) >= MOST:
            fullest = sorted(self._left, key=lambda key: self._left[key].tries, reverse=True)
            for key in fullest[: MOST // 2]:
                del self._left[key]


def _keys(name: str, address: str, device: str) -> tuple[tuple[str, str], ...]:
    if device:
        return (("device", device),)
    return ("name", name.casefold()), ("address", customer_of(address))
