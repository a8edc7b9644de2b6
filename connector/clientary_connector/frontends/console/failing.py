"""Draws what went wrong, in the same design as every page: what it is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clientary_connector.call.result import ErrorKind
from clientary_connector.errors import CallerError, ConnectorError, OperatorError
from clientary_connector.frontends.console.api.problems import answered, in_api, problem
from clientary_connector.frontends.console.drawing import can_draw, page
from clientary_connector.frontends.console.saying import hint_of

#: What is said where nobody has said more.
SAID: Final = {
    400: "The request cannot be read.",
    404: "There is no such page.",
    405: "This page does not take that.",
    500: "Something went wrong that should not have. Nothing more is known here: the log of the "
    "process names the place.",
}
#: Of errors of the connector that no page has caught.
STATUSES: Final = {ErrorKind.NOT_FOUND: 404, ErrorKind.DENIED: 404}


def failure(request: Request, error: HTTPException) -> Response:
    """Returns the page of a refused or failed request."""
    known = error.detail != HTTPStatus(error.status_code).phrase
    said = error.detail if known else SAID.get(error.status_code, error.detail)
    return _drawn(request, error.status_code, said, hint="", headers=error.headers)


def connector_failure(request: Request, error: ConnectorError) -> Response:
    """Returns the page of an error of the connector that the page itself has not caught."""
    return _drawn(request, status_of(error), error.message, hint=hint_of(error))


def status_of(error: ConnectorError) -> int:
    """Returns the status that an error of the connector has over HTTP."""
    if isinstance(error, CallerError):
        return STATUSES.get(error.kind, 422)
    return 503 if isinstance(error, OperatorError) else 502


def _drawn(
    request: Request,
    status: int,
    said: str,
    *,
    hint: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    if in_api(request.scope):
        return answered(problem(status, said, hint=hint), headers)
    if not can_draw(request):
        response: Response = PlainTextResponse(f"{said}\n", status)
    else:
        title = HTTPStatus(status).phrase
        response = page(
            request, "error.html", status=status, title=title, said=said, hint=hint, code=status
        )
    response.headers.update(headers or {})
    return response
