"""Proves that a list of tools costs a model no more tokens than was promised."""

from __future__ import annotations

import pytest

from clientary_connector import load_manifest
from clientary_connector.frontends.export import FORMATS
from tests.benchmarks.tokens import ALL_HOLD, SEARCH_HOLD, TEN, TEN_HOLD, counted, listed

pytestmark = [pytest.mark.requirement("host.export.tokens"), pytest.mark.slow]


@pytest.mark.parametrize("name", FORMATS)
def test_all_actions_are_within_their_budget_in_every_format(name: str) -> None:
    """A description that grows beyond it fails here, not in somebody's context."""
    assert 5_000 < counted(name, load_manifest().actions) <= ALL_HOLD


def test_ten_actions_are_within_theirs_as_mcp_lists_them() -> None:
    """The job of the demo, with the longest schemas of all among it."""
    assert 1_000 < counted("mcp", TEN) <= TEN_HOLD


def test_what_the_server_lists_is_within_its_budget_in_every_mode() -> None:
    """With the argument `request` in every tool, and the search by name beside them."""
    every = load_manifest().actions
    assert 5_000 < listed(every) <= ALL_HOLD
    assert 1_000 < listed(TEN) <= TEN_HOLD
    assert 100 < listed(every, search=True) <= SEARCH_HOLD
