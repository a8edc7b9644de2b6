"""Serves HTTP on this machine for the tests of providers, also badly."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it goes out; one that `waits` comes only once the server stops."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    waits: bool = False


Behaviour = Callable[[Asked], Answer]


@contextmanager
def serving(behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> Generator[str]:
    """Serves, and gives the address."""
    stopping = Event()
    server = _Server(("127.0.0.1", 0), _handler(behaviour, stopping))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def unreachable() -> Generator[str]:
    """Gives an address at which nobody serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = server.server_port
    server.server_close()
    yield f"http://127.0.0.1:{port}"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a client that hangs up is no news."""


def _handler(behaviour: Behaviour, stopping: Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(length)
            answer = behaviour(Asked(self.command, self.path, dict(self.headers), body))
            if answer.waits:
                stopping.wait()
                return
            content = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Says nothing."""

    return Handler
