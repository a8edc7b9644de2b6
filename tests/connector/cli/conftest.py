"""Gives the tests of the command line a simulated account and a state of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from clientary_connector.sandbox import RunningSandbox, Sandbox, serve
from tests.connector.cli.stage import Cli


@pytest.fixture(scope="session")
def far_side() -> Iterator[RunningSandbox]:
    """A simulated account, shared by all tests: each makes the records that it needs."""
    with serve(Sandbox()) as running:
        yield running


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command line over a state that was not made yet."""
    return Cli(tmp_path / "state", capsys)


@pytest.fixture
def ready(cli: Cli, far_side: RunningSandbox) -> Cli:
    """The command line over a state with a connection and a grant."""
    cli.set_up(far_side)
    return cli
