"""One entry of the log in full, and the proof that it stands there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from clientary_connector.connector import Connector
from clientary_connector.errors import ConnectorError, OperatorError, UnknownEntryError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page
from clientary_connector.frontends.console.pages.log import names_of, refused
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import entry as view
from clientary_connector.logentry import LogEntry

#: Beyond that a column of numbers ends.
MOST: Final = 2**63 - 1


@needs("viewer")
async def entry(request: Request) -> Response:
    """Shows what lies open in one entry."""
    connector, log_id = connector_of(request), id_of(request)
    found = await run_in_threadpool(connector.log.entry, log_id)
    return await shown(request, found)


@needs("admin")
async def entry_opened(request: Request) -> Response:
    """Shows what is sealed in it too; that stands in the log, and the host may refuse it."""
    connector, log_id, user = connector_of(request), id_of(request), person_of(request).name
    try:
        found = await run_in_threadpool(connector.log.entry, log_id, user=user)
    except UnknownEntryError:
        raise
    except ConnectorError as error:
        found = await run_in_threadpool(connector.log.entry, log_id)
        return await shown(request, found, error=error, status=refused(error))
    return await shown(request, found, opened=True)


@needs("viewer")
async def proof(request: Request) -> Response:
    """Gives the proof that a row is in the log, to be checked by somebody else."""
    log_id = id_of(request)
    found = await run_in_threadpool(connector_of(request).log.proofs.inclusion, log_id)
    text = json.dumps(found, indent=2, ensure_ascii=False)
    return _file(f"{text}\n", f"clientary-log-{log_id}.proof.json", "application/json")


@needs("viewer")
async def checkpoint(request: Request) -> Response:
    """Gives the newest signed checkpoint, which a proof can be held to later."""
    note = await run_in_threadpool(connector_of(request).log.proofs.checkpoint)
    if note is None:
        raise UnknownEntryError("The log has no entry yet, so there is nothing to sign.")
    return _file(note, "clientary-log.checkpoint", "text/plain; charset=utf-8")


def id_of(request: Request) -> int:
    """Returns the number of the entry that the address names.

    Raises:
        UnknownEntryError: There cannot be one.
    """
    found: int = request.path_params["entry"]
    if found > MOST:
        raise UnknownEntryError("The log has no such entry.")
    return found


def _file(text: str, name: str, kind: str) -> Response:
    disposition = f'attachment; filename="{name}"'
    return PlainTextResponse(text, media_type=kind, headers={"content-disposition": disposition})


async def shown(
    request: Request,
    found: LogEntry,
    *,
    opened: bool = False,
    error: ConnectorError | None = None,
    status: int = 200,
) -> Response:
    """Draws the page of an entry."""
    more = await run_in_threadpool(_beside, connector_of(request), found.id)
    return page(
        request,
        "entry.html",
        status=status,
        section="log",
        shown=view.shown(found, more["names"]),
        opened=opened,
        error=error,
        rows=more["rows"],
        key=more["key"],
    )


def _beside(connector: Connector, log_id: int) -> Mapping[str, Any]:
    """Returns what stands beside an entry; without the key of the log there is no proof."""
    names, rows = names_of(connector), connector.log.rows(log_id)
    try:
        return {"names": names, "rows": rows, "key": connector.log.proofs.key()}
    except OperatorError:
        return {"names": names, "rows": rows, "key": ""}


ROUTES: Final = (
    Route("/log/{entry:int}", entry, methods=["GET"], name="entry"),
    Route("/log/{entry:int}", entry_opened, methods=["POST"], name="entry_opened"),
    Route("/log/{entry:int}/proof", proof, methods=["GET"], name="proof"),
    Route("/log/checkpoint", checkpoint, methods=["GET"], name="checkpoint"),
)
