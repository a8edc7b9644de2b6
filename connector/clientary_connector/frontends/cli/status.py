"""Says with which exit status a command ends."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from clientary_connector.call.result import ErrorKind, Outcome, Result
from clientary_connector.errors import CallerError, ConnectorError


class Status(IntEnum):
    """The exit statuses of every command."""

    SUCCEEDED = 0
    FAILED = 1
    #: Bad usage or arguments.
    USAGE = 2
    REFUSED = 3
    #: Sent, and no answer: it may have happened.
    UNKNOWN = 4
    #: Ended with Ctrl-C.
    INTERRUPTED = 130
    #: The reader of the output went away.
    PIPE_CLOSED = 141


OF_OUTCOME: Final = {
    Outcome.SUCCEEDED: Status.SUCCEEDED,
    Outcome.FAILED: Status.FAILED,
    Outcome.REFUSED: Status.REFUSED,
    Outcome.UNKNOWN: Status.UNKNOWN,
}
#: From what a script must look at first to what it may leave.
_GRAVITY: Final = (Status.UNKNOWN, Status.FAILED, Status.REFUSED, Status.USAGE)


def of_result(result: Result) -> Status:
    """Returns the status of one call: bad arguments are the caller's usage, not a refusal."""
    kind = None if result.error is None else result.error.kind
    if result.outcome is Outcome.REFUSED and kind is ErrorKind.INVALID_ARGUMENTS:
        return Status.USAGE
    return OF_OUTCOME[result.outcome]


def of_error(error: ConnectorError) -> Status:
    """Returns the status of an error outside a call."""
    return Status.USAGE if isinstance(error, CallerError) else Status.FAILED


def of_batch(statuses: Iterable[Status]) -> Status:
    """Returns the gravest of many."""
    seen = frozenset(statuses)
    return next((status for status in _GRAVITY if status in seen), Status.SUCCEEDED)
