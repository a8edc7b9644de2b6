"""Describes how far the tokens of a connection are: who asks for new ones, and what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from connector_vault import Record, View

KIND: Final = "tokens"


class State(StrEnum):
    """What the last try to get new tokens has come to."""

    #: The tokens in use are the newest that are known.
    FRESH = "fresh"
    #: A process asks for new ones; if it died, the answer may be lost.
    ASKING = "asking"
    #: New ones could not be had; it is tried again after a while.
    FAILING = "failing"
    #: The provider takes the refresh token no more: a person has to allow the access anew.
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """How far the tokens of one connection are; times are in seconds since 1970."""

    connection: str
    state: State = State.FRESH
    #: So often was it tried in vain since the last success.
    failures: int = 0
    #: Before then it is not tried again.
    next_at: float = 0.0
    #: Why there are no newer ones, in words that can be shown.
    reason: str = ""
    #: How often the record was changed.
    revision: int = 0

    @property
    def subject(self) -> str:
        """The name of the record in the log."""
        return f"{KIND}:{self.connection}"

    def failed(self, *, ended: bool, reason: str, next_at: float) -> TokenState:
        """Returns the state after one more failure."""
        state = State.ENDED if ended else State.FAILING
        failures = self.failures + 1
        return replace(self, state=state, failures=failures, next_at=next_at, reason=reason)


def state_of(view: View, connection: str) -> TokenState:
    """Reads how far the tokens of a connection are."""
    record = view.record(KIND, connection)
    if record is None:
        return TokenState(connection=connection)
    body: dict[str, Any] = {**record.body, "state": State(record.body["state"])}
    return TokenState(connection=connection, revision=record.revision, **body)


def record_of(state: TokenState) -> Record:
    """Returns the record that keeps it."""
    body = asdict(state)
    del body["revision"], body["connection"]
    return Record(
        kind=KIND,
        id=state.connection,
        parent=state.connection,
        revision=state.revision,
        body=body,
    )
