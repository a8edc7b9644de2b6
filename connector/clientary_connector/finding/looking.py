"""Goes through lists page by page, so many requests and no more, and keeps what fits.

1. Every request is a call of its own by the one way: granted, counted, logged.
2. A list below others is looked through for each record above it, in their order.
3. What was not looked at is known at the end: a bound that was met, a page that failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from clientary_connector.call.kinds import is_list, is_object
from clientary_connector.call.progress import tell
from clientary_connector.call.result import ErrorKind, Outcome, Result
from clientary_connector.finding.chains import Chain
from clientary_connector.manifest import Action

#: Runs the call of a list; `mark` tells it from the other calls of the same search.
Run: TypeAlias = Callable[[Action, Mapping[str, Any], str], Awaitable[Result]]
#: Takes the records of a page of the list that is looked for.
Take: TypeAlias = Callable[[list[dict[str, Any]]], None]

#: The argument that leaves out what nobody asks for.
FIELDS: Final = "fields"
#: Pages read beside each other: enough to hide the way to the service, few for one caller of many.
AT_ONCE: Final = 8
#: What one record's list may say and another's may not; everything else ends the search.
_OF_ONE: Final = frozenset({ErrorKind.DENIED, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND})


class Looking:
    """One search under way."""

    def __init__(self, run: Run, take: Take, *, most: int) -> None:
        """Takes what runs a call, what takes the records, and how many requests may be made."""
        self._run = run
        self._take = take
        self._most = most
        self._free = asyncio.Semaphore(AT_ONCE)
        self._ended = False
        self.requests = 0
        #: Records of the list that is looked for, and pages of it that were read.
        self.records = 0
        self.pages = 0
        #: Whether everything was looked at.
        self.complete = True
        #: Whether it was the bound that left something out.
        self.bounded = False
        #: The first call, and the first one that came to nothing.
        self.first: Result | None = None
        self.failed: Result | None = None

    async def through(self, chain: Chain, known: Mapping[str, Any]) -> None:
        """Looks through a list, and through what lies below each of its records."""
        action, *below = chain
        first = await self._page(action, known, 1)
        if first is None:
            return
        await self._on(first, tuple(below))
        if action.paging is None or action.paging.page is None:
            self.complete &= first.page is None or first.page.complete
        elif below or first.page is None or first.page.pages is None:
            await self._one_by_one(chain, known, first)
        else:
            last = min(first.page.pages, self._most + 1)
            others = (self._leaf(action, known, number) for number in range(2, last + 1))
            await asyncio.gather(*others)

    async def _one_by_one(self, chain: Chain, known: Mapping[str, Any], page: Result) -> None:
        """Follows the pages of a list in turn: of how many there are nothing is known."""
        action, *below = chain
        current: Result | None = page
        while current is not None and current.page is not None and current.page.next_page:
            current = await self._page(action, known, current.page.next_page)
            if current is not None:
                await self._on(current, tuple(below))

    async def _leaf(self, action: Action, known: Mapping[str, Any], number: int) -> None:
        found = await self._page(action, known, number)
        if found is not None:
            await self._on(found, ())

    async def _on(self, page: Result, below: Chain) -> None:
        """Takes the records of a page, or looks below each of them."""
        records = [one for one in page.data if is_object(one)] if is_list(page.data) else []
        if not below:
            self.pages += 1
            self.records += len(records)
            self._take(records)
            tell(self.records, most=self.records, total=None)
            return
        (argument,) = below[0].place.path
        ids = [one["id"] for one in records if isinstance(one.get("id"), int)]
        await asyncio.gather(*(self.through(below, {argument: id_}) for id_ in ids))

    async def _page(self, action: Action, known: Mapping[str, Any], number: int) -> Result | None:
        """Returns a page; None where it is not to be had."""
        async with self._free:
            if self._ended or self.requests >= self._most:
                self.bounded |= not self._ended
                self.complete = False
                return None
            self.requests += 1
            mark = "/".join(str(part) for part in (action.id, *known.values(), number))
            result = await self._run(action, _arguments(action, known, number), mark)
        self.first = self.first or result
        if result.outcome is Outcome.SUCCEEDED:
            return result
        self.complete = False
        self.failed = self.failed or result
        self._ended |= result.error is None or result.error.kind not in _OF_ONE
        return None


def _arguments(action: Action, known: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Returns the arguments of one page, as long as the service allows, with few fields."""
    find, paging = action.find, action.paging
    fields = ("id",) if find is None else ("id", *find.by, *find.show)
    given = {**known} if find is None else {**known, **find.fixed}
    if FIELDS in action.place.engine:
        given[FIELDS] = list(dict.fromkeys(fields))
    if paging is not None and paging.page is not None:
        given[paging.page] = number
    if paging is not None and paging.page_size is not None:
        given[paging.page_size.argument] = paging.page_size.max
    return given
