"""Says how long the word of a key provider counts, and sees to it that it is asked again in time.

1. Within its time nobody is asked, and nobody waits.
2. In the last part of it a thread of its own asks, so that whoever uses the vault goes on.
3. When it is over, whoever comes asks and waits, one at a time.
4. A provider that gave no answer is let alone for a while; until then everybody is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread
from typing import Final, TypeAlias

from connector_vault.errors import VaultError, VaultLockedError

#: So long counts what a provider has unwrapped.
TTL_S: Final = 3600.0
#: It is asked again when this share of the time is left.
_AHEAD: Final = 0.25
#: So long is a provider let alone that gave no answer.
PAUSE_S: Final = 5.0

#: Asks the provider, and raises VaultLockedError if it gives no answer.
Ask: TypeAlias = Callable[[], None]
Monotonic: TypeAlias = Callable[[], float]


class Trust:
    """How long what was unwrapped is good for."""

    def __init__(self, ttl_s: float = TTL_S, monotonic: Monotonic = time.monotonic) -> None:
        """Takes the time that it counts, and a clock that nobody sets; nothing counts yet."""
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._ask_at = self._good_until = 0.0
        self._asking = Lock()

    @property
    def fresh(self) -> bool:
        """Whether nobody has to be asked yet."""
        now = self._monotonic()
        return now < self._ask_at and now < self._good_until

    @property
    def over(self) -> bool:
        """Whether nothing counts any more."""
        return self._monotonic() >= self._good_until

    def renew(self) -> None:
        """Counts what was unwrapped just now."""
        now = self._monotonic()
        self._good_until = now + self._ttl_s
        self._ask_at = now + self._ttl_s * (1 - _AHEAD)

    def see_to(self, ask: Ask, *, ahead: Ask | None) -> None:
        """Has the provider asked: by `ahead` in a thread, or by `ask` here if the time is over.

        Raises:
            VaultLockedError: The time is over, and the provider gives no answer.
        """
        if self.over:
            with self._asking:
                if self.over:
                    self._try(ask)
        elif ahead is not None and self._asking.acquire(blocking=False):
            Thread(target=self._quietly, args=(ahead,), name="vault-trust", daemon=True).start()

    def _quietly(self, ask: Ask) -> None:
        """Asks in a thread of its own; no answer changes nothing yet."""
        try:
            with suppress(VaultError):
                self._try(ask)
        finally:
            self._asking.release()

    def _try(self, ask: Ask) -> None:
        """Asks, unless that failed just now."""
        if self._monotonic() < self._ask_at:
            raise VaultLockedError(
                "The vault stays locked: its key gave no answer when it was asked again. "
                "Try again soon."
            )
        self._ask_at = self._monotonic() + PAUSE_S
        ask()
        self.renew()
