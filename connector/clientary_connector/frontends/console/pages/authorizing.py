"""Are the pages that join an account with a token: to the provider, and back from there.

1. The host says which providers there are; a person chooses one, and describes none.
2. A person goes to the provider by a link, not by a form: the pages let forms go nowhere else.
3. Whoever comes back is who went; what they bring is worth something once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connector import Secret
from clientary_connector.errors import ConnectorError, NameTakenError
from clientary_connector.frontends.console.desk import connector_of, desk_of, person_of
from clientary_connector.frontends.console.drawing import page, path_for, see_other
from clientary_connector.frontends.console.failing import status_of
from clientary_connector.frontends.console.forms import Form, form_of
from clientary_connector.frontends.console.pages.connecting import CONNECTED
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.saying import hint_of, told
from clientary_connector.frontends.console.views import joining
from clientary_connector.oauth.provider import Provider


@needs("admin")
async def authorize(request: Request) -> Response:
    """Shows the form, or begins, and shows where to allow the access."""
    provider = _provider(request)
    if request.method != "POST":
        return _asked(request, provider, Form({}))
    form, connector = form_of(request), connector_of(request)
    faults = joining.place_faults(connector, form, rehearses=desk_of(request).rehearsal is not None)
    if provider.has_secret and not form.raw("client_secret"):
        faults["client_secret"] = "Give the secret that the provider knows this console by."  # noqa: S105 - a sentence
    if faults:
        return _asked(request, provider, form, faults=faults, status=422)
    redirect_uri = provider.redirect_uri or _way_back(request)
    try:
        begun = await connector.oauth.start(
            form.text("name"),
            provider=provider,
            redirect_uri=redirect_uri,
            user=person_of(request).name,
            subdomain=form.text("subdomain") or None,
            sandbox=form.text("sandbox") or None,
            client_secret=Secret(form.raw("client_secret")) if provider.has_secret else None,
        )
    except ConnectorError as error:
        said = told(error)
        faults = {"name" if isinstance(error, NameTakenError) else "": said}
        return _asked(request, provider, form, faults=faults, status=status_of(error))
    return page(
        request,
        "authorize_go.html",
        provider=provider,
        url=begun.url,
        host=urlsplit(begun.url).hostname,
        comes_back=redirect_uri == _way_back(request),
        name=form.text("name"),
    )


@needs("admin")
async def authorized(request: Request) -> Response:
    """Takes the person who comes back from the provider, and joins the account."""
    return await _finished(request, f"{_way_back(request)}?{request.url.query}")


@needs("admin")
async def authorize_paste(request: Request) -> Response:
    """Takes the address that the provider has led to, where that is not a page of this console."""
    return await _finished(request, form_of(request).text("address"))


async def _finished(request: Request, url: str) -> Response:
    try:
        connection, account = await connector_of(request).oauth.finish(
            url, user=person_of(request).name
        )
    except ConnectorError as error:
        return page(
            request,
            "authorize_failed.html",
            status=status_of(error),
            said=error.message,
            hint=hint_of(error),
        )
    said = CONNECTED.format(name=connection.name, account=account)
    return see_other(request, "connection", message=said, connection=connection.id)


def _asked(
    request: Request,
    provider: Provider,
    form: Form,
    *,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    desk = desk_of(request)
    return page(
        request,
        "authorize.html",
        status=status,
        provider=provider,
        number=desk.providers.index(provider),
        form=form,
        faults=faults or {},
        rehearses=desk.rehearsal is not None,
        place=joining.place(desk.connector),
        title=desk.connector.manifest.title,
    )


def _provider(request: Request) -> Provider:
    providers, number = desk_of(request).providers, int(request.path_params["number"])
    if number >= len(providers):
        raise HTTPException(404, "There is no such provider.")
    return providers[number]


def _way_back(request: Request) -> str:
    """Returns the address under which the provider leads back to this console."""
    return f"{request.url.scheme}://{request.url.netloc}{path_for(request, 'authorized')}"


ROUTES: Final = (
    Route("/authorize/back", authorized, name="authorized"),
    Route("/authorize/paste", authorize_paste, methods=["POST"], name="authorize_paste"),
    Route("/authorize/{number:int}", authorize, methods=["GET", "POST"], name="authorize"),
)
