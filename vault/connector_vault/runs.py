"""Looks at many rows of the log at once: whether there is anything wrong with them at all.

It does what `fault` does row by row, one thing at a time for all rows: half of the time of a check
would go into the calls. What is wrong with rows that are not sound is left to `fault`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import compress
from typing import Any

from connector_vault.claims import numbers_of
from connector_vault.columns import LogColumns
from connector_vault.log import LogSeal, chain_hashes, head_of, leaf_hashes
from connector_vault.postings import Searched


class Run:
    """Some rows of the log as they are stored, in their order, and column by column."""

    __slots__ = (
        "_chains",
        "_connections",
        "_hashes",
        "_heads",
        "_macs",
        "_operations",
        "_payloads",
        "_personas",
        "_revisions",
        "ats",
        "facts",
        "kinds",
        "leaves",
        "refs",
        "rows",
        "searched",
        "seqs",
    )

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Takes one row or more."""
        self.rows = rows
        (
            self.seqs,
            _,
            self.ats,
            self.kinds,
            self.refs,
            users,
            self._personas,
            self._connections,
            actions,
            effects,
            self._operations,
            outcomes,
            _,
            self._revisions,
            self.facts,
            _,
            self._hashes,
            self.leaves,
            self._chains,
            self._macs,
            self._heads,
            self._payloads,
        ) = zip(*rows, strict=True)
        self.searched = Searched(
            self.seqs,
            self.refs,
            self.facts,
            outcomes,
            users,
            self._personas,
            self._connections,
            actions,
            self.kinds,
            effects,
        )

    @property
    def end(self) -> tuple[int, bytes]:
        """Number and chain of the last row."""
        return self.seqs[-1], self._chains[-1]

    def is_sound(self, seal: LogSeal, after: tuple[int, bytes]) -> bool:
        """Says whether the rows follow a place and nothing is wrong with them.

        Text may be missing from them: `bare` gives those rows.
        """
        seq, chain = after
        try:
            return (
                self.seqs == (*range(seq + 1, seq + 1 + len(self.rows)),)
                and leaf_hashes(self.rows) == [*self.leaves]
                and self._holds_its_texts()
                and chain_hashes((chain, *self._chains), self.leaves) == [*self._chains]
                and seal.wrote_all(self.seqs, self._chains, self._macs)
                and [*map(head_of, self.seqs, self.kinds, self.refs)] == [*self._heads]
            )
        except (TypeError, ValueError):
            # A damaged file gives anything in any column.
            return False

    def bare(self) -> Iterator[LogColumns]:
        """Gives the rows whose text is missing."""
        if None in self._payloads:
            bare = (LogColumns(*row) for row in self.rows if row[-1] is None)
            yield from (row for row in bare if row.lacks_text)

    def claims(self) -> list[tuple[int, int]]:
        """Gives the numbers of what the intents have claimed, each with its intent."""
        claiming = [
            kind == "intent" and isinstance(operation, str)
            for kind, operation in zip(self.kinds, self._operations, strict=True)
        ]
        whose = zip(self._connections, self._personas, self._revisions, strict=True)
        return numbers_of(
            compress(self._operations, claiming),
            compress(whose, claiming),
            compress(self.seqs, claiming),
        )

    def _holds_its_texts(self) -> bool:
        """Says whether every text that is there is the one that its row was written with."""
        found = [None if one is None else sha256(one).digest() for one in self._payloads]
        return found == [*self._hashes] or all(
            one is None or one == held for one, held in zip(found, self._hashes, strict=True)
        )
