"""Joins the pages, what guards them and what they work with to one application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console import api
from clientary_connector.frontends.console.assets import assets
from clientary_connector.frontends.console.desk import Desk, Entry, Who, desk_of, monotonic
from clientary_connector.frontends.console.drawing import environment, path_for, path_of
from clientary_connector.frontends.console.failing import connector_failure, failure
from clientary_connector.frontends.console.guarding import Guard
from clientary_connector.frontends.console.links import Links
from clientary_connector.frontends.console.pages import (
    actions,
    approving,
    authorizing,
    connecting,
    connection,
    entry,
    granting,
    log,
    logfiles,
    overview,
    rotating,
    search,
    settling,
    signin,
    theme,
    tokens,
    tryit,
    usage,
    verify,
)
from clientary_connector.frontends.console.pages import assets as asset_pages
from clientary_connector.frontends.console.rehearsal import Rehearsal
from clientary_connector.frontends.console.roles import Role, SignInNeededError
from clientary_connector.frontends.console.sessions import Sessions
from clientary_connector.frontends.console.tries import Tries
from clientary_connector.frontends.console.visiting import Visits
from clientary_connector.frontends.console.warming import warm
from clientary_connector.oauth.provider import Provider


@dataclass(frozen=True, slots=True)
class Section:
    """The routes of a page or two, and how the navigation calls and reaches the first of them."""

    routes: tuple[Route, ...]
    label: str = ""
    route: str = ""
    #: Who is shown it in the navigation.
    role: Role = Role.VIEWER


#: One line a subject, in the order of the navigation; those without a label are reached otherwise.
SECTIONS: Final = (
    Section(overview.ROUTES, "Overview", "overview"),
    Section(connecting.ROUTES, "Connect", "connect", Role.ADMIN),
    Section(authorizing.ROUTES),
    Section(connection.ROUTES),
    Section(granting.ROUTES),
    Section(rotating.ROUTES),
    Section(approving.ROUTES, "Approvals", "approvals"),
    Section(actions.ROUTES, "Actions", "actions"),
    Section(tryit.ROUTES),
    Section(log.ROUTES, "Log", "log"),
    Section(entry.ROUTES),
    Section(settling.ROUTES),
    Section(logfiles.ROUTES),
    Section(search.ROUTES),
    Section(verify.ROUTES),
    Section(usage.ROUTES, "Usage", "usage"),
    Section(tokens.ROUTES, "Tokens", "tokens", Role.ADMIN),
    Section(signin.ROUTES),
    Section(theme.ROUTES),
    Section(asset_pages.ROUTES),
    Section(api.ROUTES),
)


def console(  # noqa: PLR0913 - what a host may say, all by name
    connector: Connector,
    *,
    who: Who | None = None,
    who_for_api: bool = False,
    sign_in_url: str | None = None,
    hosts: Sequence[str] = (),
    providers: Sequence[Provider] = (),
    rehearsal: Rehearsal | None = None,
) -> Starlette:
    """Returns the console of a connector, to be mounted under any path or served by itself.

    Who a person is and which role it has, the host says at each request, by the hook
    `connector_person` of a plugin that the connector has registered, or for short by `who`;
    whoever is not signed in is sent to `sign_in_url`. Without either the console signs people in
    by itself. With `who_for_api` the host's word counts for the admin API too, which takes tokens
    otherwise.
    `hosts` are the names under which it is reached, beside those of loopback. `providers` are
    those of OAuth 2 with which accounts can be connected; with a `rehearsal` a simulated account
    is one click away.
    """
    settings = connector.settings
    desk = Desk(
        connector=connector,
        who=who,
        who_for_api=who_for_api,
        sign_in_url=sign_in_url,
        hosts=frozenset(name.lower().strip("[]") for name in (*hosts, *settings.allowed_hosts)),
        frame_ancestors=settings.console_frame_ancestors,
        providers=tuple(providers),
        rehearsal=rehearsal,
        sessions=Sessions(
            idle_s=settings.console_idle_s, longest_s=settings.console_session_s, clock=monotonic
        ),
        links=Links(life_s=settings.console_link_s, clock=monotonic),
        tries=Tries(most=settings.console_tries, every_s=settings.console_try_s, clock=monotonic),
        templates=environment(),
        assets=assets(),
        navigation=tuple(
            Entry(label=one.label, route=one.route, role=one.role) for one in SECTIONS if one.label
        ),
    )
    app = Starlette(
        routes=[route for section in SECTIONS for route in section.routes],
        middleware=[_guard(desk), Middleware(Visits)],
        exception_handlers={
            HTTPException: _failed,
            ConnectorError: _connector_failed,
            SignInNeededError: _sign_in,
        },
    )
    app.state.desk = desk
    warm(connector, desk.templates)
    return app


def _guard(desk: Desk) -> Middleware:
    return Middleware(
        Guard,
        hosts=desk.hosts,
        frame_ancestors=desk.frame_ancestors,
        most_bytes=desk.connector.settings.console_body_bytes,
    )


async def _failed(request: Request, error: Exception) -> Response:
    return failure(request, cast("HTTPException", error))


async def _connector_failed(request: Request, error: Exception) -> Response:
    return connector_failure(request, cast("ConnectorError", error))


async def _sign_in(request: Request, error: Exception) -> Response:
    """Leads to where people sign in, and from there back to the page, without what was asked."""
    del error
    desk = desk_of(request)
    if not desk.host_signs_in:
        back = urlencode({"back": path_of(request)}) if request.method == "GET" else ""
        return RedirectResponse(f"{path_for(request, 'sign_in')}?{back}".rstrip("?"), 303)
    if desk.sign_in_url is not None:
        return RedirectResponse(desk.sign_in_url, 303)
    return failure(request, HTTPException(401, "Sign in to the host of this page first."))
