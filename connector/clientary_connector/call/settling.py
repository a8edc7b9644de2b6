"""Keeps what was found out, later, about a change whose end was unknown.

A settlement is a record of the vault, written together with a row of the log of kind `settle`
that says who has settled it. What was found is text of the user who made the call: it stands in
a row of kind `found`, sealed for that user, so that an erasure reaches it. `found` and `not_found`
are final; `cannot_tell` may be followed by what a person says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from connector_vault import Record, View

KIND: Final = "settlement"
ROW: Final = "settle"
FOUND: Final = "found"


class Verdict(StrEnum):
    """Says what is known of a change that may have happened."""

    #: It happened.
    FOUND = "found"
    #: It did not happen; its operation may run again.
    NOT_FOUND = "not_found"
    #: Nobody knows; a person decides.
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a settlement says: the verdict, who gave it, and how often it was changed."""

    verdict: Verdict
    user: str
    revision: int = 0
    #: The line in the log that holds what a repeat of the operation gets.
    found: int | None = None

    @property
    def final(self) -> bool:
        """Whether it stays so."""
        return self.verdict is not Verdict.CANNOT_TELL


def settled(view: View, intent: int) -> Settled | None:
    """Returns what was found out about a call, or None.

    Raises:
        IntegrityError: The record was altered, put back or removed without the key.
    """
    found = view.record(KIND, str(intent))
    if found is None:
        return None
    body = found.body
    return Settled(
        verdict=Verdict(body["verdict"]),
        user=body["user"],
        revision=found.revision,
        found=body.get("found"),
    )


def record_of(intent: int, said: Settled) -> Record:
    """Returns the record that keeps a settlement."""
    body = {"verdict": said.verdict.value, "user": said.user, "found": said.found}
    return Record(kind=KIND, id=str(intent), body=body)
