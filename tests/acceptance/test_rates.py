"""Proves that real processes on one vault keep one pace between them, while all of them press."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import pytest

from tests.acceptance.processes import finish, start, told
from tests.connector.engine.ground import ground

pytestmark = [pytest.mark.requirement("policy.rate.processes"), pytest.mark.slow]

PROCESSES = 4
#: So many may be under way at once.
AT_ONCE = 3


class Crowd:
    """A far side that holds the first until three have come, each other until one more has."""

    def __init__(self) -> None:
        """Starts with nobody."""
        self._changed = Condition()
        self._inside = self._came = 0
        self.most = self.answered = 0

    def pass_through(self) -> None:
        """Lets a request go once others have come, or nobody does for a while."""
        with self._changed:
            self._inside, self._came = self._inside + 1, self._came + 1
            self.most, came = max(self.most, self._inside), self._came
            self._changed.notify_all()
            patience_s = 0.05 if came >= AT_ONCE else 60
            self._changed.wait_for(lambda: self._came >= max(came + 1, AT_ONCE), patience_s)
            self._inside -= 1
            self.answered += 1

    @contextmanager
    def served(self) -> Generator[str]:
        """Answers over HTTP, each request in a thread of its own; gives the address."""
        crowd = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body: object = {"staff": [{"id": 1, "name": "Ada", "email": "ada@books.example"}]}
                if not self.path.partition("?")[0].endswith("/staff"):
                    crowd.pass_through()
                    body = {"id": 7, "name": "Acme"}
                sent = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the library
                """Prints nothing."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()
            thread.join()


def pressed(state: Path, count: int, *pace: object) -> list[dict[str, Any]]:
    """Has processes make so many calls each, all at once; returns what became of them."""
    processes = [start("pacer", state, count, *pace) for _ in range(PROCESSES)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [one for process in processes for one in told(finish(process)[0])]


def test_so_many_are_under_way_at_once_as_may_be_over_all_processes(tmp_path: Path) -> None:
    """Three at most, of four processes that have six calls each; none is lost or refused."""
    crowd = Crowd()
    with crowd.served() as url, ground(tmp_path) as on:
        on.join(url)
        results = pressed(tmp_path, 6, AT_ONCE, 0, 60)
    assert Counter(one["outcome"] for one in results) == {"succeeded": 6 * PROCESSES}
    assert crowd.answered == 6 * PROCESSES
    assert crowd.most == AT_ONCE


def test_so_many_begin_in_a_minute_as_may_over_all_processes(tmp_path: Path) -> None:
    """Of sixty a minute a tenth go at once, one more each second; the others sent nothing."""
    crowd = Crowd()
    with crowd.served() as url, ground(tmp_path) as on:
        on.join(url)
        begin = time.monotonic()
        results = pressed(tmp_path, 6, 64, 60, 0)
        took_s = time.monotonic() - begin
    ends = Counter((one["outcome"], one["error"]) for one in results)
    sent = ends.pop(("succeeded", None))
    assert ends == {("refused", "rate_limited"): 6 * PROCESSES - sent}
    assert sent == crowd.answered
    assert 6 <= sent <= 6 + took_s
