"""Are the pages of one grant: what a persona may do, what a change of it would mean, and its end.

1. A change is shown before it is made: which actions come, go, or may be called otherwise.
2. It is made only over the grant that was shown. Where somebody else has changed it meanwhile,
   both are shown, and nothing is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clientary_connector.connections import Connection
from clientary_connector.connector import Connector
from clientary_connector.errors import GrantsChangedError, UnknownGrantError
from clientary_connector.frontends.console.desk import connector_of, person_of
from clientary_connector.frontends.console.drawing import page, see_other
from clientary_connector.frontends.console.forms import form_of
from clientary_connector.frontends.console.roles import needs
from clientary_connector.frontends.console.views import grantform
from clientary_connector.frontends.console.views.connection import grant_views
from clientary_connector.frontends.console.views.grantdiff import difference, held
from clientary_connector.frontends.console.views.grantform import GrantForm
from clientary_connector.frontends.console.views.matrix import (
    EFFECTS,
    in_order,
    lines,
    matrix,
    resources,
    titled,
)
from clientary_connector.grantchanges import Change, Entry
from clientary_connector.grants import Grant

#: The button that makes a change which was shown.
CONFIRM: Final = "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A form of a grant that somebody has sent."""

    connection: Connection
    form: GrantForm
    #: What it would change; None where something is wrong with it.
    change: Change | None
    faults: Mapping[str, str]


@needs("viewer")
async def grant(request: Request) -> Response:
    """Shows what a persona may do, action by action."""
    connector, persona = connector_of(request), request.query_params.get("persona", "")

    def found() -> tuple[Connection, Grant | None]:
        one = connector.connection(request.path_params["connection"])
        return one, _grant(connector, persona, one)

    connection, one = await run_in_threadpool(found)
    if one is None:
        raise HTTPException(
            404, f"The persona {persona[:64]!r} holds no grant over this connection."
        )
    shown = await run_in_threadpool(grant_views, connector, connection, [one])
    return page(
        request,
        "grant.html",
        section="overview",
        connection=connection,
        one=shown[0],
        effects=EFFECTS,
        lines=lines(connector.manifest, *held(connector.manifest, one)),
    )


@needs("admin")
async def grant_edit(request: Request) -> Response:
    """Shows the form of a grant; sent, what it would change; and confirmed, makes it."""
    connector = connector_of(request)
    if request.method != "POST":
        return await _begun(request, connector)
    asked = await run_in_threadpool(_compared, request, connector)
    if asked.change is None:
        return _form(request, asked, status=422)
    if _is_stale(asked.form, asked.change):
        return _form(request, asked, change=asked.change, status=409)
    if form_of(request).text("step") != CONFIRM:
        return _shown(request, asked, asked.change)
    try:
        made = await run_in_threadpool(
            connector.grants.apply, (asked.change,), user=person_of(request).name
        )
    except GrantsChangedError:
        asked = await run_in_threadpool(_compared, request, connector)
        return _form(request, asked, change=asked.change, status=409)
    said = f"The grant of {asked.form.persona} "
    said += "is as it was." if not made else f"was saved: {len(made[0].actions or ())} actions."
    return see_other(request, "connection", message=said, connection=asked.connection.id)


@needs("admin")
async def grant_end(request: Request) -> Response:
    """Asks whether a persona's grant is to end, and ends it."""
    connector = connector_of(request)
    sent = form_of(request) if request.method == "POST" else None
    persona = request.query_params.get("persona", "") if sent is None else sent.text("persona")

    def found() -> tuple[Connection, Grant | None]:
        one = connector.connection(request.path_params["connection"])
        return one, _grant(connector, persona, one)

    connection, one = await run_in_threadpool(found)
    if one is None or one.state == "closed":
        raise HTTPException(
            404, f"The persona {persona[:64]!r} holds no grant over this connection."
        )
    if sent is None:
        return page(request, "grant_end.html", section="overview", connection=connection, grant=one)
    done = await connector.revoke(
        connection.id, persona=persona, user=person_of(request).name, reason=sent.text("reason")
    )
    said = f"The grant of {persona} has ended: no call of it starts any more, in any process."
    if not done.confirmed:
        said = (
            f"The grant of {persona} has ended. A process that is stopped could not confirm it: "
            "it may still send one request that it was let out for."
        )
    return see_other(request, "connection", message=said, connection=connection.id)


