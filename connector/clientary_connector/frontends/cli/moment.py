"""Reads a moment as a person writes it: a date, a date and time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

EXPECTED: Final = "expected 2026-01-31, 2026-01-31T09:00, or how long ago: 90m, 12h, 7d."
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO: Final = re.compile(r"(\d{1,5})([mhdw])", re.ASCII)


class Moment(click.ParamType[datetime]):
    """A date, a date and time, or how long ago: 2026-01-31, 2026-01-31T09:00, 90m, 12h, 7d."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Reads a moment; without a zone it is meant in this machine's own."""
        text = str(value)
        try:
            if (ago := _AGO.fullmatch(text)) is not None:
                return datetime.now(UTC) - timedelta(**{UNITS[ago[2]]: int(ago[1])})
            return datetime.fromisoformat(text).astimezone()
        except (ValueError, OverflowError):
            self.fail(EXPECTED, param, ctx)
