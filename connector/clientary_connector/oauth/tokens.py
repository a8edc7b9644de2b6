"""Keeps what a provider has answered, as it came, and reads the tokens out of it.

1. The answer is sealed as it came, before anything is read from it, with what an answer may leave
   out: the refresh token that was sent, and when it was sent.
2. A number counts the answers. Whoever wants to replace one names the number that it has seen.
3. An answer is believed only if it holds a bearer token that can be sent, and found again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from clientary_connector.call.sending import BEARER
from clientary_connector.call.transport import is_usable
from connector_vault import Secret

TOKEN_FIELD: Final = "oauth_token"  # noqa: S105 - the name of the field, not its value
CLIENT_FIELD: Final = "oauth_client"
#: A token that is said to hold longer holds for ever, as far as we are concerned.
MOST_LIFE_S: Final = 10 * 365 * 86_400.0


class UnusableReplyError(Exception):
    """An answer holds no token that can be used; the reason can be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one answer of a provider gave; times are in seconds since 1970."""

    number: int
    access: Secret
    refresh: Secret | None
    #: When it was asked for: the life of the token is counted from there.
    at: float
    #: None where the provider does not say.
    expires_at: float | None

    def due(self, now: float, *, ahead_s: float) -> bool:
        """Tells whether it is time for the next, a little ahead of the end."""
        if self.expires_at is None:
            return False
        return now >= self.expires_at - min(ahead_s, (self.expires_at - self.at) / 10)

    def expired(self, now: float) -> bool:
        """Tells whether the token is no longer accepted."""
        return self.expires_at is not None and now >= self.expires_at

    def wipe(self) -> None:
        """Overwrites both."""
        self.access.wipe()
        if self.refresh is not None:
            self.refresh.wipe()


def sealable(reply: bytes, *, before: Tokens | None, at: float) -> Secret:
    """Returns what is kept of an answer: all of it, and what it may have left out."""
    kept = None if before is None or before.refresh is None else before.refresh.reveal()
    number = 1 if before is None else before.number + 1
    text = reply.decode(errors="replace")
    return Secret(msgspec.json.encode({"number": number, "at": at, "kept": kept, "reply": text}))


def tokens_of(kept: Secret) -> Tokens:
    """Reads the tokens out of an answer that was kept.

    Raises:
        UnusableReplyError: It holds none that can be used.
    """
    held: dict[str, Any] = msgspec.json.decode(kept.reveal())
    reply = _document(held["reply"])
    access = reply.get("access_token")
    if not isinstance(access, str) or not is_usable(Secret(access), BEARER):
        raise UnusableReplyError("The provider's answer holds no access token that can be used.")
    if str(reply.get("token_type", "bearer")).lower() != "bearer":
        raise UnusableReplyError("The provider's token is not a bearer token.")
    refresh = reply.get("refresh_token") or held["kept"]
    life = _life(reply.get("expires_in"))
    return Tokens(
        number=held["number"],
        access=Secret(access),
        refresh=Secret(refresh) if isinstance(refresh, str) else None,
        at=held["at"],
        expires_at=None if life is None else held["at"] + life,
    )


def packed(facts: dict[str, Any]) -> Secret:
    """Returns facts as a secret that can be sealed."""
    return Secret(msgspec.json.encode(facts))


def texts(*, code_verifier: Secret, client_secret: Secret | None) -> dict[str, Any]:
    """Returns secrets as the texts that `packed` seals."""
    client = None if client_secret is None else client_secret.reveal()
    return {"code_verifier": code_verifier.reveal(), "client_secret": client}


def unpacked(secret: Secret) -> dict[str, Any]:
    """Returns the facts of a secret that `packed` has made."""
    return cast("dict[str, Any]", msgspec.json.decode(secret.reveal()))


def _document(text: str) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UnusableReplyError("The provider's answer cannot be read.")
    return cast("dict[str, Any]", document)


def _life(said: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """Returns for how long a token holds; some providers write the number as a text."""
    try:
        life = math.nan if isinstance(said, bool) else float(said)
    except (TypeError, ValueError):
        return None
    return life if 0 < life <= MOST_LIFE_S else None
