"""The verification of the log: started once, looked at by all, come back to at any time."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views.verify import verdicts

GOING_ON: Final = "Another one is under way; this is how far it is."


@needs("viewer")
async def verify(request: Request) -> Response:
    """Shows how far the newest verification is, or what it found."""
    connector = connector_of(request)
    newest = await run_in_threadpool(connector.log.verifying.newest)
    return page(
        request,
        "verify.html",
        section="log",
        one=newest,
        verdicts=() if newest is None else verdicts(newest),
        anchors=connector.settings.anchors,
    )


@needs("admin")
async def verify_start(request: Request) -> Response:
    """Starts one, unless one is under way."""
    user = person_of(request).name
    begun = await run_in_threadpool(connector_of(request).log.verifying.start, user)
    said = "The verification has begun." if begun.by == user else GOING_ON
    return see_other(request, "verify", message=said)


ROUTES: Final = (
    Route("/log/verify", verify, methods=["GET"], name="verify"),
    Route("/log/verify", verify_start, methods=["POST"], name="verify_start"),
)
