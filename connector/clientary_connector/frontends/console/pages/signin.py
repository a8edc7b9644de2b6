"""Signs people in and out, where the host does not: by a one-time link, or name and password."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.connector import Secret
from clientary_connector.frontends.console import cookies
from clientary_connector.frontends.console.desk import connector_of, desk_of, visit_of
from clientary_connector.frontends.console.drawing import page, path_back, path_for
from clientary_connector.frontends.console.forms import Form, form_of
from clientary_connector.frontends.console.roles import open_to_all
from clientary_connector.people import Person

#: On the answer to a link with a token in it: the next page is not told where it came from.
NO_REFERRER: Final = {"referrer-policy": "no-referrer"}
#: A browser is known for so long after the last time; it opens nothing by that.
DEVICE_S: Final = 180 * 86_400
WRONG: Final = "There is no such user, or the password is another one."
USED: Final = "This link was used already, or is too old."


@open_to_all("nobody is signed in here yet")
async def sign_in(request: Request) -> Response:
    """Shows how to sign in, and takes name and password."""
    _check_own(request)
    if request.method == "POST":
        return await _by_password(request, form_of(request))
    said = USED if "used" in request.query_params else ""
    return await _asked(request, said=said, back=request.query_params.get("back", ""))


@open_to_all("the token in the link says who it is")
async def link(request: Request) -> Response:
    """Takes a one-time link, and leads on in any case, so that the token leaves the address."""
    _check_own(request)
    person = desk_of(request).links.use(request.path_params["token"])
    if person is None:
        response: Response = RedirectResponse(f"{path_for(request, 'sign_in')}?used", 303)
    else:
        users = connector_of(request).users
        address = _address(request)
        await run_in_threadpool(users.signed_in, person, by="link", address=address)
        response = _signed_in(request, person)
    response.headers.update(NO_REFERRER)
    return response


@open_to_all("who is not signed in is signed out already")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    _check_own(request)
    visit = visit_of(request)
    if visit.session is not None and visit.person is not None:
        desk_of(request).sessions.end(visit.session)
        await run_in_threadpool(connector_of(request).users.signed_out, visit.person)
    response = RedirectResponse(path_for(request, "sign_in"), 303)
    cookies.drop_cookie(response, request, cookies.SESSION)
    return response


async def _by_password(request: Request, form: Form) -> Response:
    desk, name, address = desk_of(request), form.text("name"), _address(request)
    device = await run_in_threadpool(_device, request, name)
    wait_s = desk.tries.take(name, address, device=device)
    if wait_s:
        said = f"Too many tries. Wait {_told(wait_s)}, and try again."
        again = await _asked(request, status=429, said=said, name=name, back=form.text("back"))
        again.headers["retry-after"] = str(wait_s)
        return again
    with Secret(form.raw("password")) as password:
        user = await run_in_threadpool(
            desk.connector.users.sign_in, name, password, address=address
        )
    if user is None:
        return await _asked(request, status=403, said=WRONG, name=name, back=form.text("back"))
    desk.tries.give_back(name, address, device=device)
    response = _signed_in(
        request, user.person, user=user.id, stamp=user.stamp, back=form.text("back")
    )
    device = device or await run_in_threadpool(desk.connector.users.device, name)
    cookies.set_cookie(response, request, cookies.DEVICE, device, life_s=DEVICE_S)
    return response


def _device(request: Request, name: str) -> str:
    """Returns the mark of a browser that was signed in with under a name before."""
    shown = cookies.cookie(request, cookies.DEVICE) or ""
    return shown if shown and connector_of(request).users.knows(name, shown) else ""


async def _asked(
    request: Request, *, status: int = 200, said: str = "", name: str = "", back: str = ""
) -> Response:
    """Draws the page again; what was typed is kept, save the password."""
    has_users = bool(await run_in_threadpool(connector_of(request).users.all))
    return page(
        request,
        "sign_in.html",
        status=status,
        said=said,
        name=name,
        back=path_back(request, back),
        has_users=has_users,
    )


def _signed_in(
    request: Request, person: Person, *, user: str = "", stamp: str = "", back: str = ""
) -> Response:
    """Begins a new session; one that the browser had before ends."""
    desk, visit = desk_of(request), visit_of(request)
    if visit.session is not None:
        desk.sessions.end(visit.session)
    response = RedirectResponse(path_back(request, back), 303)
    token = desk.sessions.begin(person, user=user, stamp=stamp)
    cookies.set_cookie(response, request, cookies.SESSION, token)
    cookies.drop_cookie(response, request, cookies.BINDING)
    return response


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _told(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{seconds} seconds" if seconds < 120 else f"{minutes} minutes"  # noqa: PLR2004 - two minutes


def _check_own(request: Request) -> None:
    if desk_of(request).host_signs_in:
        raise HTTPException(404, "The host of this page signs people in.")


ROUTES: Final = (
    Route("/sign-in", sign_in, methods=["GET", "POST"], name="sign_in"),
    Route("/sign-in/{token}", link, name="link"),
    Route("/sign-out", sign_out, methods=["POST"], name="sign_out"),
)
