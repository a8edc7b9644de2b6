"""Names what each key of the vault is for, and what it is bound to as."""

from __future__ import annotations

from typing import Final, NamedTuple


class Place(NamedTuple):
    """What a key is for; a tuple, as keys are found by it for each row of the log."""

    purpose: str
    owner: str = ""
    period: str = ""

    @property
    def bound_as(self) -> str:
        """The purpose that a wrapped key is bound to: a masked key never passes for a whole one."""
        return _BOUND_AS.get(self.purpose, self.purpose)


TERM: Final = Place("term")
RECORD_MAC: Final = Place("record-mac")
LOG_MAC: Final = Place("log-mac")
LOG_SIGN: Final = Place("log-sign")
AUDIT: Final = "audit"
#: Audit keys of older vaults, which were wrapped whole; opening the vault masks them.
UNMASKED: Final = "audit-whole"

_BOUND_AS: Final = {AUDIT: "audit-masked", UNMASKED: "audit"}


def data_place(owner: str) -> Place:
    """Names the key that seals an owner's secrets."""
    return Place("data", owner)


def audit_place(user: str, month: str) -> Place:
    """Names the key that seals what the log holds of a user and month."""
    return Place(AUDIT, user, month)
