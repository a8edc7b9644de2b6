"""Plays a far side that takes one request and then lets nobody else in."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.acceptance.listener import STAFF

#: How long a line must not open until its side counts as crowded.
PATIENCE_S: Final = 0.3
#: In /proc/net/tcp: a line that was asked for and not yet opened.
ASKED: Final = "02"


@dataclass(slots=True)
class SlowToAccept:
    """A listening socket, and those who crowd it."""

    server: socket.socket
    crowded_by: list[socket.socket] = field(default_factory=list[socket.socket])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """The port on which it listens."""
        port: int = self.server.getsockname()[1]
        return port

    def answer_one(self) -> None:
        """Answers one request, as the test of a connection asks, in a thread of its own."""
        threading.Thread(target=self._answer_one, daemon=True).start()

    def crowd(self) -> None:
        """Opens lines that nobody takes, until no more of them opens."""
        while True:
            one = socket.socket()
            self.crowded_by.append(one)
            one.settimeout(PATIENCE_S)
            try:
                one.connect(("127.0.0.1", self.port))
            except TimeoutError:
                one.close()
                return

    def wait_for_a_caller(self) -> None:
        """Waits until somebody asks for a line and does not get it."""
        wanted = f"0100007F:{self.port:04X} {ASKED}"
        while wanted not in Path("/proc/net/tcp").read_text(encoding="ascii"):
            threading.Event().wait(0.005)

    def came(self) -> bytes:
        """Lets everybody in who still wants to; gives all that they have sent."""
        for one in self.crowded_by:
            one.close()
        self.server.settimeout(2 * PATIENCE_S)
        came = b""
        while True:
            try:
                line, _ = self.server.accept()
                with line:
                    line.settimeout(PATIENCE_S)
                    came += line.recv(65_536)
            except TimeoutError:
                return came

    def _answer_one(self) -> None:
        line, _ = self.server.accept()
        with line:
            line.recv(65_536)
            body = json.dumps(STAFF).encode()
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n"
            line.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


@contextmanager
def slow_to_accept() -> Generator[SlowToAccept]:
    """Listens while the block lasts."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        far_side = SlowToAccept(server)
        try:
            yield far_side
        finally:
            for one in far_side.crowded_by:
                one.close()
