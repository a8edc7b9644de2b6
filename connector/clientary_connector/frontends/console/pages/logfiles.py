"""The log as lines of JSON, streamed as it is read."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.pages.log import EMPTY, listed, refused
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.sending import LINES, in_pieces
from clientary_connector.frontends.console.views import log as view
from clientary_connector.frontends.screen import compact

NAME: Final = "clientary-log.jsonl"


@needs("viewer")
async def log_export(request: Request) -> Response:
    """Exports what lies open."""
    return await _exported(request, None)


@needs("admin")
async def log_export_opened(request: Request) -> Response:
    """Exports what is sealed too; that stands in the log, and the host may refuse it."""
    return await _exported(request, person_of(request).name)


async def _exported(request: Request, user: str | None) -> Response:
    chosen, log = view.wanted(request.query_params), connector_of(request).log
    if chosen.faults:
        return listed(request, chosen, EMPTY, names={}, status=422)
    try:
        entries = await run_in_threadpool(log.export, chosen.where, user=user)
    except ConnectorError as error:
        return listed(request, chosen, EMPTY, names={}, error=error, status=refused(error))
    return StreamingResponse(
        in_pieces(compact(one.to_json()).encode() for one in entries),
        media_type=LINES,
        headers={"content-disposition": f'attachment; filename="{NAME}"'},
    )


ROUTES: Final = (
    Route("/log/export", log_export, methods=["GET"], name="log_export"),
    Route("/log/export", log_export_opened, methods=["POST"], name="log_export_opened"),
)
