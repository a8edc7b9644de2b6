"""Remembers what came in and what was really done, within a bound."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from clientary_connector.sandbox.faults import route_of


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """One request as it came in; the status is None until an answer was sent."""

    method: str
    path: str
    query: str
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    route: str
    status: int | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers with names in lower case; of a repeated one, the last."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.raw_headers}


class History:
    """The latest requests, and a count of every effect."""

    def __init__(self, limit: int) -> None:
        """Keep at most `limit` requests."""
        self.requests: deque[SeenRequest] = deque(maxlen=limit)
        self.effects: Counter[tuple[str, str]] = Counter()

    def done(self, method: str, route: str) -> int:
        """Count the effects of a method on a route, whatever its placeholders are called."""
        return self.effects[method.upper(), route_of(route)]

    def clear(self) -> None:
        """Forget everything."""
        self.requests.clear()
        self.effects.clear()
