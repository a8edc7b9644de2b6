"""Tells the time, and what the microseconds of the log mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)


class Clock(Protocol):
    """Tells the time; tests bring their own."""

    def __call__(self) -> datetime:
        """Returns the time now, in UTC."""
        ...


def utc_now() -> datetime:
    """Returns the time of the machine."""
    return datetime.now(UTC)
