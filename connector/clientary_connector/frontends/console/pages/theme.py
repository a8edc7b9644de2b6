"""Switches between light and dark, and keeps the choice in a cookie."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.frontends.console import cookies
from clientary_connector.frontends.console.drawing import THEMES, path_back
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.roles import open_to_all

YEAR_S: Final = 365 * 86_400


@open_to_all("how a page looks says nothing of what is on it")
async def theme(request: Request) -> Response:
    """Takes the choice and leads back to the page it was made on."""
    form = form_of(request)
    response = RedirectResponse(path_back(request, form.text("back")), 303)
    chosen = form.text("theme")
    if chosen in THEMES:
        cookies.set_cookie(response, request, cookies.THEME, chosen, life_s=YEAR_S)
    else:
        cookies.drop_cookie(response, request, cookies.THEME)
    return response


ROUTES: Final = (Route("/theme", theme, methods=["POST"], name="theme"),)
