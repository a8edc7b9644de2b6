"""Says how things stand with a connector, for the page on which a host shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clientary_connector.approvals import Approval
from clientary_connector.connections import Connection
from clientary_connector.connector import Connector
from clientary_connector.rotations import KeyStatus
from clientary_connector.settlements import Unsettled


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """How things stand now."""

    #: All that were not revoked, by name.
    connections: tuple[Connection, ...]
    #: How old the key of each is, where it has one.
    keys: tuple[KeyStatus, ...]
    #: Calls that wait for a person's yes, oldest first.
    approvals: tuple[Approval, ...]
    #: Changes of which nobody knows whether they were done.
    unsettled: tuple[Unsettled, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns it as a JSON object."""
        return {
            "connections": [one.to_json() for one in self.connections],
            "keys": [one.to_json() for one in self.keys],
            "approvals": [one.to_json() for one in self.approvals],
            "unsettled": [one.to_json() for one in self.unsettled],
        }


def status_of(connector: Connector) -> HostStatus:
    """Returns how things stand with a connector.

    Raises:
        OperatorError: The vault cannot be used.
    """
    return HostStatus(
        connections=connector.connections(),
        keys=connector.rotations(),
        approvals=connector.approvals.pending(),
        unsettled=connector.settlements.unsettled(),
    )
