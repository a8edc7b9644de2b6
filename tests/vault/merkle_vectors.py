"""Holds what others have published of trees and their proofs, so that ours can be held to it.

The eight entries, their roots and the proofs are those that the projects Certificate Transparency
and transparency-dev/merkle (`proof/verify_test.go`) share; the ways to spoil a proof are those of
the latter (`testdata/inclusion` and `testdata/consistency`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from connector_vault.merkle import EMPTY_ROOT

ENTRIES: Final = tuple(
    map(
        bytes.fromhex,
        (
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ),
    )
)
#: The root of the first entry, of the first two, and so on.
ROOTS: Final = tuple(
    map(
        bytes.fromhex,
        (
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ),
    )
)
#: Index, size, and the proof that the entry is in the tree.
INCLUSIONS: Final[tuple[tuple[int, int, tuple[str, ...]], ...]] = (
    (
        0,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        5,
        8,
        (
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (2, 3, ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",)),
    (
        1,
        5,
        (
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
)
#: Two sizes, and the proof that the tree of the one has become that of the other.
CONSISTENCIES: Final[tuple[tuple[int, int, tuple[str, ...]], ...]] = (
    (1, 1, ()),
    (
        1,
        8,
        (
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ),
    ),
    (
        6,
        8,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
    (
        2,
        5,
        (
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ),
    ),
    (
        6,
        7,
        (
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ),
    ),
)
T = TypeVar("T", "Inclusion", "Consistency")

SOME_HASH: Final = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


@dataclass(frozen=True)
class Inclusion:
    """What a verifier of inclusion is given."""

    leaf: bytes
    proof: tuple[bytes, ...]
    index: int
    size: int
    root: bytes


@dataclass(frozen=True)
class Consistency:
    """What a verifier of consistency is given."""

    proof: tuple[bytes, ...]
    old: int
    old_root: bytes
    new: int
    new_root: bytes


def spoilt_inclusions(right: Inclusion) -> Iterator[tuple[str, Inclusion]]:
    """Spoils a right proof in every published way."""
    proof, index, size = right.proof, right.index, right.size
    for text, number in (("- 1", index - 1), ("+ 1", index + 1), ("xor 2", index ^ 2)):
        yield f"index {text}", replace(right, index=number)
    yield "size * 2", replace(right, size=size * 2)
    yield "size / 2", replace(right, size=size // 2)
    yield "wrong leaf", replace(right, leaf=b"WrongLeaf")
    yield "empty root", replace(right, root=EMPTY_ROOT)
    yield "random root", replace(right, root=SOME_HASH)
    yield from _garbage(right, right.root)
    for number in range(len(proof)):
        yield f"bit 3 of {number}", replace(right, proof=_flipped(proof, number, 8))
    if proof:
        yield "removed component", replace(right, proof=proof[:-1])
    if len(proof) > 1:
        yield "inserted component", replace(right, proof=(proof[0], SOME_HASH, *proof[1:]))


def spoilt_consistencies(right: Consistency) -> Iterator[tuple[str, Consistency]]:
    """Spoils a right proof in every published way."""
    proof, old, new = right.proof, right.old, right.new
    for text, number in (("- 1", old - 1), ("+ 1", old + 1), ("xor 2", old ^ 2)):
        yield f"old size {text}", replace(right, old=number)
    yield "new size * 2", replace(right, new=new * 2)
    yield "new size / 2", replace(right, new=new // 2)
    yield "wrong old root", replace(right, old_root=b"WrongRoot")
    yield "wrong new root", replace(right, new_root=b"WrongRoot")
    yield "swapped roots", replace(right, old_root=right.new_root, new_root=right.old_root)
    yield "empty proof", replace(right, proof=())
    for root in (right.old_root, right.new_root):
        yield from _garbage(right, root)
    yield "first component twice", replace(right, proof=(proof[0], *proof))
    yield "truncated proof", replace(right, proof=proof[:-1])
    for number in range(len(proof)):
        yield f"bit 4 of {number}", replace(right, proof=_flipped(proof, number, 16))


def _garbage(right: T, root: bytes) -> Iterator[tuple[str, T]]:
    for extra in (b"", root):
        yield f"trailing {extra.hex()}", replace(right, proof=(*right.proof, extra))
        yield f"preceding {extra.hex()}", replace(right, proof=(extra, *right.proof))


def _flipped(proof: tuple[bytes, ...], number: int, mask: int) -> tuple[bytes, ...]:
    spoilt = bytes((proof[number][0] ^ mask,)) + proof[number][1:]
    return (*proof[:number], spoilt, *proof[number + 1 :])
