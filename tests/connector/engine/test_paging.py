"""Proves that lists are followed exactly as far as was asked, and no service is for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientary_connector import Page
from clientary_connector.call.answer import Listing
from clientary_connector.call.paging import gather, is_last
from clientary_connector.call.reading import Drift
from clientary_connector.manifest import PageSize, Paging

pytestmark = pytest.mark.requirement("engine.paging")

PAGED = Paging("things", page="page", size=10)
WIDE = Paging("things", page="page", size=10, page_size=PageSize("page_size", 100))
UNPAGED = Paging("things")


class Service:
    """A service with so many things, that counts how often it is asked."""

    def __init__(self, things: int, *, size: int = 10, tells: bool = True) -> None:
        """Takes how many things, on pages of which size, and whether it tells of them."""
        self.things = [{"id": number} for number in range(1, things + 1)]
        self.size = size
        self.tells = tells
        self.asked: list[Mapping[str, Any]] = []

    async def __call__(self, arguments: Mapping[str, Any]) -> Listing:
        """Answers with one page."""
        self.asked.append(arguments)
        size = arguments.get("page_size", self.size)
        start = (arguments.get("page", 1) - 1) * size
        items = self.things[start : start + size]
        if not self.tells:
            return Listing(items=items)
        total = len(self.things)
        return Listing(items=items, total=total, size=size, pages=-(-total // size))


def asked(
    service: Any,  # noqa: ANN401 - anything that answers with pages
    arguments: dict[str, Any] | None = None,
    *,
    paging: Paging = PAGED,
    max_pages: int = 100,
) -> tuple[list[int], Page, tuple[str, ...]]:
    """Returns the ids that were gathered, the page, and the warnings."""
    drift = Drift()
    work = gather(service, paging, arguments or {}, max_pages=max_pages, drift=drift)
    items, page = asyncio.run(work)
    return [item["id"] for item in items], page, drift.warnings(20)


def test_without_limit_or_page_the_first_page_comes() -> None:
    """It says how much there is, and where to go on."""
    ids, page, _ = asked(Service(25))
    assert ids == list(range(1, 11))
    assert page == Page(
        number=1, size=10, total=25, pages=3, next_page=2, limit=None, complete=False
    )


def test_a_page_is_that_page() -> None:
    """The last one says that nothing follows; one beyond it is empty."""
    ids, page, _ = asked(Service(25), {"page": 3})
    assert (ids, page.next_page, page.complete) == ([21, 22, 23, 24, 25], None, True)
    ids, page, _ = asked(Service(25), {"page": 9})
    assert (ids, page.next_page, page.complete) == ([], None, True)


@given(
    things=st.integers(0, 60),
    limit=st.integers(1, 70),
    start=st.integers(1, 4),
    tells=st.booleans(),
)
def test_limit_is_honoured_exactly_and_nothing_is_lost(
    *, things: int, limit: int, start: int, tells: bool
) -> None:
    """From the start page on, exactly so many come; going on at next_page loses none."""
    service = Service(things, tells=tells)
    ids, page, _ = asked(service, {"limit": limit, "page": start})
    rest = list(range((start - 1) * 10 + 1, things + 1))
    assert ids == rest[:limit]
    assert page.complete is (len(rest) <= limit) or (not tells and len(rest) <= limit)
    if page.next_page is not None:
        onward, _, _ = asked(Service(things), {"limit": 100, "page": page.next_page})
        assert set(ids) | set(onward) == set(rest)
    elif not page.complete:
        raise AssertionError
    assert len(service.asked) <= limit // 10 + 2


def test_no_page_too_many_is_asked_for() -> None:
    """Five of a page of ten cost one request; twenty cost two."""
    for limit, requests in ((5, 1), (10, 1), (20, 2), (21, 3)):
        service = Service(100)
        asked(service, {"limit": limit})
        assert len(service.asked) == requests


def test_a_page_given_in_part_is_named_again() -> None:
    """Going on there repeats some records and loses none; a warning says so."""
    ids, page, warnings = asked(Service(50), {"limit": 15})
    assert (len(ids), page.next_page, page.complete) == (15, 2, False)
    assert "page 2 was given in part" in warnings[0]


def test_longer_pages_are_asked_for_where_the_service_allows_it() -> None:
    """Only when the caller counts in no pages of its own."""
    service = Service(250)
    ids, page, warnings = asked(service, {"limit": 200}, paging=WIDE)
    assert (len(ids), len(service.asked)) == (200, 2)
    assert (page.size, page.next_page) == (100, 3)
    assert "next_page counts pages of 100" in warnings[0]
    for arguments in ({"limit": 10}, {"limit": 20, "page": 1}, {"limit": 20, "page_size": 20}):
        service = Service(250)
        asked(service, arguments, paging=WIDE)
        assert service.asked[0].get("page_size") == arguments.get("page_size")


def test_a_list_without_pages_is_cut_here() -> None:
    """The total is what came, unless the service says otherwise."""
    ids, page, _ = asked(Service(25, size=99, tells=False), {"limit": 5}, paging=UNPAGED)
    assert ids == [1, 2, 3, 4, 5]
    assert page == Page(
        number=None, size=None, total=25, pages=None, next_page=None, limit=5, complete=False
    )
    _, page, _ = asked(Service(25, size=99), paging=UNPAGED)
    assert (page.total, page.complete) == (25, True)


async def repeats(_: Mapping[str, Any]) -> Listing:
    """Answers with the same page for ever."""
    return Listing(items=[{"id": 1}, {"id": 2}], pages=1000, size=2)


async def lies(arguments: Mapping[str, Any]) -> Listing:
    """Promises more pages without end, each with something new."""
    return Listing(items=[{"id": arguments["page"]}], pages=10**9, total=10**9, size=1)


async def nameless(arguments: Mapping[str, Any]) -> Listing:
    """Answers with records without ids."""
    return Listing(items=[{"id": None, "page": arguments["page"]}, "odd"], pages=2)


def test_a_service_that_repeats_itself_is_left() -> None:
    """Each record is given once, and the list is not called complete."""
    ids, page, warnings = asked(repeats, {"limit": 100})
    assert ids == [1, 2]
    assert (page.next_page, page.complete) == (None, False)
    assert len(warnings) == 2


def test_a_service_that_promises_without_end_is_left() -> None:
    """After so many pages the result says where to go on."""
    ids, page, _ = asked(lies, {"limit": 10_000}, max_pages=7)
    assert (ids, page.next_page, page.complete) == (list(range(1, 8)), 8, False)


def test_a_record_that_moved_to_the_next_page_is_given_once() -> None:
    """Records shift while a list is followed; the limit still counts each once."""
    service = Service(30)

    async def shifting(arguments: Mapping[str, Any]) -> Listing:
        listing = await service(arguments)
        service.things.insert(0, {"id": 1000 + len(service.asked)})
        return listing

    ids, _, warnings = asked(shifting, {"limit": 20})
    assert len(ids) == len(set(ids)) == 20
    assert "came twice" in warnings[0]


def test_records_without_ids_are_all_kept() -> None:
    """Nothing can be told apart, so nothing is dropped."""
    drift = Drift()
    items, page = asyncio.run(gather(nameless, PAGED, {"limit": 10}, max_pages=5, drift=drift))
    assert (len(items), page.complete) == (4, True)


@pytest.mark.parametrize(
    ("listing", "last"),
    [
        (Listing(items=[]), True),
        (Listing(items=[1], pages=2), False),
        (Listing(items=[1], pages=1), True),
        (Listing(items=[1], total=20, size=10), False),
        (Listing(items=[1], total=10, size=10), True),
        (Listing(items=[1] * 10), False),
        (Listing(items=[1] * 9), True),
    ],
)
def test_the_reply_says_whether_more_follows(listing: Listing, *, last: bool) -> None:
    """Its pages first, then its total, then how full the page is."""
    assert is_last(listing, 1, size=10) is last
    assert is_last(Listing(items=[1]), 1, size=None)
