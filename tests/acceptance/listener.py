"""Plays a far side that can tell exactly what was sent before a moment and what after it.

It answers every request at once from one thread. Whatever a client has written lies in the
kernel's buffers of this machine; `settle` empties them and draws the line.
"""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

STAFF: Final = {"staff": [{"id": 1, "name": "Ada", "email": "ada@books.example"}]}
CLIENTS: Final[dict[str, Any]] = {"clients": [], "page_count": 1, "page_size": 10, "total_count": 0}
END_OF_HEAD: Final = b"\r\n\r\n"
LOOK_S: Final = 0.05
MOST_BYTES: Final = 65_536


@dataclass(slots=True)
class Listener:
    """A running far side."""

    server: socket.socket
    #: Requests whose first byte has come.
    begun: int = 0
    #: The names of the clients that were to be created, in the order in which they came.
    names: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lines: dict[socket.socket, bytes] = field(default_factory=dict[socket.socket, bytes])
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _ended: bool = False

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.getsockname()[1]}"

    def settle(self) -> int:
        """Takes in all that was sent until now; gives the number of requests begun until now."""
        with self._lock:
            self._take()
            return self.begun

    def run(self) -> None:
        """Answers until it is ended."""
        self._selector.register(self.server, selectors.EVENT_READ)
        while not self._ended:
            if self._selector.select(LOOK_S):
                with self._lock:
                    self._take()

    def end(self) -> None:
        """Stops answering and closes every line."""
        self._ended = True

    def close(self) -> None:
        """Closes every line."""
        for line in (*self._lines, self.server):
            line.close()
        self._selector.close()

    def _take(self) -> None:
        self._accept()
        for line in list(self._lines):
            self._read(line)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self.server.accept()
            except BlockingIOError:
                return
            line.settimeout(0)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines[line] = b""
            self._selector.register(line, selectors.EVENT_READ)

    def _read(self, line: socket.socket) -> None:
        try:
            came = line.recv(MOST_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            came = b""
        if not came:
            self._selector.unregister(line)
            del self._lines[line]
            line.close()
            return
        self.begun += not self._lines[line]
        self._lines[line] = self._answered(line, self._lines[line] + came)

    def _answered(self, line: socket.socket, text: bytes) -> bytes:
        """Answers a request that is whole; gives what is left to be read."""
        head, end, body = text.partition(END_OF_HEAD)
        length = next(
            (
                int(row[15:])
                for row in head.split(b"\r\n")
                if row.lower()[:15] == b"content-length:"
            ),
            0,
        )
        if not end or len(body) < length:
            return text
        answer = json.dumps(self._answer(head, body)).encode()
        status = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        line.send(status + b"Content-Length: %d\r\n\r\n" % len(answer) + answer)
        return b""

    def _answer(self, head: bytes, body: bytes) -> dict[str, Any]:
        if b"/staff" in head.partition(b"\r\n")[0]:
            return STAFF
        if head.startswith(b"GET"):
            return CLIENTS
        name = json.loads(body)["client"]["name"]
        self.names.append(name)
        return {"id": len(self.names), "name": name}


@contextmanager
def listening() -> Generator[Listener]:
    """Runs a far side in a thread of its own while the block lasts."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    server.settimeout(0)
    listener = Listener(server)
    thread = threading.Thread(target=listener.run, name="listener")
    thread.start()
    try:
        yield listener
    finally:
        listener.end()
        thread.join()
        listener.close()
