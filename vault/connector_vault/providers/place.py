"""Reads the part of a key URI that follows its scheme.

No message repeats what it could not read: it may be a key or a token in the wrong place.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from connector_vault import cipher
from connector_vault.errors import VaultLockedError


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may be asked: https, or plain http on this machine."""

    origin: str
    path: str


def split_options(place: str, known: frozenset[str]) -> tuple[str, dict[str, str]]:
    """Splits `name?option=value&...`.

    Raises:
        VaultLockedError: An option is unknown, empty or given twice.
    """
    name, _, query = place.partition("?")
    pairs = _pairs(query)
    options = dict(pairs or [])
    sound = pairs is not None and len(options) == len(pairs) and all(options.values())
    if not sound or not options.keys() <= known:
        known_options = ", ".join(sorted(known))
        raise VaultLockedError(
            f"The key's URI takes these options, each at most once: {known_options}."
        )
    return name, options


def parse_server(url: str) -> Server:
    """Reads the address of a server.

    Raises:
        VaultLockedError: It is none, holds a user or password, or would be sent in the clear.
    """
    parts = _split(url)
    if parts is None or not parts.hostname or parts.scheme not in {"https", "http"}:
        raise VaultLockedError("The key's URI needs a server, as https://host:port.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise VaultLockedError("The key's URI must hold no user, password, query or fragment.")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise VaultLockedError("The key's URI needs https: keys do not travel in the clear.")
    return Server(f"{parts.scheme}://{parts.netloc}", parts.path)


def outside_id(*names: str) -> str:
    """Gives the id of a key that another service keeps: a hash of the names it has there."""
    digest = hashlib.sha256(cipher.context("outside-key", *names)).digest()
    return digest[: cipher.KEY_ID_BYTES].hex()


def _pairs(query: str) -> list[tuple[str, str]] | None:
    """Reads options; None if they are none."""
    try:
        return parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return None


def _split(url: str) -> SplitResult | None:
    """Splits a URL whose port is a number; None if it is no such URL."""
    try:
        parts = urlsplit(url)
        sound = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if sound else None


def _is_loopback(host: str) -> bool:
    """Sees whether a host is this machine, without asking anyone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
