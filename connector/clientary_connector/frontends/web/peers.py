"""Tells who has sent a request, and what it asked for, where proxies may stand between.

1. What a request says of itself in forwarding headers is believed of the proxies that were named,
   and of nobody else; for all others it is taken out, so that no page reads it.
2. Of the addresses that a proxy tells, the last one counts that is no proxy's: those before it
   are what somebody has said of himself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from clientary_connector.errors import InvalidValueError

FORWARDING: Final = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"}
)
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]+)(?::[0-9]{1,5})?")
#: A customer of a provider has a whole network of IPv6 of this size (RFC 6177).
CUSTOMER_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies that are believed."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def of(cls, given: Iterable[str]) -> Proxies:
        """Reads addresses and networks.

        Raises:
            InvalidValueError: One of them is none.
        """
        return cls(tuple(map(_network, given)))

    def include(self, address: str) -> bool:
        """Tells whether an address is that of a proxy."""
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who has sent a request, and by what address it was meant."""

    address: str
    #: `http` or `https`, as the client has sent it.
    scheme: str
    #: The Host that the client has asked for; empty where it told none, or more than one.
    host: str
    #: The proxy it came by has told of it.
    proxied: bool = False


def peer_of(scope: Mapping[str, Any], proxies: Proxies) -> Peer:
    """Returns who has sent a request."""
    address = str((scope.get("client") or ("",))[0])
    told = _told(scope["headers"])
    peer = Peer(address=address, scheme=scope["scheme"], host=_only(told.get(b"host", ())))
    if not proxies.include(address) or not FORWARDING & set(told):
        return peer
    path = [part.strip() for text in told.get(b"x-forwarded-for", ()) for part in text.split(",")]
    strangers = [one for one in path if not proxies.include(_bare(one))]
    return replace(
        peer,
        address=_bare(strangers[-1]) if strangers else address,
        scheme=_only(told.get(b"x-forwarded-proto", ())).lower(),
        host=_only(told.get(b"x-forwarded-host", ())) or peer.host,
        proxied=True,
    )


def host_name(host: str) -> str:
    """Returns the name in a Host, without its port, in small letters; nothing where it is none."""
    found = _HOST.fullmatch(host)
    return "" if found is None else found[1].lower().rstrip(".")


def customer_of(address: str) -> str:
    """Returns what is counted as one sender: an address, of IPv6 the network it is in."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        return str(ip_network((found, CUSTOMER_BITS), strict=False))
    return address


def without_forwarding(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Returns headers without those that only a proxy may set."""
    return [(name, value) for name, value in headers if name not in FORWARDING]


def _told(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name, value in headers:
        if name in FORWARDING or name == b"host":
            found.setdefault(name, []).append(value.decode("latin-1"))
    return found


def _only(values: Iterable[str]) -> str:
    """Returns the one value of a header; nothing where it stands there twice."""
    found = [value.strip() for value in values]
    return found[0] if len(found) == 1 else ""


def _bare(address: str) -> str:
    """Takes the port off an address, where a proxy has told one."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text.strip())
    except ValueError:
        raise InvalidValueError(
            f"{text[:64]!r} is no address of a proxy.",
            hint="Give an address or a network: 10.0.0.5, 10.0.0.0/24.",
        ) from None
