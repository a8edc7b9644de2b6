"""Reads the address that a provider sends a person back to.

1. It is the address that was given to the provider, to the letter, and a query.
2. No parameter that decides something stands there twice.
3. State and issuer are compared before the code, or the error, is looked at.
"""

from __future__ import annotations

import hmac
from typing import Final
from urllib.parse import parse_qsl

from clientary_connector.errors import InvalidValueError
from clientary_connector.oauth.asking import CODE
from connector_vault import Secret

DECISIVE: Final = ("state", "code", "iss", "error")
MAX_CHARS: Final = 8192
STRANGE: Final = "The address is not one that belongs to this authorization."
AGAIN: Final = "Begin again with the command that showed the address."


def state_in(url: str) -> str:
    """Returns the state that a callback carries.

    Raises:
        InvalidValueError: It carries none, or cannot be read.
    """
    return _parameters(url).get("state", "")


def code_in(url: str, *, redirect_uri: str, state: str, issuer: str | None) -> Secret:
    """Returns the code that a callback carries.

    Raises:
        InvalidValueError: It is not the callback that was waited for, or the access was refused.
    """
    base, _, _ = url.partition("?")
    given = _parameters(url)
    same = hmac.compare_digest(given.get("state", "").encode(), state.encode())
    if base != redirect_uri or not same:
        raise InvalidValueError(STRANGE, hint=AGAIN)
    # RFC 9207: a provider that says who it is says so in every callback.
    if issuer is not None and not hmac.compare_digest(given.get("iss", ""), issuer):
        raise InvalidValueError("The answer comes from another provider.", hint=AGAIN)
    if "error" in given:
        code = given["error"] if CODE.fullmatch(given["error"]) else "an unknown error"
        raise InvalidValueError(f"The access was not allowed: {code}.", hint=AGAIN)
    if not given.get("code"):
        raise InvalidValueError("The address carries no code.", hint=AGAIN)
    return Secret(given["code"])


def _parameters(url: str) -> dict[str, str]:
    _, _, query = url.partition("?")
    query, _, _ = query.partition("#")
    if len(url) > MAX_CHARS or not url.isascii() or not url.isprintable():
        raise InvalidValueError(STRANGE, hint=AGAIN)
    pairs = parse_qsl(query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in DECISIVE):
        raise InvalidValueError(STRANGE, hint=AGAIN)
    return dict(pairs)
