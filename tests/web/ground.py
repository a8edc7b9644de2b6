"""Runs an application on a server of ours, in a thread of its own, and asks it by hand."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import ASGIApp

from clientary_connector.connector import Connector
from clientary_connector.frontends.web.binding import Binding, listen
from clientary_connector.frontends.web.running import Turns, serve

WAIT_S: Final = 60
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what is to be refused, or is behind TLS


@dataclass(frozen=True, slots=True)
class Said:
    """What a server has answered."""

    status: int
    #: One that was sent more than once has a line for each.
    headers: Mapping[str, str]
    text: str


@dataclass(slots=True)
class Server:
    """A server that runs while the block lasts."""

    url: str
    loop: asyncio.AbstractEventLoop
    signals: asyncio.Queue[None]
    done: Future[None] = field(default_factory=Future[None])

    def signal(self) -> None:
        """Does what Ctrl-C does."""
        # A server that has ended hears nothing more.
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self.signals.put_nowait, None)

    def ended(self) -> None:
        """Waits until it has ended."""
        self.done.result(WAIT_S)

    def line(self, tls: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
        """Opens a connection to it."""
        parts = urlsplit(self.url)
        if tls is not None:
            return http.client.HTTPSConnection("localhost", parts.port, timeout=WAIT_S, context=tls)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=WAIT_S)

    def ask(
        self,
        method: str = "GET",
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Said:
        """Sends one request and reads its answer to the end."""
        line = self.line(tls)
        try:
            line.request(method, path, body=body, headers=dict(headers or {}))
            answer = line.getresponse()
            names = {name.lower() for name, _ in answer.getheaders()}
            told = {name: "\n".join(answer.headers.get_all(name, ())) for name in names}
            return Said(answer.status, told, answer.read().decode())
        finally:
            line.close()


@contextmanager
def serving(
    app: ASGIApp,
    connector: Connector,
    binding: Binding | None = None,
    *,
    ending: Callable[[], None] = lambda: None,
    running: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> Generator[Server]:
    """Serves an application until the block ends; `running` is what it runs in."""
    place = listen(binding or Binding())
    ready = threading.Event()
    made: list[Server] = []

    async def work() -> None:
        server = Server(place.url, asyncio.get_running_loop(), asyncio.Queue())
        made.append(server)

        async def until() -> None:
            await server.signals.get()

        turns = Turns(started=ready.set, ending=ending, until=until)
        async with running():
            await serve(app, place, connector=connector, user="grace", turns=turns)

    def run() -> None:
        try:
            asyncio.run(work())
            made[0].done.set_result(None)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for the end
            made[0].done.set_exception(error)
            ready.set()

    thread = threading.Thread(target=run, name="server of ours")
    thread.start()
    assert ready.wait(WAIT_S)
    try:
        yield made[0]
    finally:
        if not made[0].done.done():
            made[0].signal()
            made[0].signal()
        thread.join(WAIT_S)
        assert not thread.is_alive()
    made[0].ended()


def certificate(folder: Path) -> tuple[Path, Path]:
    """Makes a certificate for localhost that nobody else trusts, and its key, as two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "server.pem", folder / "server.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files[1].write_bytes(private)
    return files
