"""Proves that what is drawn ahead is as random as what is drawn one by one, and unlike."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector_vault.salts import AHEAD_BYTES, Salts

pytestmark = pytest.mark.requirement("threat.7")


def test_no_bytes_are_given_twice() -> None:
    """They are those of the source, each once, to whichever thread."""
    drawn: list[bytes] = []

    def draw(count: int) -> bytes:
        drawn.append(os.urandom(count))
        return drawn[-1]

    salts = Salts(draw)
    with ThreadPoolExecutor(4) as pool:
        given = [*pool.map(salts, [16, 32] * 400)]
    assert {*map(len, given)} == {16, 32}
    assert len({*given}) == len(given)
    source = b"".join(drawn)
    assert all(one in source for one in given)


def test_what_is_forgotten_is_never_given() -> None:
    """A child of a fork begins anew, even if another thread was drawing at that moment."""
    count = 0

    def draw(many: int) -> bytes:
        nonlocal count
        count += 1
        return bytes([count]) * many

    salts = Salts(draw)
    assert salts(16) == b"\x01" * 16
    salts._lock.acquire()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    salts.forget()
    assert salts(16) == b"\x02" * 16


def test_the_source_is_asked_once_for_many() -> None:
    """And never for less than is asked for."""
    asked: list[int] = []

    def draw(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    salts = Salts(draw)
    for _ in range(AHEAD_BYTES // 32):
        salts(32)
    assert asked == [AHEAD_BYTES]
    assert len(salts(AHEAD_BYTES + 1)) == AHEAD_BYTES + 1
    assert asked == [AHEAD_BYTES, AHEAD_BYTES + 1]
