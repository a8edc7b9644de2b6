"""Gives the sandbox's tests a served account and a plain HTTP client that holds its key."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from clientary_connector.sandbox import Sandbox, serve

JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Ground:
    """A running sandbox and a client on its API."""

    sandbox: Sandbox
    url: str
    http: httpx.Client

    def read(self, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON comes in
        """Read a path that must answer 200."""
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def create(self, path: str, wrapper: str, **fields: object) -> Any:  # noqa: ANN401 - the same
        """Create a record, which must answer 201."""
        answer = self.http.post(path, json={wrapper: fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def update(self, path: str, wrapper: str, **fields: object) -> Any:  # noqa: ANN401 - the same
        """Change a record, which must answer 200."""
        answer = self.http.put(path, json={wrapper: fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def delete(self, path: str) -> None:
        """Delete a record, which must answer 204."""
        assert self.http.delete(path).status_code == 204

    def rejection(self, method: str, path: str, wrapper: str, **fields: object) -> Any:  # noqa: ANN401 - the same
        """Return what a write that must answer 422 is told."""
        answer = self.http.request(method, path, json={wrapper: fields})
        assert answer.status_code == 422, answer.text
        return answer.json()

    def status(self, method: str, path: str, **fields: object) -> int:
        """Return the status that a request gets."""
        return self.http.request(method, path, json=fields or None).status_code

    def client_id(self) -> int:
        """Return the id of the first client, which holds more than a page of everything."""
        return next(iter(self.sandbox.state.clients)).id

    def project_id(self) -> int:
        """Return the id of that client's first project, which does so, too."""
        return next(iter(self.sandbox.state.projects)).id


@contextmanager
def ground(sandbox: Sandbox | None = None, *, timeout_s: float = 30) -> Generator[Ground]:
    """Serve a sandbox, by default a small one, for the length of the block."""
    with (
        serve(sandbox or Sandbox()) as running,
        client(running.url, running.key, timeout_s) as http,
    ):
        yield Ground(running.sandbox, running.url, http)


def client(url: str, key: str, timeout_s: float = 30) -> httpx.Client:
    """Return a plain client that authenticates with the key."""
    return httpx.Client(
        base_url=f"{url}/api/v2",
        auth=(key, key),
        headers=JSON,
        timeout=timeout_s,
        trust_env=False,
        verify=False,  # noqa: S501 - plain HTTP on loopback; spares loading certificates
    )
