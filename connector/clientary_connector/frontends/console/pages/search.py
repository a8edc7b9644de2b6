"""Searches what is sealed in the log; what is found appears while the search goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import draw, page
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.pages.log import names_of, refused
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import log as view
from clientary_connector.logentry import LogFound

#: So many entries are shown; whoever wants others says more of them.
MOST: Final = 100
#: How often it is said how far the search is.
EVERY_S: Final = 0.5
#: Where in the page that is found goes; no text that comes from elsewhere can look like it.
PLACE: Final = "<!-- what is found -->"


@needs("admin")
async def log_search(request: Request) -> Response:
    """Shows the form."""
    return _form(request, view.wanted(request.query_params))


@needs("admin")
async def log_searched(request: Request) -> Response:
    """Searches; what was searched for is sealed in the log, and stands in no address."""
    form, connector = form_of(request), connector_of(request)
    chosen = view.wanted({name: form.text(name) for name in view.NAMES})
    if chosen.faults:
        return _form(request, chosen, status=422)
    text, user = form.text("text"), person_of(request).name
    try:
        steps = await run_in_threadpool(
            connector.log.search_in_steps, text, chosen.where, user=user
        )
    except ConnectorError as error:
        return _form(request, chosen, text=text, error=error, status=refused(error))
    names = await run_in_threadpool(names_of, connector)
    drawn = _form(request, chosen, text=text, searching=True)
    before, _, after = bytes(drawn.body).decode().partition(PLACE)
    headers = [one for one in drawn.raw_headers if one[0] != b"content-length"]
    streamed = StreamingResponse(_found(request, steps, names, around=(before, after)))
    streamed.raw_headers = headers
    return streamed


def _form(  # noqa: PLR0913 - what the page shows, all by name
    request: Request,
    chosen: view.Wanted,
    *,
    text: str = "",
    searching: bool = False,
    error: ConnectorError | None = None,
    status: int = 200,
) -> Response:
    return page(
        request,
        "search.html",
        status=status,
        section="log",
        chosen=chosen,
        text=text,
        searching=searching,
        error=error,
        fields=_fields(chosen),
    )


def _fields(chosen: view.Wanted) -> list[tuple[str, str, str, str]]:
    """Returns name, label, text and fault of each field by which a search is narrowed."""
    names = ("user", "persona", "connection", "action", "outcome", "since", "until")
    return [
        (name, name.capitalize(), chosen.text(name), chosen.faults.get(name, "")) for name in names
    ]


def _found(
    request: Request,
    steps: Iterator[LogFound],
    names: Mapping[str, str],
    *,
    around: tuple[str, str],
) -> Iterator[str]:
    """Gives the page piece by piece; whoever leaves it stops the search."""
    yield around[0]
    count, said, done, total = 0, time.monotonic(), 0, 0
    for step in steps:
        taken = view.lines(step.entries[: MOST - count], names)
        count, done, total = count + len(taken), step.done, step.total
        late = time.monotonic() - said >= EVERY_S
        if taken or late:
            said = time.monotonic()
            yield draw(request, "found.html", lines=taken, opened=True, done=done, total=total)
        if count >= MOST:
            break
    yield draw(request, "searched.html", count=count, done=done, total=total, more=count >= MOST)
    yield around[1]


ROUTES: Final = (
    Route("/log/search", log_search, methods=["GET"], name="log_search"),
    Route("/log/search", log_searched, methods=["POST"], name="log_searched"),
)
