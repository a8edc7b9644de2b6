"""Holds the operation that follows the log: what came since somebody looked, or as it comes.

1. A cursor says what was seen; the server remembers nothing of whoever follows.
2. Whoever waits is asked for anew at every look: a token that was revoked hears nothing more.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta
from starlette.concurrency import run_in_threadpool

from clientary_connector.frontends.console.api.cursors import (
    Cursor,
    cursor_behind,
    cursor_of,
    read_cursor,
)
from clientary_connector.frontends.console.api.log import EntryShown, Sides
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.problems import ProblemError
from clientary_connector.frontends.console.api.shapes import shown
from clientary_connector.log import Log
from clientary_connector.logentry import LogFilter
from clientary_connector.people import Role

#: How long a request may wait: below what proxies take for a dead line.
MOST_WAIT_S: Final = 25
#: How often it is looked whether something came.
EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichNews(Sides):
    """Since when, and how long to wait where nothing has come."""

    cursor: Annotated[
        str | None,
        Meta(
            description="Of the answer before, or of the first page of a list. None: from now on."
        ),
    ] = None
    wait_s: Annotated[
        int, Meta(ge=0, le=MOST_WAIT_S, description="So long it waits for something new.")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What came since the cursor, newest first."""

    entries: tuple[EntryShown, ...]
    cursor: Annotated[str, Meta(description="Give it with the next request.")]
    more: Annotated[
        bool, Meta(description="More came than fits; list the older ones with GET /log?before=…")
    ]


@operation("GET", "/log/news", role=Role.VIEWER, query=WhichNews, gives=News)
async def follow_log(asked: Asked[WhichNews, Nothing]) -> News:
    """Gives what came into the log since the cursor, and waits for it where nothing has.

    Ask again with the cursor of each answer, and the same choice of entries. An entry has its
    place by its id: a call that was `open` comes again once it has ended. With `wait_s` an answer
    comes as soon as there is news, at the latest then. Nothing sealed is in it.
    """
    wanted, log = asked.query, asked.connector.log
    where, until = wanted.where("query"), time.monotonic() + wanted.wait_s
    seen = await run_in_threadpool(_begun, log, where, wanted)
    while True:
        news = await run_in_threadpool(log.news, seen.after, where, limit=wanted.limit)
        fresh = cursor_of(news.entries, seen.after) != seen
        left_s = until - time.monotonic()
        if fresh or left_s <= 0 or asked.desk.patience.ended:
            entries = news.entries if fresh else ()
            return News(
                entries=tuple(shown(one, EntryShown) for one in entries),
                cursor=str(cursor_of(news.entries, news.after)),
                more=news.more and fresh,
            )
        await asyncio.sleep(min(EVERY_S, left_s))
        if not await asked.admitted():
            raise ProblemError(401, "The token counts no more.", hint="Have a new token made.")


def _begun(log: Log, where: LogFilter, wanted: WhichNews) -> Cursor:
    """Returns what was seen: by the cursor, or all that there is now."""
    if wanted.cursor is not None:
        return read_cursor(wanted.cursor)
    return cursor_behind(log.page(where, limit=wanted.limit).entries)


OPERATIONS = (follow_log,)
