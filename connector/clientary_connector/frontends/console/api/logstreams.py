"""Holds the operations that read much of the log: line by line, for as long as somebody listens.

1. What was asked for by whom stands in the log before anything sealed is opened.
2. Whoever hangs up ends it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from msgspec import Meta

from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.api.log import NOT_LET, EntryShown, Sides
from clientary_connector.frontends.console.api.operations import Asked, Nothing, lines
from clientary_connector.frontends.console.api.problems import Problem, problem_of
from clientary_connector.frontends.console.api.shapes import shown
from clientary_connector.logentry import LogFound
from clientary_connector.people import Role

#: How often it is said how far a search is.
EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWanted(Sides):
    """A text, and the entries in which it is looked for."""

    text: Annotated[str, Meta(min_length=1, description="Upper and lower case are the same.")]
    limit: Annotated[int, Meta(ge=1, le=1000, description="It ends with so many.")] = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One line of a search: an entry, how far it is, or how it ended."""

    entry: Annotated[EntryShown | None, Meta(description="In which the text is sealed.")] = None
    done: Annotated[int | None, Meta(description="Rows looked at so far.")] = None
    total: int | None = None
    ended: Annotated[
        str | None,
        Meta(
            description="Only in the last line. all: everything was looked at. limit: there may be "
            "more. failed: `problem` says why."
        ),
    ] = None
    problem: Problem | None = None


@lines("GET", "/log/export", role=Role.VIEWER, query=Sides, gives=EntryShown)
def export_log(asked: Asked[Sides, Nothing]) -> Iterator[EntryShown]:
    """Exports all entries that fit, oldest first, without what is sealed in them.

    A line of JSON each, in memory that does not grow. It ends with what stood in the log when it
    began; a connection that breaks off before its end was cut short.
    """
    entries = asked.connector.log.export(asked.query.where("query"))
    return (shown(one, EntryShown) for one in entries)


@lines("POST", "/log/export", role=Role.ADMIN, body=Sides, gives=EntryShown, refuses=NOT_LET)
def export_log_opened(asked: Asked[Nothing, Sides]) -> Iterator[EntryShown]:
    """Exports all entries that fit, oldest first, with what is sealed in them.

    Who exported what stands in the log first, as an entry of kind `read`; the host may refuse it.
    """
    entries = asked.connector.log.export(asked.body.where("body"), user=asked.person.name)
    return (shown(one, EntryShown) for one in entries)


@lines("POST", "/log/search", role=Role.ADMIN, body=SearchWanted, gives=Found, refuses=NOT_LET)
def search_log(asked: Asked[Nothing, SearchWanted]) -> Iterator[Found]:
    """Finds a text in prompts, arguments, requests and answers, newest first.

    It opens every entry that fits, so choose by the other fields. A line each: an entry as it is
    found, how far it is now and then, and in the last line how it ended. Hang up to end it. That
    it was searched, and by whom, stands in the log first; what for is sealed there.
    """
    wanted = asked.body
    steps = asked.connector.log.search_in_steps(
        wanted.text, wanted.where("body"), user=asked.person.name
    )
    return _lines(steps, wanted.limit)


def _lines(steps: Iterator[LogFound], limit: int) -> Iterator[Found]:
    """Gives the lines of a search; one that cannot go on says why."""
    count, told, last = 0, time.monotonic(), Found(done=0, total=0)
    try:
        for step in steps:
            taken = step.entries[: limit - count]
            yield from (Found(entry=shown(one, EntryShown)) for one in taken)
            count, last = count + len(taken), Found(done=step.done, total=step.total)
            if count >= limit:
                yield Found(done=last.done, total=last.total, ended="limit")
                return
            if time.monotonic() - told >= EVERY_S:
                told = time.monotonic()
                yield last
    except ConnectorError as error:
        yield Found(done=last.done, total=last.total, ended="failed", problem=problem_of(error))
        return
    yield Found(done=last.done, total=last.total, ended="all")


OPERATIONS = (export_log, export_log_opened, search_log)
