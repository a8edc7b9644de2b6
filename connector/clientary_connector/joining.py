"""Describes an account that is to be joined, and finds where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from clientary_connector import connections
from clientary_connector.call.address import Target, target_of
from clientary_connector.call.transport import is_usable
from clientary_connector.errors import InvalidValueError
from clientary_connector.manifest import Auth
from connector_vault import Secret

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """An account that is to be tested and saved."""

    name: str
    user: str
    #: None for a simulated account.
    subdomain: str | None
    target: Target
    #: What the test puts onto its request.
    secret: Secret
    #: What is sealed, by field.
    kept: Mapping[str, Secret]
    rotate_every_days: int
    kind: str = connections.API_KEY
    provider: dict[str, Any] | None = None
    #: How the secret goes on, where the manifest's way is not the connection's.
    auth: Auth | None = None


def check_name(name: str) -> None:
    """Refuses a name that no connection can have.

    Raises:
        InvalidValueError: It is empty, too long, or holds other signs.
    """
    if NAME.fullmatch(name) is None or name.startswith(connections.ID_PREFIX):
        raise InvalidValueError(
            f"The name {name[:64]!r} cannot be used.",
            hint="Give up to 64 letters, digits, dots, dashes and underscores.",
        )


def place_of(pattern: str, *, subdomain: str | None, sandbox: str | None) -> Target:
    """Returns where an account is.

    Raises:
        InvalidValueError: Its subdomain or address is not plain.
    """
    target = target_of(pattern, subdomain=subdomain, sandbox=sandbox)
    if target is not None:
        return target
    if sandbox is not None:
        raise InvalidValueError(
            "The address of the simulated account cannot be used.",
            hint="Give http://127.0.0.1 and its port, and no subdomain beside it.",
        )
    raise InvalidValueError(
        "The subdomain cannot be used.",
        hint="Give the first part of the account's address: small letters, digits, dashes.",
    )


def check_secret(secret: Secret, auth: Auth) -> None:
    """Refuses a secret that cannot be sent.

    Raises:
        InvalidValueError: It is too short, or holds signs that a header cannot carry.
    """
    if not is_usable(secret, auth):
        raise InvalidValueError(
            "The secret cannot be used.",
            hint="Give 16 or more plain characters, without spaces, quotes or colons.",
        )
