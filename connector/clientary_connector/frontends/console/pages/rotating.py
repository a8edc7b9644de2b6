"""Is the page on which a new key takes the place of the one in use, step by step."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connector import Connector, Secret
from clientary_connector.errors import CallerError, ConnectorError, InvalidValueError, RotationError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.failing import status_of
from clientary_connector.frontends.console.forms import form_of, number_of
from clientary_connector.frontends.console.pages.connection import viewed
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.saying import told
from clientary_connector.frontends.console.views.joining import MOST_DIGITS, key_of
from clientary_connector.frontends.console.views.keys import stations
from clientary_connector.rotations import STATES, RotationReport

#: Which button of the page does what.
NEW, RESUME, CHECK, DROP = "new", "resume", "check", "drop"


@needs("admin")
async def rotate(request: Request) -> Response:
    """Shows how far the rotation of a key is, and takes the next step."""
    if request.method != "POST":
        return await _drawn(request)
    step = form_of(request).text("step")
    if step not in {NEW, RESUME, CHECK, DROP}:
        raise HTTPException(422, "There is no such step.")
    try:
        report = await _stepped(request, step)
    except InvalidValueError as error:
        fault = {"key" if step == NEW else "": told(error)}
        return await _drawn(request, faults=fault, status=422)
    except RotationError as error:
        return await _drawn(request, faults={"": told(error)}, status=409)
    except ConnectorError as error:
        return await _drawn(request, faults={"": told(error)}, status=status_of(error))
    return await _drawn(request, report=report, step=step)


@needs("admin")
async def rotate_every(request: Request) -> Response:
    """Sets after how many days the key is due."""
    name, text = request.path_params["connection"], form_of(request).text("days")
    days = number_of(text, digits=MOST_DIGITS) or 0
    try:
        after = connector_of(request).rotate_every(name, days, user=person_of(request).name)
    except CallerError as error:
        return await _drawn(request, faults={"days": told(error)}, status=422)
    said = f"The key of {after.name} is due every {after.rotate_every_days} days."
    return see_other(request, "rotate", message=said, connection=after.id)


async def _stepped(request: Request, step: str) -> RotationReport:
    connector, user = connector_of(request), person_of(request).name
    name = request.path_params["connection"]
    if step == CHECK:
        return await connector.check_old_key(name, user=user)
    if step == DROP:
        return await connector.drop_new_key(name, user=user)
    if step == RESUME:
        return await connector.rotate(name, user=user)
    return await _brought(connector, name, key_of(form_of(request)), user)


async def _brought(connector: Connector, name: str, key: str, user: str) -> RotationReport:
    if not key:
        raise InvalidValueError("There is no key.", hint="Paste the new API key.")
    with Secret(key) as secret:
        return await connector.rotate(name, secret=secret, user=user)


async def _drawn(
    request: Request,
    *,
    report: RotationReport | None = None,
    step: str = "",
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    view = await viewed(request)
    if view.key is None:
        why = (
            "was revoked"
            if not view.connection.active
            else "has no API key: its token renews itself"
        )
        raise HTTPException(409, f"{view.connection.name} {why}.")
    return page(
        request,
        "rotate.html",
        section="overview",
        status=status,
        view=view,
        key=view.key,
        report=report,
        step=step,
        good=report is not None and (report.rotated or step == DROP),
        steps=() if report is None else tuple(STATES[one] for one in report.steps),
        ended=() if report is None else stations(report.state),
        faults=faults or {},
        title=connector_of(request).manifest.title,
    )


ROUTES: Final = (
    Route("/connections/{connection}/rotate", rotate, methods=["GET", "POST"], name="rotate"),
    Route(
        "/connections/{connection}/rotate/every",
        rotate_every,
        methods=["POST"],
        name="rotate_every",
    ),
)
