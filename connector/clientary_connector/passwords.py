"""Keeps what a password is checked against, and never the password.

1. Argon2id makes a key of a password, at a cost that RFC 9106 (section 4, second choice)
   recommends where memory is dear. The vault keeps a mark of that key under a key of its own: a
   reader of the database has nothing to guess against.
2. A name that nobody has costs the same time as a wrong password.
3. No more than a few are checked at once: each takes 64 MiB.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final

from clientary_connector.errors import InvalidValueError
from connector_vault import Secret, View
from connector_vault.stretch import stretch

KIND: Final = "password"
LEAST_CHARACTERS: Final = 12
#: Far beyond any password; Argon2id itself would take it, a request would be slow to read.
MOST_CHARACTERS: Final = 256
SALT_BYTES: Final = 16
MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
LANES: Final = 4
AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretched:
    """A password as a key that nobody can turn back, and what made the key."""

    salt: bytes
    key: bytes
    memory_kib: int = MEMORY_KIB
    passes: int = PASSES
    lanes: int = LANES


class Passwords:
    """Checks passwords, a few at once."""

    def __init__(self) -> None:
        """Begins with nobody being checked."""
        self._turns = BoundedSemaphore(AT_ONCE)

    def new(self, password: Secret) -> Stretched:
        """Stretches a password that is to be kept.

        Raises:
            InvalidValueError: It is too short or too long.
        """
        text = _normal(password)
        if not LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS:
            raise InvalidValueError(
                "The password cannot be used.",
                hint=f"Give {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters: a few words do.",
            )
        return self._stretched(text, {})

    def again(self, password: Secret, kept: Mapping[str, Any] | None) -> Stretched:
        """Stretches a password as a kept one was; for a name that nobody has, in the same time."""
        return self._stretched(_normal(password)[:MOST_CHARACTERS], kept or {"salt": _NO_SALT})

    def _stretched(self, text: str, kept: Mapping[str, Any]) -> Stretched:
        salt = base64.b64decode(kept["salt"]) if kept else secrets.token_bytes(SALT_BYTES)
        costs = {
            "memory_kib": kept.get("memory_kib", MEMORY_KIB),
            "passes": kept.get("passes", PASSES),
            "lanes": kept.get("lanes", LANES),
        }
        with self._turns:
            key = stretch(text.encode(errors="replace"), salt=salt, **costs)
        return Stretched(salt=salt, key=key, **costs)


def kept_of(view: View, user: str, stretched: Stretched) -> dict[str, Any]:
    """Returns what the record of a user holds of a password."""
    return {
        "salt": base64.b64encode(stretched.salt).decode(),
        "mark": _mark(view, user, stretched),
        "memory_kib": stretched.memory_kib,
        "passes": stretched.passes,
        "lanes": stretched.lanes,
    }


def fits(view: View, user: str, stretched: Stretched, kept: Mapping[str, Any]) -> bool:
    """Whether a password is the one that was kept."""
    return hmac.compare_digest(_mark(view, user, stretched), str(kept["mark"]))


def _mark(view: View, user: str, stretched: Stretched) -> str:
    return view.mark(KIND, user, stretched.key)


def _normal(password: Secret) -> str:
    """Returns a password as it is compared: letters come composed or not, by keyboard."""
    return unicodedata.normalize("NFC", password.reveal())


_NO_SALT: Final = base64.b64encode(bytes(SALT_BYTES)).decode()
