"""Hashes leaves to a tree, and proves what is in it: RFC 9162, section 2.1.

    root of no leaf     SHA-256()
    root of one leaf    the leaf's own hash, SHA-256(0x00 | entry), which is made elsewhere
    root of more        SHA-256(0x01 | root of the left part | root of the right part); the left
                        part is as large as the largest power of two below the number of leaves

A tree only grows, so it is kept as the roots of its whole parts alone, one for each bit of its
size. What is verified here may come from anybody: wrong sizes, lengths and hashes give False.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final, TypeAlias

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256().digest()
_NODE: Final = b"\x01"

#: Leaves from the first number up to, and without, the second.
Span: TypeAlias = tuple[int, int]
#: Gives the hashes of a span's leaves, in their order.
Leaves: TypeAlias = Callable[[int, int], Iterable[bytes]]


class Tree:
    """A tree that grows by leaves, in memory that grows with the logarithm of their number."""

    __slots__ = ("_parts", "size")

    def __init__(self, size: int = 0, parts: Sequence[bytes] = ()) -> None:
        """Starts with no leaf, or with the parts that a tree of some size has said it has.

        Raises:
            ValueError: A tree of that size has other parts.
        """
        if size < 0 or len(parts) != size.bit_count() or any(map(_is_no_hash, parts)):
            raise ValueError("These are not the parts of a tree of that size.")
        self.size = size
        self._parts = list(parts)

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The roots of the whole parts, the largest part first."""
        return tuple(self._parts)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Takes in the hashes of the next leaves, level by level."""
        level, size, loose = list(leaves), self.size, list[bytes]()
        self.size += len(level)
        while level:
            if size & 1:
                level.insert(0, self._parts.pop())
            if len(level) & 1:
                loose.append(level.pop())
            level = _nodes(level)
            size >>= 1
        self._parts += reversed(loose)

    def root(self) -> bytes:
        """Computes the root of all leaves so far."""
        if not self._parts:
            return EMPTY_ROOT
        root = self._parts[-1]
        for part in reversed(self._parts[:-1]):
            root = node(part, root)
        return root


def node(left: bytes, right: bytes) -> bytes:
    """Computes the root of two parts."""
    return sha256(_NODE + left + right).digest()


def _nodes(level: Sequence[bytes]) -> list[bytes]:
    """Computes the roots of a level's pairs; what they all begin with is hashed once."""
    start, found = sha256(_NODE).copy, list[bytes]()
    for left, right in zip(level[::2], level[1::2], strict=True):
        hashed = start()
        hashed.update(left)
        hashed.update(right)
        found.append(hashed.digest())
    return found


def inclusion(index: int, size: int, leaves: Leaves) -> list[bytes]:
    """Gives the proof that a leaf, counted from 0, is in the tree of a size (section 2.1.3.1).

    Raises:
        ValueError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("The tree has no such leaf.")
    return _roots(_path(index, 0, size), leaves)


def consistency(old: int, new: int, leaves: Leaves) -> list[bytes]:
    """Gives the proof that the tree of one size has become that of another (section 2.1.4.1).

    Raises:
        ValueError: The new tree is smaller.
    """
    if not 0 <= old <= new:
        raise ValueError("A tree never gets smaller.")
    return _roots(_subproof(old, 0, new, whole=True) if old else [], leaves)


def includes(leaf: bytes, proof: Sequence[bytes], *, index: int, size: int, root: bytes) -> bool:
    """Says whether a proof shows that a leaf is in the tree of a size (section 2.1.3.2)."""
    if not 0 <= index < size or any(map(_is_no_hash, (leaf, root, *proof))):
        return False
    at, last, found = index, size - 1, leaf
    for part in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node(part, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, part)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(
    proof: Sequence[bytes], *, old: int, old_root: bytes, new: int, new_root: bytes
) -> bool:
    """Says whether a proof shows that one tree has become another (section 2.1.4.2)."""
    if not 0 <= old <= new or any(map(_is_no_hash, proof)):
        return False
    if old in {0, new}:
        # Every tree has begun as an empty one.
        return not proof and (old < new or old_root == new_root)
    rest = list(proof) if old & (old - 1) else [old_root, *proof]
    if not proof:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = rest[0]
    for part in rest[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node(part, first), node(part, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, part)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _path(index: int, start: int, end: int) -> list[Span]:
    """Names the parts that a proof of inclusion holds, the nearest to the leaf first."""
    if end - start == 1:
        return []
    middle = start + _left(end - start)
    if index < middle:
        return [*_path(index, start, middle), (middle, end)]
    return [*_path(index, middle, end), (start, middle)]


def _subproof(old: int, start: int, end: int, *, whole: bool) -> list[Span]:
    """Names the parts that a proof of consistency holds; `old` is where the old tree ends."""
    if old == end:
        return [] if whole else [(start, end)]
    middle = start + _left(end - start)
    if old <= middle:
        return [*_subproof(old, start, middle, whole=whole), (middle, end)]
    return [*_subproof(old, middle, end, whole=False), (start, middle)]


def _left(size: int) -> int:
    """Gives the largest power of two below a size of two or more."""
    return 1 << ((size - 1).bit_length() - 1)


def _roots(spans: Sequence[Span], leaves: Leaves) -> list[bytes]:
    """Computes the roots of parts, each from its own leaves."""
    found: list[bytes] = []
    for start, end in spans:
        tree = Tree()
        tree.extend(leaves(start, end))
        if tree.size != end - start:
            raise ValueError("Leaves are missing.")
        found.append(tree.root())
    return found


def _is_no_hash(value: bytes) -> bool:
    """Says that a value cannot be a hash."""
    return len(value) != HASH_BYTES
