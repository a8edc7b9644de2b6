"""Draws pages: fills a template, and leads to another page with a message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from clientary_connector.frontends.console import binding, cookies
from clientary_connector.frontends.console.desk import Visit, desk_of, visit_of
from clientary_connector.frontends.console.forms import TOKEN
from clientary_connector.frontends.console.saying import hint_of
from clientary_connector.people import Role

TEMPLATES: Final = Path(__file__).parent / "templates"
THEMES: Final = ("light", "dark")
MESSAGE_S: Final = 60


@cache
def environment() -> Environment:
    """Returns what fills templates: everything is escaped, and nothing may be missing.

    It is one for all consoles of a process, so that a template is compiled once.
    """
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["pretty"] = _pretty
    made.filters["hint"] = hint_of
    return made


def page(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    """Returns a page, made of a template and what the template prints."""
    message = _message(request)
    response = HTMLResponse(draw(request, template, message=message, **values), status)
    if message is not None:
        cookies.drop_cookie(response, request, cookies.SAID)
    return response


def draw(request: Request, template: str, **values: object) -> str:
    """Returns what a template prints: a page, or a part of one."""
    drawn = desk_of(request).templates.get_template(template)
    return drawn.render(**_usual(request, visit_of(request)), **values)


def see_other(
    request: Request,
    route: str,
    *,
    message: str = "",
    query: Mapping[str, str] | None = None,
    **params: object,
) -> Response:
    """Leads to another page after a form was done (303); the message stands on that page."""
    target = path_for(request, route, **params)
    if query:
        target += f"?{urlencode(query)}"
    response = RedirectResponse(target, 303)
    if message:
        value = binding.sealed_message(visit_of(request), message)
        cookies.set_cookie(response, request, cookies.SAID, value, life_s=MESSAGE_S)
    return response


def path_for(request: Request, route: str, **params: object) -> str:
    """Returns the path of a page, wherever the console is mounted."""
    app: Starlette = request.app
    root: str = request.scope.get("root_path", "")
    return f"{root}{app.url_path_for(route, **params)}"


def path_of(request: Request) -> str:
    """Returns the path that was asked for, without what was asked."""
    root: str = request.scope.get("root_path", "")
    return f"{root}{request.url.path.removeprefix(root)}"


def path_back(request: Request, path: str) -> str:
    """Returns a path of this console to lead back to, whatever was sent as one."""
    home = path_for(request, "overview")
    is_ours = path.startswith(home) and not path.startswith("//") and "\\" not in path
    return path if is_ours and path.isprintable() else home


def can_draw(request: Request) -> bool:
    """Whether a request has come so far that a whole page can be drawn for it."""
    return "app" in request.scope and hasattr(request.state, "visit")


def _usual(request: Request, visit: Visit) -> dict[str, object]:
    """Returns what every template may print."""
    desk = desk_of(request)

    def url_for(name: str, /, **params: object) -> str:
        return path_for(request, name, **params)

    def asset(name: str) -> str:
        return f"{path_for(request, 'asset', name=name)}?v={desk.assets[name].version}"

    def form_token() -> Markup:
        token = binding.form_token(visit)
        return Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN, token)

    def may(role: str) -> bool:
        return visit.person is not None and visit.person.role.covers(Role(role))

    return {
        "asset": asset,
        "form_token": form_token,
        "here": getattr(request.scope.get("route"), "name", ""),
        "may": may,
        "navigation": [one for one in desk.navigation if may(one.role.value)],
        "own_sign_in": not desk.host_signs_in,
        "path": path_of(request),
        "person": visit.person,
        "theme": _theme(request),
        "url_for": url_for,
    }


def _theme(request: Request) -> str:
    chosen = cookies.cookie(request, cookies.THEME)
    return chosen if chosen in THEMES else "auto"


def _message(request: Request) -> str | None:
    value = cookies.cookie(request, cookies.SAID)
    return None if value is None else binding.opened_message(visit_of(request), value)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
