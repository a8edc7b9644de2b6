"""Takes a moment on the command line."""

from __future__ import annotations

from datetime import datetime

import click

from clientary_connector.moments import EXPECTED, read_moment


class Moment(click.ParamType[datetime]):
    """A date, a date and time, or how long ago: 2026-01-31, 2026-01-31T09:00, 90m, 12h, 7d."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Reads a moment; without a zone it is meant in this machine's own."""
        try:
            return read_moment(str(value))
        except ValueError:
            self.fail(EXPECTED, param, ctx)
