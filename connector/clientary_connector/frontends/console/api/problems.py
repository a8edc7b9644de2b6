"""Says over HTTP what is wrong with a request: as Problem Details, with every fault at once.

The form is that of RFC 9457; `kind`, `hint` and `faults` are ours. Of what was given it repeats
names alone, of a connection for one: any other value may be a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.responses import Response
from starlette.types import Scope

from clientary_connector.call.result import ErrorKind
from clientary_connector.errors import (
    ApprovalDecidedError,
    ApprovalEndedError,
    CallerError,
    ClosedError,
    ConnectError,
    ConnectorError,
    GrantFileError,
    GrantsChangedError,
    NameTakenError,
    ReadRefusedError,
    RotationError,
    ServiceError,
    SettleError,
    UnknownApprovalError,
    UnknownConnectionError,
    UnknownEntryError,
    UnknownGrantError,
    UnknownTokenError,
    UnknownUserError,
)
from clientary_connector.frontends.console.api.words import in_words_of_the_api
from clientary_connector.frontends.web.answers import refused_plainly

#: Where the API is, under the path of the console.
PREFIX: Final = "/api"
MEDIA_TYPE: Final = "application/problem+json"
#: What each status is called, for programs.
KINDS: Final[Mapping[int, str]] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "changed",
    413: "too_large",
    415: "media_type",
    421: "misdirected",
    422: "invalid_arguments",
    428: "precondition_required",
    500: "internal",
    502: "upstream_error",
    503: "unavailable",
}
#: What the connector's own errors are over HTTP; the first that fits counts.
STATUSES: Final[tuple[tuple[type[ConnectorError], int], ...]] = (
    (UnknownConnectionError, 404),
    (UnknownGrantError, 404),
    (UnknownApprovalError, 404),
    (UnknownEntryError, 404),
    (UnknownTokenError, 404),
    (UnknownUserError, 404),
    (ReadRefusedError, 403),
    (NameTakenError, 409),
    (ApprovalEndedError, 409),
    (RotationError, 409),
    (SettleError, 409),
    (GrantsChangedError, 412),
    (ApprovalDecidedError, 412),
    (ClosedError, 503),
    (CallerError, 422),
    (ServiceError, 502),
)
#: The service has answered, and did not take what was given.
TAKEN_AMISS: Final = frozenset({ErrorKind.UNAUTHORIZED, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One part of a request that cannot be used."""

    #: Where it stands.
    place: Annotated[str, Meta(description="body, query, path or header")]
    path: Annotated[str, Meta(description="A JSON path in the body, or the parameter's name.")]
    expected: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong, in the form of RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    kind: Annotated[str, Meta(description="The same for programs; it does not change.")]
    hint: Annotated[str, Meta(description="What to do.")] = ""
    faults: tuple[Fault, ...] = ()


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        hint: str = "",
        faults: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Takes the status, what is wrong, what to do, each fault, and headers of the answer."""
        super().__init__(detail)
        self.problem = problem(status, detail, hint=hint, faults=faults)
        self.headers = dict(headers or {})


def unusable(*faults: Fault) -> ProblemError:
    """Returns what ends a request of which some cannot be used."""
    return ProblemError(422, "The request cannot be used.", faults=faults)


def problem(
    status: int, detail: str, *, kind: str = "", hint: str = "", faults: tuple[Fault, ...] = ()
) -> Problem:
    """Returns the problem of a status."""
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        kind=kind or KINDS[status],
        hint=hint,
        faults=faults,
    )


def problem_of(error: ConnectorError) -> Problem:
    """Returns the problem that an error of the connector is over HTTP."""
    if isinstance(error, GrantFileError):
        faults = tuple(_fault_of(line) for line in error.faults)
        return problem(422, "The grants cannot be used.", faults=faults)
    if isinstance(error, ConnectError) and error.kind in TAKEN_AMISS:
        return problem(422, error.message, kind=error.kind.value, hint=error.hint)
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 503)
    own = error.kind.value if isinstance(error, ServiceError) else ""
    return problem(status, error.message, kind=own, hint=in_words_of_the_api(error.hint))


def in_api(scope: Scope) -> bool:
    """Tells whether a request is for the admin API, so that what is wrong is told as a problem."""
    path: str = scope["path"]
    within = path.removeprefix(scope.get("root_path", ""))
    return within == PREFIX or within.startswith(f"{PREFIX}/")


def refused(scope: Scope, status: int, text: str) -> Response:
    """Refuses a request before it is anybody's: as a problem to a program, else in a line."""
    if in_api(scope):
        return answered(problem(status, text))
    return refused_plainly(scope, status, text)


def answered(told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Returns the answer that tells of a problem."""
    return Response(
        msgspec.json.encode(told), told.status, dict(headers or {}), media_type=MEDIA_TYPE
    )


def _fault_of(line: str) -> Fault:
    """Returns a fault of a grant, which tells its place before a colon."""
    place, _, said = line.partition(": ")
    return Fault(place="body", path=place if said else "$", expected=said or line)
