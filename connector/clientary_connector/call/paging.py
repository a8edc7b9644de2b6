"""Follows the pages of a list until the limit is met, trusting the reply and not for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from clientary_connector.call.answer import Listing
from clientary_connector.call.kinds import is_object
from clientary_connector.call.progress import tell
from clientary_connector.call.reading import Drift
from clientary_connector.call.result import Page
from clientary_connector.manifest import Paging

#: Fetches one page with these arguments.
Fetch: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Listing]]

LIMIT: Final = "limit"


@dataclass(slots=True)
class Gathered:
    """What was read so far, each record once."""

    records: list[Any] = field(default_factory=list[Any])
    seen: set[Any] = field(default_factory=set[Any])

    def add(self, items: list[Any], drift: Drift) -> int:
        """Adds what is new, and returns how many that were."""
        fresh = [item for item in items if self._is_new(item)]
        if len(fresh) < len(items):
            drift.note("$", "records came twice, on two pages, and were given once")
        self.records += fresh
        return len(fresh)

    def _is_new(self, item: Any) -> bool:  # noqa: ANN401 - any JSON value
        number = item.get("id") if is_object(item) else None
        if not isinstance(number, int | str):
            return True
        new = number not in self.seen
        self.seen.add(number)
        return new


async def gather(  # noqa: PLR0913 - what a list is read by, all by name
    fetch: Fetch,
    paging: Paging,
    arguments: Mapping[str, Any],
    *,
    max_pages: int,
    drift: Drift,
    tells_total: bool = True,
) -> tuple[list[Any], Page]:
    """Returns exactly the records asked for, or all there are, and which part of the list it is.

    Whoever follows its progress hears how many there are only where it `tells_total`.
    """
    if paging.page is None:
        return _whole(await fetch(arguments), arguments)
    if LIMIT not in arguments:
        return await _one_page(fetch, paging, arguments)
    return await _up_to_limit(
        fetch, paging, arguments, max_pages=max_pages, drift=drift, tells_total=tells_total
    )


def _whole(listing: Listing, arguments: Mapping[str, Any]) -> tuple[list[Any], Page]:
    """Returns a list that has no pages, cut where a limit says so."""
    limit: int | None = arguments.get(LIMIT)
    items = listing.items[:limit]
    page = Page(
        number=None,
        size=None,
        total=len(listing.items) if listing.total is None else listing.total,
        pages=None,
        next_page=None,
        limit=limit,
        complete=len(items) == len(listing.items),
    )
    return items, page


async def _one_page(
    fetch: Fetch, paging: Paging, arguments: Mapping[str, Any]
) -> tuple[list[Any], Page]:
    number: int = arguments.get(str(paging.page), 1)
    listing = await fetch(arguments)
    last = is_last(listing, number, size=listing.size or paging.size)
    page = Page(
        number=number,
        size=listing.size or paging.size,
        total=listing.total,
        pages=listing.pages,
        next_page=None if last else number + 1,
        limit=None,
        complete=last,
    )
    return listing.items, page


async def _up_to_limit(  # noqa: PLR0913 - as above
    fetch: Fetch,
    paging: Paging,
    arguments: Mapping[str, Any],
    *,
    max_pages: int,
    drift: Drift,
    tells_total: bool,
) -> tuple[list[Any], Page]:
    limit: int = arguments[LIMIT]
    arguments = widened(paging, arguments)
    number = start = arguments.get(str(paging.page), 1)
    gathered = Gathered()
    while True:
        listing = await fetch({**arguments, str(paging.page): number})
        size = listing.size or paging.size
        before = len(gathered.records)
        fresh = gathered.add(listing.items, drift)
        total = listing.total if tells_total else None
        tell(min(len(gathered.records), limit), most=limit, total=total)
        last = is_last(listing, number, size=size)
        stuck = fresh == 0 and bool(listing.items)
        if last or stuck or len(gathered.records) >= limit or number - start + 1 >= max_pages:
            break
        number += 1
    cut = len(gathered.records) > limit
    if stuck and not last:
        drift.note("$", f"page {number} repeats what came before, so it was the last one read")
    onward = None if last or stuck else number + 1
    page = Page(
        number=start,
        size=size,
        total=listing.total,
        pages=listing.pages,
        next_page=number if cut else onward,
        limit=limit,
        complete=last and not cut,
    )
    if cut and limit > before:
        drift.note("$", f"page {number} was given in part; going on there gives some records again")
    if page.next_page is not None and size != paging.size:
        drift.note("$", f"next_page counts pages of {size}")
    return gathered.records[:limit], page


def widened(paging: Paging, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Asks for longer pages where the service allows it and the caller counts in none."""
    wide = paging.page_size
    if wide is None or wide.argument in arguments or paging.page in arguments:
        return arguments
    limit: int = arguments[LIMIT]
    return (
        {**arguments, wide.argument: min(limit, wide.max)}
        if limit > (paging.size or 0)
        else arguments
    )


def is_last(listing: Listing, number: int, *, size: int | None) -> bool:
    """Tells whether the list ends with this page, by what the reply says of itself."""
    if not listing.items:
        return True
    if listing.pages is not None:
        return number >= listing.pages
    if listing.total is not None and size:
        return number * size >= listing.total
    return size is None or len(listing.items) < size
