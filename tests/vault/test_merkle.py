"""Proves that trees and proofs are those of RFC 9162, and that no other proof is taken for one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector_vault import merkle
from connector_vault.merkle import EMPTY_ROOT, Tree
from tests.vault.merkle_vectors import (
    CONSISTENCIES,
    ENTRIES,
    INCLUSIONS,
    ROOTS,
    Consistency,
    Inclusion,
    spoilt_consistencies,
    spoilt_inclusions,
)

pytestmark = pytest.mark.requirement("log.proof.tree")

LEAVES = tuple(sha256(b"\x00" + entry).digest() for entry in ENTRIES)
SIZES = st.integers(0, 70)


def of(leaves: Iterable[bytes]) -> Tree:
    """Grows a tree."""
    tree = Tree()
    tree.extend(leaves)
    return tree


def numbered(start: int, end: int) -> list[bytes]:
    """Gives leaves that are told apart by their numbers."""
    return [sha256(b"\x00" + str(number).encode()).digest() for number in range(start, end)]


def naive(leaves: list[bytes]) -> bytes:
    """Computes a root by the definition (RFC 9162, section 2.1.1), word by word."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return sha256(b"\x01" + naive(leaves[:left]) + naive(leaves[left:])).digest()


def hashes(proof: tuple[str, ...]) -> tuple[bytes, ...]:
    """Reads a published proof."""
    return tuple(map(bytes.fromhex, proof))


def test_the_root_of_nothing_is_the_published_one() -> None:
    """SHA-256 of no byte."""
    assert of(()).root() == EMPTY_ROOT
    assert EMPTY_ROOT.hex().startswith("e3b0c44298fc1c149afbf4c8996fb924")


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    """Of the eight entries that the projects of Certificate Transparency share."""
    assert of(LEAVES[:size]).root() == ROOTS[size - 1]


@pytest.mark.requirement("threat.20")
@pytest.mark.parametrize(("index", "size", "published"), INCLUSIONS)
def test_proofs_of_inclusion_are_the_published_ones(
    index: int, size: int, published: tuple[str, ...]
) -> None:
    """We make them, take them, and take none of those that are spoilt."""
    proof = hashes(published)
    assert merkle.inclusion(index, size, lambda a, b: LEAVES[a:b]) == list(proof)
    right = Inclusion(LEAVES[index], proof, index, size, ROOTS[size - 1])
    assert merkle.includes(**asdict(right))
    taken = [what for what, one in spoilt_inclusions(right) if merkle.includes(**asdict(one))]
    assert taken == []


@pytest.mark.requirement("threat.20")
@pytest.mark.parametrize(("old", "new", "published"), CONSISTENCIES)
def test_proofs_of_consistency_are_the_published_ones(
    old: int, new: int, published: tuple[str, ...]
) -> None:
    """We make them, take them, and take none of those that are spoilt."""
    proof = hashes(published)
    assert merkle.consistency(old, new, lambda a, b: LEAVES[a:b]) == list(proof)
    right = Consistency(proof, old, ROOTS[old - 1], new, ROOTS[new - 1])
    assert merkle.is_consistent(**asdict(right))
    spoilt = spoilt_consistencies(right) if proof else ()
    assert [what for what, one in spoilt if merkle.is_consistent(**asdict(one))] == []


@pytest.mark.requirement("threat.20")
@pytest.mark.parametrize(
    ("old", "new", "roots", "proof", "taken"),
    [
        (0, 0, (b"one", b"two"), (), False),
        (1, 1, (b"one", b"two"), (), False),
        (0, 0, (b"one", b"one"), (), True),
        (0, 1, (b"one", b"two"), (), True),
        (1, 1, (b"two", b"two"), (), True),
        (1, 0, (b"one", b"two"), (), False),
        (2, 1, (b"one", b"two"), (), False),
        (1, 2, (b"one", b"two"), (), False),
        (0, 0, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
        (0, 1, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
        (1, 1, (EMPTY_ROOT, EMPTY_ROOT), (EMPTY_ROOT,), False),
    ],
)
def test_trees_of_odd_sizes_are_told_apart(
    old: int,
    new: int,
    roots: tuple[bytes, bytes],
    proof: tuple[bytes, ...],
    taken: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Empty trees, equal ones, and those that would have shrunk: the published verdicts."""
    found = merkle.is_consistent(proof, old=old, old_root=roots[0], new=new, new_root=roots[1])
    assert found is taken


@given(SIZES)
def test_a_tree_that_grows_is_the_tree_by_definition(size: int) -> None:
    """For any number of leaves, and also if it goes on from its parts."""
    whole = of(numbered(0, size))
    assert whole.root() == naive(numbered(0, size))
    half = of(numbered(0, size // 2))
    rest = Tree(half.size, half.parts)
    rest.extend(numbered(size // 2, size))
    assert (rest.size, rest.root(), rest.parts) == (size, whole.root(), whole.parts)


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
def test_every_leaf_can_be_proven(place: tuple[int, int]) -> None:
    """And its proof proves no other leaf, place or size."""
    index, size = place
    proof = merkle.inclusion(index, size, numbered)
    root = naive(numbered(0, size))
    leaf = numbered(index, index + 1)[0]
    assert merkle.includes(leaf, proof, index=index, size=size, root=root)
    right = Inclusion(leaf, tuple(proof), index, size, root)
    for what, one in spoilt_inclusions(right):
        assert not merkle.includes(**asdict(one)), what


@given(st.tuples(SIZES, SIZES).map(sorted))
def test_every_growth_can_be_proven(sizes: list[int]) -> None:
    """And no growth is proven that was none: one leaf of the old tree was another."""
    old, new = sizes
    proof = merkle.consistency(old, new, numbered)
    roots = {"old_root": naive(numbered(0, old)), "new_root": naive(numbered(0, new))}
    assert merkle.is_consistent(proof, old=old, new=new, **roots)
    if old:
        roots["old_root"] = naive([*numbered(0, old - 1), EMPTY_ROOT])
        assert not merkle.is_consistent(proof, old=old, new=new, **roots)


@pytest.mark.parametrize(
    ("size", "parts"), [(-1, ()), (1, ()), (2, (EMPTY_ROOT, EMPTY_ROOT)), (1, (b"short",))]
)
def test_parts_that_do_not_fit_a_size_are_refused(size: int, parts: tuple[bytes, ...]) -> None:
    """A tree of a size has one part for each bit of it."""
    with pytest.raises(ValueError, match="parts"):
        Tree(size, parts)


def test_what_cannot_be_proven_is_refused() -> None:
    """A leaf that the tree does not have, a tree that shrinks, leaves that are missing."""
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion(3, 3, numbered)
    with pytest.raises(ValueError, match="never gets smaller"):
        merkle.consistency(3, 2, numbered)
    with pytest.raises(ValueError, match="missing"):
        merkle.inclusion(0, 3, lambda start, end: numbered(start, end)[1:])
