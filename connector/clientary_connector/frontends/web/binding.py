"""Says where a server may listen, and does.

1. By itself it listens on this machine alone.
2. Anywhere else what is sent must be encrypted: by a certificate of the server's own, or by a
   proxy that was named, and then nobody is heard but that proxy.
3. By what names it is reached is said beforehand, so that no other name leads to it.
"""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Final, TypeAlias

from clientary_connector.errors import InvalidValueError, OperatorError
from clientary_connector.frontends.web.peers import Proxies

LOOPBACK: Final = "127.0.0.1"
#: Names that lead to this machine from this machine, whatever it is called elsewhere.
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_BACKLOG: Final = 2048
_WHY: Final = {
    errno.EADDRINUSE: (
        "is in use by another program",
        "Take another port; 0 takes one that is free.",
    ),
    errno.EACCES: ("is for the system alone", "Take a port from 1024 on."),
    errno.EADDRNOTAVAIL: ("is no address of this machine", "127.0.0.1 is this machine alone."),
}
Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a person has said of where to listen."""

    host: str = LOOPBACK
    port: int = 0
    #: Files of the certificate with its chain, and of its key, in PEM.
    certificate: Path | None = None
    key: Path | None = None
    #: Addresses and networks of the proxies that are believed.
    proxies: tuple[str, ...] = ()
    #: Names by which it is reached, beside its own address.
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a server listens, from now on."""

    url: str
    listener: socket.socket
    tls: ssl.SSLContext | None
    proxies: Proxies
    #: As they stand in a request, in small letters, without a port.
    hosts: frozenset[str]
    #: Whether whoever comes past the proxies is heard too.
    direct: bool


def listen(binding: Binding) -> Place:
    """Listens where a person has said; nothing is answered yet.

    Raises:
        InvalidValueError: That must not be, or it makes no sense.
        OperatorError: It is in use, or cannot be had.
    """
    address = _address(binding.host)
    proxies = Proxies.of(binding.proxies)
    tls = _tls(binding)
    _check_encrypted(address, encrypted=tls is not None or bool(binding.proxies))
    hosts = _hosts(address, binding.hosts)
    listener = _listener(address, binding.port)
    name = binding.hosts[0] if address.is_unspecified else _literal(address)
    port = listener.getsockname()[1]
    return Place(
        url=f"{'http' if tls is None else 'https'}://{name}:{port}",
        listener=listener,
        tls=tls,
        proxies=proxies,
        hosts=hosts,
        direct=tls is not None or address.is_loopback,
    )


def _address(host: str) -> Address:
    try:
        return ip_address(LOOPBACK if host == "localhost" else host.strip("[]"))
    except ValueError:
        raise InvalidValueError(
            f"{host[:64]!r} is no address to listen on.",
            hint="Give one of this machine: 127.0.0.1, ::1, or 0.0.0.0 for all it has.",
        ) from None


def _check_encrypted(address: Address, *, encrypted: bool) -> None:
    if not (address.is_loopback or encrypted):
        raise InvalidValueError(
            f"On {address} others would read along: the token of every request would be open.",
            hint="Give --tls-cert and --tls-key, or name the proxy that encrypts with "
            "--trusted-proxy; or listen on 127.0.0.1.",
        )


def _hosts(address: Address, given: tuple[str, ...]) -> frozenset[str]:
    named = frozenset(name.strip().lower().rstrip(".") for name in given if name.strip())
    if address.is_unspecified and not named:
        raise InvalidValueError(
            "It is not said by what name the server is reached.",
            hint="Give --allow-host NAME, as it stands in the address that clients use.",
        )
    return named | LOOPBACK_NAMES | {_literal(address)}


def _literal(address: Address) -> str:
    """Returns an address as it stands in a URL."""
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)


def _tls(binding: Binding) -> ssl.SSLContext | None:
    if binding.certificate is None and binding.key is None:
        return None
    if binding.certificate is None or binding.key is None:
        raise InvalidValueError(
            "A certificate and its key belong together.", hint="Give --tls-cert and --tls-key."
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(binding.certificate, binding.key, password="")
    except OSError as error:
        # What OpenSSL says of a key that it cannot read may hold parts of the file.
        why = error.strerror if error.filename or not isinstance(error, ssl.SSLError) else None
        raise InvalidValueError(
            f"The certificate and its key cannot be used{': ' + why if why else ''}.",
            hint="Give two PEM files that belong together: the certificate with its chain, and "
            "its key without a passphrase.",
        ) from None
    return context


def _listener(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    # asyncio turns Nagle's delay off only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((str(address), port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        what, hint = _WHY.get(error.errno or 0, ("cannot be used", f"{error.strerror}."))
        where = str(address) if error.errno == errno.EADDRNOTAVAIL else f"Port {port} of {address}"
        raise OperatorError(f"{where} {what}.", hint=hint) from None
    return listener
