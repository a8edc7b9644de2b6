"""Moves the versions of a secret from stage to stage: pending, current, previous, retired.

1. The database holds at most one version in each of the first three; a retired one is empty, and
   only the last of them keeps its row.
2. A candidate is stored beside a current version only: what was destroyed does not come back.
3. Only the candidate can become current, and the one before it becomes the previous.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector_vault.columns import SecretRow
from connector_vault.errors import ConflictError, NotFoundError
from connector_vault.rows import Rows
from connector_vault.sealed import Note, SecretRows
from connector_vault.secret import Secret

Stage: TypeAlias = Literal["pending", "current", "previous"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion:
    """One version of a secret, without its value; `made_at` is in microseconds since 1970."""

    version: int
    #: `pending`, `current`, `previous` or `retired`.
    stage: str
    made_at: int


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one secret, inside one transaction."""

    secrets: SecretRows
    rows: Rows
    owner: str
    field: str

    def versions(self) -> tuple[SecretVersion, ...]:
        """Gives the versions that hold a value and the last that was emptied, oldest first."""
        return tuple(
            SecretVersion(version=row.version, stage=row.stage, made_at=row.made_at)
            for row in self._every()
        )

    def open(self, stage: Stage) -> Secret:
        """Opens the version of a stage.

        Raises:
            NotFoundError: There is none.
            IntegrityError: A version, or its key, was altered, moved or put back.
        """
        return self.secrets.opened(self.rows, self._one(stage))

    def holds(self, stage: Stage, secret: Secret) -> bool:
        """Says, in constant time, whether a secret is the version of a stage.

        Raises:
            IntegrityError: A version, or its key, was altered, moved or put back.
        """
        try:
            kept = self.open(stage)
        except NotFoundError:
            return False
        with kept:
            return hmac.compare_digest(kept.reveal().encode(), secret.reveal().encode())

    def store_pending(self, secret: Secret, *, at: int, note: Note) -> int:
        """Keeps a candidate beside the current version; gives its version.

        Raises:
            NotFoundError: There is no current version.
            ConflictError: There is a candidate already.
        """
        self._one("current")
        older = self._every()
        if any(row.stage == "pending" for row in older):
            raise ConflictError(f"There is a candidate for {self.field!r} of {self.owner!r}.")
        version = older[-1].version + 1
        name = (self.owner, self.field, version)
        fresh = self.secrets.fresh(self.rows, name, secret, stage="pending", at=at)
        self.secrets.restage(self.rows, older, fresh=fresh, note=note)
        return version

    def promote(self, version: int, *, note: Note) -> None:
        """Makes the candidate the current version; the one before it becomes the previous.

        Raises:
            NotFoundError: That version is no candidate, or nothing is current.
        """
        self._one("current")
        if self._one("pending").version != version:
            raise self._missing("pending")
        later = {"previous": "retired", "current": "previous", "pending": "current"}
        self._restage(later, note)

    def retire(self, stage: Stage, *, note: Note) -> int | None:
        """Empties the version of a stage; gives its number, or None if there is none."""
        found = [row.version for row in self._every() if row.stage == stage]
        if not found:
            return None
        self._restage({stage: "retired"}, note)
        return found[0]

    def _restage(self, later: dict[str, str], note: Note) -> None:
        """Stores every version, those of some stages in later ones."""
        moved = [row._replace(stage=later.get(row.stage, row.stage)) for row in self._every()]
        self.secrets.restage(self.rows, moved, note=note)

    def _one(self, stage: Stage) -> SecretRow:
        """Gives the version of a stage."""
        for row in self._every():
            if row.stage == stage:
                return row
        raise self._missing(stage)

    def _every(self) -> list[SecretRow]:
        """Gives the versions that there are, oldest first, each checked."""
        return self.secrets.versions(self.rows, self.owner, self.field)

    def _missing(self, stage: Stage) -> NotFoundError:
        kind = "secret" if stage == "current" else f"{stage} secret"
        return NotFoundError(f"There is no {kind} {self.field!r} of {self.owner!r}.")
