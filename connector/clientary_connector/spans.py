"""Reads when something ends, as a person says it: a day, a time, or so long from now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

#: As in 30d, 12h or 2w.
SPAN: Final = re.compile(r"(?P<count>[0-9]{1,5})(?P<unit>[hdw])")
UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def end_of(text: str, *, now: datetime) -> str:
    """Returns a span from now as a time; what is no span stays as it is."""
    found = SPAN.fullmatch(text.strip())
    if found is None:
        return text
    return (now + int(found["count"]) * UNITS[found["unit"]]).isoformat()
