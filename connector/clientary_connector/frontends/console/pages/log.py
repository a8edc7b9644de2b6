"""The log: who did what, newest first, chosen by a filter, as it grows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import draw, page, path_for
from clientary_connector.frontends.console.failing import status_of
from clientary_connector.frontends.console.forms import number_of
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import log as view
from clientary_connector.log import ENDING
from clientary_connector.logentry import LogPage

#: So many lines stand on a page; with them it stays far below 100 KB.
LINES: Final = 50
#: A column holds no more.
MOST_DIGITS: Final = 18
EMPTY: Final = LogPage(entries=(), next_before=None)


@needs("viewer")
async def log(request: Request) -> Response:
    """Lists the log; an address in which fields stand empty leads to the plain one."""
    chosen = view.wanted(request.query_params)
    before = before_of(request)
    if any(not value for value in request.query_params.values()):
        plain = chosen.query(**({} if before is None else {"before": before}))
        return RedirectResponse(f"{path_for(request, 'log')}{plain}", 303)
    if chosen.faults:
        return listed(request, chosen, EMPTY, names={}, status=422)
    connector = connector_of(request)
    found, names = await run_in_threadpool(_read, connector, chosen, before)
    return listed(request, chosen, found, names=names)


@needs("admin")
async def log_opened(request: Request) -> Response:
    """Lists the same lines with what was asked for; that stands in the log."""
    chosen, connector = view.wanted(request.query_params), connector_of(request)
    before, user = before_of(request), person_of(request).name
    try:
        found, names = await run_in_threadpool(_read, connector, chosen, before, user)
    except ConnectorError as error:
        found, names = await run_in_threadpool(_read, connector, chosen, before)
        return listed(request, chosen, found, names=names, error=error, status=refused(error))
    return listed(request, chosen, found, names=names, opened=True)


@needs("viewer")
async def log_new(request: Request) -> Response:
    """Gives the lines that came since the last look, for the script of the page."""
    chosen, connector = view.wanted(request.query_params), connector_of(request)
    after = _number(request, "after") or 0
    if chosen.faults:
        return JSONResponse({"faults": dict(chosen.faults)}, 422)
    news = await run_in_threadpool(connector.log.news, after, chosen.where, limit=LINES)
    names = await run_in_threadpool(names_of, connector)
    rows = draw(request, "log_lines.html", lines=view.lines(news.entries, names), opened=False)
    return JSONResponse({"after": news.after, "more": news.more, "rows": rows})


def before_of(request: Request) -> int | None:
    """Returns before which entry a page begins; None where it begins with the newest."""
    return _number(request, "before")


def names_of(connector: Connector) -> Mapping[str, str]:
    """Returns the names of all connections, by id."""
    return {one.id: one.name for one in connector.connections(revoked=True)}


def refused(error: ConnectorError) -> int:
    """Returns the status of a page on which something sealed is not shown."""
    return 403 if status_of(error) == 404 else status_of(error)  # noqa: PLR2004 - an HTTP status


def listed(  # noqa: PLR0913 - what a page of the log shows, all by name
    request: Request,
    chosen: view.Wanted,
    found: LogPage,
    *,
    names: Mapping[str, str],
    opened: bool = False,
    error: ConnectorError | None = None,
    status: int = 200,
) -> Response:
    """Returns a page of the log."""
    before = before_of(request)
    live = before is None and not opened and not chosen.faults
    after = view.live_after(found.entries, now=datetime.now(UTC), patience_s=ENDING.total_seconds())
    return page(
        request,
        "log.html",
        status=status,
        chosen=chosen,
        lines=view.lines(found.entries, names),
        older="" if found.next_before is None else chosen.query(before=found.next_before),
        here_query=chosen.query(**({} if before is None else {"before": before})),
        before=before,
        names=sorted(set(names.values())),
        actions=tuple(connector_of(request).manifest.actions),
        kinds=view.KINDS,
        effects=_choice("effect"),
        outcomes=_choice("outcome"),
        opened=opened,
        error=error,
        live_after=after if live else None,
    )


def _read(
    connector: Connector, chosen: view.Wanted, before: int | None, user: str | None = None
) -> tuple[LogPage, Mapping[str, str]]:
    found = connector.log.page(chosen.where, before=before, limit=LINES, user=user)
    return found, names_of(connector)


def _choice(name: str) -> list[tuple[str, str]]:
    return [("", "any"), *((value, value) for value in view.CHOICES[name])]


def _number(request: Request, name: str) -> int | None:
    """Reads a number of an entry from the address; what is none is left out."""
    text = request.query_params.get(name, "")
    return number_of(text, digits=MOST_DIGITS)


ROUTES: Final = (
    Route("/log", log, methods=["GET"], name="log"),
    Route("/log", log_opened, methods=["POST"], name="log_opened"),
    Route("/log/new", log_new, methods=["GET"], name="log_new"),
)
