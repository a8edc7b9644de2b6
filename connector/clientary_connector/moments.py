"""Reads a moment as a person writes it: a date, a date and time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EXPECTED: Final = "expected 2026-01-31, 2026-01-31T09:00, or how long ago: 90m, 12h, 7d."
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)


def read_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Reads a moment; without a zone of its own it is meant in the one given, or this machine's.

    Raises:
        ValueError: It is none.
    """
    try:
        if (ago := _AGO.fullmatch(text)) is not None:
            return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
        known = moment if moment.tzinfo is not None or zone is None else moment.replace(tzinfo=zone)
        return known.astimezone(zone)
    except OverflowError:
        raise ValueError(EXPECTED) from None