async def _begun(request: Request, connector: Connector) -> Response:
    persona = request.query_params.get("persona", "")

    def found() -> Asked:
        one = connector.connection(request.path_params["connection"])
        form = grantform.of_grant(persona, _grant(connector, persona, one))
        return Asked(connection=one, form=form, change=None, faults={})

    return _form(request, await run_in_threadpool(found))


def _compared(request: Request, connector: Connector) -> Asked:
    """Checks what was sent, and compares it with what is."""
    form = grantform.of_form(form_of(request))
    one = connector.connection(request.path_params["connection"])
    if not one.active:
        raise HTTPException(409, f"{one.name} was revoked: nothing can be granted over it.")
    terms = form.terms(now=datetime.now(UTC))
    faults = grantform.faults_by_field(connector.grants.faults(form.persona, terms))
    if faults:
        return Asked(connection=one, form=form, change=None, faults=faults)
    entry = Entry(persona=form.persona, connection=one.id, terms=terms, place="The form")
    change = connector.grants.compare((entry,))[0]
    return Asked(connection=one, form=form, change=change, faults={})


def _is_stale(form: GrantForm, change: Change) -> bool:
    """Tells whether the grant is another one by now than the one that was shown."""
    return form.seen != _revision(change.before)


def _revision(grant: Grant | None) -> str:
    return "" if grant is None else str(grant.revision)


def _shown(request: Request, asked: Asked, change: Change) -> Response:
    """Draws what a change would mean, with all that was sent for the one who confirms it."""
    connector, after = connector_of(request), change.after
    assert after is not None  # noqa: S101 - a form gives a grant, and ends none
    final = grantform.of_terms(after.terms, persona=asked.form.persona, seen=asked.form.seen)
    return page(
        request,
        "grant_confirm.html",
        section="overview",
        connection=asked.connection,
        form=final,
        difference=difference(connector.manifest, change),
        matrix=matrix(connector.manifest, after.terms, after.actions),
        effects=EFFECTS,
        fresh=change.before is None or not change.before.active,
    )


def _form(
    request: Request, asked: Asked, *, change: Change | None = None, status: int = 200
) -> Response:
    """Draws the form; with a change, what somebody else has made of the grant meanwhile."""
    connector, form = connector_of(request), asked.form
    before = None if change is None else change.before
    if change is not None:
        form = replace(form, seen=_revision(before))
    manifest = connector.manifest
    return page(
        request,
        "grant_form.html",
        section="overview",
        status=status,
        connection=asked.connection,
        form=form,
        faults=asked.faults,
        stale=None if change is None else difference(manifest, change),
        theirs=before,
        now=lines(manifest, *held(manifest, before)) if change is not None else (),
        matrix=matrix(manifest, *held(manifest, before)),
        effects=EFFECTS,
        resources=[(one, titled(one)) for one in resources(manifest)],
        actions=in_order(manifest),
        scopes=sorted({one.scope for one in manifest.actions.values()}),
        spare=grantform.SPARE,
        fresh=not asked.form.seen,
    )


def _grant(connector: Connector, persona: str, connection: Connection) -> Grant | None:
    try:
        return connector.grants.one(persona, connection.id)
    except UnknownGrantError:
        return None


ROUTES: Final = (
    Route("/connections/{connection}/grant", grant, name="grant"),
    Route(
        "/connections/{connection}/grant/edit",
        grant_edit,
        methods=["GET", "POST"],
        name="grant_edit",
    ),
    Route(
        "/connections/{connection}/grant/end", grant_end, methods=["GET", "POST"], name="grant_end"
    ),
)
