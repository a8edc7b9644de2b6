"""Counts wrong tokens by the address that shows them, so that guessing comes to a stop."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from clientary_connector.frontends.web.peers import customer_of

WINDOW_S: Final = 60.0
#: An address that has shown a right token so lately is no guesser, whoever else comes from it.
TRUSTED_S: Final = 600.0
#: So many addresses are remembered; the one that was heard of longest ago is left out.
MOST: Final = 10_000


class Throttle:
    """Remembers for a while who has shown what."""

    def __init__(self, a_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Takes how many wrong ones an address may show in a minute."""
        self._a_minute = a_minute
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._right: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Returns how long an address has to wait before it is heard again; 0 if it has not."""
        name, now = customer_of(address), self._clock()
        times = self._wrong.get(name)
        if times is None or now - self._right.get(name, -TRUSTED_S) < TRUSTED_S:
            return 0.0
        return max(0.0, times[0] + WINDOW_S - now) if len(times) == self._a_minute else 0.0

    def wrong(self, address: str) -> None:
        """Takes note of a wrong token."""
        name = customer_of(address)
        self._wrong.setdefault(name, deque(maxlen=self._a_minute)).append(self._clock())
        _newest(self._wrong, name)

    def right(self, address: str) -> None:
        """Takes note of a right one."""
        name = customer_of(address)
        self._right[name] = self._clock()
        _newest(self._right, name)


def _newest(kept: OrderedDict[str, deque[float]] | OrderedDict[str, float], name: str) -> None:
    kept.move_to_end(name)
    if len(kept) > MOST:
        kept.popitem(last=False)
