"""Proves that a child of a fork is known as one, however it was made."""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector_vault import origin
from connector_vault.errors import ForkedError
from connector_vault.origin import Origin
from tests.vault.ground import in_child

pytestmark = [
    pytest.mark.requirement("vault.fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
FORKS = pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork], ids=["os", "c"])


def finds(fork: Callable[[], int], work: Callable[[], bool]) -> bool:
    """Forks, and tells what the child has found."""
    return in_child(fork, lambda: 0 if work() else 1) == 0


def refuses(opened: Origin) -> bool:
    """Tells whether a process is refused."""
    try:
        opened.check()
    except ForkedError:
        return not opened.here
    return False


@FORKS
def test_a_child_is_another_process(fork: Callable[[], int]) -> None:
    """What it makes itself serves it, and what its parent has made still does not."""
    opened = Origin()
    assert opened.here

    def looks() -> bool:
        before = refuses(opened)
        own = Origin()
        own.check()
        return before and own.here and refuses(opened) and finds(fork, lambda: refuses(own))

    assert finds(fork, looks)
    opened.check()
    assert opened.here


def test_an_emulator_that_takes_any_advice_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says yes and empties no page; there the process is asked for its number."""

    class Agreeing(mmap.mmap):
        """Takes every advice, and follows none."""

        def madvise(self, *_: int) -> None:
            """Says yes."""

    monkeypatch.setattr(mmap, "mmap", Agreeing)
    mark = origin._page()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    mark[0] = 1
    assert finds(os.fork, lambda: not mark[0])


def test_threads_that_come_first_in_a_child_are_of_one_process() -> None:
    """None of them is locked out of what it opened, however they take turns."""

    def looks() -> bool:
        start = threading.Barrier(8)

        def opens(_: int) -> Origin:
            start.wait()
            return Origin()

        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(8) as pool:
            return all(one.here for one in pool.map(opens, range(8)))

    assert all(finds(os.fork, looks) for _ in range(20))


@FORKS
def test_a_child_is_known_where_no_page_is_emptied(
    fork: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the process is asked for its number."""
    monkeypatch.setattr(sys, "platform", "darwin")
    mark = origin._page()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    monkeypatch.undo()
    assert not mark[0]
    mark[0] = 1
    assert mark[0]
    assert finds(fork, lambda: not mark[0])
    assert mark[0]
