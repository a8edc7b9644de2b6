"""What was used: credits by day, persona, user, connection and action, and what is left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from clientary_connector.budgets import Budget, Usage
from clientary_connector.connector import Connector
from clientary_connector.frontends.console.charts import Chart
from clientary_connector.frontends.console.desk import connector_of
from clientary_connector.frontends.console.drawing import page, path_for
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import usage as view

#: What a file can be, with its media type.
FILES: Final = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@needs("viewer")
async def usage(request: Request) -> Response:
    """Shows a month."""
    month = _month(request)
    if "" in request.query_params.values():
        return RedirectResponse(path_for(request, "usage"), 303)
    connector = connector_of(request)
    found, budgets = await run_in_threadpool(_read, connector, month)
    days = await run_in_threadpool(view.credits_chart, found, month)
    calls = await run_in_threadpool(_calls, found, month)
    sides = await run_in_threadpool(view.sides, found)
    return page(
        request,
        "usage.html",
        month=month,
        current=month.since <= datetime.now(UTC) < month.after.since,
        sums=view.sums(found),
        headings=view.COUNTS,
        number_headings=[f"#{name.capitalize()}" for name in view.COUNTS],
        budgets=budgets,
        days=days,
        calls=calls,
        sides=sides,
    )


@needs("viewer")
async def usage_file(request: Request) -> Response:
    """Gives the figures of a month as a file."""
    month, kind = _month(request), request.path_params["kind"]
    if kind not in FILES:
        raise HTTPException(404, f"There is no such file. Choose of {', '.join(FILES)}.")
    found, _ = await run_in_threadpool(_read, connector_of(request), month)
    text = view.table_file(found) if kind == "csv" else _json(found)
    name = f"clientary-usage-{month.name}.{kind}"
    return Response(
        text,
        media_type=FILES[kind],
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _month(request: Request) -> view.Month:
    found = view.month_of(request.query_params.get("month", ""), now=datetime.now(UTC))
    if found is None:
        raise HTTPException(422, "There is no such month. Give it as 2026-01.")
    return found


def _read(connector: Connector, month: view.Month) -> tuple[Sequence[Usage], Sequence[Budget]]:
    found = connector.budgets.usage(by=view.BY, since=month.since, until=month.after.since)
    return found, connector.budgets.all()


def _calls(found: Sequence[Usage], month: view.Month) -> Chart:
    last = month.after.first - timedelta(days=1)
    return view.calls_chart(found, last=last, days=month.days, title=f"Calls by day, {month.title}")


def _json(found: Sequence[Usage]) -> str:
    lines = ",\n".join(json.dumps(one.to_json(), ensure_ascii=False) for one in found)
    return f"[\n{lines}\n]\n"


ROUTES: Final = (
    Route("/usage", usage, methods=["GET"], name="usage"),
    Route("/usage/file.{kind}", usage_file, methods=["GET"], name="usage_file"),
)
