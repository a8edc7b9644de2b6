"""Gives every test of the vault a place and an open vault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector_vault import Vault
from tests.vault.ground import Place
from tests.vault.turning import Site


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Names files that do not exist yet."""
    return Place(tmp_path)


@pytest.fixture
def vault(place: Place) -> Iterator[Vault]:
    """Makes a vault and closes it."""
    with place.create() as made:
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Makes a vault with something in it, and a note of its key."""
    made = Site(tmp_path)
    made.set_up()
    return made
