"""Holds what the tests of reading the log stand on: a simulated account and a connector on it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.engine.ground import KEY, Ground, ground


@pytest.fixture
def far_side() -> Generator[RunningSandbox]:
    """A simulated account with the usual key."""
    with serve(Sandbox(key=KEY)) as served:
        yield served


@pytest.fixture
def joined_up(tmp_path: Path, far_side: RunningSandbox) -> Generator[Ground]:
    """A connector on a simulated account, with a grant for everything."""
    with ground(tmp_path) as made:
        made.join(far_side.url)
        yield made
