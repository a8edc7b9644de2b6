"""Says who a person is, and what such a person may do to the connector."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a person may do; each role may do what the one before it may."""

    #: Looks at everything that is not sealed.
    VIEWER = "viewer"
    #: Also says yes or no to calls that wait.
    APPROVER = "approver"
    #: Also connects, grants, rotates, revokes and tries actions.
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role may do what another one is needed for."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a console: the name stands in the log as the user."""

    name: str
    role: Role

    def to_json(self) -> dict[str, Any]:
        """Returns the person as a JSON object."""
        return {"name": self.name, "role": self.role.value}
