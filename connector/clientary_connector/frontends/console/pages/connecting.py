"""Are the pages that join an account: by its key, by a token, or a simulated one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connector import Secret
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.desk import connector_of, desk_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.failing import status_of
from clientary_connector.frontends.console.forms import Form, form_of
from clientary_connector.frontends.console.rehearsing import join
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import joining

CONNECTED: Final = (
    "{name} is connected. The account is that of {account}. "
    "Nobody may do anything over it until you grant it."
)


@needs("admin")
async def connect(request: Request) -> Response:
    """Shows the form, or tests an account and saves it."""
    if request.method != "POST":
        return _drawn(request, Form({}))
    form, connector = form_of(request), connector_of(request)
    faults = await run_in_threadpool(
        joining.faults_of, connector, form, rehearses=desk_of(request).rehearsal is not None
    )
    if faults:
        return _drawn(request, form, faults=faults, status=422)
    try:
        with Secret(joining.key_of(form)) as secret:
            connection, account = await connector.connect(
                form.text("name"),
                secret=secret,
                user=person_of(request).name,
                subdomain=form.text("subdomain") or None,
                sandbox=form.text("sandbox") or None,
                rotate_every_days=joining.days_of(form),
            )
    except ConnectorError as error:
        return _drawn(request, form, faults=joining.fault_of(error, form), status=status_of(error))
    said = CONNECTED.format(name=connection.name, account=account)
    return see_other(request, "connection", message=said, connection=connection.id)


@needs("admin")
async def connect_sandbox(request: Request) -> Response:
    """Starts the simulated account, unless it runs, and joins it, unless it is joined."""
    rehearsal = desk_of(request).rehearsal
    if rehearsal is None:
        raise HTTPException(404, "No simulated account is offered here.")
    try:
        joined = await join(connector_of(request), rehearsal, user=person_of(request).name)
    except OSError:
        raise HTTPException(503, "The simulated account cannot be started.") from None
    said = "The simulated account is connected, and runs."
    if joined.account is not None:
        done = CONNECTED.format(name=joined.connection.name, account=joined.account)
        said = f"This account is simulated. {done}"
    return see_other(request, "connection", message=said, connection=joined.connection.id)


def _drawn(
    request: Request, form: Form, *, faults: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    desk = desk_of(request)
    return page(
        request,
        "connect.html",
        status=status,
        form=form,
        faults=faults or {},
        rehearses=desk.rehearsal is not None,
        providers=desk.providers,
        days=desk.connector.settings.rotation_days,
        title=desk.connector.manifest.title,
        place=joining.place(desk.connector),
    )


ROUTES: Final = (
    Route("/connect", connect, methods=["GET", "POST"], name="connect"),
    Route("/connect/sandbox", connect_sandbox, methods=["POST"], name="connect_sandbox"),
)
