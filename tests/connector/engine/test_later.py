"""Proves that a part is made when it is first needed, and once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from clientary_connector.later import Later

pytestmark = pytest.mark.requirement("engine.public")


def test_a_part_is_made_by_the_first_who_asks() -> None:
    """Before that there is none; after it, everybody gets the same."""
    later: Later[object] = Later(object)
    assert later.made is None
    part = later()
    assert later() is part is later.made


def test_many_who_ask_at_once_get_one_part() -> None:
    """Whoever comes while it is being made waits for it."""
    start, made = Barrier(8), list[object]()

    def make() -> object:
        made.append(object())
        return made[-1]

    later = Later(make)

    def ask(_: int) -> object:
        start.wait()
        return later()

    with ThreadPoolExecutor(8) as threads:
        got = set(threads.map(ask, range(8)))
    assert got == {made[0]}
    assert len(made) == 1


def test_what_could_not_be_made_is_tried_again() -> None:
    """A failure is the asker's; the next one gets the part."""
    tries = iter([False, True])

    def make() -> object:
        if not next(tries):
            raise OSError
        return object()

    later = Later(make)
    with pytest.raises(OSError):  # noqa: PT011 - its own, without words
        later()
    assert later() is later.made
