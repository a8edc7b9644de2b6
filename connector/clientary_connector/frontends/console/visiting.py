"""Finds out who sends a request: the host says so, or a session of the console's own.

1. Where the host signs people in, it is asked at every request, within a time limit, and nothing
   is remembered. Where it fails to answer, nobody is let in.
2. Else the session of the cookie counts, for as long as it lasts, and as long as its user is who
   it was: one that was removed, or has another role or password, is signed out by that.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clientary_connector.frontends.console import cookies
from clientary_connector.frontends.console.desk import PERSON, Desk, Visit, desk_of
from clientary_connector.hosting import HookFailedError
from clientary_connector.people import Person, Role

#: A script of ours says so where nobody has pressed anything.
BACKGROUND: Final = "x-background"
UNSAID: Final = "The host of this page could not say who you are. Try again in a moment."
_log: Final = logging.getLogger(__name__)


class Visits:
    """Puts the visit on every request, and gives a new browser what its forms are bound to."""

    def __init__(self, app: ASGIApp) -> None:
        """Takes the pages."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        # What goes wrong while we look is drawn as the page of somebody who is not signed in.
        request.state.visit = Visit(person=None)
        request.state.visit = visit = await _visit(request, desk_of(request))

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start" and visit.bound and visit.fresh:
                _bind(message, request, visit)
            await send(message)

        await self._app(scope, receive, bound)


async def _visit(request: Request, desk: Desk) -> Visit:
    if not desk.host_signs_in:
        return _own(request, desk)
    try:
        async with asyncio.timeout(desk.connector.settings.hook_answer_s):
            person = await _said(request, desk)
    except (HookFailedError, TimeoutError) as error:
        _log.error("The host did not say who a person is: %s", str(error) or "it took too long.")
        raise HTTPException(503, UNSAID) from None
    # A role that is none of ours is the host's mistake, and lets nobody in.
    checked = None if person is None else Person(person.name, Role(person.role))
    return _by_cookie(request, checked)


async def _said(request: Request, desk: Desk) -> Person | None:
    answer: Person | Awaitable[Person | None] | None
    if desk.who is not None:
        answer = desk.who(request)
    else:
        answers = await run_in_threadpool(desk.connector.hosting.ask, PERSON, request=request)
        answer = answers[0] if answers else None
    return await answer if inspect.isawaitable(answer) else answer


def _own(request: Request, desk: Desk) -> Visit:
    token = cookies.cookie(request, cookies.SESSION)
    session = None if token is None else desk.sessions.find(token, use=not _is_background(request))
    if token is None or session is None:
        return _by_cookie(request, None)
    if session.user and desk.connector.users.stamp(session.user) != session.stamp:
        desk.sessions.end(token)
        return _by_cookie(request, None)
    return Visit(person=session.person, session=token, binding=token, fresh=False)


def _is_background(request: Request) -> bool:
    """Says whether a page asks by itself: who has left the browser has left the console."""
    return BACKGROUND in request.headers


def _by_cookie(request: Request, person: Person | None) -> Visit:
    held = cookies.cookie(request, cookies.BINDING)
    if held:
        return Visit(person=person, binding=held, fresh=False)
    return Visit(person=person)


def _bind(message: Message, request: Request, visit: Visit) -> None:
    carrier = Response()
    cookies.set_cookie(carrier, request, cookies.BINDING, visit.binding)
    MutableHeaders(scope=message).append("set-cookie", carrier.headers["set-cookie"])
