"""Describes approvals: a person's yes or no to one call, which serves once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from connector_vault import Record

KIND: Final = "approval"
ID_PREFIX: Final = "apr_"
#: What the records of approvals that can still change lie under.
OPEN: Final = "open"
ENDED: Final = "ended"

PENDING: Final = "pending"
GIVEN: Final = "given"
DENIED: Final = "denied"
EXPIRED: Final = "expired"
USED: Final = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One call that a person has to decide, or has decided."""

    id: str
    #: `pending`, `given`, `denied`, `expired` or `used`.
    state: str
    action: str
    effect: str
    #: Id of the connection.
    connection: str
    connection_name: str
    persona: str
    #: For whom the persona asked.
    user: str
    #: ISO 8601, UTC.
    asked_at: str
    #: Until when it can be decided, and once it was given, until when it can be used.
    until: str
    #: The line of the log that holds prompt, arguments and request.
    log_id: int
    #: Who has decided it; None while it is pending.
    decided_by: str | None = None
    decided_at: str | None = None
    #: The line of the log that holds what was said with the decision.
    decided_log_id: int | None = None
    #: The call's line in the log that has used it.
    used_by: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the approval as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a host is asked: the approval, why it was asked for, and what would be sent.

    A plugin that does not see what is sealed gets the approval alone; the rest is None.
    """

    approval: Approval
    prompt: str | None = None
    arguments: Mapping[str, Any] | None = None
    method: str | None = None
    url: str | None = None
    query: tuple[tuple[str, str], ...] | None = None
    #: The JSON body, decoded; None also where there is none.
    body: Any = None

    @property
    def bare(self) -> Question:
        """The question without what is sealed."""
        return Question(approval=self.approval)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's yes or no, as a host hands it in."""

    approve: bool
    #: The person who has decided; never the persona.
    user: str
    note: str = ""


def approval_of(record: Record) -> Approval:
    """Returns the approval that a record holds."""
    body = record.body
    return Approval(
        id=record.id,
        state=body["state"],
        action=body["action"],
        effect=body["effect"],
        connection=body["connection"],
        connection_name=body["connection_name"],
        persona=body["persona"],
        user=body["user"],
        asked_at=body["asked_at"],
        until=body["until"],
        log_id=body["log_id"],
        decided_by=body["decided_by"],
        decided_at=body["decided_at"],
        decided_log_id=body["decided_log_id"],
        used_by=body["used_by"],
    )


def overdue(record: Record, now: datetime) -> bool:
    """Tells whether the time of an approval that is open is over."""
    return datetime.fromisoformat(record.body["until"]) <= now


def moment(at: datetime) -> str:
    """Returns a moment as records hold it."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
