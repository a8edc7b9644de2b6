"""Shows a long list a page at a time; the address says how many are skipped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from starlette.requests import Request

from clientary_connector.frontends.console.forms import number_of

T = TypeVar("T")

#: So many stand on a page.
PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[T]):
    """What stands on one page, and how many the pages beside it skip; None where there is none."""

    shown: Sequence[T]
    newer: int | None
    older: int | None


def part_of(found: Sequence[T], request: Request) -> Part[T]:
    """Returns the part of a list that the address asks for."""
    skip = number_of(request.query_params.get("skip", "")) or 0
    return Part(
        shown=found[skip : skip + PAGE],
        newer=max(skip - PAGE, 0) if skip else None,
        older=skip + PAGE if len(found) > skip + PAGE else None,
    )
