"""Says how old the keys are, what came of a rotation, and what is left for a person to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from clientary_connector.connections import Connection
from connector_vault import SecretVersion
from connector_vault.rotation import Rotation, State

#: The candidate has become the key in use.
DONE: Final = frozenset({State.PROMOTED, State.OVERLAPPING, State.FINISHED})
#: What a person is told when a rotation has reached a state.
STATES: Final = {
    "intended": "The rotation has begun; the key in use stays in use.",
    "waiting": "There is no new key yet.",
    "pending": "The new key is sealed in the vault, beside the one in use.",
    "uncertain": "Nobody knows whether the new key is in effect.",
    "set": "The new key should be in effect.",
    "tested": "The new key answers, as the same account.",
    "promoted": "The new key is in use.",
    "overlapping": "The old key is kept for calls that are under way.",
    "finished": "The old key no longer works, and the vault has let go of it.",
    "dropped": "The new key was dropped; the old one stays in use.",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Due(StrEnum):
    """Whether it is time to rotate a key."""

    FRESH = "fresh"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """Says how old the key of a connection is, and how far its rotation."""

    #: Name of the connection, and its id.
    connection: str
    id: str
    version: int
    made_at: datetime
    age_days: int
    every_days: int
    due_at: datetime
    #: Below zero it is overdue by so many days.
    days_left: int
    due: Due
    #: The state of the rotation that is open; None where none is.
    rotation: str | None
    #: Why that goes no further now.
    reason: str
    #: What a person has to do; empty where nothing is.
    left: str

    def to_json(self) -> dict[str, Any]:
        """Returns the status as a JSON object."""
        times = {"made_at": self.made_at.isoformat(), "due_at": self.due_at.isoformat()}
        return {**asdict(self), **times, "due": self.due.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationReport:
    """Says how far a rotation came, and what is left to do."""

    connection: str
    id: str
    state: str
    number: int
    #: The version in use before, and the new one.
    old: int
    new: int | None
    #: The states that it went through in this run.
    steps: tuple[str, ...]
    #: What the service said last to the new key.
    verdict: str | None
    reason: str
    left: str

    @property
    def rotated(self) -> bool:
        """Whether the new key is the one in use."""
        return self.state in DONE

    def to_json(self) -> dict[str, Any]:
        """Returns the report as a JSON object."""
        return {**asdict(self), "steps": list(self.steps), "rotated": self.rotated}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Says when a key is due, and from when on a person is told."""

    notice_days: int
    now: datetime

    def status(
        self,
        connection: Connection,
        version: SecretVersion,
        *,
        rotation: Rotation | None,
        left: str,
    ) -> KeyStatus:
        """Returns the status of a connection's key."""
        made_at = _EPOCH + timedelta(microseconds=version.made_at)
        due_at = made_at + timedelta(days=connection.rotate_every_days)
        days_left = (due_at - self.now).days
        under_way = rotation is not None and rotation.open
        return KeyStatus(
            connection=connection.name,
            id=connection.id,
            version=version.version,
            made_at=made_at,
            age_days=(self.now - made_at).days,
            every_days=connection.rotate_every_days,
            due_at=due_at,
            days_left=days_left,
            due=self._due(days_left),
            rotation=rotation.state.value if rotation and under_way else None,
            reason=rotation.reason if rotation and under_way else "",
            left=left,
        )

    def _due(self, days_left: int) -> Due:
        if days_left < 0:
            return Due.OVERDUE
        return Due.DUE if days_left <= self.notice_days else Due.FRESH


def report_of(
    connection: Connection, rotation: Rotation, *, steps: tuple[str, ...], left: str
) -> RotationReport:
    """Returns the report of a rotation."""
    return RotationReport(
        connection=connection.name,
        id=connection.id,
        state=rotation.state.value,
        number=rotation.number,
        old=rotation.old,
        new=rotation.new,
        steps=steps,
        verdict=rotation.verdict,
        reason=rotation.reason,
        left=left,
    )


def left_of(connection: Connection, rotation: Rotation | None, *, title: str) -> str:
    """Says what a person has to do at the service before a rotation can go on."""
    state = None if rotation is None else rotation.state
    again = f"`clientary rotate {connection.name}`"
    if state is State.OVERLAPPING:
        return (
            f"Delete the old API key in {title}, on the profile page of the user whose key it is; "
            f"then {again} with --check-old shows that it no longer works."
        )
    if state is State.WAITING:
        return f"Make a new API key in {title}, and bring it with {again}."
    if state in {State.SET, State.UNCERTAIN}:
        return f"Look whether the new key exists in {title}; if not, bring another with {again}."
    return ""
