"""Lets nobody reach an endpoint without the role that it needs.

1. Every endpoint says which role it needs, or that it is open to all, and why.
2. Who is not signed in is asked to sign in; who has too little a role is refused.
3. A form is read and checked before the endpoint sees it, so that none can leave that out.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from clientary_connector.frontends.console.desk import visit_of
from clientary_connector.frontends.console.forms import read_form
from clientary_connector.people import Person, Role

__all__ = ["Person", "Role", "SignInNeededError", "needs", "open_to_all", "role_of"]

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
#: What an endpoint carries that is open to all.
OPEN: Final = "open"


class SignInNeededError(Exception):
    """Nobody is signed in, and the endpoint needs somebody."""


def needs(role: Role | str) -> Callable[[Endpoint], Endpoint]:
    """Lets only people of a role, or one above it, reach an endpoint."""
    needed = Role(role)

    def guard(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            person = visit_of(request).person
            if person is None:
                raise SignInNeededError
            if not person.role.covers(needed):
                raise HTTPException(
                    403,
                    f"This needs the role {needed.value}; your role is {person.role.value}.",
                )
            return await _run(endpoint, request)

        setattr(guarded, OPEN, needed)
        return guarded

    return guard


def open_to_all(why: str) -> Callable[[Endpoint], Endpoint]:
    """Lets everybody reach an endpoint; the reason stands where it is said."""
    assert why  # noqa: S101 - a sentence for the reader of the code

    def guard(endpoint: Endpoint) -> Endpoint:
        @functools.wraps(endpoint)
        async def guarded(request: Request) -> Response:
            return await _run(endpoint, request)

        setattr(guarded, OPEN, OPEN)
        return guarded

    return guard


def role_of(endpoint: object) -> Role | str | None:
    """Returns the role that an endpoint needs, `open` for none, None where it does not say."""
    return cast("Role | str | None", getattr(endpoint, OPEN, None))


async def _run(endpoint: Endpoint, request: Request) -> Response:
    if request.method == "POST":
        request.state.form = await read_form(request)
    return await endpoint(request)
