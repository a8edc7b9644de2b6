"""Is the page of one connection, and the page on which it is revoked."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.errors import CallerError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.saying import told
from clientary_connector.frontends.console.views.connection import (
    MOST_SHOWN,
    ConnectionView,
    connection_view,
)
from clientary_connector.frontends.console.views.matrix import EFFECTS


@needs("viewer")
async def connection(request: Request) -> Response:
    """Shows account, key and grants."""
    view = await viewed(request)
    return page(
        request,
        "connection.html",
        section="overview",
        view=view,
        effects=EFFECTS,
        most_shown=MOST_SHOWN,
        title=connector_of(request).manifest.title,
    )


@needs("admin")
async def revoke(request: Request) -> Response:
    """Says what a revoke does, and does it once its name was typed."""
    view = await viewed(request)
    if not view.connection.active:
        raise HTTPException(409, f"{view.connection.name} was revoked before.")
    if request.method != "POST":
        return _asked(request, view)
    form = form_of(request)
    if form.text("name") != view.connection.name:
        fault = f"Type the name of the connection: {view.connection.name}."
        return _asked(request, view, fault=fault, status=422)
    try:
        done = await connector_of(request).revoke(
            view.connection.id, user=person_of(request).name, reason=form.text("reason")
        )
    except CallerError as error:
        return _asked(request, view, failed=told(error), status=409)
    return page(
        request,
        "revoked.html",
        section="overview",
        done=done,
        simulated=view.simulated,
        limit_s=connector_of(request).settings.revoke_wait_s,
        title=connector_of(request).manifest.title,
    )


async def viewed(request: Request) -> ConnectionView:
    """Returns the connection that the address names."""
    name = request.path_params["connection"]
    return await run_in_threadpool(connection_view, connector_of(request), name)


def _asked(
    request: Request, view: ConnectionView, *, fault: str = "", failed: str = "", status: int = 200
) -> Response:
    typed = form_of(request) if request.method == "POST" else None
    return page(
        request,
        "revoke.html",
        section="overview",
        status=status,
        view=view,
        fault=fault,
        failed=failed,
        typed="" if typed is None else typed.text("name"),
        reason="" if typed is None else typed.text("reason"),
        title=connector_of(request).manifest.title,
    )


ROUTES: Final = (
    Route("/connections/{connection}", connection, name="connection"),
    Route("/connections/{connection}/revoke", revoke, methods=["GET", "POST"], name="revoke"),
)
