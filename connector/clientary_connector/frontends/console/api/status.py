"""Holds the operation that says how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from clientary_connector.frontends.console.api.approvals import ApprovalShown
from clientary_connector.frontends.console.api.connections import (
    ConnectionShown,
    KeyShown,
    key_shown,
)
from clientary_connector.frontends.console.api.operations import Asked, Nothing, operation
from clientary_connector.frontends.console.api.shapes import LogId, Moment, shown
from clientary_connector.people import Role
from clientary_connector.status import status_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledShown:
    """A change of which nobody knows whether it has happened."""

    id: LogId
    at: Moment
    user: str
    persona: str
    connection: str
    action: str
    operation: str
    looked_up: Annotated[bool, Meta(description="A look-up could not tell: a person decides.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How things stand now."""

    connections: tuple[ConnectionShown, ...]
    keys: tuple[KeyShown, ...]
    approvals: Annotated[
        tuple[ApprovalShown, ...], Meta(description="What waits for a person, oldest first.")
    ]
    unsettled: tuple[UnsettledShown, ...]


@operation("GET", "/status", role=Role.VIEWER, gives=Status)
def show_status(asked: Asked[Nothing, Nothing]) -> Status:
    """Says how things stand: connections, keys, what waits for a person, what is not settled.

    One look for the first page of a host; everything in it has operations of its own.
    """
    told = status_of(asked.connector)
    return Status(
        connections=tuple(shown(one, ConnectionShown) for one in told.connections),
        keys=tuple(map(key_shown, told.keys)),
        approvals=tuple(shown(one, ApprovalShown) for one in told.approvals),
        unsettled=tuple(shown(one, UnsettledShown) for one in told.unsettled),
    )


OPERATIONS = (show_status,)
