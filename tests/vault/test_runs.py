"""Proves that looking at many rows at once finds what looking at each of them finds."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_vault import Vault, walks
from connector_vault.claims import Tally, number_of, numbers_of
from connector_vault.log import chain_hash, chain_hashes, leaf_hash, leaf_hashes
from connector_vault.rows import Rows
from connector_vault.runs import Run
from tests.vault.ground import Place, calls, rows_of

pytestmark = pytest.mark.requirement("log.verify")

NAMES = st.one_of(st.none(), st.sampled_from(["con_1", "con_2", "bookkeeper"]))
ROUNDS = st.one_of(st.none(), st.integers(0, 3))
CLAIMS = st.lists(st.tuples(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 1 << 40)))


def stored(vault: Vault) -> list[tuple[Any, ...]]:
    """Returns all rows of the log as they are stored."""
    return vault.read(lambda view: _all(rows_of(view)))


def _all(rows: Rows) -> list[tuple[Any, ...]]:
    return walks.run(rows, 0, rows.last_seq() + 1)


def test_hashes_of_many_rows_are_those_of_each(place: Place) -> None:
    """Leaves and chains, computed together and one by one."""
    with place.create() as vault:
        calls(vault, 3)
        rows = stored(vault)
    leaves = [leaf_hash(row[:17]) for row in rows]
    chains = [row[18] for row in rows]
    assert leaf_hashes(rows) == leaves
    assert chain_hashes(chains, leaves[1:]) == [
        chain_hash(before, leaf) for before, leaf in zip(chains, leaves[1:], strict=False)
    ]


@pytest.mark.parametrize("column", range(22))
def test_rows_of_which_one_was_altered_are_not_sound(place: Place, column: int) -> None:
    """Whatever the column, and whatever type a damaged file gives in it."""
    with place.create() as vault:
        calls(vault, 2)
        seal = vault._tools.seal  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        rows = stored(vault)
        assert Run(rows).is_sound(seal, seal.start)
        for value in (7, 0.5, "text", b"bytes", None):
            row = (*rows[1][:column], value, *rows[1][column + 1 :])
            run = Run([rows[0], row, *rows[2:]])
            same = row == rows[1]
            bare = value is None and column == 21
            assert run.is_sound(seal, seal.start) == (same or bare)
            assert [one.seq for one in run.bare()] == ([2] if bare and not same else [])


@given(st.lists(st.tuples(st.text(max_size=4), NAMES, NAMES, ROUNDS)))
def test_numbers_of_many_claims_are_those_of_each(claims: list[tuple[Any, ...]]) -> None:
    """For somebody and for nobody, in a first round and in later ones."""
    found = numbers_of(
        [operation for operation, *_ in claims],
        [(connection, persona, turn) for _, connection, persona, turn in claims],
        range(1, len(claims) + 1),
    )
    assert found == [
        (number_of(operation, connection, persona, turn, seq), seq)
        for seq, (operation, connection, persona, turn) in enumerate(claims, start=1)
    ]


@given(CLAIMS, CLAIMS, st.randoms(use_true_random=False))
def test_tallies_agree_where_the_claims_are_the_same(
    some: list[tuple[int, int]],
    more: list[tuple[int, int]],
    dice: Random,
) -> None:
    """In whatever order and pieces they come; one more, one less or another is told."""
    one, other = Tally(3**81), Tally(3**81).fresh()
    one.add([*some, *more, (5, 1)])
    mixed = [*more, (5, 1), *some]
    dice.shuffle(mixed)
    other.add(mixed[:3])
    assert one.agrees(other) == (len(mixed) <= 3)
    other.add(mixed[3:])
    assert one.agrees(other)
    number, seq = mixed[0]
    for changed in ([], [(number, seq + 1)], [(number + 1, seq)], [mixed[0], mixed[0]]):
        third = one.fresh()
        third.add([*changed, *mixed[1:]])
        assert not one.agrees(third)
