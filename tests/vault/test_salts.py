"""Proves that what is drawn ahead is as random as what is drawn one by one, and unlike."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
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


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork])
def test_a_child_is_given_nothing_that_its_parent_is_given(fork: Callable[[], int]) -> None:
    """However it was forked: some hosts do that in C, where no hook of Python runs."""
    salts = Salts(os.urandom)
    salts(16)
    read, write = os.pipe()
    child = fork()
    if child == 0:
        try:
            os.write(write, b"".join(salts(16) for _ in range(20)))
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read, "rb") as file:
        theirs = file.read()
    assert len(theirs) == 20 * 16
    assert not any(salts(16) in theirs for _ in range(40))


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
