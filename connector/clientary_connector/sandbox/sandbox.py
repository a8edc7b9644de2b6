"""A simulated Clientary: one made-up account that answers like the real API."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

from clientary_connector.sandbox.control import Control
from clientary_connector.sandbox.faults import Faults
from clientary_connector.sandbox.history import History, SeenRequest
from clientary_connector.sandbox.keys import Account, Keys, made_key
from clientary_connector.sandbox.records import SentMessage
from clientary_connector.sandbox.seed import Size, fill
from clientary_connector.sandbox.state import Clock, Rules, State, SteadyClock
from clientary_connector.sandbox.web import Api

_HISTORY: Final = 10_000


class Sandbox:
    """An account with its key, its faults, and a memory of what was asked and done.

    The same seed, size and clock make the same account, ids and key included.
    """

    def __init__(  # noqa: PLR0913 - every part may be given, none must
        self,
        *,
        seed: int = 1,
        size: Size | str = Size.SMALL,
        key: str | None = None,
        subdomain: str = "sandbox",
        rules: Rules | None = None,
        clock: Clock | None = None,
        history: int = _HISTORY,
    ) -> None:
        """Make the account; `history` bounds how many requests are remembered."""
        random = Random(seed)  # noqa: S311 - the same account each time is the point
        self.subdomain = subdomain
        self._keys = Keys(Random(f"keys of {seed}"))  # noqa: S311 - the same
        self.state = State(
            clock=clock or SteadyClock(), rules=rules or Rules(), subdomain=subdomain
        )
        self._account = Account(self.state)
        # Drawn before the records, and whether or not it is used: the same account each time.
        first = made_key(random)
        self.key = self._keys.add(self._account, first if key is None else key)
        fill(self.state, random, Size(size))
        self.faults = Faults()
        self._history = History(history)
        control = Control(
            account=self._account,
            key=self.key,
            keys=self._keys,
            faults=self.faults,
            history=self._history,
        )
        self.app = Api(
            keys=self._keys, faults=self.faults, history=self._history, control=control.app()
        )

    @property
    def keys(self) -> list[str]:
        """Return the keys that are accepted now, oldest first."""
        return self._keys.valid()

    def add_key(self, key: str | None = None, *, of: Sandbox | None = None) -> str:
        """Make another key valid, of this account or of that of another sandbox."""
        return self._keys.add((of or self)._account, key)  # noqa: SLF001 - another of our own

    def revoke_key(self, key: str) -> bool:
        """Make a key invalid; False says that it was not valid."""
        return self._keys.revoke(key)

    @property
    def requests(self) -> list[SeenRequest]:
        """Return the latest requests, oldest first."""
        return list(self._history.requests)

    @property
    def effects(self) -> Counter[tuple[str, str]]:
        """Return how often each write was really done, by method and route."""
        return self._history.effects

    @property
    def messages(self) -> list[SentMessage]:
        """Return the messages that would have been sent, oldest first."""
        return self.state.messages

    def done(self, method: str, route: str) -> int:
        """Count how often a write was really done; placeholders may have any name."""
        return self._history.done(method, route)

    def forget(self) -> None:
        """Forget requests, effects, messages and faults; the account stays as it is."""
        self._history.clear()
        self.state.messages.clear()
        self.faults.clear()
