"""Takes from the page of an entry what became of a change whose end is unknown."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.call.settling import Verdict
from clientary_connector.errors import ConnectorError, UnknownEntryError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import see_other
from clientary_connector.frontends.console.failing import status_of
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.pages import entry
from clientary_connector.frontends.console.roles import needs
from clientary_connector.settlements import Settlement

#: The button that asks the service; the others give a person's word.
LOOK_UP: Final = "look_up"
SAID: Final = {
    Verdict.FOUND: "It was done: a repeat of the operation gets the record.",
    Verdict.NOT_FOUND: "It was not done: a repeat of the operation runs.",
    Verdict.CANNOT_TELL: "Look in the account yourself, and say which it is.",
}


@needs("admin")
async def settle(request: Request) -> Response:
    """Looks the change up, or takes a person's word for it."""
    connector, log_id = connector_of(request), entry.id_of(request)
    what = form_of(request).text("what")
    if what not in {LOOK_UP, Verdict.FOUND, Verdict.NOT_FOUND}:
        raise HTTPException(422, "Look it up, or say whether it was done.")
    try:
        done = await _settled(request, what, log_id)
    except UnknownEntryError:
        raise
    except ConnectorError as error:
        found = await run_in_threadpool(connector.log.entry, log_id)
        return await entry.shown(request, found, error=error, status=status_of(error))
    said = SAID[done.verdict]
    if done.verdict is Verdict.CANNOT_TELL:
        said = f"{done.reason} {said}"
    return see_other(request, "entry", message=said, entry=log_id)


async def _settled(request: Request, what: str, log_id: int) -> Settlement:
    settlements, user = connector_of(request).settlements, person_of(request).name
    if what == LOOK_UP:
        return await settlements.settle(log_id, user=user)
    reason = form_of(request).text("reason")
    return await run_in_threadpool(
        settlements.decide, log_id, Verdict(what), user=user, reason=reason
    )


ROUTES: Final = (Route("/log/{entry:int}/settle", settle, methods=["POST"], name="settle"),)
