"""Tells text of the log that was erased with cause from text that somebody removed.

Every erasure stands in the log itself, as a row that the text outlives: who asked, why, and of
which rows. Text that is missing from a row is erased if such a row, later in the log, covers it;
else it was removed by somebody who had no key to write that row.

1. An erasure on request covers the rows of one user that were written before a time and stand
   before it in the log.
2. An end of retention covers, for each name of an age (ages.py), rows written before a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from connector_vault import ages, walks
from connector_vault.encoding import json_facts
from connector_vault.errors import IntegrityError
from connector_vault.log import LogSeal
from connector_vault.rows import Rows

#: What the rows that say so are about, before a colon and a name.
ERASURE: Final = "erasure"
RETENTION: Final = "retention"

#: The names of ages in older rows.
_CHANGES: Final = "changes"
_READS: Final = "reads"
_REFUSALS: Final = "refusals"


class Written(Protocol):
    """What decides whether a row is covered; every form of a row has it."""

    @property
    def seq(self) -> int:
        """Its number."""
        ...

    @property
    def at(self) -> int:
        """When it was written."""
        ...

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    @property
    def user(self) -> str | None:
        """Its user."""
        ...

    @property
    def action(self) -> str | None:
        """Its action."""
        ...

    @property
    def effect(self) -> str | None:
        """The effect of its action."""
        ...


@dataclass(frozen=True, slots=True)
class _Said:
    """One row that says what was erased."""

    seq: int
    user: str | None
    before: int | None
    until: dict[str, int]

    def covers(self, row: Written) -> bool:
        """Says whether a row is among what was erased."""
        if row.seq >= self.seq:
            return False
        if self.until:
            return row.at < self.until.get(self._age_of(row), 0)
        return row.user == self.user and (self.before is None or row.at < self.before)

    def _age_of(self, row: Written) -> str:
        """Gives the name that the age of a row has here."""
        if not {_CHANGES, _READS, _REFUSALS} & self.until.keys():
            return ages.name_for(row, self.until) or ""
        if row.kind == "refusal":
            return _REFUSALS
        if row.effect == "read":
            return _READS
        return "" if row.action is None else _CHANGES


class Erasures:
    """All that was erased, as the log says."""

    def __init__(self, said: Iterable[_Said]) -> None:
        """Takes what the log says."""
        self._requests: dict[str | None, list[_Said]] = {}
        self._ends: list[_Said] = []
        for one in said:
            (self._ends if one.until else self._requests.setdefault(one.user, [])).append(one)

    @classmethod
    def of(cls, rows: Rows, seal: LogSeal) -> Erasures:
        """Reads them. A row that was altered says nothing; the check of the log names it."""
        found: list[_Said] = []
        for subject in (ERASURE, RETENTION):
            for row in walks.about(rows, subject):
                try:
                    seal.public(row)
                except IntegrityError:
                    continue
                found.append(_said(row.seq, json_facts(row.facts) or {}))
        return cls(found)

    def cover(self, row: Written) -> bool:
        """Says whether the text of a row was erased with cause."""
        said = (*self._requests.get(row.user, ()), *self._ends)
        return any(one.covers(row) for one in said)


def _said(seq: int, facts: dict[str, Any]) -> _Said:
    """Reads what a row says was erased."""
    return _Said(seq, facts.get("user"), facts.get("before"), facts.get("until") or {})
