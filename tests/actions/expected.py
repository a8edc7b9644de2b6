"""Says what a hand-written row is: one call, and the request that it must become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

API: Final = "/api/v2"

#: Any JSON value, with Decimals where digits count.
JSON: TypeAlias = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRequest:
    """One call and the one request that it must become."""

    action: str
    case: str = ""
    arguments: Mapping[str, Any]
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The row's name in a test report."""
        return f"{self.action}-{self.case}" if self.case else self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedPages:
    """One list call and the queries of the requests that it must become, in order."""

    action: str
    arguments: Mapping[str, Any]
    path: str
    queries: tuple[Mapping[str, str], ...]
    records: int
