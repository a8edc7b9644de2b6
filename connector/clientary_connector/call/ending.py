"""Holds how a call ended, before it is written down and handed to the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from clientary_connector.call.result import CallError, Outcome, Page


class Ending(NamedTuple):
    """What a call came to, and what it took."""

    outcome: Outcome
    data: Any = None
    page: Page | None = None
    warnings: tuple[str, ...] = ()
    error: CallError | None = None
    attempts: int = 0
    status: int | None = None
    duration_ms: float = 0.0
    #: The sends, where there was more than one.
    tries: tuple[Mapping[str, Any], ...] = ()
