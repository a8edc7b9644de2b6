"""Signs people in and out, where the host does not."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.frontends.console import cookies
from clientary_connector.frontends.console.desk import desk_of, visit_of
from clientary_connector.frontends.console.drawing import page, path_for
from clientary_connector.frontends.console.roles import open_to_all
from clientary_connector.people import Person

#: On the answer to a link with a token in it: the next page is not told where it came from.
NO_REFERRER: Final = {"referrer-policy": "no-referrer"}


@open_to_all("nobody is signed in here yet")
async def sign_in(request: Request) -> Response:
    """Shows how to sign in."""
    _check_own(request)
    return page(request, "sign_in.html")


@open_to_all("the token in the link says who it is")
async def link(request: Request) -> Response:
    """Takes a one-time link: signs in, and leads on, so that the token leaves the address."""
    _check_own(request)
    person = desk_of(request).links.use(request.path_params["token"])
    if person is None:
        return page(request, "sign_in.html", status=403, used=True)
    response = _signed_in(request, person)
    response.headers.update(NO_REFERRER)
    return response


@open_to_all("who is not signed in is signed out already")
async def sign_out(request: Request) -> Response:
    """Ends the session."""
    _check_own(request)
    desk, visit = desk_of(request), visit_of(request)
    if visit.session is not None:
        desk.sessions.end(visit.session)
    response = RedirectResponse(path_for(request, "sign_in"), 303)
    cookies.drop_cookie(response, request, cookies.SESSION)
    return response


def _signed_in(request: Request, person: Person) -> Response:
    """Begins a new session; one that the browser had before ends."""
    desk, visit = desk_of(request), visit_of(request)
    if visit.session is not None:
        desk.sessions.end(visit.session)
    response = RedirectResponse(path_for(request, "overview"), 303)
    token = desk.sessions.begin(person)
    cookies.set_cookie(response, request, cookies.SESSION, token)
    cookies.drop_cookie(response, request, cookies.BINDING)
    return response


def _check_own(request: Request) -> None:
    if desk_of(request).who is not None:
        raise HTTPException(404, "The host of this page signs people in.")


ROUTES: Final = (
    Route("/sign-in", sign_in, name="sign_in"),
    Route("/sign-in/{token}", link, name="link"),
    Route("/sign-out", sign_out, methods=["POST"], name="sign_out"),
)
