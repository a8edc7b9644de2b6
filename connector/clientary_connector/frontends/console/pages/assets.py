"""Serves the style, the script and the picture of every page."""

from __future__ import annotations

from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.frontends.console.desk import desk_of
from clientary_connector.frontends.console.roles import open_to_all

#: The address changes with the content.
FOR_EVER: Final = "public, max-age=31536000, immutable"


@open_to_all("the page on which people sign in is drawn with them")
async def asset(request: Request) -> Response:
    """Returns one file."""
    found = desk_of(request).assets.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(found.content, media_type=found.kind, headers={"cache-control": FOR_EVER})


ROUTES: Final = (Route("/static/{name}", asset, name="asset"),)
