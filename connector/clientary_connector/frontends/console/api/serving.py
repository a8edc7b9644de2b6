"""Serves the operations of the admin API over HTTP.

1. A method that a path does not have is refused, and told which ones it has.
2. Whoever comes shows a token of the kind `admin`; nothing else counts, and no cookie does.
3. The role of the token is one that the operation admits.
4. Path, query, headers and body are read strictly; all that is wrong is told at once.
5. What the connector refuses is told with its own words and a fitting status.
6. The answer is one data class as JSON; or many of them, one a line, while they are found. Where
   that cannot go on, it ends without its end, so that nobody takes the part for the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.api.entering import enter
from clientary_connector.frontends.console.api.operations import IF_MATCH, Asked, Operation
from clientary_connector.frontends.console.api.problems import (
    PREFIX,
    ProblemError,
    answered,
    problem,
    problem_of,
    unusable,
)
from clientary_connector.frontends.console.api.reading import read_body, read_query
from clientary_connector.frontends.console.desk import connector_of, desk_of
from clientary_connector.frontends.console.drawing import path_for
from clientary_connector.frontends.console.roles import OPEN
from clientary_connector.frontends.console.sending import LINES, in_pieces
from clientary_connector.people import Role

JSON: Final = "application/json"
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def routes(operations: Sequence[Operation]) -> tuple[Route, ...]:
    """Returns the routes of operations, and one that says that there is no other path."""
    paths: dict[str, dict[str, Operation]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method] = one
    found = [_route(path, methods) for path, methods in paths.items()]
    setattr(_nowhere, OPEN, OPEN)
    others = [Route(path, _nowhere, methods=()) for path in (PREFIX, f"{PREFIX}/{{rest:path}}")]
    return (*found, *others)


def _route(path: str, methods: Mapping[str, Operation]) -> Route:
    async def serve(request: Request) -> Response:
        wanted = "GET" if request.method == "HEAD" else request.method
        chosen = methods.get(wanted)
        if chosen is None:
            allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]
            told = problem(405, f"This path does not take {request.method[:16]}.")
            return answered(told, {"Allow": ", ".join(allowed)})
        return await _served(request, chosen)

    # Without methods of its own the route takes every one, and the answer to it is ours.
    setattr(serve, OPEN, min((one.role for one in methods.values()), key=tuple(Role).index))
    return Route(f"{PREFIX}{path}", serve, methods=(), name=f"api:{path}")


async def _served(request: Request, operation: Operation) -> Response:
    """Serves one request; whatever goes wrong is a problem."""
    try:
        given = await _done(request, operation)
    except ProblemError as error:
        return answered(error.problem, error.headers)
    except ConnectorError as error:
        return answered(problem_of(error))
    if operation.streams:
        # A HEAD asks for the headers alone, and what is not asked for is not looked for.
        pieces = iter(()) if request.method == "HEAD" else in_pieces(map(ENCODER.encode, given))
        return StreamingResponse(pieces, media_type=LINES)
    headers = {name: said(given) for name, said in operation.headers.items()}
    return Response(ENCODER.encode(given), operation.status, headers, media_type=JSON)


async def _done(request: Request, operation: Operation) -> Any:  # noqa: ANN401 - what the operation gives
    person = await enter(request, operation.role)
    query, faults = read_query(request.query_params, operation)
    body, more = await read_body(request, operation)
    guard = request.headers.get(IF_MATCH.lower())
    if faults or more:
        raise unusable(*faults, *more)
    _check_guard(guard, operation)

    async def admitted() -> bool:
        try:
            return await enter(request, operation.role) == person
        except ProblemError:
            return False

    asked = Asked(
        connector=connector_of(request),
        desk=desk_of(request),
        person=person,
        path={name: str(value) for name, value in request.path_params.items()},
        query=query,
        body=body,
        root=path_for(request, "overview").rstrip("/"),
        site=f"{request.url.scheme}://{request.url.netloc}",
        admitted=admitted,
        if_match=guard,
    )
    if operation.waits:
        return await operation.run(asked)
    return await run_in_threadpool(operation.run, asked)


def _check_guard(guard: str | None, operation: Operation) -> None:
    """Asks for the header that says what is to be replaced (RFC 6585, 3)."""
    if operation.guarded and guard is None:
        raise ProblemError(
            428,
            "Say which revision is to be replaced.",
            hint=f"Send {IF_MATCH} with the ETag of what you have read, or {IF_MATCH}: "
            '"0" where there is none yet.',
        )


async def _nowhere(request: Request) -> Response:
    """Says that nothing is there, and where to look."""
    where = f"{path_for(request, 'overview').rstrip('/')}{PREFIX}/openapi.json"
    return answered(problem(404, "There is no such path.", hint=f"{where} names them all."))
