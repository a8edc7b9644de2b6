"""Says which keys a sandbox accepts, and whose account each of them opens."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from string import ascii_letters, digits
from typing import Final, TypeAlias

from clientary_connector.sandbox.spoil import Reply
from clientary_connector.sandbox.state import State

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

KEY_LENGTH: Final = 40


@dataclass(slots=True)
class Account:
    """An account that keys open, with the answers to reads that are still true."""

    state: State
    cache: dict[tuple[str, str], Reply] = field(default_factory=dict[tuple[str, str], Reply])
    cached_at: int = -1


class Keys:
    """The keys that are valid now; a person may have several, as in the real service."""

    def __init__(self, random: Random) -> None:
        """Starts with none; new keys are drawn from `random`."""
        self._random = random
        self._accounts: dict[bytes, tuple[str, Account]] = {}

    def add(self, account: Account, key: str | None = None) -> str:
        """Makes a key of an account valid, a new one unless it is given."""
        made = made_key(self._random) if key is None else key
        self._accounts[_credential(made)] = (made, account)
        return made

    def revoke(self, key: str) -> bool:
        """Makes a key invalid; False says that it was not valid."""
        return self._accounts.pop(_credential(key), None) is not None

    def valid(self) -> list[str]:
        """Returns the keys that are accepted, oldest first."""
        return [key for key, _ in self._accounts.values()]

    def account(self, headers: Headers) -> Account | None:
        """Returns the account that the key of a request opens."""
        found = self._found(headers)
        return None if found is None else found[1]

    def named(self, headers: Headers) -> str:
        """Returns the valid key of a request, or an empty text."""
        found = self._found(headers)
        return "" if found is None else found[0]

    def _found(self, headers: Headers) -> tuple[str, Account] | None:
        scheme, _, credential = dict(headers).get(b"authorization", b"").partition(b" ")
        return self._accounts.get(credential) if scheme.lower() == b"basic" else None


def made_key(random: Random) -> str:
    """Draws a key that looks like one of the service's."""
    return "".join(random.choices(ascii_letters + digits, k=KEY_LENGTH))


def _credential(key: str) -> bytes:
    """Returns what Basic auth sends for a key that is user and password."""
    return base64.b64encode(f"{key}:{key}".encode())
