"""Fills an account with made-up records."""

from __future__ import annotations

from enum import StrEnum
from random import Random

from clientary_connector.sandbox.records import Company
from clientary_connector.sandbox.state import State
from clientary_connector.sandbox.writing import created


class Size(StrEnum):
    """How much an account holds."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


def fill(state: State, random: Random, size: Size) -> None:
    """Fill an empty account."""
    for number in range(24 if size is Size.SMALL else 200):
        name = f"Client {random.randrange(1000)} {number}"
        state.clients.add(Company(id=state.clients.new_id(), name=name, **created(state)))
