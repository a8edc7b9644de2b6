"""Are the pages of tokens: who holds which, a new one, shown once, and the end of one.

1. The text of a token stands on the one page that answers its making, which no browser keeps.
2. A token is made and ended in the name of the admin who is signed in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connector import Connector
from clientary_connector.errors import CallerError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.forms import Form, form_of, number_of
from clientary_connector.frontends.console.pages.paging import part_of
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.saying import told
from clientary_connector.issuing import MOST_DAYS
from clientary_connector.tokens import ADMIN, MCP, ROLES, NewToken, Token

#: So many personas are offered by name; any other can be typed.
MOST_OFFERED: Final = 200


@needs("admin")
async def tokens(request: Request) -> Response:
    """Lists the tokens, those that count first, and makes one."""
    if request.method != "POST":
        return await _listed(request, Form({}))
    form = form_of(request)
    kind = form.text("kind")
    if kind not in {MCP, ADMIN}:
        raise HTTPException(422, "There is no such kind of token.")
    if not _days_fit(form):
        said = f"Give whole days, from 1 to {MOST_DAYS}, or nothing."
        return await _listed(request, form, faults={f"{kind}-days": said}, status=422)
    try:
        made = await run_in_threadpool(_made, request, form)
    except CallerError as error:
        return await _listed(request, form, faults={kind: told(error)}, status=422)
    return page(
        request,
        "token_made.html",
        section="tokens",
        token=made.token,
        text=made.text,
        granted=await run_in_threadpool(_granted, connector_of(request), made.token),
    )


@needs("admin")
async def token_end(request: Request) -> Response:
    """Says what the end of a token means, and ends it."""
    connector, name = connector_of(request), request.path_params["token"]
    one = await run_in_threadpool(connector.tokens.one, name)
    if not one.active:
        raise HTTPException(409, f"The token {one.id} counts no more: it is {one.state}.")
    if request.method != "POST":
        return page(request, "token_end.html", section="tokens", token=one)
    reason, user = form_of(request).text("reason"), person_of(request).name
    await run_in_threadpool(connector.tokens.revoke, one.id, user=user, reason=reason)
    return see_other(request, "tokens", message=f"The token {one.id} of {one.user} is revoked.")


async def _listed(
    request: Request, form: Form, *, faults: dict[str, str] | None = None, status: int = 200
) -> Response:
    connector = connector_of(request)
    found = await run_in_threadpool(connector.tokens.all)
    found = tuple(sorted(found, key=lambda one: not one.active))
    part = part_of(found, request)
    joined = await run_in_threadpool(connector.connections)
    grants = await run_in_threadpool(connector.grants.all)
    return page(
        request,
        "tokens.html",
        section="tokens",
        status=status,
        tokens=part.shown,
        counting=sum(one.active for one in found),
        newer=part.newer,
        older=part.older,
        connections=[(one.name, one.name) for one in joined],
        personas=sorted({one.persona for one in grants if one.active})[:MOST_OFFERED],
        roles=ROLES,
        days=connector.settings.token_days,
        form=form,
        faults=faults or {},
    )


def _made(request: Request, form: Form) -> NewToken:
    made, by = connector_of(request).tokens, person_of(request).name
    user, ends = form.text("user") or by, _end(form)
    if form.text("kind") == ADMIN:
        return made.for_admin(role=form.text("role"), user=user, by=by, expires_at=ends)
    return made.for_mcp(
        connection=form.text("connection"),
        persona=form.text("persona"),
        user=user,
        by=by,
        expires_at=ends,
    )


def _granted(connector: Connector, token: Token) -> bool:
    """Tells whether a token lets its holder do anything as things stand."""
    if token.kind == ADMIN:
        return True
    return bool(connector.allowed(token.persona or "", token.connection or ""))


def _days_fit(form: Form) -> bool:
    """Tells whether the days can be used; nothing typed leaves them to the settings."""
    text = form.text("days")
    return not text or 1 <= (number_of(text) or 0) <= MOST_DAYS


def _end(form: Form) -> datetime | None:
    text = form.text("days")
    return datetime.now(UTC) + timedelta(days=int(text)) if text else None


ROUTES: Final = (
    Route("/tokens", tokens, methods=["GET", "POST"], name="tokens"),
    Route("/tokens/{token}/revoke", token_end, methods=["GET", "POST"], name="token_end"),
)
