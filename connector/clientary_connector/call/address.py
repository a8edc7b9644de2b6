"""Decides where a request may go: names are checked when saved, when sent and when connected.

1. A subdomain is one ASCII label of a DNS name, by full match; nothing is mended.
2. A host comes from the manifest's pattern and that label, and from nowhere else.
3. A simulated account lives on loopback, over http, and says so.
4. The address itself is checked when the line opens: public for a real host, loopback for
   a simulated one. A name that answers differently the second time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from clientary_connector.call.scrub import scrub

LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
SANDBOX: Final = re.compile(
    r"http://(?P<host>127(?:\.[0-9]{1,3}){3}|localhost|\[::1\]):(?P<port>[0-9]{1,5})/?"
)
#: Addresses that carry another address inside: what lies behind them cannot be seen.
TUNNELS: Final = tuple(
    ipaddress.ip_network(net)
    for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
#: An address in full, as an admin or a provider writes it, and a host by its name.
ENDPOINT: Final = re.compile(
    r"(?P<origin>https?://(?P<host>[a-z0-9.-]{1,253}|\[::1\])(?::(?P<port>[0-9]{1,5}))?)"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]{0,512})"
)
NAME: Final = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
MAX_PORT: Final = 65535
#: A host with its port, or the mark of a secret that was taken out of it.
HOST: Final = re.compile(rb"[A-Za-z0-9_.:\[\]-]{1,255}")
#: Signs that a reader of URLs would drop without a word.
UNSEEN: Final = re.compile(r"[\x00-\x20\x7f]")
UNREADABLE: Final = "an unreadable address"
NOT_PUBLIC: Final = "the address is not one that this connection may reach"


class AddressRefusedError(OSError):
    """The name led to an address that this connection may not reach."""


class Target(NamedTuple):
    """Names the one host to which a connection's requests may go.

    A tuple, as open lines are found by it for each send.
    """

    scheme: str
    host: str
    port: int | None
    loopback: bool

    @property
    def origin(self) -> str:
        """The target as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")


def is_label(subdomain: str) -> bool:
    """Tells whether a subdomain is one plain label; encoded foreign names are none."""
    return LABEL.fullmatch(subdomain) is not None and not subdomain.startswith("xn--")


def target_of(
    pattern: str, *, subdomain: str | None = None, sandbox: str | None = None
) -> Target | None:
    """Returns where a connection leads; None where its subdomain or address is not plain."""
    if sandbox is not None:
        return None if subdomain is not None else simulated(sandbox)
    if "{subdomain}" not in pattern:
        return Target("https", pattern, None, loopback=False) if subdomain is None else None
    if subdomain is None or not is_label(subdomain):
        return None
    return Target("https", pattern.replace("{subdomain}", subdomain), None, loopback=False)


def simulated(url: str) -> Target | None:
    """Reads the URL of a simulated account; None where it is not plain loopback."""
    found = SANDBOX.fullmatch(url)
    if found is None or not 0 < int(found["port"]) <= MAX_PORT:
        return None
    host = found["host"].strip("[]")
    if host != "localhost" and not is_loopback(host):
        return None
    return Target("http", host, int(found["port"]), loopback=True)


def place_of(url: str) -> tuple[Target, str] | None:
    """Returns where an address leads, and its path there; None where it is not plain."""
    found = ENDPOINT.fullmatch(url)
    if found is None:
        return None
    if url.startswith("http://"):
        target = simulated(found["origin"])
        return None if target is None else (target, found["path"])
    port = None if found["port"] is None else int(found["port"])
    if NAME.fullmatch(found["host"]) is None or (port is not None and not 0 < port <= MAX_PORT):
        return None
    # A port that is the usual one is left out of a URL, and so of the comparison with it.
    port = None if port == 443 else port  # noqa: PLR2004 - the port of https
    return Target("https", found["host"], port, loopback=False), found["path"]


def is_loopback(address: str) -> bool:
    """Tells whether an address never leaves the machine."""
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Tells whether an address lies on the open internet, and not behind a tunnel."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in net for net in TUNNELS):
            return False
    return found.is_global and not found.is_multicast


def open_to_public(info: tuple[Any, ...]) -> socket.socket:
    """Opens a socket to a public address only."""
    return _socket(info, allowed=is_public)


def open_to_loopback(info: tuple[Any, ...]) -> socket.socket:
    """Opens a socket to this machine only."""
    return _socket(info, allowed=is_loopback)


def host_of(location: str, base: str, revealed: str) -> str:
    """Returns the host that a redirect names, fit to be shown."""
    try:
        parts = urlsplit(urljoin(base, location))
        port, name = parts.port, (parts.hostname or "").encode()
    except ValueError:
        return UNREADABLE
    # Hosts come in small letters, whatever the spelling of the secret inside.
    shown = scrub(name if port is None else b"%s:%d" % (name, port), revealed.lower())
    plain = HOST.fullmatch(shown) and not UNSEEN.search(location)
    return shown.decode() if plain else UNREADABLE


def _socket(info: tuple[Any, ...], *, allowed: Callable[[str], bool]) -> socket.socket:
    family, kind, protocol, _, address = info
    if not allowed(address[0]):
        raise AddressRefusedError(NOT_PUBLIC)
    return socket.socket(family, kind, protocol)
