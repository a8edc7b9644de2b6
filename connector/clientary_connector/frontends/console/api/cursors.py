"""Says in a short text what of the log was seen, so that nothing is told twice or left out.

A cursor names the entry after which to look, and marks what was seen behind it: calls that were
under way, and are told again once they have ended.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from clientary_connector.frontends.console.api.problems import Fault, unusable
from clientary_connector.frontends.console.views.log import live_after
from clientary_connector.log import ENDING
from clientary_connector.logentry import LogEntry

_CURSOR: Final = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """After which entry to look, and a mark of what was seen behind it."""

    after: int
    mark: str

    def __str__(self) -> str:
        """Gives its text."""
        return f"{self.after}-{self.mark}"


def cursor_of(entries: Iterable[LogEntry], after: int) -> Cursor:
    """Returns the cursor of whoever has seen these entries, and looks on after one."""
    seen = sorted((one.id, one.outcome, one.settled or "") for one in entries if one.id > after)
    return Cursor(after=after, mark=hashlib.sha256(repr(seen).encode()).hexdigest()[:16])


def cursor_behind(newest: Iterable[LogEntry]) -> Cursor:
    """Returns the cursor of whoever has seen the newest entries, as the first page of a list."""
    seen = tuple(newest)
    after = live_after(seen, now=datetime.now(UTC), patience_s=ENDING.total_seconds())
    return cursor_of(seen, after)


def read_cursor(text: str) -> Cursor:
    """Reads the text of a cursor.

    Raises:
        ProblemError: It is none.
    """
    found = _CURSOR.fullmatch(text)
    if found is not None:
        return Cursor(after=int(found[1]), mark=found[2])
    fault = Fault(
        place="query",
        path="cursor",
        expected="a cursor",
        hint="It comes with every answer, and with the first page of GET /log.",
    )
    raise unusable(fault)
