"""Is the page that says at a glance how the connections are."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.frontends.console.desk import connector_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.roles import needs


@needs("viewer")
async def overview(request: Request) -> Response:
    """Shows the connections."""
    connections = await run_in_threadpool(connector_of(request).connections, revoked=True)
    return page(request, "overview.html", connections=connections)


ROUTES: Final = (Route("/", overview, name="overview"),)
