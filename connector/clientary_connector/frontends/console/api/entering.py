"""Lets in whoever asks the admin API: by a bearer token of the kind `admin`, and by its role.

1. No cookie of ours counts, so that no page of another site can ask in the name of who reads it.
   Where the host has said that its own sign-in is to count here too, that does, without a token.
2. A token is looked up with every request: one that was revoked is refused at once.
3. What is wrong with a token is told to nobody but in one sentence; the token is never repeated.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from clientary_connector.connector import Connector
from clientary_connector.errors import TokenRefusedError
from clientary_connector.frontends.console.api.problems import ProblemError
from clientary_connector.frontends.console.desk import connector_of, desk_of, visit_of
from clientary_connector.people import Person, Role

ADMIN: Final = "admin"
SCHEME: Final = "Bearer"
HINT: Final = "Send `Authorization: Bearer TOKEN`, with a token for the admin API."


async def enter(request: Request, role: Role) -> Person:
    """Returns who asks, if the role suffices.

    Raises:
        ProblemError: Nobody is known by that token, or its role does not reach that far.
    """
    header = request.headers.get("authorization", "")
    desk = desk_of(request)
    # A session of our own does not count: forms are bound to it, and requests here are not.
    by_host = desk.who_for_api and desk.host_signs_in and not header
    person = visit_of(request).person if by_host else None
    person = person or await _person(connector_of(request), header)
    if not person.role.covers(role):
        raise ProblemError(
            403,
            f"This takes the role {role.value}; yours is {person.role.value}.",
            hint=f"Use a token of the role {role.value}.",
        )
    return person


async def _person(connector: Connector, header: str) -> Person:
    """Returns whose token was shown.

    Raises:
        ProblemError: It is none, or counts no more.
    """
    scheme, _, text = header.partition(" ")
    if scheme.lower() != SCHEME.lower() or not text.strip():
        raise ProblemError(
            401, "There is no token.", hint=HINT, headers={"WWW-Authenticate": SCHEME}
        )
    try:
        token = await connector.tokens.admit(text.strip(), kind=ADMIN)
    except TokenRefusedError as error:
        said = error.message
    else:
        return Person(token.user, Role(str(token.role)))
    refused = {"WWW-Authenticate": f'{SCHEME} error="invalid_token"'}
    raise ProblemError(401, said, hint=HINT, headers=refused)
