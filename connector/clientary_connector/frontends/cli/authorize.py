"""Joins an account by OAuth 2: shows where to allow the access, and waits for the way back.

1. The listener is on this machine alone, for one answer, and for a limited time (RFC 8252).
2. An answer to another authorization is not taken; the browser learns nothing from it.
3. Neither code nor token is shown; an address that is pasted is not echoed.
"""

from __future__ import annotations

import getpass
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Final, Self, cast
from urllib.parse import parse_qs, urlsplit

import click

from clientary_connector.authorizing import Authorization
from clientary_connector.connections import Account, Connection
from clientary_connector.connector import Secret
from clientary_connector.errors import InvalidValueError
from clientary_connector.frontends import screen
from clientary_connector.oauth.provider import Provider, load_provider
from clientary_connector.wiring import open_connector

LOOPBACK: Final = "127.0.0.1"
CALLBACK: Final = "/callback"
DONE: Final = b"The access was allowed. You can close this window and go back to the terminal.\n"
#: One answer of a browser fits; a connection that says nothing is let go of.
SILENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants to join."""

    name: str
    user: str
    subdomain: str | None
    sandbox: str | None
    #: Whether the person brings the address back by hand.
    paste: bool
    client_secret: Secret | None


async def authorized(
    state: Path | None, provider: Provider, wish: Wish
) -> tuple[Connection, Account]:
    """Joins an account.

    Raises:
        ConnectorError: It could not be joined.
        click.UsageError: Nobody came back, or the way back is not on this machine.
    """
    async with open_connector(state) as connector:
        with Listener(provider, paste=wish.paste) as listener:
            begun = await connector.oauth.start(
                wish.name,
                provider=provider,
                redirect_uri=listener.redirect_uri,
                user=wish.user,
                subdomain=wish.subdomain,
                sandbox=wish.sandbox,
                client_secret=wish.client_secret,
            )
            screen.note("Open this address in a browser, and allow the access:")
            screen.note(screen.visible(begun.url))
            url = listener.answer(begun)
        return await connector.oauth.finish(url, user=wish.user)


def described(file: Path) -> Provider:
    """Reads the description of a provider.

    Raises:
        click.UsageError: It cannot be read or used.
    """
    try:
        return load_provider(file)
    except InvalidValueError as error:
        fault = click.UsageError(f"{error.message} {error.hint}")
    raise fault


class Listener:
    """Waits on this machine for the browser to come back, or asks for the address."""

    def __init__(self, provider: Provider, *, paste: bool) -> None:
        """Takes a free port, or the one that is registered with the provider.

        Raises:
            click.UsageError: The way back is elsewhere, or the port is in use.
        """
        self._server: _Server | None = None
        registered = provider.redirect_uri
        if paste:
            self.redirect_uri = registered or f"http://{LOOPBACK}{CALLBACK}"
            return
        parts = urlsplit(registered or f"http://{LOOPBACK}:0{CALLBACK}")
        if parts.scheme != "http" or parts.hostname != LOOPBACK or parts.port is None:
            raise click.UsageError(
                f"The provider sends back to {registered}, not to this machine: add --paste."
            )
        try:
            self._server = _Server((LOOPBACK, parts.port), _Handler)
        except OSError as error:
            raise click.UsageError(f"Port {parts.port} cannot be used: {error.strerror}.") from None
        port = self._server.server_port
        self.redirect_uri = registered or f"http://{LOOPBACK}:{port}{CALLBACK}"

    def __enter__(self) -> Self:
        """Gives the listener itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Frees the port."""
        if self._server is not None:
            self._server.server_close()

    def answer(self, begun: Authorization) -> str:
        """Returns the address that the browser came back with.

        Raises:
            click.UsageError: Nobody came back in time, or nothing was pasted.
        """
        server = self._server
        if server is None:
            return _pasted()
        server.expected = (begun.id, urlsplit(begun.redirect_uri).path)
        while server.found is None:
            server.timeout = begun.expires_at - time.time()
            if server.timeout <= 0:
                raise click.UsageError("Nobody came back in time: begin again.")
            server.handle_request()
        return f"{begun.redirect_uri}?{server.found}"


class _Server(HTTPServer):
    """Serves until the one answer has come that is waited for."""

    #: The id and the path of that answer.
    expected: tuple[str, str] = ("", "")
    #: Its query, once it has come.
    found: str | None = None

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a browser that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    """Takes one answer after the other."""

    timeout = SILENCE_S

    def do_GET(self) -> None:
        """Takes the query of the right answer, and knows nothing else."""
        parts = urlsplit(self.path)
        server = cast("_Server", self.server)
        id_, path = server.expected
        states = parse_qs(parts.query).get("state", [""])
        right = parts.path == path and states[0].partition(".")[0] == id_
        self.send_response(HTTPStatus.OK if right else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        if right:
            self.wfile.write(DONE)
            server.found = parts.query

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing: the line would hold the code."""


def _pasted() -> str:
    if sys.stdin.isatty():
        text = getpass.getpass("The address that you came to (not shown): ", stream=sys.stderr)
    else:
        text = sys.stdin.readline()
    if not text.strip():
        raise click.UsageError("There is no address: paste the whole of what the browser shows.")
    return text.strip()
