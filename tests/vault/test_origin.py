"""Proves that a child of a fork is known as one, however it was made."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

import pytest

from connector_vault import origin
from connector_vault.errors import ForkedError
from connector_vault.origin import Origin

pytestmark = [
    pytest.mark.requirement("vault.fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
FORKS = pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork], ids=["os", "c"])


def in_child(fork: Callable[[], int], work: Callable[[], bool]) -> bool:
    """Forks, and tells what the child has found."""
    child = fork()
    if child == 0:
        found = False
        try:
            found = work()
        finally:
            os._exit(0 if found else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


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
        return before and own.here and refuses(opened) and in_child(fork, lambda: refuses(own))

    assert in_child(fork, looks)
    opened.check()
    assert opened.here


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
    assert in_child(fork, lambda: not mark[0])
    assert mark[0]
