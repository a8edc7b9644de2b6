"""Proves when sessions, links and tries end, by a clock that the test sets."""

from __future__ import annotations

import pytest

from clientary_connector.frontends.console import sessions, tries
from clientary_connector.frontends.console.links import Links
from clientary_connector.frontends.console.sessions import Sessions
from clientary_connector.frontends.console.tries import Tries
from clientary_connector.people import Person, Role

pytestmark = pytest.mark.requirement("console.signin")

ADA = Person("ada", Role.ADMIN)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        """Starts at some time."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Gives the time."""
        return self.now


def test_a_session_ends_when_nobody_uses_it() -> None:
    """Each use begins the wait anew."""
    clock = Clock()
    held = Sessions(idle_s=100, longest_s=1000, clock=clock)
    token = held.begin(ADA)
    for _ in range(5):
        clock.now += 99
        assert held.find(token) is not None
    clock.now += 100
    assert held.find(token) is None
    clock.now -= 50
    assert held.find(token) is None


def test_a_session_ends_after_its_full_length_however_it_is_used() -> None:
    """Then the person shows again who it is."""
    clock = Clock()
    held = Sessions(idle_s=100, longest_s=250, clock=clock)
    token = held.begin(ADA)
    found: list[bool] = []
    for _ in range(3):
        clock.now += 90
        found.append(held.find(token) is not None)
    assert found == [True, True, False]


def test_what_is_kept_opens_no_session() -> None:
    """Only a digest of the id is held."""
    held = Sessions(idle_s=100, longest_s=1000, clock=Clock())
    token = held.begin(ADA)
    kept = list(held._held)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert token not in kept
    assert held.find(kept[0]) is None
    assert len(token) >= 43


def test_sessions_do_not_grow_without_end() -> None:
    """Those that are over are forgotten first, then the one unused longest."""
    clock = Clock()
    held = Sessions(idle_s=100, longest_s=1000, clock=clock)
    first = held.begin(ADA)
    clock.now += 1
    others = [held.begin(ADA) for _ in range(sessions.MOST)]
    assert held.find(first) is None
    assert all(held.find(token) for token in others)
    clock.now += 100
    last = held.begin(ADA)
    assert len(held._held) == 1  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    held.end(last)
    held.end(last)
    assert held.find(last) is None


def test_a_link_is_good_once_and_not_for_long() -> None:
    """An old one is forgotten when another is made."""
    clock = Clock()
    links = Links(life_s=300, clock=clock)
    used, late = links.make(ADA), links.make(ADA)
    assert links.use(used) == ADA
    assert links.use(used) is None
    clock.now += 300
    assert links.use(late) is None
    forgotten = links.make(ADA)
    clock.now += 300
    links.make(ADA)
    assert len(links._held) == 1  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert links.use(forgotten) is None


def test_a_try_comes_back_after_a_while() -> None:
    """One at a time; whoever is let in gets the try back."""
    clock = Clock()
    left = Tries(most=2, every_s=60, clock=clock)
    assert [left.take("ada", "192.0.2.1") for _ in range(3)] == [0, 0, 60]
    clock.now += 45
    assert left.take("ada", "192.0.2.1") == 15
    clock.now += 15
    assert left.take("ada", "192.0.2.1") == 0
    left.give_back("ada", "192.0.2.1")
    assert left.take("ADA", "192.0.2.1") == 0
    assert left.take("ada", "192.0.2.1") == 60
    left.give_back("nobody", "192.0.2.9")


def test_a_refused_try_takes_nothing_from_the_address() -> None:
    """Else somebody at a name that is locked would lock out everybody beside."""
    left = Tries(most=1, every_s=60, clock=Clock())
    assert left.take("ada", "192.0.2.1") == 0
    assert [left.take("ada", "192.0.2.1") for _ in range(9)] == [60] * 9
    assert [left.take(f"other-{n}", "192.0.2.1") for n in range(4)] == [0, 0, 0, 15]


def test_all_addresses_of_one_network_of_version_6_are_one() -> None:
    """A customer has a whole network of them."""
    left = Tries(most=1, every_s=60, clock=Clock())
    taken = [left.take(f"n{n}", f"2001:db8::{n}") for n in range(5)]
    assert taken == [0, 0, 0, 0, 15]
    assert left.take("other", "2001:db8:0:1::1") == 0
    assert left.take("none", "not an address") == 0


def test_a_browser_that_is_known_has_tries_of_its_own() -> None:
    """Whoever tries the name does not lock it out; whoever has stolen it has a few tries."""
    clock = Clock()
    left = Tries(most=2, every_s=60, clock=clock)
    while left.take("ada", "192.0.2.1") == 0:
        clock.now += 1
    taken = [left.take("ada", "192.0.2.1", device="mark") for _ in range(3)]
    assert taken == [0, 0, 60]
    assert left.take("ada", "192.0.2.9", device="other") == 0
    left.give_back("ada", "192.0.2.9", device="other")


def test_tries_do_not_grow_without_end() -> None:
    """Forgotten are those that have the most left: whoever guesses is remembered."""
    left = Tries(most=2, every_s=1e9, clock=Clock())
    left.take("ada", "192.0.2.1")
    left.take("ada", "192.0.2.1")
    for number in range(tries.MOST):
        left.take(f"n{number}", f"a{number}")
    assert len(left._left) <= tries.MOST  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    assert left.take("ada", "192.0.2.2") > 0
