"""Is the page that says at a glance how the connections are, and what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.frontends.console.desk import connector_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import overview as shape


@needs("viewer")
async def overview(request: Request) -> Response:
    """Shows it."""
    today = datetime.now(UTC).date()
    seen = await run_in_threadpool(shape.overview, connector_of(request), today=today)
    return page(request, "overview.html", seen=seen)


ROUTES: Final = (Route("/", overview, name="overview"),)
