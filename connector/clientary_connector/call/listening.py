"""Is what the way of a call tells about calls that ended, and to whom."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from connector_vault import LogDraft, LogRow


class Ended(NamedTuple):
    """A call that ended, as its rows stand in the log; the payloads before they were sealed."""

    #: The call's line in the log; None where the log could not be written.
    log_id: int | None
    #: Its intent, or what stands for one: a refusal or a replay.
    head: LogDraft | LogRow
    #: None where the head says what it came to.
    outcome: LogDraft | None = None
    payload: bytes | None = None
    answer: bytes | None = None


class Listener(Protocol):
    """Is told of every call once its end is in the log; it must neither wait nor raise."""

    def ended(self, call: Ended) -> None:
        """Takes note of a call that ended."""
        ...


class Several:
    """Hands what it hears to several listeners, in their order."""

    def __init__(self, *listeners: Listener) -> None:
        """Takes the listeners."""
        self._listeners = listeners

    def ended(self, call: Ended) -> None:
        """Tells each of them of a call that ended."""
        for listener in self._listeners:
            listener.ended(call)


class Nobody:
    """Listens where nobody else does."""

    def ended(self, call: Ended) -> None:
        """Takes no note."""
